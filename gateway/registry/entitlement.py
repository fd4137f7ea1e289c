"""Who may ask for tokens of a release to be taken back, and what a token's column says of it."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from fractions import Fraction
from typing import cast

import pyarrow as pa

from gateway.errors import (
    FailedPrecondition,
    InvalidRequest,
    KeyDestroyed,
    NotFound,
    PermissionDenied,
)
from gateway.model.catalog import Party
from gateway.model.key_domains import parts_of
from gateway.model.lifecycle import GrantState, ReleaseState
from gateway.model.names import Role
from gateway.model.plan import Step
from gateway.model.release import Release
from gateway.model.schema import arrow_type, scaled_type
from gateway.model.transforms import RedactText, TransformSpec
from gateway.ports import DomainKeys, Transaction
from gateway.transform.reversal import IRREVERSIBLE, proves_itself, refuse_irreversible


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


@dataclass(frozen=True, slots=True)
class Maker:
    """What made the tokens of a column, or of one entity's finds in a column of free text: the
    transform, the type that it was given, and its key."""

    column: str
    spec: TransformSpec
    source_type: pa.DataType
    key_domain: str
    key_version: int
    in_text: bool

    @property
    def element(self) -> str:
        """What persons' values are found again by: the name in the key domain, which is the
        column's own, or that of the element which a find stands for."""
        return dict(parts_of(self.key_domain)).get("name", self.column)

    def key(self, keys: DomainKeys) -> bytes:
        """KeyDestroyed when it was destroyed: its tokens are then as irreversible as any."""
        try:
            return keys.key(self.key_domain, self.key_version)
        except KeyDestroyed:
            raise KeyDestroyed(
                f"the key that the tokens of column {self.column} were made under was destroyed: "
                "nobody can take them back"
            ) from None


def maker_of(release: Release, column: str, entity: str | None) -> Maker:
    """What made the tokens of the published column. InvalidRequest for a column that the release
    has not, or an entity that does not belong; FailedPrecondition when no key takes it back."""
    steps = release.plan.steps if release.plan is not None else ()
    step = next((step for step in steps if step.published == column), None)
    if step is None:
        listed = ", ".join(step.published for step in steps)
        raise InvalidRequest.of("column", f"{release.name} has no such column; it has {listed}")
    if isinstance(step.transform, RedactText):
        return _finder(step, step.transform, entity)
    if entity is not None:
        raise InvalidRequest.of("entity", f"belongs to free text, and column {column} is none")
    refuse_irreversible(step.transform, column)
    return Maker(
        column=column,
        spec=step.transform,
        source_type=scaled_type(arrow_type(step.source_type), Fraction(step.scale)),
        key_domain=step.key_domain or "",
        key_version=step.key_version or 0,
        in_text=False,
    )


def _finder(step: Step, spec: RedactText, entity: str | None) -> Maker:
    """Of free text only what proves itself: any digits in it might be a number that was encrypted,
    or one that nobody found, and would come back as somebody else's."""
    proven = [e for e, action in spec.transforms.items() if proves_itself(action)]
    if entity is None:
        listed = ", ".join(proven) or "none that a key takes back"
        raise InvalidRequest.of(
            "entity", f"column {step.published} is free text: name what the tokens stand for; "
            f"it has {listed}"
        )  # fmt: skip
    key = next((find for find in step.finds if find.entity == entity), None)
    if key is None or entity not in proven:
        raise FailedPrecondition(
            f"finds of {entity} in column {step.published} are not reversible tokens, and nothing "
            "else is taken back out of free text",
            reason=IRREVERSIBLE,
        )
    return Maker(
        column=step.published,
        spec=cast("TransformSpec", spec.transforms[entity]),
        source_type=pa.string(),
        key_domain=key.key_domain,
        key_version=key.key_version,
        in_text=True,
    )


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
