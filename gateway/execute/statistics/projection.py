"""The one SQL statement that a plan runs over its sources: what of each row counts, and where.

Rows of nobody, rows that WHERE leaves out and rows of no listed group go no further. What is added
up is whole numbers of units from here on.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final

from gateway.execute.statistics import sql
from gateway.execute.statistics.contributions import Amount, Ranked
from gateway.execute.statistics.database import read_name
from gateway.model.exact import DECIMALS
from gateway.model.expressions import Call, ColumnValue, Constant, ValueType, walk
from gateway.model.statistics import Measure, QuantileMeasure, StatisticsPlan

PERSON: Final = "p"
_TABLES: Final = ("t0", "t1")


PERSON_PLACE: Final = 0
_KEY_TEXT: Final = 256
_MOST_DRAWN: Final = 999_999  # as many as DuckDB draws of one person


def key_table(place: int) -> str:
    """Name of the table that holds the listed groups of a key, or all found ones."""
    return f"k{place}"


@dataclass(frozen=True, slots=True)
class Projection:
    """SQL of a plan. ``key``: 64 secret bits of this run, by which is drawn: whatever reads the
    sources once more draws the same. ``single``: of each data set, whether a person has one row."""

    plan: StatisticsPlan
    key: int = field(default=0, repr=False)
    single: tuple[bool, ...] = ()

    @property
    def summed(self) -> tuple[int, ...]:
        """Places of the measures that are sums of amounts, in order of the amounts."""
        return tuple(
            at
            for at, m in enumerate(self.plan.measures)
            if isinstance(m, Measure) and not _of_rows(m)
        )

    @property
    def ranked(self) -> tuple[int, ...]:
        """Places of the quantiles, in order of the bins."""
        return tuple(
            at for at, m in enumerate(self.plan.measures) if isinstance(m, QuantileMeasure)
        )

    @property
    def found(self) -> bool:
        """Whether the groups are only in the data."""
        return self.plan.selection is not None

    def amounts(self) -> list[Amount]:
        """What a row can add to each sum."""
        return [
            _amount(m) for at in self.summed if isinstance(m := self.plan.measures[at], Measure)
        ]

    def ranks(self) -> list[Ranked]:
        """The bins of each quantile."""
        return [
            Ranked(m.mechanism.bins, m.weight)
            for at in self.ranked
            if isinstance(m := self.plan.measures[at], QuantileMeasure)
        ]

    @property
    def drawn(self) -> bool:
        """Whether groups are drawn of a person by the keyed hash: where they are found, and a person
        can be in several."""
        return self.found and not self.plain

    @property
    def plain(self) -> bool:
        """Whether a person has one row in every data set, so that nothing is bounded."""
        return bool(self.single) and all(self.single)

    def pairs(self, parts: int) -> str:
        """Person and group of every row, with the draw of both, as ``found_groups`` takes it."""
        keys = ", ".join(f"{written} AS g{n}" for n, written in enumerate(self._keys()))
        return (
            f"SELECT {_part(parts)} AS part, {PERSON} AS person, "  # noqa: S608
            f"{self._draw(self._keys())} AS draw, {keys} FROM {self._source()} {self._where()}"
        )

    def keys_found(self) -> str:
        """All groups that are in the data, once each, in their order; where a person has one row."""
        keys = self._keys()
        columns = ", ".join(f"{written} AS g{n}" for n, written in enumerate(keys))
        names = ", ".join(f"g{n}" for n in range(len(keys)))
        return (
            f"SELECT {names}, row_number() OVER (ORDER BY {names}) - 1 AS code "  # noqa: S608
            f"FROM (SELECT DISTINCT {columns} FROM {self._source()} {self._where()})"
        )

    def rows(self, parts: int) -> str:
        """Every row that counts, as ``contributions`` takes it."""
        part = "" if parts == 1 else f"{_part(parts)} AS part, "
        columns = [f"{PERSON} AS person", f"{self._code()} AS code", *self._values()]
        if self.drawn:
            columns.append(f"{self._draw(self._keys())} AS draw")
        return f"SELECT {part}{', '.join(columns)} FROM {self._source()} {self._joins()} {self._where(listed=True)}"  # noqa: S608

    def sums(self) -> str:
        """One row a group: its number, rows and sums; where a person has one row."""
        amounts = "".join(f", sum(a{n})" for n in range(len(self.summed)))
        values = ", ".join([f"{self._code()} AS code", *self._values(ranks=False)])
        return (
            f"SELECT code, count(*){amounts} FROM (SELECT {values} FROM {self._source()} "  # noqa: S608
            f"{self._joins()} {self._where(listed=True)}) GROUP BY code"
        )

    def histogram(self, number: int) -> str:
        """Rows in each group and bin of one quantile; where a person has one row."""
        measure = self.plan.measures[self.ranked[number]]
        assert isinstance(measure, QuantileMeasure)  # noqa: S101 - chosen so above
        return (
            f"SELECT code, b, count(*) FROM (SELECT {self._code()} AS code, "  # noqa: S608
            f"{self._bin(measure)} AS b FROM {self._source()} {self._joins()} "
            f"{self._where(listed=True)}) WHERE b >= 0 GROUP BY code, b"
        )

    def trained_on(self) -> str:
        """What a model is trained on: features and target as numbers, a label as text; of each
        person one row, each that differs from the others as likely."""
        model = self.plan.model
        assert model is not None  # noqa: S101 - only such a plan is trained
        columns = []
        for place, aggregate in enumerate(self.plan.question.aggregates):
            assert aggregate.expression is not None  # noqa: S101 - so it was planned
            kind = "VARCHAR" if model.label == model.columns[place] else "DOUBLE"
            columns.append(f"TRY_CAST({self._written(aggregate.expression)} AS {kind}) AS x{place}")
        taken = [f"x{place}" for place in range(len(columns))]
        names = ", ".join(f"r.{name} AS {name}" for name in taken)
        return (
            f"SELECT {names} FROM (SELECT min({self._drawn(taken)}) AS r FROM "  # noqa: S608
            f"(SELECT {PERSON}, {', '.join(columns)} FROM {self._source()} {self._where()}) "
            f"GROUP BY {PERSON})"
        )

    # ---- parts ----------------------------------------------------------------------------------

    def needed(self, table: int) -> tuple[str, ...]:
        """Columns of a source that are read, the person's first."""
        return self.plan.question.columns(table)

    def _source(self) -> str:
        """The rows with a person, of one data set or of two joined on it; columns ``c0_name``."""
        sides = [self._side(table) for table in range(len(self.plan.datasets))]
        return sides[0] if len(sides) == 1 else f"{sides[0]} JOIN {sides[1]} USING ({PERSON})"

    def _side(self, table: int) -> str:
        types = self._types(table)
        person = read_name(PERSON_PLACE)
        columns = "".join(
            f", {sql.read(read_name(place), kind)} AS c{table}_{place}" for place, kind in types
        )
        rows = (
            f"(SELECT {person} AS {PERSON}{columns} FROM {_TABLES[table]} "  # noqa: S608
            f"WHERE {person} IS NOT NULL)"
        )
        if len(self.plan.datasets) == 1:
            return rows
        # What a side alone decides is decided first: no row that counts makes room for one that
        # does not.
        rows = f"(SELECT * FROM {rows} {_all_of(self._conditions(table))})"  # noqa: S608
        if self.single and self.single[table]:
            return rows
        # Of a person with several, or those of two heavy persons would be multiplied.
        most = 1 if self.plan.datasets[table].one_row_per_person else self.plan.bounds.rows
        names = [f"c{table}_{place}" for place, _ in types]
        taken = "".join(f", r.{name} AS {name}" for name in names)
        return (
            f"(SELECT {PERSON}{taken} FROM (SELECT {PERSON}, "  # noqa: S608
            f"unnest(min({self._drawn(names)}, {min(most, _MOST_DRAWN)})) AS r "
            f"FROM {rows} GROUP BY {PERSON}))"
        )

    def _drawn(self, names: Sequence[str]) -> str:
        """A row as a value; the least of a person's are drawn. Which they are follows from the
        person's own rows and the key: it is the same each time the sources are read, in any order,
        and no other person has a part in it. The values decide between equal draws."""
        values = "".join(f", {name} := {name}" for name in names)
        return f"struct_pack(draw := {self._draw(names)}{values})"

    def _draw(self, names: Sequence[str]) -> str:
        return f"hash(xor(hash({', '.join([PERSON, *names])}), {self.key}::UBIGINT))"

    def _types(self, table: int) -> list[tuple[int, ValueType]]:
        found = {
            part.column: part.type
            for expression in self.plan.question.expressions
            for part in walk(expression)
            if isinstance(part, ColumnValue) and part.table == table
        }
        return sorted((self.needed(table).index(name), kind) for name, kind in found.items())

    def _written(self, expression: sql.Tree) -> str:
        return sql.written(
            expression, lambda v: f"c{v.table}_{self.needed(v.table).index(v.column)}"
        )

    def _where(self, *, listed: bool = False) -> str:
        conditions = self._conditions(None)
        for key in self.plan.question.group_by if listed or self.found else ():
            written = self._written(key.expression)
            if key.first is not None:
                conditions.append(f"{written} BETWEEN {key.first} AND {key.last}")
            elif self.found and key.values is not None:
                conditions.append(_among(written, key.expression.type, key.values))
        return _all_of(conditions)

    def _conditions(self, table: int | None) -> list[str]:
        """What WHERE asks of one side of a join alone; None: all the rest of it."""
        where = self.plan.question.where
        found = [] if where is None else list(_parts(where))
        sides = [_side_of(part) if len(self.plan.datasets) > 1 else None for part in found]
        return [
            self._written(part) for part, side in zip(found, sides, strict=True) if side == table
        ]

    def _keys(self) -> list[str]:
        keys = self.plan.question.group_by
        written = [self._written(key.expression) for key in keys]
        if not self.found:
            return written
        return [
            _found_key(text, key.expression.type) for text, key in zip(written, keys, strict=True)
        ]

    def _joins(self) -> str:
        keys = self.plan.question.group_by
        if self.found:
            same = " AND ".join(
                f"{written} IS NOT DISTINCT FROM {key_table(0)}.g{n}"
                for n, written in enumerate(self._keys())
            )
            return f"JOIN {key_table(0)} ON {same}"
        return " ".join(
            f"JOIN {key_table(n)} ON {self._written(key.expression)} IS NOT DISTINCT FROM {key_table(n)}.g"
            for n, key in enumerate(keys)
            if key.values is not None
        )

    def _code(self) -> str:
        """The group's number: the last key counts fastest."""
        if self.found:
            return f"{key_table(0)}.code"
        code = "TRY_CAST(0 AS BIGINT)"
        for n, key in enumerate(self.plan.question.group_by):
            own = (
                f"{key_table(n)}.code"
                if key.first is None
                else f"({self._written(key.expression)} - ({key.first}))"
            )
            code = own if n == 0 else f"({code} * {key.size} + {own})"
        return code

    def _values(self, *, ranks: bool = True) -> list[str]:
        found = []
        for n, at in enumerate(self.summed):
            measure = self.plan.measures[at]
            assert isinstance(measure, Measure)  # noqa: S101 - chosen so above
            found.append(f"{self._added(measure)} AS a{n}")
        for n, at in enumerate(self.ranked if ranks else ()):
            measure = self.plan.measures[at]
            assert isinstance(measure, QuantileMeasure)  # noqa: S101 - chosen so above
            found.append(f"{self._bin(measure)} AS b{n}")
        return found

    def _bin(self, measure: QuantileMeasure) -> str:
        bins, span = measure.mechanism.bins, measure.upper - measure.lower + 1
        units = self._units(measure)
        return (
            f"TRY_CAST(coalesce((({units}) - ({measure.lower})) * {bins} // {span}, -1) AS INTEGER)"
        )

    def _added(self, measure: Measure) -> str:
        """What a row adds: null adds nothing."""
        if measure.expression is None:
            raise ValueError("rows and persons are counted, not added up")
        if measure.kind == "count":
            return f"TRY_CAST({self._written(measure.expression)} IS NOT NULL AS BIGINT)"
        from_centre = f"({self._units(measure)} - ({measure.centre}))"
        if measure.kind == "sum":
            return f"coalesce({from_centre}, 0)"
        squared = sql.once(
            f"TRY_CAST({from_centre} AS HUGEINT)",
            lambda x: f"TRY_CAST(({x} * {x}) // {measure.divisor} AS BIGINT)",
        )
        return f"coalesce({squared}, 0)"

    def _units(self, measure: Measure | QuantileMeasure) -> str:
        """The clamped value in units; null for null."""
        if measure.expression is None:
            raise ValueError("a value is of an expression")
        value = self._written(measure.expression)
        low, high = measure.lower, measure.upper

        def clamped(value: str) -> str:
            return (
                f"greatest(TRY_CAST({low} AS BIGINT), least(TRY_CAST({high} AS BIGINT), {value}))"
            )

        if measure.expression.type != "number":
            return sql.once(value, lambda x: f"(CASE WHEN {x} IS NOT NULL THEN {clamped(x)} END)")
        # Clamped before it is scaled, so that it is a whole number of 64 bits; and after, for the
        # last unit may be lost in between.
        step = 10**measure.decimals
        ends = [
            f"TRY_CAST({sql.text(_decimal(end, measure.decimals))} AS DOUBLE)"
            for end in (low, high)
        ]
        return sql.once(
            value,
            lambda x: (
                f"(CASE WHEN {x} IS NOT NULL THEN "
                + clamped(
                    f"TRY_CAST(round(greatest({ends[0]}, least({ends[1]}, {x})) * {step}) AS BIGINT)"
                )
                + " END)"
            ),
        )


