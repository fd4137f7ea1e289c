import datetime

from gateway.api.pb import options_pb2 as _options_pb2
from gateway.api.pb import types_pb2 as _types_pb2
from google.protobuf import field_mask_pb2 as _field_mask_pb2
from google.protobuf import timestamp_pb2 as _timestamp_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class ColumnRole(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    COLUMN_ROLE_UNSPECIFIED: _ClassVar[ColumnRole]
    COLUMN_ROLE_DIRECT_IDENTIFIER: _ClassVar[ColumnRole]
    COLUMN_ROLE_QUASI_IDENTIFIER: _ClassVar[ColumnRole]
    COLUMN_ROLE_SENSITIVE: _ClassVar[ColumnRole]
    COLUMN_ROLE_OTHER: _ClassVar[ColumnRole]

class DataSetState(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    DATA_SET_STATE_UNSPECIFIED: _ClassVar[DataSetState]
    DATA_SET_STATE_AWAITING_RECORDS: _ClassVar[DataSetState]
    DATA_SET_STATE_ACTIVE: _ClassVar[DataSetState]
    DATA_SET_STATE_WITHDRAWN: _ClassVar[DataSetState]

class ClassificationState(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    CLASSIFICATION_STATE_UNSPECIFIED: _ClassVar[ClassificationState]
    CLASSIFICATION_STATE_PENDING: _ClassVar[ClassificationState]
    CLASSIFICATION_STATE_RUNNING: _ClassVar[ClassificationState]
    CLASSIFICATION_STATE_DONE: _ClassVar[ClassificationState]
    CLASSIFICATION_STATE_FAILED: _ClassVar[ClassificationState]
COLUMN_ROLE_UNSPECIFIED: ColumnRole
COLUMN_ROLE_DIRECT_IDENTIFIER: ColumnRole
COLUMN_ROLE_QUASI_IDENTIFIER: ColumnRole
COLUMN_ROLE_SENSITIVE: ColumnRole
COLUMN_ROLE_OTHER: ColumnRole
DATA_SET_STATE_UNSPECIFIED: DataSetState
DATA_SET_STATE_AWAITING_RECORDS: DataSetState
DATA_SET_STATE_ACTIVE: DataSetState
DATA_SET_STATE_WITHDRAWN: DataSetState
CLASSIFICATION_STATE_UNSPECIFIED: ClassificationState
CLASSIFICATION_STATE_PENDING: ClassificationState
CLASSIFICATION_STATE_RUNNING: ClassificationState
CLASSIFICATION_STATE_DONE: ClassificationState
CLASSIFICATION_STATE_FAILED: ClassificationState

class Evidence(_message.Message):
    __slots__ = ("kind", "entity", "detail", "detail_zh", "weight")
    KIND_FIELD_NUMBER: _ClassVar[int]
    ENTITY_FIELD_NUMBER: _ClassVar[int]
    DETAIL_FIELD_NUMBER: _ClassVar[int]
    DETAIL_ZH_FIELD_NUMBER: _ClassVar[int]
    WEIGHT_FIELD_NUMBER: _ClassVar[int]
    kind: str
    entity: str
    detail: str
    detail_zh: str
    weight: int
    def __init__(self, kind: _Optional[str] = ..., entity: _Optional[str] = ..., detail: _Optional[str] = ..., detail_zh: _Optional[str] = ..., weight: _Optional[int] = ...) -> None: ...

class Coverage(_message.Message):
    __slots__ = ("rows", "present", "sampled", "stopped")
    ROWS_FIELD_NUMBER: _ClassVar[int]
    PRESENT_FIELD_NUMBER: _ClassVar[int]
    SAMPLED_FIELD_NUMBER: _ClassVar[int]
    STOPPED_FIELD_NUMBER: _ClassVar[int]
    rows: int
    present: int
    sampled: int
    stopped: bool
    def __init__(self, rows: _Optional[int] = ..., present: _Optional[int] = ..., sampled: _Optional[int] = ..., stopped: _Optional[bool] = ...) -> None: ...

class Declaration(_message.Message):
    __slots__ = ("party", "role", "reason", "time", "until")
    PARTY_FIELD_NUMBER: _ClassVar[int]
    ROLE_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    TIME_FIELD_NUMBER: _ClassVar[int]
    UNTIL_FIELD_NUMBER: _ClassVar[int]
    party: str
    role: _options_pb2.PartyRole
    reason: str
    time: _timestamp_pb2.Timestamp
    until: _timestamp_pb2.Timestamp
    def __init__(self, party: _Optional[str] = ..., role: _Optional[_Union[_options_pb2.PartyRole, str]] = ..., reason: _Optional[str] = ..., time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., until: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class Finding(_message.Message):
    __slots__ = ("entity", "grade", "role", "confidence_percent", "evidence", "coverage", "rules")
    ENTITY_FIELD_NUMBER: _ClassVar[int]
    GRADE_FIELD_NUMBER: _ClassVar[int]
    ROLE_FIELD_NUMBER: _ClassVar[int]
    CONFIDENCE_PERCENT_FIELD_NUMBER: _ClassVar[int]
    EVIDENCE_FIELD_NUMBER: _ClassVar[int]
    COVERAGE_FIELD_NUMBER: _ClassVar[int]
    RULES_FIELD_NUMBER: _ClassVar[int]
    entity: str
    grade: str
    role: ColumnRole
    confidence_percent: int
    evidence: _containers.RepeatedCompositeFieldContainer[Evidence]
    coverage: Coverage
    rules: str
    def __init__(self, entity: _Optional[str] = ..., grade: _Optional[str] = ..., role: _Optional[_Union[ColumnRole, str]] = ..., confidence_percent: _Optional[int] = ..., evidence: _Optional[_Iterable[_Union[Evidence, _Mapping]]] = ..., coverage: _Optional[_Union[Coverage, _Mapping]] = ..., rules: _Optional[str] = ...) -> None: ...

class Column(_message.Message):
    __slots__ = ("name", "type", "nullable", "description", "element", "unit", "entity", "grade", "role", "evidence", "confidence_percent", "declared", "coverage", "rules", "declaration", "found", "bounds", "groups")
    NAME_FIELD_NUMBER: _ClassVar[int]
    TYPE_FIELD_NUMBER: _ClassVar[int]
    NULLABLE_FIELD_NUMBER: _ClassVar[int]
    DESCRIPTION_FIELD_NUMBER: _ClassVar[int]
    ELEMENT_FIELD_NUMBER: _ClassVar[int]
    UNIT_FIELD_NUMBER: _ClassVar[int]
    ENTITY_FIELD_NUMBER: _ClassVar[int]
    GRADE_FIELD_NUMBER: _ClassVar[int]
    ROLE_FIELD_NUMBER: _ClassVar[int]
    EVIDENCE_FIELD_NUMBER: _ClassVar[int]
    CONFIDENCE_PERCENT_FIELD_NUMBER: _ClassVar[int]
    DECLARED_FIELD_NUMBER: _ClassVar[int]
    COVERAGE_FIELD_NUMBER: _ClassVar[int]
    RULES_FIELD_NUMBER: _ClassVar[int]
    DECLARATION_FIELD_NUMBER: _ClassVar[int]
    FOUND_FIELD_NUMBER: _ClassVar[int]
    BOUNDS_FIELD_NUMBER: _ClassVar[int]
    GROUPS_FIELD_NUMBER: _ClassVar[int]
    name: str
    type: str
    nullable: bool
    description: str
    element: str
    unit: str
    entity: str
    grade: str
    role: ColumnRole
    evidence: _containers.RepeatedCompositeFieldContainer[Evidence]
    confidence_percent: int
    declared: bool
    coverage: Coverage
    rules: str
    declaration: Declaration
    found: Finding
    bounds: Bounds
    groups: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, name: _Optional[str] = ..., type: _Optional[str] = ..., nullable: _Optional[bool] = ..., description: _Optional[str] = ..., element: _Optional[str] = ..., unit: _Optional[str] = ..., entity: _Optional[str] = ..., grade: _Optional[str] = ..., role: _Optional[_Union[ColumnRole, str]] = ..., evidence: _Optional[_Iterable[_Union[Evidence, _Mapping]]] = ..., confidence_percent: _Optional[int] = ..., declared: _Optional[bool] = ..., coverage: _Optional[_Union[Coverage, _Mapping]] = ..., rules: _Optional[str] = ..., declaration: _Optional[_Union[Declaration, _Mapping]] = ..., found: _Optional[_Union[Finding, _Mapping]] = ..., bounds: _Optional[_Union[Bounds, _Mapping]] = ..., groups: _Optional[_Iterable[str]] = ...) -> None: ...

class Bounds(_message.Message):
    __slots__ = ("lower", "upper")
    LOWER_FIELD_NUMBER: _ClassVar[int]
    UPPER_FIELD_NUMBER: _ClassVar[int]
    lower: str
    upper: str
    def __init__(self, lower: _Optional[str] = ..., upper: _Optional[str] = ...) -> None: ...

class Contributions(_message.Message):
    __slots__ = ("groups", "rows", "one_row_per_person")
    GROUPS_FIELD_NUMBER: _ClassVar[int]
    ROWS_FIELD_NUMBER: _ClassVar[int]
    ONE_ROW_PER_PERSON_FIELD_NUMBER: _ClassVar[int]
    groups: int
    rows: int
    one_row_per_person: bool
    def __init__(self, groups: _Optional[int] = ..., rows: _Optional[int] = ..., one_row_per_person: _Optional[bool] = ...) -> None: ...

class ParquetSource(_message.Message):
    __slots__ = ("path",)
    PATH_FIELD_NUMBER: _ClassVar[int]
    path: str
    def __init__(self, path: _Optional[str] = ...) -> None: ...

class CsvSource(_message.Message):
    __slots__ = ("path", "delimiter", "encoding", "types", "null_values")
    class TypesEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: str
        def __init__(self, key: _Optional[str] = ..., value: _Optional[str] = ...) -> None: ...
    PATH_FIELD_NUMBER: _ClassVar[int]
    DELIMITER_FIELD_NUMBER: _ClassVar[int]
    ENCODING_FIELD_NUMBER: _ClassVar[int]
    TYPES_FIELD_NUMBER: _ClassVar[int]
    NULL_VALUES_FIELD_NUMBER: _ClassVar[int]
    path: str
    delimiter: str
    encoding: str
    types: _containers.ScalarMap[str, str]
    null_values: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, path: _Optional[str] = ..., delimiter: _Optional[str] = ..., encoding: _Optional[str] = ..., types: _Optional[_Mapping[str, str]] = ..., null_values: _Optional[_Iterable[str]] = ...) -> None: ...

class PostgresSource(_message.Message):
    __slots__ = ("connection", "table", "namespace")
    CONNECTION_FIELD_NUMBER: _ClassVar[int]
    TABLE_FIELD_NUMBER: _ClassVar[int]
    NAMESPACE_FIELD_NUMBER: _ClassVar[int]
    connection: str
    table: str
    namespace: str
    def __init__(self, connection: _Optional[str] = ..., table: _Optional[str] = ..., namespace: _Optional[str] = ...) -> None: ...

class PushedSource(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class Source(_message.Message):
    __slots__ = ("parquet", "csv", "postgres", "pushed")
    PARQUET_FIELD_NUMBER: _ClassVar[int]
    CSV_FIELD_NUMBER: _ClassVar[int]
    POSTGRES_FIELD_NUMBER: _ClassVar[int]
    PUSHED_FIELD_NUMBER: _ClassVar[int]
    parquet: ParquetSource
    csv: CsvSource
    postgres: PostgresSource
    pushed: PushedSource
    def __init__(self, parquet: _Optional[_Union[ParquetSource, _Mapping]] = ..., csv: _Optional[_Union[CsvSource, _Mapping]] = ..., postgres: _Optional[_Union[PostgresSource, _Mapping]] = ..., pushed: _Optional[_Union[PushedSource, _Mapping]] = ...) -> None: ...

class Classification(_message.Message):
    __slots__ = ("state", "columns_done", "columns_total", "number", "cause", "failure_reason", "failure_text", "declined_columns", "created", "updated")
    STATE_FIELD_NUMBER: _ClassVar[int]
    COLUMNS_DONE_FIELD_NUMBER: _ClassVar[int]
    COLUMNS_TOTAL_FIELD_NUMBER: _ClassVar[int]
    NUMBER_FIELD_NUMBER: _ClassVar[int]
    CAUSE_FIELD_NUMBER: _ClassVar[int]
    FAILURE_REASON_FIELD_NUMBER: _ClassVar[int]
    FAILURE_TEXT_FIELD_NUMBER: _ClassVar[int]
    DECLINED_COLUMNS_FIELD_NUMBER: _ClassVar[int]
    CREATED_FIELD_NUMBER: _ClassVar[int]
    UPDATED_FIELD_NUMBER: _ClassVar[int]
    state: ClassificationState
    columns_done: int
    columns_total: int
    number: int
    cause: str
    failure_reason: str
    failure_text: str
    declined_columns: _containers.RepeatedScalarFieldContainer[str]
    created: _timestamp_pb2.Timestamp
    updated: _timestamp_pb2.Timestamp
    def __init__(self, state: _Optional[_Union[ClassificationState, str]] = ..., columns_done: _Optional[int] = ..., columns_total: _Optional[int] = ..., number: _Optional[int] = ..., cause: _Optional[str] = ..., failure_reason: _Optional[str] = ..., failure_text: _Optional[str] = ..., declined_columns: _Optional[_Iterable[str]] = ..., created: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., updated: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class DataSet(_message.Message):
    __slots__ = ("name", "holder", "title", "description", "steward", "licence", "legal_basis", "retention_days", "update_cycle", "keywords", "privacy_unit", "source", "columns", "fingerprint", "rows", "state", "grade", "etag", "created", "updated", "classification", "affected_grants", "contributions")
    NAME_FIELD_NUMBER: _ClassVar[int]
    HOLDER_FIELD_NUMBER: _ClassVar[int]
    TITLE_FIELD_NUMBER: _ClassVar[int]
    DESCRIPTION_FIELD_NUMBER: _ClassVar[int]
    STEWARD_FIELD_NUMBER: _ClassVar[int]
    LICENCE_FIELD_NUMBER: _ClassVar[int]
    LEGAL_BASIS_FIELD_NUMBER: _ClassVar[int]
    RETENTION_DAYS_FIELD_NUMBER: _ClassVar[int]
    UPDATE_CYCLE_FIELD_NUMBER: _ClassVar[int]
    KEYWORDS_FIELD_NUMBER: _ClassVar[int]
    PRIVACY_UNIT_FIELD_NUMBER: _ClassVar[int]
    SOURCE_FIELD_NUMBER: _ClassVar[int]
    COLUMNS_FIELD_NUMBER: _ClassVar[int]
    FINGERPRINT_FIELD_NUMBER: _ClassVar[int]
    ROWS_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    GRADE_FIELD_NUMBER: _ClassVar[int]
    ETAG_FIELD_NUMBER: _ClassVar[int]
    CREATED_FIELD_NUMBER: _ClassVar[int]
    UPDATED_FIELD_NUMBER: _ClassVar[int]
    CLASSIFICATION_FIELD_NUMBER: _ClassVar[int]
    AFFECTED_GRANTS_FIELD_NUMBER: _ClassVar[int]
    CONTRIBUTIONS_FIELD_NUMBER: _ClassVar[int]
    name: str
    holder: str
    title: str
    description: str
    steward: str
    licence: str
    legal_basis: str
    retention_days: int
    update_cycle: str
    keywords: _containers.RepeatedScalarFieldContainer[str]
    privacy_unit: str
    source: Source
    columns: _containers.RepeatedCompositeFieldContainer[Column]
    fingerprint: str
    rows: int
    state: DataSetState
    grade: str
    etag: str
    created: _timestamp_pb2.Timestamp
    updated: _timestamp_pb2.Timestamp
    classification: Classification
    affected_grants: _containers.RepeatedCompositeFieldContainer[AffectedGrant]
    contributions: Contributions
    def __init__(self, name: _Optional[str] = ..., holder: _Optional[str] = ..., title: _Optional[str] = ..., description: _Optional[str] = ..., steward: _Optional[str] = ..., licence: _Optional[str] = ..., legal_basis: _Optional[str] = ..., retention_days: _Optional[int] = ..., update_cycle: _Optional[str] = ..., keywords: _Optional[_Iterable[str]] = ..., privacy_unit: _Optional[str] = ..., source: _Optional[_Union[Source, _Mapping]] = ..., columns: _Optional[_Iterable[_Union[Column, _Mapping]]] = ..., fingerprint: _Optional[str] = ..., rows: _Optional[int] = ..., state: _Optional[_Union[DataSetState, str]] = ..., grade: _Optional[str] = ..., etag: _Optional[str] = ..., created: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., updated: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., classification: _Optional[_Union[Classification, _Mapping]] = ..., affected_grants: _Optional[_Iterable[_Union[AffectedGrant, _Mapping]]] = ..., contributions: _Optional[_Union[Contributions, _Mapping]] = ...) -> None: ...

class AffectedGrant(_message.Message):
    __slots__ = ("grant", "consumer", "reasons")
    GRANT_FIELD_NUMBER: _ClassVar[int]
    CONSUMER_FIELD_NUMBER: _ClassVar[int]
    REASONS_FIELD_NUMBER: _ClassVar[int]
    grant: str
    consumer: str
    reasons: _containers.RepeatedCompositeFieldContainer[_types_pb2.Reason]
    def __init__(self, grant: _Optional[str] = ..., consumer: _Optional[str] = ..., reasons: _Optional[_Iterable[_Union[_types_pb2.Reason, _Mapping]]] = ...) -> None: ...

class RegisterDataSetRequest(_message.Message):
    __slots__ = ("request_id", "dataset_id", "dataset")
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    DATASET_ID_FIELD_NUMBER: _ClassVar[int]
    DATASET_FIELD_NUMBER: _ClassVar[int]
    request_id: str
    dataset_id: str
    dataset: DataSet
    def __init__(self, request_id: _Optional[str] = ..., dataset_id: _Optional[str] = ..., dataset: _Optional[_Union[DataSet, _Mapping]] = ...) -> None: ...

class UpdateDataSetRequest(_message.Message):
    __slots__ = ("request_id", "dataset", "update_mask")
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    DATASET_FIELD_NUMBER: _ClassVar[int]
    UPDATE_MASK_FIELD_NUMBER: _ClassVar[int]
    request_id: str
    dataset: DataSet
    update_mask: _field_mask_pb2.FieldMask
    def __init__(self, request_id: _Optional[str] = ..., dataset: _Optional[_Union[DataSet, _Mapping]] = ..., update_mask: _Optional[_Union[_field_mask_pb2.FieldMask, _Mapping]] = ...) -> None: ...

class RefreshDataSetRequest(_message.Message):
    __slots__ = ("request_id", "name")
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    request_id: str
    name: str
    def __init__(self, request_id: _Optional[str] = ..., name: _Optional[str] = ...) -> None: ...

class WithdrawDataSetRequest(_message.Message):
    __slots__ = ("request_id", "name")
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    request_id: str
    name: str
    def __init__(self, request_id: _Optional[str] = ..., name: _Optional[str] = ...) -> None: ...

class GetDataSetRequest(_message.Message):
    __slots__ = ("name",)
    NAME_FIELD_NUMBER: _ClassVar[int]
    name: str
    def __init__(self, name: _Optional[str] = ...) -> None: ...

class ListDataSetsRequest(_message.Message):
    __slots__ = ("page_size", "page_token", "query")
    PAGE_SIZE_FIELD_NUMBER: _ClassVar[int]
    PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    QUERY_FIELD_NUMBER: _ClassVar[int]
    page_size: int
    page_token: str
    query: str
    def __init__(self, page_size: _Optional[int] = ..., page_token: _Optional[str] = ..., query: _Optional[str] = ...) -> None: ...

class ListDataSetsResponse(_message.Message):
    __slots__ = ("datasets", "next_page_token")
    DATASETS_FIELD_NUMBER: _ClassVar[int]
    NEXT_PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    datasets: _containers.RepeatedCompositeFieldContainer[DataSet]
    next_page_token: str
    def __init__(self, datasets: _Optional[_Iterable[_Union[DataSet, _Mapping]]] = ..., next_page_token: _Optional[str] = ...) -> None: ...

class PushRecordsHeader(_message.Message):
    __slots__ = ("request_id", "dataset")
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    DATASET_FIELD_NUMBER: _ClassVar[int]
    request_id: str
    dataset: str
    def __init__(self, request_id: _Optional[str] = ..., dataset: _Optional[str] = ...) -> None: ...

class PushRecordsRequest(_message.Message):
    __slots__ = ("header", "payload")
    HEADER_FIELD_NUMBER: _ClassVar[int]
    PAYLOAD_FIELD_NUMBER: _ClassVar[int]
    header: PushRecordsHeader
    payload: bytes
    def __init__(self, header: _Optional[_Union[PushRecordsHeader, _Mapping]] = ..., payload: _Optional[bytes] = ...) -> None: ...

class PushRecordsResponse(_message.Message):
    __slots__ = ("dataset",)
    DATASET_FIELD_NUMBER: _ClassVar[int]
    dataset: DataSet
    def __init__(self, dataset: _Optional[_Union[DataSet, _Mapping]] = ...) -> None: ...
