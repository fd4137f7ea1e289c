"""Who may ask for tokens of a release to be taken back, and until when."""

from collections.abc import Collection
from datetime import datetime
from enum import StrEnum

from gateway.errors import FailedPrecondition, NotFound, PermissionDenied
from gateway.model.catalog import Party
from gateway.model.lifecycle import GrantState, ReleaseState
from gateway.model.names import Role
from gateway.model.release import Release
from gateway.ports import Transaction


class Entitlement(StrEnum):
    """As what a party asks: of its own release, of its own data set, or by the settings."""

    CONSUMER = "consumer"
    HOLDER = "holder"
    AUTHORISED = "authorised"


def entitled(
    tx: Transaction, caller: Party, release: Release, now: datetime, authorised: Collection[str]
) -> Entitlement:
    """As what ``caller`` may ask about ``release`` now; NotFound when it may not at all.

    A consumer needs what it would need to read the release: sealed, not expired, under a grant
    that is in force. So does its holder, but for the grant. A party that the settings name may
    also ask about a release that has ended.
    """
    party = tx.party(caller.name)
    if party is None or party.disabled:
        raise PermissionDenied(f"{caller.name} is shut out", reason="PARTY_DISABLED")
    if party.name in authorised:
        _refuse_unsealed(release)
        return Entitlement.AUTHORISED
    if party.role is Role.CONSUMER and release.consumer == party.name:
        _refuse_ended(release, now)
        _refuse_without_grant(tx, release, now)
        return Entitlement.CONSUMER
    dataset = tx.dataset(release.request.dataset)
    if party.role is Role.HOLDER and dataset is not None and dataset.holder == party.name:
        _refuse_ended(release, now)
        return Entitlement.HOLDER
    raise NotFound.resource(release.name)


def is_sealed(release: Release, now: datetime) -> bool:
    """Whether what was released is still there to be looked at."""
    lasting = release.expires is not None and release.expires > now
    return release.state is ReleaseState.SEALED and lasting


def _refuse_unsealed(release: Release) -> None:
    if release.sealed is None:
        raise FailedPrecondition(
            f"{release.name} is {release.state}: it was never sealed, so nobody has tokens of it",
            reason="NOT_SEALED",
            state=release.state,
        )


def _refuse_ended(release: Release, now: datetime) -> None:
    _refuse_unsealed(release)
    if not is_sealed(release, now):
        state = "over" if release.state is ReleaseState.SEALED else release.state
        raise FailedPrecondition(
            f"{release.name} is {state}: only a party that the gateway's settings name may still "
            "ask for its tokens",
            reason="RELEASE_ENDED",
        )


def _refuse_without_grant(tx: Transaction, release: Release, now: datetime) -> None:
    grant = tx.grant(release.decision.grant or "")
    if grant is None or grant.state is not GrantState.ACTIVE or grant.expires <= now:
        raise PermissionDenied(
            "the grant that this release rests on is no longer in force", reason="GRANT_ENDED"
        )
