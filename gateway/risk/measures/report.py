"""The risk report of a table against stated attackers, from one pass over its rows."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from gateway.errors import InvalidRequest
from gateway.model.exact import Number, PositiveNumber, from_millionths, millionths
from gateway.model.noun import Noun
from gateway.norms.set_grades import Said
from gateway.risk.measures.attackers import Attacker, Cell, attacker
from gateway.risk.measures.effect import Effect
from gateway.risk.measures.safe_harbor import Finding
from gateway.risk.measures.uniqueness import Estimator, estimate, preferred
from gateway.risk.measures.wildcard import wildcard_sizes
from gateway.risk.privacy.classes import Classes, Rows
from gateway.risk.privacy.definition import UNIT, rounded_up

SUPPRESSED: Final = ("*",)
"""Texts that stand for a suppressed cell, besides null."""

_MOST_CLASSES: Final = 5_000_000
"""So many are treated with wildcards, which holds them in memory."""

_BANDS: Final = ((1, 1), (2, 2), (3, 4), (5, 9), (10, 19), (20, 49), (50, 99), (100, None))


_STRANGERS: Final = Said(
    en="the population table lacks records that are here, so the journalist's risk is not to be "
    "trusted: give the whole population, generalised as this table is",
    zh="总体表缺少本表中的记录，记者攻击者的风险不可信：请提供与本表同样泛化的完整总体表",
)
_TOO_MANY_PATTERNS: Final = Said(
    en="too many classes, or patterns of suppressed cells, to treat the cells as wildcards",
    zh="等价类或被抑制单元格的组合过多，未按通配符计算",
)


class Band(Noun):
    """How many records and classes have a class size from ``least`` to ``most``."""

    least: int
    most: int | None
    classes: int
    records: int


class Uniqueness(Noun):
    """Estimated shares of the population that are alone in their class; None: no estimate.

    ``preferred`` is the estimator that the decision rule of Dankar et al. 2012 takes.
    """

    sampling_fraction: PositiveNumber
    pitman: Number | None
    zayatz: Number | None
    snb: Number | None
    preferred: Estimator


class Wildcard(Noun):
    """The prosecutor for whom a suppressed cell may stand for any value.

    ``records``: with a suppressed cell. ``smallest``: the fewest records that one agrees with.
    """

    records: int
    smallest: int
    prosecutor: Attacker


class RiskReport(Noun):
    """The risk of one table. Shares are rounded up to a millionth, classes are of records.

    ``journalist`` needs a population table, ``uniqueness`` a sampling fraction, ``wildcard`` a
    suppressed cell; without, they are None. ``marketer`` links to the population table if there is
    one, else to the table itself. ``safe_harbor`` and ``effect`` are added by who knows the columns.
    ``remarks``: what the figures do not say by themselves.
    """

    quasi_identifiers: tuple[str, ...]
    records: int
    classes: int
    smallest_class: int
    largest_class: int
    alone: int
    threshold: PositiveNumber
    prosecutor: Attacker
    journalist: Attacker | None = None
    marketer: Attacker
    uniqueness: Uniqueness | None = None
    wildcard: Wildcard | None = None
    sizes: tuple[Band, ...]
    safe_harbor: tuple[Finding, ...] | None = None
    effect: Effect | None = None
    remarks: tuple[Said, ...] = ()


def assess(
    rows: Rows,
    quasi_identifiers: Sequence[str],
    *,
    threshold: str,
    population: Rows | None = None,
    sampling_fraction: str | None = None,
    suppressed: Sequence[str] = SUPPRESSED,
    memory_mib: int = 1024,
    threads: int = 2,
    spill: Path | None = None,
) -> RiskReport:
    """The report of a table; ``rows`` is read once and not held.

    ``threshold``: the highest risk of a record that is borne, a share. ``population``: a table with
    the same columns, generalised alike. ``sampling_fraction``: records here by those of the
    population, for the estimates. ``InvalidRequest`` for an empty table or bad columns.
    """
    limit = millionths(threshold)
    with Classes(quasi_identifiers, memory_mib=memory_mib, threads=threads, spill=spill) as classes:
        classes.count(rows)
        if not classes.rows:
            raise InvalidRequest("the table has no records: there is no risk to report")
        if population is not None:
            classes.count_population("population", population)
        sizes = {
            int(size): int(count)
            for size, count in classes.run("SELECT n, count(*) FROM classes GROUP BY n ORDER BY n")
        }
        prosecutor = attacker((Cell(size, size, n) for size, n in sizes.items()), limit)
        journalist, strangers = _journalist(classes, limit)
        remarks, hidden = _remarks(classes, suppressed)
        wildcard = None
        if hidden:
            wildcard = _wildcard(classes, limit, suppressed)
            remarks += [] if wildcard else [_TOO_MANY_PATTERNS]
        if strangers:
            remarks.append(_STRANGERS)
    return RiskReport(
        quasi_identifiers=tuple(quasi_identifiers),
        records=classes.rows,
        classes=sum(sizes.values()),
        smallest_class=min(sizes),
        largest_class=max(sizes),
        alone=sizes.get(1, 0),
        threshold=threshold,
        prosecutor=prosecutor,
        journalist=journalist,
        marketer=journalist or prosecutor,
        uniqueness=None if sampling_fraction is None else _uniqueness(sizes, sampling_fraction),
        wildcard=wildcard,
        sizes=_bands(sizes),
        remarks=tuple(remarks),
    )


def _journalist(classes: Classes, limit: int) -> tuple[Attacker | None, bool]:
    """Against the population table, and whether it lacks somebody who is here."""
    table = classes.populations.get("population")
    if table is None:
        return None, False
    same = " AND ".join(f"c.{key} IS NOT DISTINCT FROM p.{key}" for key in classes.keys)
    joined = classes.run(
        "SELECT c.n, coalesce(p.n, 0), count(*) "  # noqa: S608 - own names
        f"FROM classes c LEFT JOIN {table} p ON {same} GROUP BY ALL"
    )
    # Whom the population lacks is found among those here: no risk gets smaller by a bad table.
    cells = [Cell(int(size), int(among) or int(size), int(n)) for size, among, n in joined]
    strangers = any(int(among) < int(size) for size, among, _ in joined)
    return attacker(cells, limit), strangers


def _uniqueness(sizes: Mapping[int, int], sampling_fraction: str) -> Uniqueness:
    fraction = millionths(sampling_fraction) / UNIT
    if fraction > 1:
        raise InvalidRequest.of("sampling_fraction", "is a share: more than 0 and at most 1")

    def told(estimator: Estimator) -> str | None:
        share = estimate(estimator, sizes, fraction)
        return None if share is None else from_millionths(min(rounded_up(share), UNIT))

    return Uniqueness(
        sampling_fraction=sampling_fraction,
        pitman=told("pitman"),
        zayatz=told("zayatz"),
        snb=told("snb"),
        preferred=preferred(sizes, fraction)[0],
    )


def _wildcard(classes: Classes, limit: int, suppressed: Sequence[str]) -> Wildcard | None:
    """None where there are too many classes, or patterns of suppression among them."""
    if classes.number("SELECT count(*) FROM classes") > _MOST_CLASSES:
        return None
    counted = classes.arrow(f"SELECT n, {', '.join(classes.keys)} FROM classes")  # noqa: S608 - own names
    codes = np.column_stack(
        [_codes(counted.column(key).combine_chunks(), suppressed) for key in classes.keys]
    )
    records = counted.column("n").to_numpy()
    hidden = (codes < 0).any(axis=1)
    sizes = wildcard_sizes(codes, records)
    if sizes is None:
        return None
    pairs, times = np.unique(np.column_stack([records, sizes]), axis=0, return_counts=True)
    cells = [
        Cell(int(size), int(among), int(n))
        for (size, among), n in zip(pairs.tolist(), times.tolist(), strict=True)
    ]
    return Wildcard(
        records=int(records[hidden].sum()),
        smallest=int(sizes.min()),
        prosecutor=attacker(cells, limit),
    )


def _codes(column: pa.Array, suppressed: Sequence[str]) -> npt.NDArray[np.int32]:
    """A number for each value, −1 where it is suppressed."""
    codes: npt.NDArray[np.int64] = pc.fill_null(pc.dictionary_encode(column).indices, -1).to_numpy(
        zero_copy_only=False
    )
    if pa.types.is_binary(column.type) or pa.types.is_large_binary(
        column.type
    ):  # text, see Classes
        marks = pa.array([mark.encode() for mark in suppressed], column.type)
        codes = np.where(pc.is_in(column, marks).to_numpy(zero_copy_only=False), -1, codes)
    return codes.astype(np.int32)


def _bands(sizes: Mapping[int, int]) -> tuple[Band, ...]:
    bands = []
    for least, most in _BANDS:
        fitting = {
            size: n for size, n in sizes.items() if size >= least and (most is None or size <= most)
        }
        records = sum(size * n for size, n in fitting.items())
        bands.append(Band(least=least, most=most, classes=sum(fitting.values()), records=records))
    return tuple(bands)


def _remarks(classes: Classes, suppressed: Sequence[str]) -> tuple[list[Said], bool]:
    """On columns that say nothing and on nulls; and whether any cell is suppressed."""
    marks = ", ".join(f"unhex('{mark.encode().hex()}')" for mark in suppressed)
    told, hidden = [], False
    for name, key in zip(classes.quasi_identifiers, classes.keys, strict=True):
        starred = f"{key} IN ({marks})" if marks and classes.is_text(name) else "false"
        [(same, nulls, empty, stars)] = classes.run(
            f"SELECT min({key}) = max({key}), bool_or({key} IS NULL), bool_and({key} IS NULL), "  # noqa: S608
            f"coalesce(bool_or({starred}), false) FROM classes"
        )
        hidden = hidden or nulls or stars
        if empty or (same and not nulls):
            told.append(
                Said(
                    en=f"{name} is the same in every record: it tells nothing",
                    zh=f"{name} 在所有记录中相同，不提供区分信息",
                )
            )
        elif nulls:
            told.append(
                Said(
                    en=f"{name} has nulls, which agree with each other and with no value",
                    zh=f"{name} 含空值；空值彼此相同，与任何取值都不同",
                )
            )
    return told, hidden
