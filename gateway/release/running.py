"""Runs an opened release: read, protect, check, seal; or end it so that nothing is readable."""

import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta

import pyarrow as pa

from gateway.errors import (
    Cancelled,
    CheckFailed,
    FailedPrecondition,
    GatewayError,
    GatewayFault,
    KeyServiceUnavailable,
    KeyUnavailable,
    SourceChanged,
    StoreUnavailable,
)
from gateway.model.audit import AuditEvent
from gateway.model.catalog import DataSet, SourceVersion
from gateway.model.lifecycle import RELEASE, GrantState, ReleaseState, advance
from gateway.model.plan import Plan
from gateway.model.release import Ending, Release, Sealed, Stage
from gateway.ports import (
    Clock,
    Executor,
    KeyRing,
    RowRecoding,
    RunResult,
    Signer,
    Sources,
    Staging,
    StagingWriter,
    Store,
    Transaction,
)
from gateway.registry.domain_keys import StoredDomainKeys
from gateway.registry.freshness import Classify, refreshed
from gateway.registry.turns import LEASE, MOST_ATTEMPTS, Pulse, ShuttingDown
from gateway.release.anonymising import Anonymising, Outrun, Run
from gateway.release.certify import certify
from gateway.release.extracts import Roster, keep_roster_key
from gateway.release.reissuing import source_changed, take_over
from gateway.release.standing import refuse_if_changed
from gateway.transform.derivation import derive

SEAL_AGAIN_SECONDS = 0.5
_PAUSE_SECONDS = 0.2


@dataclass(frozen=True, slots=True)
class Running:
    """One release in this process: its record when it was taken up, and the right to run it."""

    release: Release
    plan: Plan
    dataset: DataSet


@dataclass(frozen=True, slots=True)
class Made:
    """What a run staged; of an anonymised one under which generation of the recoding, its roster,
    and the names of the extracts that it was counted with."""

    result: RunResult
    generation: int | None = None
    roster: Roster | None = None
    counted: frozenset[str] = frozenset()