def _found_key(written: str, kind: ValueType) -> str:
    """A key as it is found: of the two zeros one, for of equal ones any may be kept, and its sign
    would tell of a row; of a text so much, or a few rows could fill the memory."""
    if kind == "number":
        return sql.once(
            written, lambda x: f"(CASE WHEN {x} = 0 THEN TRY_CAST(0 AS DOUBLE) ELSE {x} END)"
        )
    return f"left({written}, {_KEY_TEXT})" if kind == "text" else written


def _part(parts: int) -> str:
    return f"TRY_CAST(hash({PERSON}) % {parts} AS USMALLINT)"


def _parts(condition: sql.Tree) -> Iterator[sql.Tree]:
    """What must all be true."""
    if isinstance(condition, Call) and condition.function == "and":
        for part in condition.arguments:
            yield from _parts(part)
    else:
        yield condition


def _side_of(condition: sql.Tree) -> int | None:
    tables = {part.table for part in walk(condition) if isinstance(part, ColumnValue)}
    return tables.pop() if len(tables) == 1 else None


def _among(written: str, kind: ValueType, values: Sequence[str | None]) -> str:
    known = [sql.constant(Constant(type=kind, text=text)) for text in values if text is not None]
    found = [f"{written} IN ({', '.join(known)})"] if known else []
    found += [f"{written} IS NULL"] if None in values else []
    return f"({' OR '.join(found)})"


def _all_of(conditions: Sequence[str]) -> str:
    return f"WHERE {' AND '.join(conditions)}" if conditions else ""


def _of_rows(measure: Measure) -> bool:
    return measure.kind == "persons" or (measure.kind == "count" and measure.expression is None)


def _amount(measure: Measure) -> Amount:
    if measure.kind == "count":
        return Amount(0, 1)
    low, high = measure.lower - measure.centre, measure.upper - measure.centre
    if measure.kind == "squares":
        return Amount(0, max(low * low, high * high) // measure.divisor)
    return Amount(min(low, 0), max(high, 0))


def _decimal(units: int, decimals: int) -> str:
    sign, size = ("-" if units < 0 else ""), abs(units)
    whole, part = divmod(size, 10**decimals)
    return f"{sign}{whole}.{part:0{max(decimals, 1)}d}"[: 20 + DECIMALS]
