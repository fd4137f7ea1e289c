"""Builds the benchmark: forty tables of columns whose entity and role are known."""

from collections.abc import Iterator
from dataclasses import dataclass

import pyarrow as pa

from gateway.model.names import ColumnRole
from gateway.testing.benchmark.dirt import spoilt
from gateway.testing.benchmark.draw import Draw
from gateway.testing.benchmark.kinds import KINDS, Kind
from gateway.testing.benchmark.naming import NAMING_STYLES, Namer, NamingStyle
from gateway.testing.benchmark.plans import PLANS, Domain, Plan
from gateway.testing.benchmark.split import SPLITS, Split
from gateway.testing.draws import Purpose, Stream

ROWS = 400
_SPOKEN: tuple[NamingStyle, ...] = NAMING_STYLES[:-1]
_PER_TABLE = 64  # streams set aside for one table; more than it has columns


@dataclass(frozen=True, slots=True)
class LabelledColumn:
    """One column and what is true of it.

    `entity` and `role`: None where nobody could tell from name and values; unknown is then right.
    `dirt_per_mille`: the share of its cells that were spoilt. `entry`: of the list of names, what the
    name was made from; empty for a meaningless one.
    """

    name: str
    kind: str
    style: NamingStyle
    entity: str | None
    role: ColumnRole | None
    trap: bool
    dirt_per_mille: int
    entry: str = ""


@dataclass(frozen=True, slots=True)
class LabelledTable:
    """One table of the benchmark; `columns` stand in the order of `data`."""

    title: str
    domain: Domain
    columns: tuple[LabelledColumn, ...]
    data: pa.Table


def tables(seed: int, *, split: Split = "all", rows: int = ROWS) -> Iterator[LabelledTable]:
    """Yield the forty tables of one seed, the same on any platform.

    split: which part of the names and words is drawn from. rows: of each table, at least 1. Raises ValueError otherwise.
    """
    if split not in SPLITS:
        raise ValueError(f"split must be one of {', '.join(SPLITS)}")
    if rows < 1:
        raise ValueError("rows must be at least 1")
    return (_table(plan, number, seed, split, rows) for number, plan in enumerate(PLANS))


def _table(plan: Plan, number: int, seed: int, split: Split, rows: int) -> LabelledTable:
    shared = Stream(seed, Purpose.BENCHMARK, block=number * _PER_TABLE)
    namer = Namer(shared, split)
    # A department has a way of naming; the ways go round, so that every domain meets every one.
    usual = _SPOKEN[(number + seed) % len(_SPOKEN)]
    columns, arrays = [], []
    for position, key in enumerate(plan.kinds, start=1):
        kind = KINDS[key]
        draw = Draw(
            Stream(seed, Purpose.BENCHMARK, block=number * _PER_TABLE + position), rows, split
        )
        style = _style(shared, usual)
        dirt = int(shared.between(50, 300, 1)[0])
        name, entry = namer.name(key, style, owned=kind.owned)
        columns.append(_label(kind, name, style, dirt, entry))
        arrays.append(spoilt(kind.make(draw), draw, dirt))
    data = pa.table(arrays, names=[column.name for column in columns])
    return LabelledTable(f"{plan.domain}-{plan.title}", plan.domain, tuple(columns), data)


def _style(stream: Stream, usual: NamingStyle) -> NamingStyle:
    drawn = int(stream.below(100, 1)[0])
    if drawn < 15:
        return "meaningless"
    return usual if drawn < 80 else _SPOKEN[int(stream.below(len(_SPOKEN), 1)[0])]


def _label(kind: Kind, name: str, style: NamingStyle, dirt: int, entry: str) -> LabelledColumn:
    told = style != "meaningless" or kind.shows
    entity, role = (kind.entity, kind.role) if told else (None, None)
    return LabelledColumn(name, kind.key, style, entity, role, kind.trap, dirt, entry)