class Runner:
    """Takes releases from OPENED to SEALED, REFUSED, FAILED or CANCELLED.

    ``owner`` names this process. The lease says which process runs a release. It lapses with time,
    so two may run one for a while; each attempt stages a stream of its own, and the sealing
    transaction seals only the newest attempt, and an anonymised one only where all extracts that
    there are by then were counted (``Anonymising.refuse_if_outrun``).
    """

    def __init__(
        self,
        owner: str,
        store: Store,
        sources: Sources,
        executor: Executor,
        staging: Staging,
        keyring: KeyRing,
        domain_keys: StoredDomainKeys,
        signer: Signer,
        clock: Clock,
        classify: Classify,
        anonymising: Anonymising,
    ) -> None:
        self._owner = owner
        self._store = store
        self._sources = sources
        self._executor = executor
        self._staging = staging
        self._keyring = keyring
        self._domain_keys = domain_keys
        self._signer = signer
        self._classify = classify
        self._clock = clock
        self._anonymising = anonymising
        self._stopping = threading.Event()

    def waiting(self) -> list[str]:
        """Releases that nobody runs: new ones, and those whose process went away."""
        with self._store.read() as tx:
            return tx.unfinished(self._clock.now())

    def run(self, name: str) -> None:
        """Run the release to its end. Does nothing when another process holds it.

        Raises StoreUnavailable or KeyServiceUnavailable when the store, or the service that holds
        the root key, is away for longer than it can be waited for; the release is then taken up again once its lease has lapsed.
        """
        running = self._take(name)
        if running is None:
            return
        try:
            try:
                version, made = self._execute(running)
                self._seal_in_time(running, version, made)
            finally:
                self._let_go(running)
        except (StoreUnavailable, KeyServiceUnavailable):
            raise
        except ShuttingDown:
            self._hand_back(running, counts=False)  # a shutdown is not the release's fault
        except Outrun:
            self._hand_back(running, counts=True)  # or two could outrun each other for ever
        except GatewayError as error:
            self._end(running, *_ending(error))
            if error.internal:
                raise  # for the log; the record does not have its text

    def stop(self) -> None:
        """Let runs end at their next batch and go back to OPENED, for a later process."""
        self._stopping.set()

    def abandon(self, name: str, incident: str) -> None:
        """End a release whose run met a fault that nobody foresaw."""
        now = self._clock.now()
        with self._store.write() as tx:
            release = tx.release(name, lock=True)
            if (
                release is None
                or release.state is not ReleaseState.RUNNING
                or not tx.lease(name, self._owner, now, now + LEASE)
            ):
                return
            ending = Ending(
                reason="INTERNAL",
                text=f"the gateway failed; tell its administrator the incident {incident}",
            )
            self._close(tx, release, ReleaseState.FAILED, ending, now)
        self._staging.destroy(release.stream)

    # ---- taking it up ---------------------------------------------------------------------------

    def _take(self, name: str) -> Running | None:
        now = self._clock.now()
        with self._store.write() as tx:
            if not tx.lease(name, self._owner, now, now + LEASE):
                return None
            release = tx.release(name, lock=True)
            if release is None or release.state not in (
                ReleaseState.OPENED,
                ReleaseState.RUNNING,
            ):
                return None
            dataset, plan = tx.dataset(release.request.dataset), release.plan
            if plan is None or dataset is None:
                raise GatewayFault(f"the record of {name} is incomplete")
            dataset = dataset.at(now)
            state: ReleaseState = release.state
            if state is ReleaseState.RUNNING:  # its process went away in the middle
                state = advance(RELEASE, name, state, ReleaseState.OPENED)
            if release.attempt >= MOST_ATTEMPTS:
                self._close(
                    tx,
                    release.but(state=state),
                    ReleaseState.FAILED,
                    Ending(
                        reason="INTERRUPTED",
                        text="the gateway was stopped several times while it made this, or other "
                        "extracts of the data set came first; ask again",
                    ),
                    now,
                )
                return None
            try:
                refuse_if_changed(tx, release, dataset, now)
            except FailedPrecondition as changed:
                self._close(tx, release.but(state=state), *_ending(changed), now)
                return None
            release = release.but(
                state=advance(RELEASE, name, state, ReleaseState.RUNNING),
                stage=Stage.READING,
                attempt=release.attempt + 1,
                rows_done=0,
                updated=now,
            )
            tx.put_release(release)
            tx.audit(_event("release.run", release, "ok", attempt=str(release.attempt)), now)
        return Running(release, plan, dataset)

    # ---- making it --------------------------------------------------------------------------------

    def _execute(self, running: Running) -> tuple[SourceVersion, Made]:
        plan, dataset = running.plan, running.dataset
        key = self._data_key(running.release.name)
        keys = self._domain_keys.keys(plan)

        def open_writer(schema: pa.Schema) -> StagingWriter:
            return self._staging.create(running.release.stream, key, schema)

        with self._sources.open(
            dataset.holder, dataset.name, dataset.source, dataset.columns
        ) as source:
            version = source.version()
            if version.schema_digest != plan.schema_digest:
                raise SourceChanged(
                    f"the columns of {dataset.name} changed since this release was planned",
                    dataset=dataset.name,
                )
            if version.fingerprint != plan.dataset_fingerprint:
                if (reissue := running.release.reissue) is not None:
                    raise source_changed(reissue.original, dataset.name)
                current = refreshed(dataset, source, version, self._classify)
                if [c.verdict for c in current.columns] != [c.verdict for c in dataset.columns]:
                    raise SourceChanged(
                        f"{dataset.name} holds graver data than when this release was planned; "
                        "ask again",
                        dataset=dataset.name,
                    )

            advance_rows = self._progress(running)

            def execute(
                recoding: RowRecoding | None = None, hold: Callable[[], None] | None = None
            ) -> RunResult:
                def progress(rows: int) -> None:
                    advance_rows(rows)
                    if hold is not None:
                        hold()

                return self._executor.run(
                    plan,
                    source,
                    keys,
                    open_writer,
                    progress,
                    # Rows in the source's order would let two recipients, or two requests for
                    # different columns, lay their extracts side by side.
                    derive(key, "row order", running.release.name),
                    recoding,
                )

            if plan.anonymisation is None:
                return version, Made(execute())
            anonymised = self._anonymising.run(
                Run(
                    release=running.release,
                    plan=plan,
                    dataset=dataset,
                    fingerprint=version.fingerprint,
                    source=source,
                    key=key,
                    owner=self._turn_of(running),
                    execute=execute,
                    note=self._stages(running),
                    pause=self._pause,
                )
            )
        return version, Made(
            anonymised.result, anonymised.generation, anonymised.roster, anonymised.counted
        )

    def _turn_of(self, running: Running) -> str:
        # Two releases in one process must not both think that it is their turn.
        return f"{self._owner}/{running.release.stream}"

    def _pause(self) -> None:
        self._stopping.wait(_PAUSE_SECONDS)

    def _let_go(self, running: Running) -> None:
        if running.plan.anonymisation is not None:
            with suppress(StoreUnavailable):  # the turn lapses by itself
                self._anonymising.release_turns(self._turn_of(running), running.release)

    def _data_key(self, name: str) -> bytes:
        with self._store.read() as tx:
            wrapped = tx.key(name)
        if wrapped is None:
            raise KeyUnavailable(f"the key of {name} was destroyed", resource=name)
        return self._keyring.unwrap(wrapped, name)

    def _progress(self, running: Running) -> Pulse:
        # With filters, rows done tell how many satisfy them, also of a release that a check
        # refuses in the end; without, they tell no more than the catalogue does.
        # And of an anonymised one they tell how many records were left out.
        shown = not running.plan.filters and running.plan.anonymisation is None
        return Pulse(
            self._clock,
            self._stopping,
            lambda rows, now: self._note_progress(running, rows if shown else 0, now),
        )

    def _stages(self, running: Running) -> Callable[[Stage, int], None]:
        """Notes the stage and the share of a long search; a new stage at once."""
        now = {"stage": Stage.READING, "percent": 0}

        def note(moment: datetime) -> None:
            with self._store.write() as tx:
                release = self._still_ours(tx, running, moment, moment + LEASE)
                tx.put_release(release.but(**now, updated=moment))

        pulse = Pulse(self._clock, self._stopping, lambda _, moment: note(moment))

        def tell(stage: Stage, percent: int) -> None:
            fresh = stage is not now["stage"]
            now.update(stage=stage, percent=percent)
            if fresh:
                note(self._clock.now())
            pulse(percent)

        return tell

    def _note_progress(self, running: Running, rows: int, now: datetime) -> None:
        with self._store.write() as tx:
            release = self._still_ours(tx, running, now, now + LEASE)
            tx.put_release(release.but(rows_done=rows, updated=now))

    def _still_ours(
        self, tx: Transaction, running: Running, now: datetime, until: datetime
    ) -> Release:
        """The release as it is now, with the lease prolonged. Cancelled when somebody ended it
        or another attempt began, even one that has died since."""
        name = running.release.name
        release = tx.release(name, lock=True)
        if (
            release is None
            or release.state is not ReleaseState.RUNNING
            or release.attempt != running.release.attempt
            or not tx.lease(name, self._owner, now, until)
        ):
            raise Cancelled(f"{name} was cancelled", resource=name)
        return release

    # ---- ending it -------------------------------------------------------------------------------

    def _seal_in_time(self, running: Running, version: SourceVersion, made: Made) -> None:
        """Seal; tried again for a while when the store is away, because the work is done."""
        until = self._clock.now() + LEASE
        while True:
            try:
                self._seal(running, version, made)
            except StoreUnavailable:
                if self._clock.now() >= until or self._stopping.wait(SEAL_AGAIN_SECONDS):
                    raise
            else:
                return

    def _seal(self, running: Running, version: SourceVersion, made: Made) -> None:
        name, result = running.release.name, made.result
        sealed = Sealed(
            stream_sha256=result.stream.sha256,
            content_digest=result.content_digest,
            source_fingerprint=version.fingerprint,
            rows=result.rows,
            stream_bytes=result.stream.bytes,
            chunks=result.stream.chunks,
            recoding=made.generation,
            roster=None if made.roster is None else made.roster.stream,
            figures=result.figures,
        )
        now = self._clock.now()
        expires = now + timedelta(days=running.plan.expires_after_days)
        if (reissue := running.release.reissue) is not None:
            expires = min(expires, reissue.expires)
        with self._store.write() as tx:
            found = tx.release(name, lock=True)
            if found is not None and found.sealed == sealed:
                return  # by an earlier try whose commit was done and not answered
            release = self._still_ours(tx, running, now, now + LEASE)
            self._refuse_without_grant(tx, release)
            dataset = tx.dataset(running.dataset.name) or running.dataset
            refuse_if_changed(tx, release, dataset, now)
            self._domain_keys.refuse_if_destroyed(tx, running.plan)
            if made.generation is not None:
                self._anonymising.refuse_if_outrun(
                    tx, release, running.plan, version.fingerprint, made.counted
                )
            keep_roster_key(tx, self._keyring, made.roster)
            certificate = certify(
                release, running.dataset, version, sealed, now, expires, self._signer
            )
            release = release.but(
                state=advance(RELEASE, name, release.state, ReleaseState.SEALED),
                stage=Stage.DONE,
                percent=0,
                rows_done=sealed.rows,
                sealed=sealed,
                certificate=certificate,
                updated=now,
                expires=expires,
            )
            tx.put_release(release)
            recalled = take_over(tx, release, now)
            # The rows of a reissue were charged with its original.
            tx.settle(name, 0 if release.reissue is not None else sealed.rows)
            tx.audit(
                _event(
                    "release.seal",
                    release,
                    "ok",
                    stream_sha256=sealed.stream_sha256,
                    content_digest=sealed.content_digest,
                ),
                now,
            )
        if recalled is not None:
            self._staging.destroy(recalled.stream)

    def _refuse_without_grant(self, tx: Transaction, release: Release) -> None:
        grant = tx.grant(release.decision.grant or "")
        if grant is None or grant.state is not GrantState.ACTIVE:
            raise FailedPrecondition(
                "the grant ended while this release was made", reason="GRANT_REVOKED"
            )

    def _end(self, running: Running, state: ReleaseState, ending: Ending) -> None:
        self._staging.destroy(running.release.stream)
        now = self._clock.now()
        # Cancelled here: somebody else ended it and wrote the entry, or runs it now.
        with suppress(Cancelled), self._store.write() as tx:
            release = self._still_ours(tx, running, now, now + LEASE)
            self._close(tx, release, state, ending, now)

    def _hand_back(self, running: Running, *, counts: bool) -> None:
        self._staging.destroy(running.release.stream)
        now = self._clock.now()
        with suppress(Cancelled), self._store.write() as tx:
            release = self._still_ours(tx, running, now, now)  # the lease lapses at once
            tx.put_release(
                release.but(
                    state=advance(RELEASE, release.name, release.state, ReleaseState.OPENED),
                    stage=Stage.WAITING,
                    attempt=release.attempt if counts else release.attempt - 1,
                    percent=0,
                    rows_done=0,
                    updated=now,
                )
            )
            tx.audit(_event("release.hand_back", release, "ok"), now)

    def _close(
        self, tx: Transaction, release: Release, state: ReleaseState, ending: Ending, now: datetime
    ) -> None:
        ended = release.but(
            state=advance(RELEASE, release.name, release.state, state),
            stage=Stage.DONE,
            percent=0,
            rows_done=0,
            ending=ending,
            updated=now,
        )
        tx.put_release(ended)
        tx.destroy_key(release.name)
        tx.audit(_event("release.end", ended, ending.reason), now)


def _ending(error: GatewayError) -> tuple[ReleaseState, Ending]:
    ending = Ending(reason=error.reason, text=error.public)
    if isinstance(error, CheckFailed):
        return ReleaseState.REFUSED, ending
    if isinstance(error, Cancelled):
        return ReleaseState.CANCELLED, ending
    return ReleaseState.FAILED, ending


def _event(action: str, release: Release, outcome: str, **details: str) -> AuditEvent:
    return AuditEvent(
        actor="gateway",
        action=action,
        resource=release.name,
        outcome=outcome,
        details={"state": release.state, "consumer": release.consumer, **details},
    )
