"""Classifies data sets in the background, and finds those whose verdicts are no longer of today."""

import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta

from gateway.classify.grading import grade_of
from gateway.errors import Cancelled, GatewayError, GatewayFault, SourceChanged, StoreUnavailable
from gateway.model.audit import AuditEvent
from gateway.model.catalog import Column, DataSet, PushedSource, SourceVersion
from gateway.model.classification import GATEWAY, Cause, Classification
from gateway.model.lifecycle import CLASSIFICATION, ClassificationState, DataSetState, advance
from gateway.model.names import Role
from gateway.model.release import Ending
from gateway.norms.elements import Element
from gateway.ports import Clock, ColumnSample, Source, Sources, Store, Transaction
from gateway.registry.affected import recheck
from gateway.registry.classifications import ask
from gateway.registry.declaring import fitting, laid_over, of_its_element
from gateway.registry.freshness import Classify
from gateway.registry.listing import counted
from gateway.registry.turns import LEASE, MOST_ATTEMPTS, Pulse, ShuttingDown
from gateway.registry.verdicts import judged

LOOK_AGAIN = timedelta(days=1)
"""So long after the last classification a source is looked at unasked; a request looks anyway."""


@dataclass(frozen=True, slots=True)
class Running:
    """One classification in this process, and the data set as it was when it was taken up."""

    classification: Classification
    dataset: DataSet


@dataclass(frozen=True, slots=True)
class Found:
    """What the rules find, on which content; None: on names alone."""

    version: SourceVersion | None
    columns: tuple[Column, ...]


