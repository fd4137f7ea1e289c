"""The groups that persons count in, where no list says which there are: of each person as many as the
bound allows, before any group is looked at.

Of a person's groups those with the lowest draws count. A draw is a keyed hash of person and group, so
which they are follows from the person's own rows: what is counted later draws the same. What a person
adds here is never more than the bound, however many groups the person's rows name, and whatever does
not fit into memory is put away encrypted.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

import pyarrow as pa

from gateway.execute.statistics.database import Database
from gateway.execute.statistics.spill import Spill

_SHARE: Final = 32
"""So many times what is held at once is what DuckDB needs to sort it."""


class FoundGroups:
    """Takes batches with the columns ``part``, ``person``, ``draw`` and the keys ``g0``….

    ``most``: groups of a person that count. ``part``: a number by the person, below ``parts``. About
    ``memory_mib`` are held. Use as a context manager.
    """

    def __init__(
        self, most: int, keys: int, *, parts: int, memory_mib: int, threads: int, folder: Path
    ) -> None:
        self._names = [f"g{n}" for n in range(keys)]
        self._most = most
        self._parts = parts
        self._limit = (memory_mib << 20) // _SHARE
        self._spill = Spill(folder)
        self._database = Database(memory_mib, threads)
        self._held: list[pa.Table] = []
        self._bytes = 0

    def __enter__(self) -> "FoundGroups":
        self._spill.__enter__()
        self._database.__enter__()
        return self

    def __exit__(self, *exc: object) -> None:
        self._database.__exit__(*exc)
        self._spill.__exit__(None, None, None)

    def add(self, batch: pa.RecordBatch) -> None:
        """Take one more batch."""
        for piece in _pieces(pa.table(batch), self._limit):
            self._hold(piece)
            if self._bytes > self._limit:
                self._bound()
                if self._bytes > self._limit // 2:
                    self._put_away()

    def keys(self) -> pa.Table:
        """Every group that a person counts in, once each, in their order, with its number
        ``code``. Raises CheckFailed where memory does not do for so many of them."""
        found: list[pa.Table] = []
        if not self._spill.bytes:
            self._bound()
            found = [held.select(self._names) for held in self._held]
        else:
            self._put_away()
            for part in range(self._parts):
                for batch in self._spill.read(part):
                    self._hold(pa.table(batch))
                    if self._bytes > self._limit:
                        self._bound()
                self._bound()
                found += [self._distinct([held]) for held in self._held]
                self._held, self._bytes = [], 0
        listed = ", ".join(self._names)
        query = f"SELECT {listed}, row_number() OVER (ORDER BY {listed}) - 1 AS code"
        return self._asked(f"{query} FROM (SELECT DISTINCT {listed} FROM t)", found)  # noqa: S608

    def _hold(self, piece: pa.Table) -> None:
        self._held.append(piece)
        self._bytes += piece.nbytes

    def _bound(self) -> None:
        """Of each person that is held, no more than the groups that count. Equal draws of two groups
        are told apart by the order of the groups, as when rows are counted."""
        if not self._held:
            return
        listed = ", ".join(self._names)
        pairs = (
            f"SELECT part, person, {listed}, min(draw) AS draw FROM t "  # noqa: S608
            f"GROUP BY part, person, {listed}"
        )
        kept = self._asked(
            f"SELECT part, person, draw, {listed} FROM ({pairs}) QUALIFY row_number() OVER "  # noqa: S608
            f"(PARTITION BY person ORDER BY draw, {listed}) <= {self._most}",
            self._held,
        )
        self._held, self._bytes = [kept], kept.nbytes

    def _put_away(self) -> None:
        for held in self._held:
            for part, piece in _by_part(held):
                self._spill.write(part, piece)
        self._held, self._bytes = [], 0

    def _distinct(self, tables: Sequence[pa.Table]) -> pa.Table:
        return self._asked(f"SELECT DISTINCT {', '.join(self._names)} FROM t", tables)  # noqa: S608

    def _asked(self, query: str, tables: Sequence[pa.Table]) -> pa.Table:
        return self._database.of_table(query, pa.concat_tables(tables))


def _pieces(table: pa.Table, most: int) -> Iterator[pa.Table]:
    """The rows in pieces of about so many bytes."""
    if table.nbytes <= most or table.num_rows <= 1:
        yield table
        return
    half = table.num_rows // 2
    yield from _pieces(table.slice(0, half), most)
    yield from _pieces(table.slice(half), most)


def _by_part(table: pa.Table) -> Iterator[tuple[int, pa.RecordBatch]]:
    ordered = table.sort_by("part").combine_chunks()
    counts = ordered.column("part").value_counts()
    start = 0
    for entry in counts.to_pylist():
        for batch in ordered.slice(start, entry["counts"]).to_batches():
            yield entry["values"], batch
        start += entry["counts"]
