"""The newest classification of each data set: asked for, under way, or ended."""

from collections.abc import Collection
from datetime import datetime

from sqlalchemy import or_, select

from gateway.model.classification import Classification
from gateway.model.lifecycle import ClassificationState
from gateway.store import tables
from gateway.store.unit import Unit, microseconds, read_noun


class Classifications(Unit):
    """Rows of ``classification``."""

    def put_classification(self, classification: Classification) -> None:
        """Insert, or replace that of the same data set."""
        table = tables.classification
        row = {
            "state": classification.state,
            "updated": microseconds(classification.updated),
            "body": classification.model_dump_json(),
        }
        update = table.update().where(table.c.dataset == classification.dataset).values(row)
        if not self._writing().execute(update).rowcount:
            self._insert(table, {"dataset": classification.dataset, **row})

    def classification(self, dataset: str) -> Classification | None:
        """The newest of a data set; None: never asked for."""
        return self.classifications([dataset]).get(dataset)

    def classifications(self, datasets: Collection[str]) -> dict[str, Classification]:
        """The newest of each of these data sets that has one."""
        table = tables.classification
        statement = select(table.c.body).where(table.c.dataset.in_(datasets))
        found = (read_noun(Classification, body) for body in self._bodies(statement, table.c.body))
        return {each.dataset: each for each in found}

    def unclassified(self, now: datetime) -> list[str]:
        """Names of data sets whose classification waits, or runs without a lease that still
        holds; longest waiting first."""
        table, lease = tables.classification, tables.lease
        wanted = [ClassificationState.PENDING, ClassificationState.RUNNING]
        statement = (
            select(table.c.dataset)
            .join(lease, lease.c.resource == table.c.dataset, isouter=True)
            .where(table.c.state.in_(wanted))
            .where(or_(lease.c.until.is_(None), lease.c.until <= microseconds(now)))
            .order_by(table.c.updated, table.c.dataset)
        )
        return list(self._connection.execute(statement).scalars())

    def classified_before(self, moment: datetime) -> list[str]:
        """Names of data sets whose classification ended before then, longest ago first."""
        table = tables.classification
        ended = [ClassificationState.DONE, ClassificationState.FAILED]
        statement = (
            select(table.c.dataset)
            .where(table.c.state.in_(ended))
            .where(table.c.updated < microseconds(moment))
            .order_by(table.c.updated, table.c.dataset)
        )
        return list(self._connection.execute(statement).scalars())
