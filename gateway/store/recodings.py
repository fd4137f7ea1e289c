"""The recodings of data set versions: which there are, and where they are staged."""

from sqlalchemy import select

from gateway.model.recoding import StoredRecoding
from gateway.store import tables
from gateway.store.unit import Unit, read_noun


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
        body = {"body": recoding.model_dump_json()}
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

    def drop_recodings(self, dataset: str, fingerprint: str) -> None:
        """Forget those of a version, which nothing was released under."""
        table = tables.recoding
        self._writing().execute(
            table.delete().where(table.c.dataset == dataset, table.c.fingerprint == fingerprint)
        )
