"""Looks at a data set's source before a decision is final: verdicts are on what it holds now."""

from datetime import datetime

from gateway.classify.grading import grade_of
from gateway.errors import InvalidRequest, RecordsRejected, SourceChanged
from gateway.model.audit import AuditEvent
from gateway.model.catalog import DataSet, SourceVersion
from gateway.ports import Source, Sources, Transaction
from gateway.registry.affected import recheck
from gateway.registry.freshness import Classify, refreshed


class Looking:
    """Asks sources, which may be slow to answer: outside of transactions."""

    def __init__(self, sources: Sources, classify: Classify) -> None:
        self._sources = sources
        self._classify = classify

    def opened(self, dataset: DataSet) -> Source:
        """The data set's source; use it as a context manager."""
        return self._sources.open(dataset.holder, dataset.name, dataset.source, dataset.columns)

    def at(self, dataset: DataSet) -> tuple[DataSet, SourceVersion]:
        """The data set with verdicts on what its source holds now, and that version."""
        try:
            with self.opened(dataset) as source:
                version = source.version()
                registered = dataset.version
                same = registered is not None and (
                    version.schema_digest == registered.schema_digest
                )
                current = refreshed(dataset, source, version, self._classify) if same else dataset
        except (InvalidRequest, RecordsRejected) as error:
            # Of a registration, that is the caller's fault; here the caller is the consumer.
            raise SourceChanged(
                f"the source of {dataset.name} can no longer be read as it was registered; its "
                "holder must look at it",
                dataset=dataset.name,
            ) from error
        if not same:
            raise SourceChanged(
                f"the source of {dataset.name} no longer has the registered columns; its holder "
                "must refresh the registration",
                dataset=dataset.name,
            )
        return current, version


def keep_verdicts(tx: Transaction, before: DataSet, current: DataSet, now: datetime) -> DataSet:
    """Record what the source holds by now, so that everybody decides on it."""
    kept = current.but(revision=before.revision + 1, updated=now)
    tx.put_dataset(kept, expected_revision=before.revision)
    affected = recheck(tx, before, kept, now)
    tx.audit(
        AuditEvent(
            actor="gateway",
            action="dataset.look",
            resource=kept.name,
            outcome="ok",
            details={
                "revision": str(kept.revision),
                "grade": grade_of(kept),
                "verdicts": "same" if kept.columns == before.columns else "stricter",
                **affected,
            },
        ),
        now,
    )
    return kept
