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
    policy_pb2,
    release_pb2,
    types_pb2,
)
from gateway.api.roles import ROLES
from gateway.model.decision import Outcome
from gateway.model.lifecycle import DataSetState, GrantState, PolicyState, ReleaseState
from gateway.model.names import ColumnRole
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
