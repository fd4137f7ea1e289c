from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class Outcome(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    OUTCOME_UNSPECIFIED: _ClassVar[Outcome]
    OUTCOME_DENIED: _ClassVar[Outcome]
    OUTCOME_PERMITTED_WITH_OBLIGATIONS: _ClassVar[Outcome]
    OUTCOME_PERMITTED: _ClassVar[Outcome]
OUTCOME_UNSPECIFIED: Outcome
OUTCOME_DENIED: Outcome
OUTCOME_PERMITTED_WITH_OBLIGATIONS: Outcome
OUTCOME_PERMITTED: Outcome

class Condition(_message.Message):
    __slots__ = ("column", "operator", "values")
    COLUMN_FIELD_NUMBER: _ClassVar[int]
    OPERATOR_FIELD_NUMBER: _ClassVar[int]
    VALUES_FIELD_NUMBER: _ClassVar[int]
    column: str
    operator: str
    values: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, column: _Optional[str] = ..., operator: _Optional[str] = ..., values: _Optional[_Iterable[str]] = ...) -> None: ...

class ExtractRequest(_message.Message):
    __slots__ = ("dataset", "columns", "purpose", "project", "filters", "limit")
    DATASET_FIELD_NUMBER: _ClassVar[int]
    COLUMNS_FIELD_NUMBER: _ClassVar[int]
    PURPOSE_FIELD_NUMBER: _ClassVar[int]
    PROJECT_FIELD_NUMBER: _ClassVar[int]
    FILTERS_FIELD_NUMBER: _ClassVar[int]
    LIMIT_FIELD_NUMBER: _ClassVar[int]
    dataset: str
    columns: _containers.RepeatedScalarFieldContainer[str]
    purpose: str
    project: str
    filters: _containers.RepeatedCompositeFieldContainer[Condition]
    limit: int
    def __init__(self, dataset: _Optional[str] = ..., columns: _Optional[_Iterable[str]] = ..., purpose: _Optional[str] = ..., project: _Optional[str] = ..., filters: _Optional[_Iterable[_Union[Condition, _Mapping]]] = ..., limit: _Optional[int] = ...) -> None: ...

class Reason(_message.Message):
    __slots__ = ("code", "text", "rule", "column")
    CODE_FIELD_NUMBER: _ClassVar[int]
    TEXT_FIELD_NUMBER: _ClassVar[int]
    RULE_FIELD_NUMBER: _ClassVar[int]
    COLUMN_FIELD_NUMBER: _ClassVar[int]
    code: str
    text: str
    rule: str
    column: str
    def __init__(self, code: _Optional[str] = ..., text: _Optional[str] = ..., rule: _Optional[str] = ..., column: _Optional[str] = ...) -> None: ...

class ColumnDecision(_message.Message):
    __slots__ = ("column", "published", "transform", "transform_json", "rules")
    COLUMN_FIELD_NUMBER: _ClassVar[int]
    PUBLISHED_FIELD_NUMBER: _ClassVar[int]
    TRANSFORM_FIELD_NUMBER: _ClassVar[int]
    TRANSFORM_JSON_FIELD_NUMBER: _ClassVar[int]
    RULES_FIELD_NUMBER: _ClassVar[int]
    column: str
    published: str
    transform: str
    transform_json: str
    rules: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, column: _Optional[str] = ..., published: _Optional[str] = ..., transform: _Optional[str] = ..., transform_json: _Optional[str] = ..., rules: _Optional[_Iterable[str]] = ...) -> None: ...

class PolicyRef(_message.Message):
    __slots__ = ("name", "version", "digest")
    NAME_FIELD_NUMBER: _ClassVar[int]
    VERSION_FIELD_NUMBER: _ClassVar[int]
    DIGEST_FIELD_NUMBER: _ClassVar[int]
    name: str
    version: int
    digest: str
    def __init__(self, name: _Optional[str] = ..., version: _Optional[int] = ..., digest: _Optional[str] = ...) -> None: ...

