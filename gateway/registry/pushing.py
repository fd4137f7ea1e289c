"""Records that a holder pushes: they replace the ones before in one transaction, or not at all."""

import pyarrow as pa

from gateway.errors import FailedPrecondition, StoreUnavailable
from gateway.model.catalog import DataSet, Party, PushedSource
from gateway.model.classification import Cause
from gateway.model.lifecycle import DataSetState
from gateway.model.requests import RequestKey
from gateway.ports import Transaction
from gateway.registry.changing import Changing
from gateway.registry.domain_keys import RootKeyRetired
from gateway.registry.once import made_before


class Pushing(Changing):
    """The use case of pushed records."""

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
