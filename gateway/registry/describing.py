"""What a data set is: descriptions, what its holder declares, what an officer decides, and what a
change of that affects."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import partial

from gateway.errors import (
    Conflict,
    FailedPrecondition,
    InvalidRequest,
    NotFound,
    PermissionDenied,
    Violation,
)
from gateway.model.access import Grant
from gateway.model.catalog import Column, DataSet, Party
from gateway.model.classification import Cause, Classification
from gateway.model.grades import Grade
from gateway.model.lifecycle import DataSetState, GrantState
from gateway.model.names import ColumnRole, Role
from gateway.model.noun import Noun
from gateway.model.requests import RequestKey
from gateway.ports import Transaction
from gateway.registry.changing import Changing
from gateway.registry.classifications import ask, refuse_while_under_way
from gateway.registry.declaring import fitting, overridden
from gateway.registry.facts import everything
from gateway.registry.once import made_before, remember
from gateway.registry.sight import dataset_for

_CHANGEABLE = frozenset(
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
        "contributions",
        "columns",
    }
)


class Describing(Changing):
    """Use cases over what is said and found of columns."""

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
        raise a verdict and never weaken it, and fill in what is unknown where no value speaks
        (Column.admits).
        """
        unknown = sorted(set(changes) - _CHANGEABLE)
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


def _columns(value: object) -> tuple[Column, ...]:
    if not isinstance(value, tuple) or not all(isinstance(item, Noun) for item in value):
        raise InvalidRequest.of("columns", "expected columns")
    return tuple(item for item in value if isinstance(item, Column))
