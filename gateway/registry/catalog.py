"""The catalogue: a department registers a data set where it lives, and keeps its description."""

from gateway.errors import FailedPrecondition, InvalidRequest
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
from gateway.model.classification import Cause
from gateway.model.lifecycle import DATA_SET, DataSetState, advance
from gateway.model.names import Role
from gateway.model.requests import RequestKey
from gateway.ports import Page
from gateway.registry.classifications import ask
from gateway.registry.declaring import without_verdict
from gateway.registry.describing import Describing
from gateway.registry.once import made_before, remember
from gateway.registry.pushing import Pushing
from gateway.registry.sight import dataset_for


class Catalog(Describing, Pushing):
    """Use cases over data sets."""

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
