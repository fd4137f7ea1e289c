"""The recodings of data set versions: which there are, and where they are staged."""

from sqlalchemy import select

from gateway.model.recoding import StoredRecoding
from gateway.store import tables
from gateway.store.unit import Unit, microseconds, read_noun


class Recodings(Unit):
    """Rows of ``recoding``."""

    def add_recoding(self, recoding: StoredRecoding) -> bool:
        """Insert the next of its version; False when another has that generation, or one before
        it lacks. What is there is never replaced: extracts were published under it."""
        there = self.recodings(recoding.dataset, recoding.fingerprint)
        if recoding.generation != len(there) + 1:
            return False
        row = {
            "dataset": recoding.dataset,
            "fingerprint": recoding.fingerprint,
            "generation": recoding.generation,
            "created": microseconds(recoding.created),
            "body": recoding.model_dump_json(),
        }
        self._insert(tables.recoding, row)
        return True

    def add_recoding_goal(
        self, dataset: str, fingerprint: str, generation: int, goal: str
    ) -> StoredRecoding:
        """Say that a recoding was found to reach one more goal, and change nothing else of it."""
        found = self.recodings(dataset, fingerprint)[generation - 1]
        if goal not in found.goals:
            found = found.but(goals=(*found.goals, goal))
            table = tables.recoding
            self._writing().execute(
                table.update()
                .values(body=found.model_dump_json())
                .where(
                    table.c.dataset == dataset,
                    table.c.fingerprint == fingerprint,
                    table.c.generation == generation,
                )
            )
        return found

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
