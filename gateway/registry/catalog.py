"""The catalogue: a department registers a data set where it lives, and keeps its description."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from functools import partial

import pyarrow as pa

from gateway.classify.grading import grade_of
from gateway.errors import (
    Conflict,
    FailedPrecondition,
    InvalidRequest,
    NotFound,
    PermissionDenied,
    StoreUnavailable,
    Violation,
)
from gateway.model.access import Grant
from gateway.model.audit import AuditEvent
from gateway.model.catalog import (
    OWN_RECORDS,
    Column,
    DataSet,
    DataSetDraft,
    Party,
    PushedSource,
    SourceRef,
    SourceVersion,
)
from gateway.model.classification import Cause, Classification
from gateway.model.grades import Grade
from gateway.model.lifecycle import DATA_SET, DataSetState, GrantState, advance
from gateway.model.names import ColumnRole, Role
from gateway.model.noun import Noun
from gateway.model.requests import RequestKey
from gateway.norms.elements import Element
from gateway.ports import Clock, Intake, Page, Sources, Store, Transaction
from gateway.registry.affected import recheck
from gateway.registry.classifications import ask, refuse_while_under_way
from gateway.registry.declaring import declare, fitting, overridden, without_verdict
from gateway.registry.domain_keys import RootKeyRetired
from gateway.registry.facts import everything
from gateway.registry.once import made_before, remember
from gateway.registry.sight import dataset_for

CHANGEABLE = frozenset(
    {
        "title",
        "description",
        "steward",
        "licence",
        "legal_basis",
        "retention_days",
        "update_cycle",
        "keywords",
        "privacy_unit",
        "columns",
    }
)


class Catalog:
    """Use cases over data sets."""

    def __init__(
        self,
        store: Store,
        sources: Sources,
        intake: Intake,
        clock: Clock,
        elements: Mapping[str, Element],
    ) -> None:
        self._store = store
        self._sources = sources
        self._intake = intake
        self._clock = clock
        self._elements = elements

    # ---- looking --------------------------------------------------------------------------------

    def get(self, caller: Party, name: str) -> DataSet:
        """One data set that the caller may see."""
        with self._store.read() as tx:
            return dataset_for(tx, caller, name).at(self._clock.now())

    def search(self, caller: Party, page: Page, text: str) -> list[DataSet]:
        """Data sets by name in which ``text`` is found: holders see their own, consumers those
        that are in use."""
        holder = caller.name if caller.role is Role.HOLDER else None
        state = DataSetState.ACTIVE if caller.role is Role.CONSUMER else None
        with self._store.read() as tx:
            found = tx.datasets(page, text=text, holder=holder, state=state)
        return [dataset.at(self._clock.now()) for dataset in found]

    # ---- registering ----------------------------------------------------------------------------

    def register(self, caller: Party, draft: DataSetDraft, key: RequestKey) -> DataSet:
        """A new data set: its source is opened once, to read its columns and count its rows; what
        they are is found in the background. Until then no column has a verdict, and what the
        holder declares of them waits.

        Raises AlreadyExists, SourceUnavailable, or InvalidRequest naming every declared column
        that the source does not have.
        """
        with self._store.read() as tx:
            if (earlier := made_before(tx, caller, key)) is not None:
                return dataset_for(tx, caller, earlier)
        if draft.name == OWN_RECORDS:
            raise InvalidRequest.of("name", f"{draft.name} is reserved: choose another")
        bare, version = self._look(caller, draft)
        now = self._clock.now()
        dataset = DataSet(
            **{name: value for name, value in dict(draft).items() if name != "columns"},
            holder=caller.name,
            columns=self._declare(caller, bare, [without_verdict(c) for c in draft.columns]),
            version=version,
            state=DataSetState.AWAITING_RECORDS if version is None else DataSetState.ACTIVE,
            created=now,
            updated=now,
        )
        declared = [c for c in draft.columns if any(c.verdict) or c.element is not None]
        with self._store.write() as tx:
            if (earlier := made_before(tx, caller, key)) is not None:
                return dataset_for(tx, caller, earlier)
            tx.put_dataset(dataset, expected_revision=None)
            remember(tx, caller, key, dataset.name)
            self._log(tx, caller, "dataset.register", dataset)
            ask(tx, dataset, Cause.REGISTERED, now, caller, declared)
        return dataset

    def refresh(self, caller: Party, name: str, key: RequestKey) -> DataSet:
        """Read the source's columns and version again. What was known of a column that is still
        there stays known; all are classified on what it holds now."""
        with self._store.read() as tx:
            if made_before(tx, caller, key) is not None:
                return dataset_for(tx, caller, name)
            dataset = self._own(tx, caller, name)
        if isinstance(dataset.source, PushedSource):
            raise FailedPrecondition(f"{name} is pushed: push its records again instead")
        found, version = self._open(dataset.holder, dataset.name, dataset.source)
        known = {column.name: column for column in dataset.columns}
        columns = tuple(
            known[c.name].but(type=c.type, nullable=c.nullable) if c.name in known else c
            for c in found
        )
        changes = {"columns": columns, "version": version}
        return self._change(
            caller,
            dataset,
            key,
            "dataset.refresh",
            changes,
            also=self._asking(Cause.REFRESHED, caller),
        )

    def withdraw(self, caller: Party, name: str, key: RequestKey) -> DataSet:
        """Take a data set out of use."""
        with self._store.read() as tx:
            dataset = self._own(tx, caller, name)
            if made_before(tx, caller, key) is not None:
                return dataset
        state = advance(DATA_SET, name, dataset.state, DataSetState.WITHDRAWN)
        return self._change(caller, dataset, key, "dataset.withdraw", {"state": state})

    # ---- describing -----------------------------------------------------------------------------

    def update(
        self,
        caller: Party,
        name: str,
        changes: Mapping[str, object],
        revision: int,
        key: RequestKey,
    ) -> DataSet:
        """Change descriptions and what the holder declares of columns.

        A column is given by name with its new declarations; other columns stay. A holder may
        raise a grade and never lower it.
        """
        unknown = sorted(set(changes) - CHANGEABLE)
        if unknown:
            raise InvalidRequest.collected(
                [Violation(f"update_mask.{field}", "cannot be changed") for field in unknown]
            )
        with self._store.read() as tx:
            dataset = self._own(tx, caller, name)
            if made_before(tx, caller, key) is not None:
                return dataset
        if dataset.revision != revision:
            raise Conflict(f"{name} changed since you read it; read it again", resource=name)
        wanted = dict(changes)
        if "columns" in wanted:
            said = _columns(wanted["columns"])
            if dataset.judged is None and any(part for c in said for part in c.verdict):
                raise FailedPrecondition(
                    f"the columns of {name} are not classified yet: say what they are when that is "
                    "done (gateway dataset show)",
                    reason="CLASSIFICATION_UNDER_WAY",
                )
            wanted["columns"] = self._declare(caller, dataset.columns, said)

        def also(tx: Transaction, changed: DataSet) -> None:
            if "columns" in wanted:
                refuse_while_under_way(tx, changed.name)

        return self._change(caller, dataset, key, "dataset.update", wanted, also=also)

    def classify(self, caller: Party, name: str, key: RequestKey) -> DataSet:
        """Have it classified again; what a person declared stays. An officer's call also accepts
        what the rules find milder than what held before. Also how to try a failed one again."""
        now = self._clock.now()
        with self._store.write() as tx:
            dataset = (
                self._own(tx, caller, name)
                if caller.role is Role.HOLDER
                else dataset_for(tx, caller, name).at(now)
            )
            if made_before(tx, caller, key) is not None:
                return dataset
            if dataset.state is DataSetState.WITHDRAWN:
                raise FailedPrecondition(f"{name} is withdrawn: there is nothing to classify")
            ask(tx, dataset, Cause.ASKED, now, caller)
            remember(tx, caller, key, name)
            self._log(tx, caller, "dataset.classify", dataset)
        return dataset

    def classification(self, caller: Party, name: str) -> Classification | None:
        """The newest classification of a data set that the caller may see; None: never asked."""
        with self._store.read() as tx:
            dataset_for(tx, caller, name)
            return tx.classification(name)

    def classifications(self, datasets: Sequence[DataSet]) -> dict[str, Classification]:
        """The newest of each of these data sets, which the caller may see."""
        with self._store.read() as tx:
            return tx.classifications([dataset.name for dataset in datasets])

    def override(
        self,
        caller: Party,
        name: str,
        column: str,
        entity: str,
        grade: Grade,
        role: ColumnRole,
        reason: str,
        revision: int,
        key: RequestKey,
        until: datetime | None = None,
    ) -> DataSet:
        """An officer's verdict on one column, which classification leaves alone until it lapses.

        What the rules find by then is kept beside it and takes its place.
        """
        now = self._clock.now()
        if until is not None and until <= now:
            raise InvalidRequest.of("until", "must be later than now; without it, it is for good")
        if caller.role is not Role.OFFICER:
            raise PermissionDenied("only an officer overrides a verdict")
        with self._store.read() as tx:
            dataset = dataset_for(tx, caller, name).at(now)
            if made_before(tx, caller, key) is not None:
                return dataset
        if dataset.revision != revision:
            raise Conflict(f"{name} changed since you read it; read it again", resource=name)
        if column not in {c.name for c in dataset.columns}:
            raise NotFound(f"{name} has no column {column}", reason="UNKNOWN_COLUMN")
        columns = tuple(
            fitting(
                self._elements, overridden(c, caller, (entity, grade, role), reason, now, until)
            )
            if c.name == column
            else c
            for c in dataset.columns
        )
        return self._change(
            caller,
            dataset,
            key,
            "dataset.override",
            {"columns": columns},
            column=column,
            until=until.isoformat() if until is not None else "for good",
        )

    def affected(self, caller: Party, dataset: DataSet) -> list[Grant]:
        """Active grants of a data set that a change of its verdicts affects, if the caller may see
        them all: its holder, officers and auditors."""
        if caller.name != dataset.holder and caller.role not in (Role.OFFICER, Role.AUDITOR):
            return []
        with self._store.read() as tx:
            held = partial(tx.grants, dataset=dataset.name, state=GrantState.ACTIVE, affected=True)
            return list(everything(held, lambda grant: grant.name))

    # ---- pushed records -------------------------------------------------------------------------

    def push(
        self, caller: Party, name: str, records: pa.RecordBatchReader, key: RequestKey
    ) -> DataSet:
        """Records for a pushed data set. They take the place of the ones before only when the
        whole stream arrived and fits the schema: the old ones' key is destroyed in the same
        transaction. Raises RecordsRejected naming row and column."""
        with self._store.read() as tx:
            dataset = self._own(tx, caller, name)
            if made_before(tx, caller, key) is not None:
                return dataset
        before = dataset.source
        if not isinstance(before, PushedSource):
            raise FailedPrecondition(f"the records of {name} are not pushed: it has a source")
        if dataset.state is DataSetState.WITHDRAWN:
            raise FailedPrecondition(f"{name} is withdrawn")
        received = self._intake.receive(dataset, records)

        asking = self._asking(Cause.PUSHED, caller)

        def also(tx: Transaction, changed: DataSet) -> None:
            asking(tx, changed)
            if not self._intake.opens(received):
                raise RootKeyRetired
            tx.put_key(received.stream, received.wrapped_key)
            if before.stream is not None:
                tx.destroy_key(before.stream)

        try:
            # The verdicts are on the old records until the new ones are classified; meanwhile
            # nothing is released (DataSet.current).
            changes = {
                "version": received.version,
                "source": PushedSource(stream=received.stream),
                "state": DataSetState.ACTIVE,
            }
            changed = self._change(caller, dataset, key, "dataset.push", changes, also=also)
        except StoreUnavailable:
            # The commit may have been done: sweeping will tell whether anything refers to it.
            raise
        except BaseException:
            self._intake.discard(received.stream)
            raise
        if before.stream is not None:
            self._intake.discard(before.stream)
        return changed

    # ---- inside ---------------------------------------------------------------------------------

    def _look(
        self, caller: Party, draft: DataSetDraft
    ) -> tuple[tuple[Column, ...], SourceVersion | None]:
        if isinstance(draft.source, PushedSource):
            if draft.source.stream is not None or not draft.columns:
                raise InvalidRequest.of("columns", "declare every column of a pushed data set")
            declared = draft.columns
            bare = (Column(name=c.name, type=c.type, nullable=c.nullable) for c in declared)
            return tuple(bare), None
        return self._open(caller.name, draft.name, draft.source)

    def _open(
        self, holder: str, name: str, source: SourceRef
    ) -> tuple[tuple[Column, ...], SourceVersion]:
        with self._sources.open(holder, name, source, ()) as opened:
            found = tuple(
                Column(name=field.name, type=str(field.type), nullable=field.nullable)
                for field in opened.schema()
            )
            return found, opened.version()

    def _asking(self, cause: Cause, caller: Party) -> Callable[[Transaction, DataSet], None]:
        def asking(tx: Transaction, changed: DataSet) -> None:
            ask(tx, changed, cause, self._clock.now(), caller)

        return asking

    def _declare(
        self, caller: Party, columns: Sequence[Column], said: Sequence[Column]
    ) -> tuple[Column, ...]:
        return declare(self._elements, caller.name, self._clock.now(), columns, said)

    def _own(self, tx: Transaction, caller: Party, name: str) -> DataSet:
        dataset = tx.dataset(name)
        if dataset is None or dataset.holder != caller.name:
            raise NotFound.resource(name)
        return dataset.at(self._clock.now())

    def _change(
        self,
        caller: Party,
        dataset: DataSet,
        key: RequestKey,
        action: str,
        changes: Mapping[str, object],
        *,
        also: Callable[[Transaction, DataSet], None] = lambda _tx, _dataset: None,
        **details: str,
    ) -> DataSet:
        changed = dataset.but(
            **{**changes, "revision": dataset.revision + 1, "updated": self._clock.now()}
        )
        with self._store.write() as tx:
            if made_before(tx, caller, key) is not None:
                return dataset_for(tx, caller, dataset.name)
            before = tx.dataset(dataset.name) or dataset
            tx.put_dataset(changed, expected_revision=dataset.revision)
            also(tx, changed)
            remember(tx, caller, key, changed.name)
            affected = recheck(tx, before, changed, self._clock.now())
            self._log(tx, caller, action, changed, **details, **affected)
        return changed

    def _log(
        self, tx: Transaction, caller: Party, action: str, dataset: DataSet, **details: str
    ) -> None:
        tx.audit(
            AuditEvent(
                actor=caller.name,
                action=action,
                resource=dataset.name,
                outcome="ok",
                details={
                    "revision": str(dataset.revision),
                    "grade": grade_of(dataset),
                    "dataset_digest": dataset.digest(),
                    **details,
                },
            ),
            self._clock.now(),
        )


def _columns(value: object) -> tuple[Column, ...]:
    if not isinstance(value, tuple) or not all(isinstance(item, Noun) for item in value):
        raise InvalidRequest.of("columns", "expected columns")
    return tuple(item for item in value if isinstance(item, Column))
