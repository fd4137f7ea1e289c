"""What happens to an answer besides its making: looking, reading, expiry."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Final

from gateway.errors import FailedPrecondition, NotFound, PermissionDenied
from gateway.model.answers import AnswerRecord
from gateway.model.audit import AuditEvent
from gateway.model.catalog import Party
from gateway.model.lifecycle import ANSWER, AnswerState, GrantState, advance
from gateway.model.names import Role
from gateway.model.release import Ending
from gateway.ports import Clock, KeyRing, Page, StagedChunk, Staging, Store, Transaction
from gateway.registry.facts import everything
from gateway.registry.sight import answer_for

_GIVEN_UP: Final = timedelta(days=1)
"""After so long nobody comes back for an answer whose making was interrupted."""


class AnswerCustody:
    """Use cases over answers that exist."""

    def __init__(self, store: Store, staging: Staging, keyring: KeyRing, clock: Clock) -> None:
        self._store = store
        self._staging = staging
        self._keyring = keyring
        self._clock = clock

    def get(self, caller: Party, name: str) -> AnswerRecord:
        """The record of one answer that the caller may see."""
        with self._store.read() as tx:
            return answer_for(tx, caller, name)

    def all(
        self, caller: Party, page: Page, dataset: str | None, state: AnswerState | None
    ) -> list[AnswerRecord]:
        """Records the caller may see, newest first."""
        with self._store.read() as tx:
            return tx.answers(page, **caller.own_scope(), dataset=dataset, state=state)

    def read(self, caller: Party, name: str, offset: int = 0) -> Iterator[StagedChunk]:
        """Chunks of the sealed table from ``offset`` on, for who asked alone. The right to read is
        looked at before each: a revoked grant, expiry or a shut-out party stops it at once."""
        with self._store.read() as tx:
            record = self._readable(tx, caller, name)
            wrapped = tx.key(name)
        if record.sealed is None or wrapped is None:
            raise FailedPrecondition(f"{name} is not sealed", reason="NOT_SEALED")
        if not 0 <= offset < record.sealed.chunks:
            raise FailedPrecondition(
                f"offset must be from 0 to {record.sealed.chunks - 1}",
                reason="OFFSET_OUT_OF_RANGE",
            )
        key = self._keyring.unwrap(wrapped, name)
        for chunk in self._staging.chunks(record.stream, key, offset):
            if chunk.index != offset:
                with self._store.read() as tx:
                    self._readable(tx, caller, name)
            yield chunk

    def expire(self) -> int:
        """End sealed answers whose time is over, and opened ones that nobody came back for; returns
        how many. What they were charged stays."""
        now = self._clock.now()
        ended = 0
        for state, then in (
            (AnswerState.SEALED, AnswerState.EXPIRED),
            (AnswerState.OPENED, AnswerState.FAILED),
        ):
            with self._store.read() as tx:
                names = [
                    record.name
                    for record in everything(
                        lambda page, state=state: tx.answers(page, state=state),  # type: ignore[misc]
                        lambda record: record.name,
                    )
                    if self._over(record)
                ]
            for name in names:
                with self._store.write() as tx:
                    record = tx.answer(name, lock=True)
                    if record is None or record.state is not state:
                        continue
                    if not tx.lease(name, "expiry", now, now):  # it is being answered after all
                        continue
                    self._end(tx, record, then)
                self._staging.destroy(record.stream)
                ended += 1
        return ended

    def _over(self, record: AnswerRecord) -> bool:
        now = self._clock.now()
        if record.state is AnswerState.OPENED:
            return record.updated + _GIVEN_UP <= now
        return record.expires is not None and record.expires <= now

    def _end(self, tx: Transaction, record: AnswerRecord, state: AnswerState) -> None:
        now = self._clock.now()
        sealed = state is AnswerState.EXPIRED
        ending = Ending(
            reason="EXPIRED" if sealed else "INTERRUPTED",
            text="its time was over"
            if sealed
            else "the gateway was stopped while it answered this",
        )
        ended = record.but(
            state=advance(ANSWER, record.name, record.state, state), ending=ending, updated=now
        )
        tx.put_answer(ended)
        tx.destroy_key(record.name)
        tx.audit(
            AuditEvent(
                actor="gateway",
                action=f"answer.{'expire' if sealed else 'end'}",
                resource=record.name,
                outcome="ok" if sealed else ending.reason,
                details={"consumer": record.consumer},
            ),
            now,
        )

    def _readable(self, tx: Transaction, caller: Party, name: str) -> AnswerRecord:
        record, party = tx.answer(name), tx.party(caller.name)
        if record is None or record.consumer != caller.name or caller.role is not Role.CONSUMER:
            raise NotFound.resource(name)
        if party is None or party.disabled:
            raise PermissionDenied(f"{caller.name} is shut out", reason="PARTY_DISABLED")
        if record.state is not AnswerState.SEALED:
            raise FailedPrecondition(
                f"{name} is {record.state}: only a sealed answer can be read",
                reason="NOT_SEALED",
                state=record.state,
            )
        now = self._clock.now()
        if record.expires is None or record.expires <= now:
            raise FailedPrecondition(f"{name} has expired", reason="ANSWER_EXPIRED")
        for granted in () if record.plan is None else record.plan.grants:
            grant = tx.grant(granted)
            if grant is None or grant.state is not GrantState.ACTIVE or grant.expires <= now:
                raise PermissionDenied(
                    "the grant that this answer rests on has ended", reason="GRANT_REVOKED"
                )
        return record
