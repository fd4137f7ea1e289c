"""What happens to a release besides its making: looking, reading, cancelling, recalling, expiry."""

from collections.abc import Iterator
from datetime import datetime, timedelta

from gateway.errors import FailedPrecondition, NotFound, PermissionDenied
from gateway.model.audit import AuditEvent
from gateway.model.catalog import Party
from gateway.model.lifecycle import RELEASE, AnswerState, GrantState, ReleaseState, advance
from gateway.model.names import Role
from gateway.model.release import Ending, Release, Stage
from gateway.model.requests import RequestKey
from gateway.ports import Clock, KeyRing, Page, StagedChunk, Staging, Store, Transaction
from gateway.registry.facts import everything
from gateway.registry.once import made_before, remember
from gateway.registry.sight import release_for

RELEASES = "releases/"
"""What the names of releases' streams begin with."""
ANSWERS = "answers/"
"""And of answers to questions with differential privacy."""


class Custody:
    """Use cases over releases that exist."""

    def __init__(
        self,
        store: Store,
        staging: Staging,
        keyring: KeyRing,
        clock: Clock,
        longest_call: timedelta,
    ) -> None:
        self._store = store
        self._staging = staging
        self._keyring = keyring
        self._clock = clock
        # Longer than a call may last and clean up behind itself.
        self._patience = 2 * longest_call
        self._unowned: dict[str, datetime] = {}

    def get(self, caller: Party, name: str) -> Release:
        """The record of one release that the caller may see."""
        with self._store.read() as tx:
            return release_for(tx, caller, name)

    def all(
        self, caller: Party, page: Page, dataset: str | None, state: ReleaseState | None
    ) -> list[Release]:
        """Records the caller may see, newest first."""
        with self._store.read() as tx:
            return tx.releases(page, **caller.own_scope(), dataset=dataset, state=state)

    def certificate(self, caller: Party, name: str) -> str:
        """The DSSE envelope of a release that was sealed once, also after recall or expiry."""
        release = self.get(caller, name)
        if release.certificate is None:
            raise FailedPrecondition(
                f"{name} is {release.state}: only a sealed release has a certificate",
                reason="NOT_SEALED",
            )
        return release.certificate

    def read(self, caller: Party, name: str, offset: int) -> Iterator[StagedChunk]:
        """Chunks from ``offset`` on. Before each one the right to read is looked at again, so
        that a revoked grant, a recall or a shut-out party stops the stream at once."""
        with self._store.read() as tx:
            release = self._readable(tx, caller, name)
            wrapped = tx.key(name)
        if release.sealed is None or wrapped is None:
            raise FailedPrecondition(f"{name} is not sealed", reason="NOT_SEALED")
        if not 0 <= offset < release.sealed.chunks:
            raise FailedPrecondition(
                f"offset must be from 0 to {release.sealed.chunks - 1}",
                reason="OFFSET_OUT_OF_RANGE",
            )
        key = self._keyring.unwrap(wrapped, name)
        for chunk in self._staging.chunks(release.stream, key, offset):
            with self._store.read() as tx:
                self._readable(tx, caller, name)
            yield chunk

    def log_reading(self, caller: Party, name: str, outcome: str, offset: int, end: int) -> None:
        """One audit entry for a stretch of reading, chunks ``offset`` to ``end``."""
        with self._store.write() as tx:
            tx.audit(
                AuditEvent(
                    actor=caller.name,
                    action="release.read",
                    resource=name,
                    outcome=outcome,
                    details={"from_chunk": str(offset), "to_chunk": str(end)},
                ),
                self._clock.now(),
            )

    def cancel(self, caller: Party, name: str, key: RequestKey) -> Release:
        """Stop a release that is not sealed; its charge stays."""
        with self._store.write() as tx:
            release = release_for(tx, caller, name, lock=True)
            if made_before(tx, caller, key) is not None:
                return release
            ending = Ending(reason="CANCELLED", text=f"cancelled by a {caller.role}")
            release = self._end(tx, release, ReleaseState.CANCELLED, ending, caller.name)
            remember(tx, caller, key, name)
        self._staging.destroy(release.stream)
        return release

    def recall(self, caller: Party, name: str, reason: str, key: RequestKey) -> Release:
        """Destroy the key of a sealed release: nobody can read it again."""
        with self._store.write() as tx:
            release = release_for(tx, caller, name, lock=True)
            if made_before(tx, caller, key) is not None:
                return release
            ending = Ending(reason="RECALLED", text=reason)
            release = self._end(tx, release, ReleaseState.RECALLED, ending, caller.name)
            remember(tx, caller, key, name)
        self._staging.destroy(release.stream)
        return release

    def expire(self) -> int:
        """End sealed releases whose time is over; returns how many."""
        now = self._clock.now()
        with self._store.read() as tx:
            over = [
                release.name
                for release in everything(
                    lambda page: tx.releases(page, state=ReleaseState.SEALED), lambda r: r.name
                )
                if release.expires is not None and release.expires <= now
            ]
        for name in over:
            with self._store.write() as tx:
                release = tx.release(name, lock=True)
                if release is None or release.state is not ReleaseState.SEALED:
                    continue
                ending = Ending(reason="EXPIRED", text="its time was over")
                self._end(tx, release, ReleaseState.EXPIRED, ending, "gateway")
            self._staging.destroy(release.stream)
        return len(over)

    def sweep(self) -> int:
        """Destroy staged streams that nobody owns (a crash between two steps, an attempt that
        was overtaken, a push or protection whose process died); returns how many."""
        now = self._clock.now()
        with self._store.read() as tx:
            unowned = [name for name in self._staging.names() if not _owned(tx, name)]
        # Records that are coming in belong to a call, of this process or another, and to nothing
        # in the store: they are left over once no call can still be at work on them.
        self._unowned = {name: self._unowned.get(name, now) for name in unowned}
        over = [
            name
            for name, since in self._unowned.items()
            if name.startswith((RELEASES, ANSWERS)) or now - since > self._patience
        ]
        for name in over:
            self._staging.destroy(name)
        return len(over)

    def _readable(self, tx: Transaction, caller: Party, name: str) -> Release:
        release = tx.release(name)
        party = tx.party(caller.name)
        if release is None or release.consumer != caller.name or caller.role is not Role.CONSUMER:
            raise NotFound.resource(name)
        if party is None or party.disabled:
            raise PermissionDenied(f"{caller.name} is shut out", reason="PARTY_DISABLED")
        if release.state is not ReleaseState.SEALED:
            raise FailedPrecondition(
                f"{name} is {release.state}: only a sealed release can be read",
                reason="NOT_SEALED",
                state=release.state,
            )
        now = self._clock.now()
        if release.expires is None or release.expires <= now:
            raise FailedPrecondition(f"{name} has expired", reason="RELEASE_EXPIRED")
        grant = tx.grant(release.decision.grant or "")
        if grant is None or grant.state is not GrantState.ACTIVE:
            raise PermissionDenied(
                "the grant that this release rests on was revoked", reason="GRANT_REVOKED"
            )
        if grant.expires <= now:
            raise PermissionDenied(
                "the grant that this release rests on has expired", reason="GRANT_EXPIRED"
            )
        return release

    def _end(
        self,
        tx: Transaction,
        release: Release,
        state: ReleaseState,
        ending: Ending,
        actor: str,
    ) -> Release:
        now = self._clock.now()
        ended = release.but(
            state=advance(RELEASE, release.name, release.state, state),
            stage=Stage.DONE,
            ending=ending,
            updated=now,
        )
        tx.put_release(ended)
        tx.destroy_key(release.name)
        tx.audit(
            AuditEvent(
                actor=actor,
                action=f"release.{state.value}",
                resource=release.name,
                outcome="ok",
                details={"consumer": release.consumer},
            ),
            now,
        )
        return ended


def _owned(tx: Transaction, stream: str) -> bool:
    if stream.startswith(ANSWERS):
        answer = tx.answer(stream.rpartition("/")[0])
        alive = (AnswerState.OPENED, AnswerState.SEALED)
        return answer is not None and answer.stream == stream and answer.state in alive
    if not stream.startswith(RELEASES):
        return tx.key(stream) is not None  # of a data set's records; nothing else has one
    release = tx.release(stream.rpartition("/")[0])
    if release is None:
        return False
    # Of an opened release the next attempt may begin at any moment.
    if release.state in (ReleaseState.RUNNING, ReleaseState.SEALED):
        return release.stream == stream
    return release.state is ReleaseState.OPENED
