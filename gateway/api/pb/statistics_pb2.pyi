import datetime

from gateway.api.pb import options_pb2 as _options_pb2
from gateway.api.pb import release_pb2 as _release_pb2
from gateway.api.pb import types_pb2 as _types_pb2
from google.protobuf import timestamp_pb2 as _timestamp_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class AnswerState(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    ANSWER_STATE_UNSPECIFIED: _ClassVar[AnswerState]
    ANSWER_STATE_DENIED: _ClassVar[AnswerState]
    ANSWER_STATE_OPENED: _ClassVar[AnswerState]
    ANSWER_STATE_SEALED: _ClassVar[AnswerState]
    ANSWER_STATE_FAILED: _ClassVar[AnswerState]
    ANSWER_STATE_EXPIRED: _ClassVar[AnswerState]

class BudgetKind(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    BUDGET_KIND_UNSPECIFIED: _ClassVar[BudgetKind]
    BUDGET_KIND_RECIPIENT: _ClassVar[BudgetKind]
    BUDGET_KIND_DATA_SET: _ClassVar[BudgetKind]
    BUDGET_KIND_PROJECT: _ClassVar[BudgetKind]

class BudgetState(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    BUDGET_STATE_UNSPECIFIED: _ClassVar[BudgetState]
    BUDGET_STATE_PROPOSED: _ClassVar[BudgetState]
    BUDGET_STATE_ACTIVE: _ClassVar[BudgetState]
    BUDGET_STATE_CHANGING: _ClassVar[BudgetState]
    BUDGET_STATE_WITHDRAWN: _ClassVar[BudgetState]

class ModelKind(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    MODEL_KIND_UNSPECIFIED: _ClassVar[ModelKind]
    MODEL_KIND_LINEAR_REGRESSION: _ClassVar[ModelKind]
    MODEL_KIND_LOGISTIC_REGRESSION: _ClassVar[ModelKind]
    MODEL_KIND_NAIVE_BAYES: _ClassVar[ModelKind]
    MODEL_KIND_K_MEANS: _ClassVar[ModelKind]
    MODEL_KIND_PRINCIPAL_COMPONENTS: _ClassVar[ModelKind]
    MODEL_KIND_STANDARD_SCALER: _ClassVar[ModelKind]
    MODEL_KIND_RANDOM_FOREST: _ClassVar[ModelKind]
ANSWER_STATE_UNSPECIFIED: AnswerState
ANSWER_STATE_DENIED: AnswerState
ANSWER_STATE_OPENED: AnswerState
ANSWER_STATE_SEALED: AnswerState
ANSWER_STATE_FAILED: AnswerState
ANSWER_STATE_EXPIRED: AnswerState
BUDGET_KIND_UNSPECIFIED: BudgetKind
BUDGET_KIND_RECIPIENT: BudgetKind
BUDGET_KIND_DATA_SET: BudgetKind
BUDGET_KIND_PROJECT: BudgetKind
BUDGET_STATE_UNSPECIFIED: BudgetState
BUDGET_STATE_PROPOSED: BudgetState
BUDGET_STATE_ACTIVE: BudgetState
BUDGET_STATE_CHANGING: BudgetState
BUDGET_STATE_WITHDRAWN: BudgetState
MODEL_KIND_UNSPECIFIED: ModelKind
MODEL_KIND_LINEAR_REGRESSION: ModelKind
MODEL_KIND_LOGISTIC_REGRESSION: ModelKind
MODEL_KIND_NAIVE_BAYES: ModelKind
MODEL_KIND_K_MEANS: ModelKind
MODEL_KIND_PRINCIPAL_COMPONENTS: ModelKind
MODEL_KIND_STANDARD_SCALER: ModelKind
MODEL_KIND_RANDOM_FOREST: ModelKind

class QueryRequest(_message.Message):
    __slots__ = ("request_id", "validate_only", "dataset", "sql", "purpose", "project", "epsilon", "delta", "groups", "rows", "minimum_frequency")
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    VALIDATE_ONLY_FIELD_NUMBER: _ClassVar[int]
    DATASET_FIELD_NUMBER: _ClassVar[int]
    SQL_FIELD_NUMBER: _ClassVar[int]
    PURPOSE_FIELD_NUMBER: _ClassVar[int]
    PROJECT_FIELD_NUMBER: _ClassVar[int]
    EPSILON_FIELD_NUMBER: _ClassVar[int]
    DELTA_FIELD_NUMBER: _ClassVar[int]
    GROUPS_FIELD_NUMBER: _ClassVar[int]
    ROWS_FIELD_NUMBER: _ClassVar[int]
    MINIMUM_FREQUENCY_FIELD_NUMBER: _ClassVar[int]
    request_id: str
    validate_only: bool
    dataset: str
    sql: str
    purpose: str
    project: str
    epsilon: str
    delta: str
    groups: int
    rows: int
    minimum_frequency: int
    def __init__(self, request_id: _Optional[str] = ..., validate_only: _Optional[bool] = ..., dataset: _Optional[str] = ..., sql: _Optional[str] = ..., purpose: _Optional[str] = ..., project: _Optional[str] = ..., epsilon: _Optional[str] = ..., delta: _Optional[str] = ..., groups: _Optional[int] = ..., rows: _Optional[int] = ..., minimum_frequency: _Optional[int] = ...) -> None: ...

class ModelFeature(_message.Message):
    __slots__ = ("column", "lower", "upper")
    COLUMN_FIELD_NUMBER: _ClassVar[int]
    LOWER_FIELD_NUMBER: _ClassVar[int]
    UPPER_FIELD_NUMBER: _ClassVar[int]
    column: str
    lower: str
    upper: str
    def __init__(self, column: _Optional[str] = ..., lower: _Optional[str] = ..., upper: _Optional[str] = ...) -> None: ...

class FitModelRequest(_message.Message):
    __slots__ = ("request_id", "validate_only", "dataset", "purpose", "project", "epsilon", "where", "kind", "features", "target", "label", "classes", "rows", "clusters", "components", "trees", "depth")
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    VALIDATE_ONLY_FIELD_NUMBER: _ClassVar[int]
    DATASET_FIELD_NUMBER: _ClassVar[int]
    PURPOSE_FIELD_NUMBER: _ClassVar[int]
    PROJECT_FIELD_NUMBER: _ClassVar[int]
    EPSILON_FIELD_NUMBER: _ClassVar[int]
    WHERE_FIELD_NUMBER: _ClassVar[int]
    KIND_FIELD_NUMBER: _ClassVar[int]
    FEATURES_FIELD_NUMBER: _ClassVar[int]
    TARGET_FIELD_NUMBER: _ClassVar[int]
    LABEL_FIELD_NUMBER: _ClassVar[int]
    CLASSES_FIELD_NUMBER: _ClassVar[int]
    ROWS_FIELD_NUMBER: _ClassVar[int]
    CLUSTERS_FIELD_NUMBER: _ClassVar[int]
    COMPONENTS_FIELD_NUMBER: _ClassVar[int]
    TREES_FIELD_NUMBER: _ClassVar[int]
    DEPTH_FIELD_NUMBER: _ClassVar[int]
    request_id: str
    validate_only: bool
    dataset: str
    purpose: str
    project: str
    epsilon: str
    where: str
    kind: ModelKind
    features: _containers.RepeatedCompositeFieldContainer[ModelFeature]
    target: ModelFeature
    label: str
    classes: _containers.RepeatedScalarFieldContainer[str]
    rows: int
    clusters: int
    components: int
    trees: int
    depth: int
    def __init__(self, request_id: _Optional[str] = ..., validate_only: _Optional[bool] = ..., dataset: _Optional[str] = ..., purpose: _Optional[str] = ..., project: _Optional[str] = ..., epsilon: _Optional[str] = ..., where: _Optional[str] = ..., kind: _Optional[_Union[ModelKind, str]] = ..., features: _Optional[_Iterable[_Union[ModelFeature, _Mapping]]] = ..., target: _Optional[_Union[ModelFeature, _Mapping]] = ..., label: _Optional[str] = ..., classes: _Optional[_Iterable[str]] = ..., rows: _Optional[int] = ..., clusters: _Optional[int] = ..., components: _Optional[int] = ..., trees: _Optional[int] = ..., depth: _Optional[int] = ...) -> None: ...

class Answer(_message.Message):
    __slots__ = ("name", "consumer", "dataset", "sql", "purpose", "project", "state", "decision", "price", "left", "reused", "ending_reason", "ending_text", "refunded", "table", "table_sha256", "certificate", "created", "updated", "expires", "chunks")
    NAME_FIELD_NUMBER: _ClassVar[int]
    CONSUMER_FIELD_NUMBER: _ClassVar[int]
    DATASET_FIELD_NUMBER: _ClassVar[int]
    SQL_FIELD_NUMBER: _ClassVar[int]
    PURPOSE_FIELD_NUMBER: _ClassVar[int]
    PROJECT_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    DECISION_FIELD_NUMBER: _ClassVar[int]
    PRICE_FIELD_NUMBER: _ClassVar[int]
    LEFT_FIELD_NUMBER: _ClassVar[int]
    REUSED_FIELD_NUMBER: _ClassVar[int]
    ENDING_REASON_FIELD_NUMBER: _ClassVar[int]
    ENDING_TEXT_FIELD_NUMBER: _ClassVar[int]
    REFUNDED_FIELD_NUMBER: _ClassVar[int]
    TABLE_FIELD_NUMBER: _ClassVar[int]
    TABLE_SHA256_FIELD_NUMBER: _ClassVar[int]
    CERTIFICATE_FIELD_NUMBER: _ClassVar[int]
    CREATED_FIELD_NUMBER: _ClassVar[int]
    UPDATED_FIELD_NUMBER: _ClassVar[int]
    EXPIRES_FIELD_NUMBER: _ClassVar[int]
    CHUNKS_FIELD_NUMBER: _ClassVar[int]
    name: str
    consumer: str
    dataset: str
    sql: str
    purpose: str
    project: str
    state: AnswerState
    decision: QuestionDecision
    price: Price
    left: _containers.RepeatedCompositeFieldContainer[BudgetLeft]
    reused: bool
    ending_reason: str
    ending_text: str
    refunded: bool
    table: bytes
    table_sha256: str
    certificate: str
    created: _timestamp_pb2.Timestamp
    updated: _timestamp_pb2.Timestamp
    expires: _timestamp_pb2.Timestamp
    chunks: int
    def __init__(self, name: _Optional[str] = ..., consumer: _Optional[str] = ..., dataset: _Optional[str] = ..., sql: _Optional[str] = ..., purpose: _Optional[str] = ..., project: _Optional[str] = ..., state: _Optional[_Union[AnswerState, str]] = ..., decision: _Optional[_Union[QuestionDecision, _Mapping]] = ..., price: _Optional[_Union[Price, _Mapping]] = ..., left: _Optional[_Iterable[_Union[BudgetLeft, _Mapping]]] = ..., reused: _Optional[bool] = ..., ending_reason: _Optional[str] = ..., ending_text: _Optional[str] = ..., refunded: _Optional[bool] = ..., table: _Optional[bytes] = ..., table_sha256: _Optional[str] = ..., certificate: _Optional[str] = ..., created: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., updated: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., expires: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., chunks: _Optional[int] = ...) -> None: ...

class QuestionDecision(_message.Message):
    __slots__ = ("outcome", "reasons", "policies", "grants", "max_epsilon", "minimum_frequency", "expires_after_days")
    OUTCOME_FIELD_NUMBER: _ClassVar[int]
    REASONS_FIELD_NUMBER: _ClassVar[int]
    POLICIES_FIELD_NUMBER: _ClassVar[int]
    GRANTS_FIELD_NUMBER: _ClassVar[int]
    MAX_EPSILON_FIELD_NUMBER: _ClassVar[int]
    MINIMUM_FREQUENCY_FIELD_NUMBER: _ClassVar[int]
    EXPIRES_AFTER_DAYS_FIELD_NUMBER: _ClassVar[int]
    outcome: _types_pb2.Outcome
    reasons: _containers.RepeatedCompositeFieldContainer[_types_pb2.Reason]
    policies: _containers.RepeatedCompositeFieldContainer[_types_pb2.PolicyRef]
    grants: _containers.RepeatedScalarFieldContainer[str]
    max_epsilon: str
    minimum_frequency: int
    expires_after_days: int
    def __init__(self, outcome: _Optional[_Union[_types_pb2.Outcome, str]] = ..., reasons: _Optional[_Iterable[_Union[_types_pb2.Reason, _Mapping]]] = ..., policies: _Optional[_Iterable[_Union[_types_pb2.PolicyRef, _Mapping]]] = ..., grants: _Optional[_Iterable[str]] = ..., max_epsilon: _Optional[str] = ..., minimum_frequency: _Optional[int] = ..., expires_after_days: _Optional[int] = ...) -> None: ...

class Price(_message.Message):
    __slots__ = ("epsilon", "delta", "privacy_unit", "neighbouring", "errors", "remarks", "plan_digest", "plan_json", "affordable")
    EPSILON_FIELD_NUMBER: _ClassVar[int]
    DELTA_FIELD_NUMBER: _ClassVar[int]
    PRIVACY_UNIT_FIELD_NUMBER: _ClassVar[int]
    NEIGHBOURING_FIELD_NUMBER: _ClassVar[int]
    ERRORS_FIELD_NUMBER: _ClassVar[int]
    REMARKS_FIELD_NUMBER: _ClassVar[int]
    PLAN_DIGEST_FIELD_NUMBER: _ClassVar[int]
    PLAN_JSON_FIELD_NUMBER: _ClassVar[int]
    AFFORDABLE_FIELD_NUMBER: _ClassVar[int]
    epsilon: str
    delta: str
    privacy_unit: str
    neighbouring: str
    errors: _containers.RepeatedCompositeFieldContainer[ExpectedError]
    remarks: _containers.RepeatedScalarFieldContainer[str]
    plan_digest: str
    plan_json: str
    affordable: bool
    def __init__(self, epsilon: _Optional[str] = ..., delta: _Optional[str] = ..., privacy_unit: _Optional[str] = ..., neighbouring: _Optional[str] = ..., errors: _Optional[_Iterable[_Union[ExpectedError, _Mapping]]] = ..., remarks: _Optional[_Iterable[str]] = ..., plan_digest: _Optional[str] = ..., plan_json: _Optional[str] = ..., affordable: _Optional[bool] = ...) -> None: ...

class ExpectedError(_message.Message):
    __slots__ = ("column", "half_width", "mechanism", "grid", "note")
    COLUMN_FIELD_NUMBER: _ClassVar[int]
    HALF_WIDTH_FIELD_NUMBER: _ClassVar[int]
    MECHANISM_FIELD_NUMBER: _ClassVar[int]
    GRID_FIELD_NUMBER: _ClassVar[int]
    NOTE_FIELD_NUMBER: _ClassVar[int]
    column: str
    half_width: str
    mechanism: str
    grid: str
    note: str
    def __init__(self, column: _Optional[str] = ..., half_width: _Optional[str] = ..., mechanism: _Optional[str] = ..., grid: _Optional[str] = ..., note: _Optional[str] = ...) -> None: ...

class BudgetLeft(_message.Message):
    __slots__ = ("budget", "kind", "epsilon", "delta", "spent", "left")
    BUDGET_FIELD_NUMBER: _ClassVar[int]
    KIND_FIELD_NUMBER: _ClassVar[int]
    EPSILON_FIELD_NUMBER: _ClassVar[int]
    DELTA_FIELD_NUMBER: _ClassVar[int]
    SPENT_FIELD_NUMBER: _ClassVar[int]
    LEFT_FIELD_NUMBER: _ClassVar[int]
    budget: str
    kind: BudgetKind
    epsilon: str
    delta: str
    spent: str
    left: str
    def __init__(self, budget: _Optional[str] = ..., kind: _Optional[_Union[BudgetKind, str]] = ..., epsilon: _Optional[str] = ..., delta: _Optional[str] = ..., spent: _Optional[str] = ..., left: _Optional[str] = ...) -> None: ...

class GetAnswerRequest(_message.Message):
    __slots__ = ("name",)
    NAME_FIELD_NUMBER: _ClassVar[int]
    name: str
    def __init__(self, name: _Optional[str] = ...) -> None: ...

class ReadAnswerRequest(_message.Message):
    __slots__ = ("name", "offset")
    NAME_FIELD_NUMBER: _ClassVar[int]
    OFFSET_FIELD_NUMBER: _ClassVar[int]
    name: str
    offset: int
    def __init__(self, name: _Optional[str] = ..., offset: _Optional[int] = ...) -> None: ...

class ListAnswersRequest(_message.Message):
    __slots__ = ("page_size", "page_token", "dataset", "state")
    PAGE_SIZE_FIELD_NUMBER: _ClassVar[int]
    PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    DATASET_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    page_size: int
    page_token: str
    dataset: str
    state: AnswerState
    def __init__(self, page_size: _Optional[int] = ..., page_token: _Optional[str] = ..., dataset: _Optional[str] = ..., state: _Optional[_Union[AnswerState, str]] = ...) -> None: ...

class ListAnswersResponse(_message.Message):
    __slots__ = ("answers", "next_page_token")
    ANSWERS_FIELD_NUMBER: _ClassVar[int]
    NEXT_PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    answers: _containers.RepeatedCompositeFieldContainer[Answer]
    next_page_token: str
    def __init__(self, answers: _Optional[_Iterable[_Union[Answer, _Mapping]]] = ..., next_page_token: _Optional[str] = ...) -> None: ...

class Budget(_message.Message):
    __slots__ = ("name", "scope", "state", "epsilon", "delta", "spent", "left", "charges", "proposal", "approved_by", "approved", "etag", "burn_down")
    NAME_FIELD_NUMBER: _ClassVar[int]
    SCOPE_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    EPSILON_FIELD_NUMBER: _ClassVar[int]
    DELTA_FIELD_NUMBER: _ClassVar[int]
    SPENT_FIELD_NUMBER: _ClassVar[int]
    LEFT_FIELD_NUMBER: _ClassVar[int]
    CHARGES_FIELD_NUMBER: _ClassVar[int]
    PROPOSAL_FIELD_NUMBER: _ClassVar[int]
    APPROVED_BY_FIELD_NUMBER: _ClassVar[int]
    APPROVED_FIELD_NUMBER: _ClassVar[int]
    ETAG_FIELD_NUMBER: _ClassVar[int]
    BURN_DOWN_FIELD_NUMBER: _ClassVar[int]
    name: str
    scope: BudgetScope
    state: BudgetState
    epsilon: str
    delta: str
    spent: str
    left: str
    charges: int
    proposal: BudgetProposal
    approved_by: str
    approved: _timestamp_pb2.Timestamp
    etag: str
    burn_down: _containers.RepeatedCompositeFieldContainer[BudgetPoint]
    def __init__(self, name: _Optional[str] = ..., scope: _Optional[_Union[BudgetScope, _Mapping]] = ..., state: _Optional[_Union[BudgetState, str]] = ..., epsilon: _Optional[str] = ..., delta: _Optional[str] = ..., spent: _Optional[str] = ..., left: _Optional[str] = ..., charges: _Optional[int] = ..., proposal: _Optional[_Union[BudgetProposal, _Mapping]] = ..., approved_by: _Optional[str] = ..., approved: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., etag: _Optional[str] = ..., burn_down: _Optional[_Iterable[_Union[BudgetPoint, _Mapping]]] = ...) -> None: ...

class BudgetScope(_message.Message):
    __slots__ = ("kind", "dataset", "recipient", "project", "begins", "ends")
    KIND_FIELD_NUMBER: _ClassVar[int]
    DATASET_FIELD_NUMBER: _ClassVar[int]
    RECIPIENT_FIELD_NUMBER: _ClassVar[int]
    PROJECT_FIELD_NUMBER: _ClassVar[int]
    BEGINS_FIELD_NUMBER: _ClassVar[int]
    ENDS_FIELD_NUMBER: _ClassVar[int]
    kind: BudgetKind
    dataset: str
    recipient: str
    project: str
    begins: _timestamp_pb2.Timestamp
    ends: _timestamp_pb2.Timestamp
    def __init__(self, kind: _Optional[_Union[BudgetKind, str]] = ..., dataset: _Optional[str] = ..., recipient: _Optional[str] = ..., project: _Optional[str] = ..., begins: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., ends: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class BudgetProposal(_message.Message):
    __slots__ = ("proposed_by", "epsilon", "delta", "reason", "time")
    PROPOSED_BY_FIELD_NUMBER: _ClassVar[int]
    EPSILON_FIELD_NUMBER: _ClassVar[int]
    DELTA_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    TIME_FIELD_NUMBER: _ClassVar[int]
    proposed_by: str
    epsilon: str
    delta: str
    reason: str
    time: _timestamp_pb2.Timestamp
    def __init__(self, proposed_by: _Optional[str] = ..., epsilon: _Optional[str] = ..., delta: _Optional[str] = ..., reason: _Optional[str] = ..., time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class BudgetPoint(_message.Message):
    __slots__ = ("time", "spent", "answer")
    TIME_FIELD_NUMBER: _ClassVar[int]
    SPENT_FIELD_NUMBER: _ClassVar[int]
    ANSWER_FIELD_NUMBER: _ClassVar[int]
    time: _timestamp_pb2.Timestamp
    spent: str
    answer: str
    def __init__(self, time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., spent: _Optional[str] = ..., answer: _Optional[str] = ...) -> None: ...

class GetBudgetRequest(_message.Message):
    __slots__ = ("name",)
    NAME_FIELD_NUMBER: _ClassVar[int]
    name: str
    def __init__(self, name: _Optional[str] = ...) -> None: ...

class ListBudgetsRequest(_message.Message):
    __slots__ = ("page_size", "page_token", "dataset", "state")
    PAGE_SIZE_FIELD_NUMBER: _ClassVar[int]
    PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    DATASET_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    page_size: int
    page_token: str
    dataset: str
    state: BudgetState
    def __init__(self, page_size: _Optional[int] = ..., page_token: _Optional[str] = ..., dataset: _Optional[str] = ..., state: _Optional[_Union[BudgetState, str]] = ...) -> None: ...

class ListBudgetsResponse(_message.Message):
    __slots__ = ("budgets", "next_page_token")
    BUDGETS_FIELD_NUMBER: _ClassVar[int]
    NEXT_PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    budgets: _containers.RepeatedCompositeFieldContainer[Budget]
    next_page_token: str
    def __init__(self, budgets: _Optional[_Iterable[_Union[Budget, _Mapping]]] = ..., next_page_token: _Optional[str] = ...) -> None: ...

class ProposeBudgetRequest(_message.Message):
    __slots__ = ("request_id", "scope", "epsilon", "delta", "reason")
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    SCOPE_FIELD_NUMBER: _ClassVar[int]
    EPSILON_FIELD_NUMBER: _ClassVar[int]
    DELTA_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    request_id: str
    scope: BudgetScope
    epsilon: str
    delta: str
    reason: str
    def __init__(self, request_id: _Optional[str] = ..., scope: _Optional[_Union[BudgetScope, _Mapping]] = ..., epsilon: _Optional[str] = ..., delta: _Optional[str] = ..., reason: _Optional[str] = ...) -> None: ...

class ApproveBudgetRequest(_message.Message):
    __slots__ = ("request_id", "name", "etag")
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    ETAG_FIELD_NUMBER: _ClassVar[int]
    request_id: str
    name: str
    etag: str
    def __init__(self, request_id: _Optional[str] = ..., name: _Optional[str] = ..., etag: _Optional[str] = ...) -> None: ...

class WithdrawBudgetRequest(_message.Message):
    __slots__ = ("request_id", "name")
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    request_id: str
    name: str
    def __init__(self, request_id: _Optional[str] = ..., name: _Optional[str] = ...) -> None: ...