class Decision(_message.Message):
    __slots__ = ("outcome", "reasons", "columns", "policies", "grant", "sample_percent", "max_rows", "min_cell_size", "expires_after_days", "max_grade")
    OUTCOME_FIELD_NUMBER: _ClassVar[int]
    REASONS_FIELD_NUMBER: _ClassVar[int]
    COLUMNS_FIELD_NUMBER: _ClassVar[int]
    POLICIES_FIELD_NUMBER: _ClassVar[int]
    GRANT_FIELD_NUMBER: _ClassVar[int]
    SAMPLE_PERCENT_FIELD_NUMBER: _ClassVar[int]
    MAX_ROWS_FIELD_NUMBER: _ClassVar[int]
    MIN_CELL_SIZE_FIELD_NUMBER: _ClassVar[int]
    EXPIRES_AFTER_DAYS_FIELD_NUMBER: _ClassVar[int]
    MAX_GRADE_FIELD_NUMBER: _ClassVar[int]
    outcome: Outcome
    reasons: _containers.RepeatedCompositeFieldContainer[Reason]
    columns: _containers.RepeatedCompositeFieldContainer[ColumnDecision]
    policies: _containers.RepeatedCompositeFieldContainer[PolicyRef]
    grant: str
    sample_percent: int
    max_rows: int
    min_cell_size: int
    expires_after_days: int
    max_grade: str
    def __init__(self, outcome: _Optional[_Union[Outcome, str]] = ..., reasons: _Optional[_Iterable[_Union[Reason, _Mapping]]] = ..., columns: _Optional[_Iterable[_Union[ColumnDecision, _Mapping]]] = ..., policies: _Optional[_Iterable[_Union[PolicyRef, _Mapping]]] = ..., grant: _Optional[str] = ..., sample_percent: _Optional[int] = ..., max_rows: _Optional[int] = ..., min_cell_size: _Optional[int] = ..., expires_after_days: _Optional[int] = ..., max_grade: _Optional[str] = ...) -> None: ...

class PlanStep(_message.Message):
    __slots__ = ("column", "published", "source_type", "output_type", "transform_json", "key_domain", "subject", "key_version", "finds", "grade", "recoded")
    COLUMN_FIELD_NUMBER: _ClassVar[int]
    PUBLISHED_FIELD_NUMBER: _ClassVar[int]
    SOURCE_TYPE_FIELD_NUMBER: _ClassVar[int]
    OUTPUT_TYPE_FIELD_NUMBER: _ClassVar[int]
    TRANSFORM_JSON_FIELD_NUMBER: _ClassVar[int]
    KEY_DOMAIN_FIELD_NUMBER: _ClassVar[int]
    SUBJECT_FIELD_NUMBER: _ClassVar[int]
    KEY_VERSION_FIELD_NUMBER: _ClassVar[int]
    FINDS_FIELD_NUMBER: _ClassVar[int]
    GRADE_FIELD_NUMBER: _ClassVar[int]
    RECODED_FIELD_NUMBER: _ClassVar[int]
    column: str
    published: str
    source_type: str
    output_type: str
    transform_json: str
    key_domain: str
    subject: str
    key_version: int
    finds: _containers.RepeatedCompositeFieldContainer[FindKey]
    grade: str
    recoded: bool
    def __init__(self, column: _Optional[str] = ..., published: _Optional[str] = ..., source_type: _Optional[str] = ..., output_type: _Optional[str] = ..., transform_json: _Optional[str] = ..., key_domain: _Optional[str] = ..., subject: _Optional[str] = ..., key_version: _Optional[int] = ..., finds: _Optional[_Iterable[_Union[FindKey, _Mapping]]] = ..., grade: _Optional[str] = ..., recoded: _Optional[bool] = ...) -> None: ...

class FindKey(_message.Message):
    __slots__ = ("entity", "key_domain", "key_version")
    ENTITY_FIELD_NUMBER: _ClassVar[int]
    KEY_DOMAIN_FIELD_NUMBER: _ClassVar[int]
    KEY_VERSION_FIELD_NUMBER: _ClassVar[int]
    entity: str
    key_domain: str
    key_version: int
    def __init__(self, entity: _Optional[str] = ..., key_domain: _Optional[str] = ..., key_version: _Optional[int] = ...) -> None: ...

class Plan(_message.Message):
    __slots__ = ("digest", "steps", "checks", "charge_rows", "canonical_json", "grade")
    DIGEST_FIELD_NUMBER: _ClassVar[int]
    STEPS_FIELD_NUMBER: _ClassVar[int]
    CHECKS_FIELD_NUMBER: _ClassVar[int]
    CHARGE_ROWS_FIELD_NUMBER: _ClassVar[int]
    CANONICAL_JSON_FIELD_NUMBER: _ClassVar[int]
    GRADE_FIELD_NUMBER: _ClassVar[int]
    digest: str
    steps: _containers.RepeatedCompositeFieldContainer[PlanStep]
    checks: _containers.RepeatedScalarFieldContainer[str]
    charge_rows: int
    canonical_json: str
    grade: str
    def __init__(self, digest: _Optional[str] = ..., steps: _Optional[_Iterable[_Union[PlanStep, _Mapping]]] = ..., checks: _Optional[_Iterable[str]] = ..., charge_rows: _Optional[int] = ..., canonical_json: _Optional[str] = ..., grade: _Optional[str] = ...) -> None: ...
