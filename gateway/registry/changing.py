"""How a data set is changed: one transaction, from the revision that was read, with its audit entry."""

from collections.abc import Callable, Mapping, Sequence

from gateway.classify.grading import grade_of
from gateway.errors import NotFound
from gateway.model.audit import AuditEvent
from gateway.model.catalog import Column, DataSet, Party
from gateway.model.classification import Cause
from gateway.model.requests import RequestKey
from gateway.norms.elements import Element
from gateway.ports import Clock, Intake, Sources, Store, Transaction
from gateway.registry.affected import recheck
from gateway.registry.classifications import ask
from gateway.registry.declaring import declare
from gateway.registry.once import made_before, remember
from gateway.registry.sight import dataset_for


class Changing:
    """What the use cases over data sets share."""

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
