"""Grants: a consumer asks, the holder and for grave columns an officer answer, anyone involved
may end it; nobody answers their own."""

from datetime import datetime, timedelta
from functools import partial

from gateway.decide.asked import read
from gateway.decide.carried import carried
from gateway.decide.grants import required_approvals
from gateway.errors import Conflict, FailedPrecondition, InvalidRequest
from gateway.model.access import Approval, Carried, ExtractRequest, Grant, Revocation, Verdict
from gateway.model.audit import AuditEvent
from gateway.model.catalog import Party
from gateway.model.lifecycle import GRANT, DataSetState, GrantState, advance
from gateway.model.names import resource
from gateway.model.requests import RequestKey
from gateway.ports import Clock, Entropy, Page, Store, Transaction
from gateway.registry.facts import everything, facts_for
from gateway.registry.once import made_before, remember
from gateway.registry.sight import dataset_for, grant_for

LONGEST_PERIOD = timedelta(days=3660)


class Grants:
    """Use cases over grants."""

    def __init__(self, store: Store, clock: Clock, entropy: Entropy) -> None:
        self._store = store
        self._clock = clock
        self._entropy = entropy

    def request(
        self,
        caller: Party,
        wish: ExtractRequest,
        justification: str,
        not_before: datetime | None,
        expires: datetime,
        key: RequestKey,
    ) -> Grant:
        """A new grant in state REQUESTED; which approvals it needs is settled here and now.

        Raises InvalidRequest for unknown columns or purposes and impossible periods, NotFound
        for a data set the caller may not see.
        """
        now = self._clock.now()
        begins = not_before or now
        if expires <= max(begins, now):
            raise InvalidRequest.of("expires", "must be later than now and than not_before")
        if expires - now > LONGEST_PERIOD:
            raise InvalidRequest.of("expires", "at most ten years ahead")
        with self._store.write() as tx:
            if (earlier := made_before(tx, caller, key)) is not None:
                return grant_for(tx, caller, earlier)
            dataset = dataset_for(tx, caller, wish.dataset)
            if dataset.state is not DataSetState.ACTIVE:
                raise FailedPrecondition(f"{dataset.name} is {dataset.state}")
            facts = facts_for(tx, dataset, caller, now)
            grant = Grant(
                name=resource("grants", f"g-{self._entropy.bytes(8).hex()}"),
                consumer=caller.name,
                dataset=dataset.name,
                # By source name: the published one can be given to another column later.
                columns=tuple(column.name for column in read(wish, facts).columns),
                purpose=wish.purpose,
                project=wish.project,
                justification=justification,
                not_before=begins,
                expires=expires,
                required=required_approvals(wish, facts),
                created=now,
            )
            tx.put_grant(grant, expected_revision=None)
            remember(tx, caller, key, grant.name)
            self._log(tx, caller, "grant.request", grant, now)
        return grant

    def answer(
        self,
        caller: Party,
        name: str,
        verdict: Verdict,
        reason: str,
        revision: int,
        key: RequestKey,
    ) -> Grant:
        """An approver's answer. One refusal ends it; the last approval needed makes it ACTIVE.

        Raises Conflict when the grant changed since it was read, FailedPrecondition when this
        role's answer is not wanted (any more).
        """
        now = self._clock.now()
        with self._store.write() as tx:
            grant = grant_for(tx, caller, name)
            if made_before(tx, caller, key) is not None:
                return grant
            if grant.revision != revision:
                raise Conflict(f"{name} changed since you read it; read it again", resource=name)
            if grant.expires <= now:
                raise FailedPrecondition(f"the period of {name} is over", reason="GRANT_EXPIRED")
            answered = grant.but(
                approvals=(
                    *grant.approvals,
                    Approval(
                        party=caller.name, role=caller.role, verdict=verdict, reason=reason, at=now
                    ),
                ),
                revision=grant.revision + 1,
            )
            if verdict is Verdict.REFUSED:
                state = GrantState.REFUSED
            elif caller.role not in grant.missing:
                raise FailedPrecondition(
                    f"{name} does not wait for the approval of a {caller.role}",
                    reason="APPROVAL_NOT_WANTED",
                )
            else:
                state = GrantState.REQUESTED if answered.missing else GrantState.ACTIVE
            if state is not grant.state:
                advance(GRANT, name, grant.state, state)
            answered = answered.but(state=state)
            if state is GrantState.ACTIVE:
                answered = answered.but(carried=_carried(tx, answered, now))
            tx.put_grant(answered, expected_revision=grant.revision)
            remember(tx, caller, key, name)
            action = "grant.refuse" if verdict is Verdict.REFUSED else "grant.approve"
            self._log(tx, caller, action, answered, now)
        return answered

    def revoke(self, caller: Party, name: str, reason: str, key: RequestKey) -> Grant:
        """End an active grant; reading of every release that rests on it stops at once."""
        now = self._clock.now()
        with self._store.write() as tx:
            grant = grant_for(tx, caller, name)
            if made_before(tx, caller, key) is not None:
                return grant
            state = advance(GRANT, name, grant.state, GrantState.REVOKED)
            revoked = grant.but(
                state=state,
                revocation=Revocation(party=caller.name, reason=reason, at=now),
                revision=grant.revision + 1,
            )
            tx.put_grant(revoked, expected_revision=grant.revision)
            remember(tx, caller, key, name)
            self._log(tx, caller, "grant.revoke", revoked, now)
        return revoked

    def get(self, caller: Party, name: str) -> Grant:
        """One grant that the caller may see."""
        with self._store.read() as tx:
            return grant_for(tx, caller, name)

    def all(
        self,
        caller: Party,
        page: Page,
        dataset: str | None,
        state: GrantState | None,
        *,
        affected: bool = False,
    ) -> list[Grant]:
        """Grants the caller may see, newest first; ``affected``: only those that a change of
        verdicts affects."""
        with self._store.read() as tx:
            return tx.grants(
                page, **caller.own_scope(), dataset=dataset, state=state, affected=affected
            )

    def expire(self) -> int:
        """Mark grants whose period is over; decisions do not depend on it. Returns how many."""
        now = self._clock.now()
        with self._store.read() as tx:
            over = [
                grant.name
                for state in GrantState
                if GrantState.EXPIRED in GRANT[state]
                for grant in everything(partial(tx.grants, state=state), lambda grant: grant.name)
                if grant.expires <= now
            ]
        for name in over:
            with self._store.write() as tx:
                grant = tx.grant(name)
                if grant is None or GrantState.EXPIRED not in GRANT[grant.state]:
                    continue
                ended = grant.but(state=GrantState.EXPIRED, revision=grant.revision + 1)
                tx.put_grant(ended, expected_revision=grant.revision)
                tx.audit(
                    AuditEvent(actor="gateway", action="grant.expire", resource=name, outcome="ok"),
                    now,
                )
        return len(over)

    def _log(
        self, tx: Transaction, caller: Party, action: str, grant: Grant, now: datetime
    ) -> None:
        tx.audit(
            AuditEvent(
                actor=caller.name,
                action=action,
                resource=grant.name,
                outcome="ok",
                details={
                    "dataset": grant.dataset,
                    "purpose": grant.purpose,
                    "project": grant.project or "",
                    "state": grant.state,
                    "grant_digest": grant.digest(),
                },
            ),
            now,
        )


def _carried(tx: Transaction, grant: Grant, now: datetime) -> tuple[Carried, ...]:
    dataset, consumer = tx.dataset(grant.dataset), tx.party(grant.consumer)
    if dataset is None or consumer is None:
        return ()
    return carried(grant, facts_for(tx, dataset, consumer, now))