class Classifier:
    """Takes classifications from PENDING to DONE or FAILED.

    ``owner`` names this process: two never work on one data set, because the lease says who may,
    and the transaction that keeps the verdicts checks that it is still held. ``rules`` is how
    columns name the rule pack that ``classify`` goes by.
    """

    def __init__(
        self,
        owner: str,
        store: Store,
        sources: Sources,
        clock: Clock,
        classify: Classify,
        rules: str,
        elements: Mapping[str, Element],
    ) -> None:
        self._owner = owner
        self._store = store
        self._sources = sources
        self._clock = clock
        self._classify = classify
        self._rules = rules
        self._elements = elements
        self._stopping = threading.Event()

    def waiting(self) -> list[str]:
        """Data sets that nobody classifies: asked for, or left behind by another process."""
        with self._store.read() as tx:
            return tx.unclassified(self._clock.now())

    def run(self, name: str) -> None:
        """Classify the data set to its end. Does nothing when another process is at it.

        Raises StoreUnavailable when the store is away; it is taken up again once the lease lapsed.
        """
        running = self._take(name)
        if running is None:
            return
        try:
            found = self._find(running)
            self._keep(running, found)
        except StoreUnavailable:
            raise
        except Cancelled:  # overtaken by newer records or another call
            self._let_go(name)
        except ShuttingDown:
            self._hand_back(running)
        except GatewayError as error:
            self._fail(running, error.reason, error.public)
            if error.internal:
                raise  # for the log; the record does not have its text

    def stop(self) -> None:
        """Let runs end at their next column and go back to PENDING, for a later process."""
        self._stopping.set()

    def abandon(self, name: str, incident: str) -> None:
        """End a classification that met a fault that nobody foresaw."""
        now = self._clock.now()
        with self._store.write() as tx:
            found = tx.classification(name)
            if (
                found is None
                or found.state is not ClassificationState.RUNNING
                or not tx.lease(name, self._owner, now, now)
            ):
                return
            text = f"the gateway failed; tell its administrator the incident {incident}"
            self._close(tx, found, "INTERNAL", text, now)

    # ---- finding work ---------------------------------------------------------------------------

    def look_out(self) -> int:
        """Ask for the classification of data sets whose verdicts were made under other rules, and
        for a look at sources that nobody looked at for long. Returns how many."""
        now = self._clock.now()
        with self._store.read() as tx:
            wanted = dict.fromkeys(tx.classified_before(now - LOOK_AGAIN), Cause.LOOK)
            wanted |= dict.fromkeys(tx.judged_otherwise(self._rules), Cause.RULES)
            known = tx.classifications(list(wanted))
        due = [
            (name, cause)
            for name, cause in wanted.items()
            if not self._in_vain(known.get(name), cause, now)
        ]
        return sum(self._ask(name, cause, now) for name, cause in due)

    def _in_vain(self, last: Classification | None, cause: Cause, now: datetime) -> bool:
        """Whether that is under way, or failed a while ago and would fail again."""
        if last is None:
            return False
        tried = cause is Cause.RULES and last.rules == self._rules
        return last.under_way or (tried and now - last.updated < LOOK_AGAIN)

    def _ask(self, name: str, cause: Cause, now: datetime) -> bool:
        with self._store.write() as tx:
            dataset, last = tx.dataset(name), tx.classification(name)
            gone = dataset is None or dataset.state is DataSetState.WITHDRAWN
            if dataset is None or gone or self._in_vain(last, cause, now):
                if last is not None and gone:
                    tx.put_classification(last.but(updated=now))  # not asked again before long
                return False
            ask(tx, dataset, cause, now)
        return True

    # ---- taking it up ---------------------------------------------------------------------------

    def _take(self, name: str) -> Running | None:
        now = self._clock.now()
        with self._store.write() as tx:
            found = tx.classification(name)
            if found is None or not found.under_way:
                return None
            if not tx.lease(name, self._owner, now, now + LEASE):
                return None
            dataset = tx.dataset(name)
            if dataset is None:
                raise GatewayFault(f"the record of {name} is incomplete")
            if found.state is ClassificationState.RUNNING:  # its process went away in the middle
                found = found.but(
                    state=advance(CLASSIFICATION, name, found.state, ClassificationState.PENDING)
                )
            if dataset.state is DataSetState.WITHDRAWN:
                self._close(tx, found, "DATA_SET_NOT_ACTIVE", f"{name} was withdrawn", now)
                return None
            if found.attempt >= MOST_ATTEMPTS:
                text = "the gateway was stopped several times while it did this"
                self._close(tx, found, "INTERRUPTED", text, now)
                return None
            found = found.but(
                state=advance(CLASSIFICATION, name, found.state, ClassificationState.RUNNING),
                attempt=found.attempt + 1,
                columns_done=0,
                columns_total=len(dataset.columns),
                rules=self._rules,
                updated=now,
            )
            tx.put_classification(found)
        return Running(found, dataset.at(now))

    # ---- doing it -------------------------------------------------------------------------------

    def _find(self, running: Running) -> Found | None:
        """What the rules find; None when there is nothing to look at."""
        dataset = running.dataset
        looking = running.classification.cause is Cause.LOOK
        if isinstance(dataset.source, PushedSource):
            if looking:  # what was pushed does not change by itself
                return None
            if dataset.source.stream is None:
                return Found(None, self._classify(None, dataset.columns))
        with self._sources.open(
            dataset.holder, dataset.name, dataset.source, dataset.columns
        ) as source:
            version, known = source.version(), dataset.version
            if known is None or version.schema_digest != known.schema_digest:
                raise SourceChanged(
                    f"the source of {dataset.name} no longer has the registered columns; its "
                    "holder must refresh the registration (gateway dataset refresh)",
                    dataset=dataset.name,
                )
            if looking and version == known and dataset.current:
                return None
            samples = self._counted(running, source)
            return Found(version, self._classify(samples, dataset.columns))

    def _counted(self, running: Running, source: Source) -> Iterator[ColumnSample]:
        """The samples, with the progress noted: a column is done when the next is asked for."""
        pulse = Pulse(
            self._clock,
            self._stopping,
            lambda columns, now: self._note(running, columns, now),
        )
        done = 0

        def passing(_cells: int) -> None:
            pulse(done)  # drawing may take long, and the lease must not lapse meanwhile

        for sample in source.sample([c.name for c in running.dataset.columns], passing):
            pulse(done)
            yield sample
            done += 1

    def _note(self, running: Running, done: int, now: datetime) -> None:
        with self._store.write() as tx:
            found = self._still_ours(tx, running, now, now + LEASE)
            tx.put_classification(found.but(columns_done=done, updated=now))

    def _still_ours(
        self, tx: Transaction, running: Running, now: datetime, until: datetime
    ) -> Classification:
        """The record as it is now, with the lease prolonged. Cancelled when it was overtaken."""
        taken, name = running.classification, running.dataset.name
        found = tx.classification(name)
        if (
            found is None
            or found.state is not ClassificationState.RUNNING
            or (found.number, found.attempt) != (taken.number, taken.attempt)
            or not tx.lease(name, self._owner, now, until)
        ):
            raise Cancelled(f"the classification of {name} was overtaken", resource=name)
        return found

    # ---- ending it ------------------------------------------------------------------------------

    def _keep(self, running: Running, found: Found | None) -> None:
        now = self._clock.now()
        with self._store.write() as tx:
            ours = self._still_ours(tx, running, now, now)  # the lease lapses with the work
            done = ours.but(
                state=advance(CLASSIFICATION, ours.dataset, ours.state, ClassificationState.DONE),
                columns_done=ours.columns_total,
                updated=now,
            )
            dataset = tx.dataset(ours.dataset)
            if found is not None and dataset is not None:
                before = dataset.at(now)
                after = judged(before, found.version, found.columns, ours.role)
                after, declined = self._declared(after, ours.declared, now)
                done = done.but(declined=declined)
                if after != dataset:
                    after = after.but(revision=dataset.revision + 1, updated=now)
                    tx.put_dataset(after, expected_revision=dataset.revision)
                affected = recheck(tx, dataset, after, now)
                tx.audit(_event(done, "ok", **_told(before, after), **affected), now)
            tx.put_classification(done)

    def _declared(
        self, dataset: DataSet, declared: Sequence[Column], now: datetime
    ) -> tuple[DataSet, tuple[str, ...]]:
        """The data set with what its holder said at registration, where that is no weaker than
        what was found; and the names of the columns where it is."""
        said = {column.name: column for column in declared}
        laid, declined = [], []
        for column in dataset.columns:
            if column.name not in said or column.declared_by is Role.OFFICER:
                laid.append(fitting(self._elements, column))
                continue
            # The description, unit and element were laid over at registration.
            verdict = said[column.name].but(description="", unit=None, element=None)
            wanted = laid_over(column, verdict, dataset.holder, now)
            if column.admits(wanted) and of_its_element(self._elements, wanted):
                laid.append(wanted)
                continue
            laid.append(fitting(self._elements, column))
            declined.append(column.name)
        return dataset.but(columns=tuple(laid)), tuple(declined)

    def _fail(self, running: Running, reason: str, text: str) -> None:
        now = self._clock.now()
        with suppress(Cancelled), self._store.write() as tx:
            self._close(tx, self._still_ours(tx, running, now, now), reason, text, now)

    def _let_go(self, name: str) -> None:
        now = self._clock.now()
        with self._store.write() as tx:
            tx.lease(name, self._owner, now, now)

    def _hand_back(self, running: Running) -> None:
        now = self._clock.now()
        with suppress(Cancelled), self._store.write() as tx:
            found = self._still_ours(tx, running, now, now)
            tx.put_classification(
                found.but(
                    state=advance(
                        CLASSIFICATION, found.dataset, found.state, ClassificationState.PENDING
                    ),
                    attempt=found.attempt - 1,  # a shutdown is not its fault
                    columns_done=0,
                    updated=now,
                )
            )

    def _close(
        self, tx: Transaction, found: Classification, reason: str, text: str, now: datetime
    ) -> None:
        remedy = (
            f"{text}; then try again: gateway dataset classify " + found.dataset.partition("/")[2]
        )
        failed = found.but(
            state=advance(CLASSIFICATION, found.dataset, found.state, ClassificationState.FAILED),
            ending=Ending(reason=reason, text=remedy),
            updated=now,
        )
        tx.put_classification(failed)
        tx.audit(_event(failed, reason), now)


def _told(before: DataSet, after: DataSet) -> dict[str, str]:
    changed = [
        new.name
        for old, new in zip(before.columns, after.columns, strict=True)
        if old.verdict != new.verdict
    ]
    asked = [column.name for column in after.columns if column.questioned]
    return {
        "revision": str(after.revision),
        "grade": grade_of(after),
        "dataset_digest": after.digest(),
        "verdicts_changed": counted(changed),
        "questions": counted(asked),
    }


def _event(classification: Classification, outcome: str, **details: str) -> AuditEvent:
    return AuditEvent(
        actor=GATEWAY,
        action="dataset.classified",
        resource=classification.dataset,
        outcome=outcome,
        details={
            "cause": classification.cause,
            "asked_by": classification.asked_by,
            "rules": classification.rules or "",
            **details,
        },
    )
