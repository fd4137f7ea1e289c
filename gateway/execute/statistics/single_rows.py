"""Whether a person has one row at most, as a holder declared: looked at on all rows, before any answer
relies on it.

What comes out is one bit about a whole data set, which no consumer may learn: a single person decides
it. It chooses between two ways to the same answer, and is for the holder alone.
"""

from pathlib import Path
from typing import Final

from gateway.execute.statistics.contributions import Contributions, parts_for
from gateway.execute.statistics.database import Database, Reading, read_name
from gateway.model.statistics import ContributionBounds
from gateway.ports import Source

_TWO: Final = ContributionBounds(groups=1, rows=2)


def has_single_rows(
    dataset: str, person: str, source: Source, *, memory_mib: int, threads: int, folder: Path
) -> bool:
    """Whether no person has several rows. Rows of nobody do not count."""
    parts = parts_for(source.version().rows)
    part = "" if parts == 1 else f"TRY_CAST(hash({read_name(0)}) % {parts} AS USMALLINT) AS part, "
    query = (
        f"SELECT {part}{read_name(0)} AS person, TRY_CAST(0 AS BIGINT) AS code FROM t0 "  # noqa: S608
        f"WHERE {read_name(0)} IS NOT NULL"
    )
    reading = Reading(dataset, source, (person,), lambda _: None)
    with (
        Database(memory_mib, threads) as database,
        Contributions(
            _TWO,
            1,
            (),
            (),
            parts=parts,
            memory=memory_mib << 20,
            folder=folder,
            key=bytes(16),  # nothing is drawn among one group
            threads=threads,
        ) as contributions,
    ):
        with database.result(query, [reading]) as batches:
            for batch in batches:
                contributions.add(batch)
        contributions.finish()
        # Two rows of one person count twice, and the person once.
        return bool(contributions.rows[0] == contributions.persons[0])
