"""Issues a sealed release again with tokens of other keys: of a newer version, or another project.

The plan is run again on the source, under conditions that make the result the same rows with the
same values and other tokens, and nothing more:

1. the original can be read at this moment by whoever asks;
2. decided on anew, the plan is that of the original but for keys;
3. at least one key is another, as otherwise every token would be the same;
4. the source is the version that the original was made from, when it is planned and when it is
   read, and there is no limit, as nobody keeps which rows one left out, and no sample of persons,
   as another key draws others;
5. when it is sealed, it has as many rows as the original, and the original was not ended meanwhile.

So the rows were charged for, and are not charged again. Taking the tokens of the sealed data back
and making new ones of them would spare the source, and be a second path from tokens to values.
"""

from datetime import datetime
from typing import Any

from gateway.errors import (
    FailedPrecondition,
    NotFound,
    PermissionDenied,
    ReleaseStopped,
    SourceChanged,
)
from gateway.model.audit import AuditEvent
from gateway.model.catalog import Party
from gateway.model.lifecycle import RELEASE, GrantState, ReleaseState, advance
from gateway.model.names import Role
from gateway.model.plan import Charge, Plan
from gateway.model.release import Ending, Release, Stage
from gateway.ports import Transaction


def original_for(tx: Transaction, caller: Party, name: str, now: datetime) -> Release:
    """Condition 1: the release, if ``caller`` is its consumer and could read it now."""
    original = tx.release(name)
    if original is None or caller.role is not Role.CONSUMER or original.consumer != caller.name:
        raise NotFound.resource(name)
    if original.state is not ReleaseState.SEALED:
        raise FailedPrecondition(
            f"{name} is {original.state}: only a sealed release can be issued again",
            reason="NOT_SEALED",
            state=original.state,
        )
    if original.expires is None or original.expires <= now:
        raise FailedPrecondition(f"{name} has expired", reason="RELEASE_EXPIRED")
    grant = tx.grant(original.decision.grant or "")
    if grant is None or grant.state is not GrantState.ACTIVE or grant.expires <= now:
        raise PermissionDenied(
            "the grant that this release rests on is no longer in force", reason="GRANT_ENDED"
        )
    return original


def under_other_keys(original: Release, plan: Plan) -> Plan:
    """Conditions 2 to 4: the plan, with nothing to charge."""
    if original.plan is None or original.sealed is None:
        raise FailedPrecondition(f"{original.name} was never sealed", reason="NOT_SEALED")
    if plan.limit is not None:
        raise FailedPrecondition(
            f"{original.name} has a limit, and which rows it left out is not kept: ask for a new "
            "extract",
            reason="LIMITED",
        )
    if original.plan.sample is not None:
        raise FailedPrecondition(
            f"{original.name} is a sample of persons that was drawn by key, and another key would "
            "draw others: ask for a new extract",
            reason="SAMPLED",
        )
    if plan.dataset_fingerprint != original.sealed.source_fingerprint:
        raise source_changed(original.name, plan.dataset)
    if _but_keys(plan) != _but_keys(original.plan):
        raise FailedPrecondition(
            f"the policies or the data set changed since {original.name} was made: ask for a new "
            "extract",
            reason="PLAN_CHANGED",
        )
    if _keys(plan) == _keys(original.plan):
        raise FailedPrecondition(
            f"every token of {original.name} would be the same: no key was renewed, and the domain "
            "is none other",
            reason="SAME_KEYS",
        )
    return plan.but(charge=Charge(rows=0))


def take_over(tx: Transaction, release: Release, now: datetime) -> Release | None:
    """Condition 5, in the transaction that seals ``release``: the original is recalled, or kept
    and linked, as was asked. The original if it was recalled."""
    if release.reissue is None or release.sealed is None:
        return None
    original = tx.release(release.reissue.original, lock=True)
    if original is None or original.state is not ReleaseState.SEALED:
        raise FailedPrecondition(
            f"{release.reissue.original} was ended while it was issued again",
            reason="ORIGINAL_ENDED",
        )
    if release.sealed.rows != release.reissue.rows:
        raise ReleaseStopped(f"{release.name} has not the rows of {original.name}")
    changes: dict[str, object] = {"reissued_as": release.name, "updated": now}
    if not release.reissue.keep_original:
        ending = Ending(reason="REISSUED", text=f"issued again as {release.name}")
        state = advance(RELEASE, original.name, original.state, ReleaseState.RECALLED)
        changes |= {"state": state, "stage": Stage.DONE, "ending": ending}
        tx.destroy_key(original.name)
    original = original.but(**changes)
    tx.put_release(original)
    tx.audit(
        AuditEvent(
            actor=release.consumer,
            action="release.reissue",
            resource=original.name,
            outcome="ok",
            details={"reissued_as": release.name, "state": original.state},
        ),
        now,
    )
    return original if original.state is ReleaseState.RECALLED else None


def source_changed(original: str, dataset: str) -> SourceChanged:
    """The error for a source that no longer has what the original was made from."""
    return SourceChanged(
        f"{dataset} has other content than {original} was made from: ask for a new extract",
        dataset=dataset,
    )


def _but_keys(plan: Plan) -> dict[str, Any]:
    keys = {"key_domain", "key_version", "finds"}
    return plan.model_dump(
        exclude={"charge": True, "dataset_fingerprint": True, "steps": {"__all__": keys}}
    )


def _keys(plan: Plan) -> list[frozenset[tuple[str, int]]]:
    return [step.needed_keys for step in plan.steps]
