"""The recodings of data set versions: which there are, and where they are staged."""

from sqlalchemy import select

from gateway.model.recoding import StoredRecoding
from gateway.store import tables
from gateway.store.unit import Unit, microseconds, read_noun


class Recodings(Unit):
    """Rows of ``recoding``."""

    def put_recoding(self, recoding: StoredRecoding) -> None:
        """Insert, or replace that of the same version and generation."""
        table = tables.recoding
        where = {
            "dataset": recoding.dataset,
            "fingerprint": recoding.fingerprint,
            "generation": recoding.generation,
        }
        body = {
            "created": microseconds(recoding.created),
            "body": recoding.model_dump_json(),
        }
        update = table.update().values(body)
        for name, value in where.items():
            update = update.where(table.c[name] == value)
        if not self._writing().execute(update).rowcount:
            self._insert(table, {**where, **body})

    def recodings(self, dataset: str, fingerprint: str) -> list[StoredRecoding]:
        """Those of a version, the finest first."""
        table = tables.recoding
        statement = (
            select(table.c.body)
            .where(table.c.dataset == dataset, table.c.fingerprint == fingerprint)
            .order_by(table.c.generation)
        )
        return [read_noun(StoredRecoding, body) for body in self._bodies(statement, table.c.body)]

    def newest_recoding(self, dataset: str) -> StoredRecoding | None:
        """The first of the version that was recoded last."""
        table = tables.recoding
        statement = (
            select(table.c.body)
            .where(table.c.dataset == dataset, table.c.generation == 1)
            .order_by(table.c.created.desc(), table.c.fingerprint)
            .limit(1)
        )
        found = list(self._bodies(statement, table.c.body))
        return read_noun(StoredRecoding, found[0]) if found else None
