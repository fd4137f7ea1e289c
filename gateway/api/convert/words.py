"""The closed vocabularies of the protos and of the model, member by member.

Explicit tables, in both directions: a member that is added on one side and not on the other is
found by a test, and no number ever turns into a meaning by itself.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final, TypeVar

from gateway.api.pb import (
    catalog_pb2,
    grant_pb2,
    keys_pb2,
    policy_pb2,
    reidentification_pb2,
    release_pb2,
    statistics_pb2,
    types_pb2,
)
from gateway.api.roles import ROLES
from gateway.model.budgets import BudgetKind
from gateway.model.decision import Outcome
from gateway.model.lifecycle import (
    AnswerState,
    BudgetState,
    ClassificationState,
    DataSetState,
    GrantState,
    KeyDomainState,
    PolicyState,
    ReidentificationState,
    ReleaseState,
)
from gateway.model.mechanisms import ModelKind
from gateway.model.names import ColumnRole
from gateway.model.reidentification import LegalBasis, NoticeState
from gateway.model.release import Stage

K = TypeVar("K")
V = TypeVar("V")


def _turned(table: Mapping[K, V]) -> Mapping[V, K]:
    return MappingProxyType({value: key for key, value in table.items()})


ROLE_NUMBERS: Final = _turned(ROLES)

COLUMN_ROLE_NUMBERS: Final = MappingProxyType(
    {
        ColumnRole.DIRECT_IDENTIFIER: catalog_pb2.COLUMN_ROLE_DIRECT_IDENTIFIER,
        ColumnRole.QUASI_IDENTIFIER: catalog_pb2.COLUMN_ROLE_QUASI_IDENTIFIER,
        ColumnRole.SENSITIVE: catalog_pb2.COLUMN_ROLE_SENSITIVE,
        ColumnRole.OTHER: catalog_pb2.COLUMN_ROLE_OTHER,
    }
)
COLUMN_ROLES: Final = _turned(COLUMN_ROLE_NUMBERS)

DATA_SET_STATE_NUMBERS: Final = MappingProxyType(
    {
        DataSetState.AWAITING_RECORDS: catalog_pb2.DATA_SET_STATE_AWAITING_RECORDS,
        DataSetState.ACTIVE: catalog_pb2.DATA_SET_STATE_ACTIVE,
        DataSetState.WITHDRAWN: catalog_pb2.DATA_SET_STATE_WITHDRAWN,
    }
)

KEY_DOMAIN_STATE_NUMBERS: Final = MappingProxyType(
    {
        KeyDomainState.ACTIVE: keys_pb2.KEY_DOMAIN_STATE_ACTIVE,
        KeyDomainState.SHREDDING: keys_pb2.KEY_DOMAIN_STATE_SHREDDING,
        KeyDomainState.SHREDDED: keys_pb2.KEY_DOMAIN_STATE_SHREDDED,
    }
)
KEY_DOMAIN_STATES: Final = _turned(KEY_DOMAIN_STATE_NUMBERS)
CLASSIFICATION_STATE_NUMBERS: Final = MappingProxyType(
    {
        ClassificationState.PENDING: catalog_pb2.CLASSIFICATION_STATE_PENDING,
        ClassificationState.RUNNING: catalog_pb2.CLASSIFICATION_STATE_RUNNING,
        ClassificationState.DONE: catalog_pb2.CLASSIFICATION_STATE_DONE,
        ClassificationState.FAILED: catalog_pb2.CLASSIFICATION_STATE_FAILED,
    }
)

GRANT_STATE_NUMBERS: Final = MappingProxyType(
    {
        GrantState.REQUESTED: grant_pb2.GRANT_STATE_REQUESTED,
        GrantState.ACTIVE: grant_pb2.GRANT_STATE_ACTIVE,
        GrantState.REFUSED: grant_pb2.GRANT_STATE_REFUSED,
        GrantState.REVOKED: grant_pb2.GRANT_STATE_REVOKED,
        GrantState.EXPIRED: grant_pb2.GRANT_STATE_EXPIRED,
    }
)
GRANT_STATES: Final = _turned(GRANT_STATE_NUMBERS)

POLICY_STATE_NUMBERS: Final = MappingProxyType(
    {
        PolicyState.DRAFT: policy_pb2.POLICY_STATE_DRAFT,
        PolicyState.ACTIVE: policy_pb2.POLICY_STATE_ACTIVE,
        PolicyState.RETIRED: policy_pb2.POLICY_STATE_RETIRED,
    }
)

RELEASE_STATE_NUMBERS: Final = MappingProxyType(
    {
        ReleaseState.DENIED: release_pb2.RELEASE_STATE_DENIED,
        ReleaseState.OPENED: release_pb2.RELEASE_STATE_OPENED,
        ReleaseState.RUNNING: release_pb2.RELEASE_STATE_RUNNING,
        ReleaseState.SEALED: release_pb2.RELEASE_STATE_SEALED,
        ReleaseState.REFUSED: release_pb2.RELEASE_STATE_REFUSED,
        ReleaseState.FAILED: release_pb2.RELEASE_STATE_FAILED,
        ReleaseState.CANCELLED: release_pb2.RELEASE_STATE_CANCELLED,
        ReleaseState.RECALLED: release_pb2.RELEASE_STATE_RECALLED,
        ReleaseState.EXPIRED: release_pb2.RELEASE_STATE_EXPIRED,
    }
)
RELEASE_STATES: Final = _turned(RELEASE_STATE_NUMBERS)

STAGE_NUMBERS: Final = MappingProxyType(
    {
        Stage.WAITING: release_pb2.STAGE_WAITING,
        Stage.ANONYMISING: release_pb2.STAGE_ANONYMISING,
        Stage.READING: release_pb2.STAGE_READING,
        Stage.CHECKING: release_pb2.STAGE_CHECKING,
        Stage.SEALING: release_pb2.STAGE_SEALING,
        Stage.DONE: release_pb2.STAGE_DONE,
    }
)

OUTCOME_NUMBERS: Final = MappingProxyType(
    {
        Outcome.DENIED: types_pb2.OUTCOME_DENIED,
        Outcome.PERMITTED_WITH_OBLIGATIONS: types_pb2.OUTCOME_PERMITTED_WITH_OBLIGATIONS,
        Outcome.PERMITTED: types_pb2.OUTCOME_PERMITTED,
    }
)

REIDENTIFICATION_STATE_NUMBERS: Final = MappingProxyType(
    {
        ReidentificationState.REQUESTED: (reidentification_pb2.REIDENTIFICATION_STATE_REQUESTED),
        ReidentificationState.APPROVED: reidentification_pb2.REIDENTIFICATION_STATE_APPROVED,
        ReidentificationState.ANSWERED: reidentification_pb2.REIDENTIFICATION_STATE_ANSWERED,
        ReidentificationState.REFUSED: reidentification_pb2.REIDENTIFICATION_STATE_REFUSED,
        ReidentificationState.EXPIRED: reidentification_pb2.REIDENTIFICATION_STATE_EXPIRED,
    }
)
REIDENTIFICATION_STATES: Final = _turned(REIDENTIFICATION_STATE_NUMBERS)

LEGAL_BASIS_NUMBERS: Final = MappingProxyType(
    {
        LegalBasis.CONSENT: reidentification_pb2.LEGAL_BASIS_CONSENT,
        LegalBasis.CONTRACT: reidentification_pb2.LEGAL_BASIS_CONTRACT,
        LegalBasis.STATUTORY_DUTY: reidentification_pb2.LEGAL_BASIS_STATUTORY_DUTY,
        LegalBasis.EMERGENCY: reidentification_pb2.LEGAL_BASIS_EMERGENCY,
        LegalBasis.PUBLIC_INTEREST: reidentification_pb2.LEGAL_BASIS_PUBLIC_INTEREST,
        LegalBasis.OTHER_LAW: reidentification_pb2.LEGAL_BASIS_OTHER_LAW,
    }
)
LEGAL_BASES: Final = _turned(LEGAL_BASIS_NUMBERS)

NOTICE_STATE_NUMBERS: Final = MappingProxyType(
    {
        NoticeState.DUE: reidentification_pb2.NOTICE_STATE_DUE,
        NoticeState.GIVEN: reidentification_pb2.NOTICE_STATE_GIVEN,
        NoticeState.DEFERRED: reidentification_pb2.NOTICE_STATE_DEFERRED,
    }
)
NOTICE_STATES: Final = _turned(NOTICE_STATE_NUMBERS)

ANSWER_STATE_NUMBERS: Final = MappingProxyType(
    {
        AnswerState.DENIED: statistics_pb2.ANSWER_STATE_DENIED,
        AnswerState.OPENED: statistics_pb2.ANSWER_STATE_OPENED,
        AnswerState.SEALED: statistics_pb2.ANSWER_STATE_SEALED,
        AnswerState.FAILED: statistics_pb2.ANSWER_STATE_FAILED,
        AnswerState.EXPIRED: statistics_pb2.ANSWER_STATE_EXPIRED,
    }
)
ANSWER_STATES: Final = _turned(ANSWER_STATE_NUMBERS)

MODEL_KINDS: Final[Mapping[int, ModelKind]] = MappingProxyType(
    {
        statistics_pb2.MODEL_KIND_LINEAR_REGRESSION: "linear_regression",
        statistics_pb2.MODEL_KIND_LOGISTIC_REGRESSION: "logistic_regression",
        statistics_pb2.MODEL_KIND_NAIVE_BAYES: "naive_bayes",
        statistics_pb2.MODEL_KIND_K_MEANS: "k_means",
        statistics_pb2.MODEL_KIND_PRINCIPAL_COMPONENTS: "principal_components",
        statistics_pb2.MODEL_KIND_STANDARD_SCALER: "standard_scaler",
        statistics_pb2.MODEL_KIND_RANDOM_FOREST: "random_forest",
    }
)

BUDGET_KIND_NUMBERS: Final = MappingProxyType(
    {
        BudgetKind.RECIPIENT: statistics_pb2.BUDGET_KIND_RECIPIENT,
        BudgetKind.DATA_SET: statistics_pb2.BUDGET_KIND_DATA_SET,
        BudgetKind.PROJECT: statistics_pb2.BUDGET_KIND_PROJECT,
    }
)
BUDGET_KINDS: Final = _turned(BUDGET_KIND_NUMBERS)

BUDGET_STATE_NUMBERS: Final = MappingProxyType(
    {
        BudgetState.PROPOSED: statistics_pb2.BUDGET_STATE_PROPOSED,
        BudgetState.ACTIVE: statistics_pb2.BUDGET_STATE_ACTIVE,
        BudgetState.CHANGING: statistics_pb2.BUDGET_STATE_CHANGING,
        BudgetState.WITHDRAWN: statistics_pb2.BUDGET_STATE_WITHDRAWN,
    }
)
BUDGET_STATES: Final = _turned(BUDGET_STATE_NUMBERS)
