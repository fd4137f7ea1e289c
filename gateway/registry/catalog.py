"""The catalogue: a department registers a data set where it lives, and keeps its description."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime

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
from gateway.model.audit import AuditEvent
from gateway.model.catalog import (
    OWN_RECORDS,
    Column,
    DataSet,
    DataSetDraft,
    Party,
    PushedSource,
    SourceVersion,
)
from gateway.model.grades import Grade
from gateway.model.lifecycle import DATA_SET, DataSetState, advance
from gateway.model.names import ColumnRole, Role
from gateway.model.noun import Noun
from gateway.model.requests import RequestKey
from gateway.norms.elements import Element
from gateway.ports import Clock, ColumnSample, Intake, Page, Sources, Store, Transaction
from gateway.registry.declaring import declare, overridden
from gateway.registry.freshness import Classify
from gateway.registry.once import made_before, remember
from gateway.registry.sight import dataset_for
from gateway.registry.verdicts import judged

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
        classify: Classify,
        elements: Mapping[str, Element],
    ) -> None:
        self._store = store
        self._sources = sources
        self._intake = intake
        self._clock = clock
        self._classify = classify
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
        """A new data set: its source is opened once, its columns are classified.

        Raises AlreadyExists, SourceUnavailable, or InvalidRequest naming every declared column
        that the source does not have.
        """
        with self._store.read() as tx:
            if (earlier := made_before(tx, caller, key)) is not None:
                return dataset_for(tx, caller, earlier)
        if draft.name == OWN_RECORDS:
            raise InvalidRequest.of("name", f"{draft.name} is reserved: choose another")
        bare, rows, version = self._look(caller, draft)
        now = self._clock.now()
        dataset = DataSet(
            **{name: value for name, value in dict(draft).items() if name != "columns"},
            holder=caller.name,
            columns=bare,
            state=DataSetState.AWAITING_RECORDS if version is None else DataSetState.ACTIVE,
            created=now,
            updated=now,
        )
        dataset = judged(dataset, version, self._classify(rows, bare))
        dataset = dataset.but(columns=self._declare(caller, dataset.columns, draft.columns))
        with self._store.write() as tx:
            if (earlier := made_before(tx, caller, key)) is not None:
                return dataset_for(tx, caller, earlier)
            tx.put_dataset(dataset, expected_revision=None)
            remember(tx, caller, key, dataset.name)
            self._log(tx, caller, "dataset.register", dataset)
        return dataset

    def refresh(self, caller: Party, name: str, key: RequestKey) -> DataSet:
        """Read the source's columns and version again. What was known of a column that is still
        there stays known; new columns are classified."""
        with self._store.read() as tx:
            if made_before(tx, caller, key) is not None:
                return dataset_for(tx, caller, name)
            dataset = self._own(tx, caller, name)
        if isinstance(dataset.source, PushedSource):
            raise FailedPrecondition(f"{name} is pushed: push its records again instead")
        found, rows, version = self._open(dataset.holder, dataset.name, dataset.source, ())
        known = {column.name: column for column in dataset.columns}
        columns = tuple(
            known[c.name].but(type=c.type, nullable=c.nullable) if c.name in known else c
            for c in found
        )
        seen = judged(
            dataset.but(columns=columns), version, self._classify(rows, columns), caller.role
        )
        return self._change(caller, dataset, key, "dataset.refresh", _outcome(seen))

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
            wanted["columns"] = self._declare(caller, dataset.columns, said)
        return self._change(caller, dataset, key, "dataset.update", wanted)

    def classify(self, caller: Party, name: str, key: RequestKey) -> DataSet:
        """Classify again from names and a sample; what a person declared stays."""
        with self._store.read() as tx:
            dataset = (
                self._own(tx, caller, name)
                if caller.role is Role.HOLDER
                else dataset_for(tx, caller, name).at(self._clock.now())
            )
            if made_before(tx, caller, key) is not None:
                return dataset
        if dataset.state is not DataSetState.ACTIVE:
            raise FailedPrecondition(f"{name} is {dataset.state}: there is nothing to classify")
        with self._sources.open(
            dataset.holder, dataset.name, dataset.source, dataset.columns
        ) as source:
            names = [column.name for column in dataset.columns]
            version = source.version()
            found = self._classify(source.sample(names), dataset.columns)
        seen = judged(dataset, version, found, caller.role)
        return self._change(caller, dataset, key, "dataset.classify", _outcome(seen))

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
            overridden(c, caller, (entity, grade, role), reason, now, until)
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

        def keys(tx: Transaction) -> None:
            tx.put_key(received.stream, received.wrapped_key)
            if before.stream is not None:
                tx.destroy_key(before.stream)

        try:
            found = self._classify(received.samples, dataset.columns)
            changes = {
                **_outcome(judged(dataset, received.version, found, caller.role)),
                "source": PushedSource(stream=received.stream),
                "state": DataSetState.ACTIVE,
            }
            changed = self._change(caller, dataset, key, "dataset.push", changes, also=keys)
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
    ) -> tuple[tuple[Column, ...], tuple[ColumnSample, ...] | None, SourceVersion | None]:
        if isinstance(draft.source, PushedSource):
            if draft.source.stream is not None or not draft.columns:
                raise InvalidRequest.of("columns", "declare every column of a pushed data set")
            declared = draft.columns
            bare = (Column(name=c.name, type=c.type, nullable=c.nullable) for c in declared)
            return tuple(bare), None, None
        return self._open(caller.name, draft.name, draft.source, ())

    def _open(
        self, holder: str, name: str, source: object, columns: Sequence[Column]
    ) -> tuple[tuple[Column, ...], tuple[ColumnSample, ...], SourceVersion]:
        with self._sources.open(holder, name, source, columns) as opened:  # type: ignore[arg-type]
            schema = opened.schema()
            found = tuple(
                Column(name=field.name, type=str(field.type), nullable=field.nullable)
                for field in schema
            )
            version = opened.version()
            return found, tuple(opened.sample(schema.names)), version

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
        also: Callable[[Transaction], None] | None = None,
        **details: str,
    ) -> DataSet:
        changed = dataset.but(
            **{**changes, "revision": dataset.revision + 1, "updated": self._clock.now()}
        )
        with self._store.write() as tx:
            if made_before(tx, caller, key) is not None:
                return dataset_for(tx, caller, dataset.name)
            tx.put_dataset(changed, expected_revision=dataset.revision)
            if also is not None:
                also(tx)
            remember(tx, caller, key, changed.name)
            self._log(tx, caller, action, changed, **details)
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


def _outcome(seen: DataSet) -> dict[str, object]:
    return {name: getattr(seen, name) for name in ("columns", "version", "judged")}


def _columns(value: object) -> tuple[Column, ...]:
    if not isinstance(value, tuple) or not all(isinstance(item, Noun) for item in value):
        raise InvalidRequest.of("columns", "expected columns")
    return tuple(item for item in value if isinstance(item, Column))
