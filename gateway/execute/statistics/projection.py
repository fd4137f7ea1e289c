"""The one SQL statement that a plan runs over its sources: what of each row counts, and where.

Rows of nobody, rows that WHERE leaves out and rows of no listed group go no further. What is added
up is whole numbers of units from here on.
"""

from dataclasses import dataclass
from typing import Final

from gateway.execute.statistics import sql
from gateway.execute.statistics.contributions import Amount, Ranked
from gateway.execute.statistics.database import read_name
from gateway.model.exact import DECIMALS
from gateway.model.expressions import ColumnValue, ValueType, walk
from gateway.model.statistics import Measure, QuantileMeasure, StatisticsPlan

PERSON: Final = "p"
_TABLES: Final = ("t0", "t1")


PERSON_PLACE: Final = 0


def key_table(place: int) -> str:
    """Name of the table that holds the listed groups of a key, or all found ones."""
    return f"k{place}"


@dataclass(frozen=True, slots=True)
class Projection:
    """SQL of a plan; ``found``: whether the groups are in a table of found ones."""

    plan: StatisticsPlan

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

    def keys_found(self) -> str:
        """All groups that are in the data, once each, in their order."""
        keys = self._keys()
        columns = ", ".join(f"{written} AS g{n}" for n, written in enumerate(keys))
        names = ", ".join(f"g{n}" for n in range(len(keys)))
        return (
            f"SELECT {names}, row_number() OVER (ORDER BY {names}) - 1 AS code "  # noqa: S608
            f"FROM (SELECT DISTINCT {columns} FROM {self._source()} {self._where()})"
        )

    def rows(self, parts: int) -> str:
        """Every row that counts, as ``contributions`` takes it."""
        part = "" if parts == 1 else f"CAST(hash({PERSON}) % {parts} AS USMALLINT) AS part, "
        columns = [f"{PERSON} AS person", f"{self._code()} AS code", *self._values()]
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
        person one row, each as likely."""
        model = self.plan.model
        assert model is not None  # noqa: S101 - only such a plan is trained
        columns = []
        for place, aggregate in enumerate(self.plan.question.aggregates):
            assert aggregate.expression is not None  # noqa: S101 - so it was planned
            kind = "VARCHAR" if model.label == model.columns[place] else "DOUBLE"
            columns.append(f"CAST({self._written(aggregate.expression)} AS {kind}) AS x{place}")
        names = ", ".join(f"x{place}" for place in range(len(columns)))
        return (
            f"SELECT {names} FROM (SELECT {PERSON}, random() AS draw, {', '.join(columns)} "  # noqa: S608
            f"FROM {self._source()} {self._where()}) "
            f"QUALIFY row_number() OVER (PARTITION BY {PERSON} ORDER BY draw) = 1"
        )

    # ---- parts ----------------------------------------------------------------------------------

    def needed(self, table: int) -> tuple[str, ...]:
        """Columns of a source that are read, the person's first."""
        return self.plan.question.columns(table)

    def _source(self) -> str:
        """The rows with a person, of one data set or of two joined on it; columns ``c0_name``."""
        sides = []
        for table, asked in enumerate(self.plan.datasets):
            columns = ", ".join(
                f"{sql.read(read_name(place), kind)} AS c{table}_{place}"
                for place, kind in self._types(table)
            )
            person = read_name(PERSON_PLACE)
            limit, draw = "", ""
            if len(self.plan.datasets) == 2 and not asked.one_row_per_person:
                # Each row equally likely, or the rows of a pair of heavy persons would be multiplied.
                draw = ", random() AS draw"
                limit = (
                    f" QUALIFY row_number() OVER (PARTITION BY {person} ORDER BY draw) <= "
                    f"{self.plan.bounds.rows}"
                )
            listed = f", {columns}" if columns else ""
            sides.append(
                f"(SELECT {person} AS {PERSON}{listed} FROM "  # noqa: S608
                f"(SELECT *{draw} FROM {_TABLES[table]}) WHERE {person} IS NOT NULL{limit})"
            )
        if len(sides) == 1:
            return sides[0]
        return f"{sides[0]} JOIN {sides[1]} USING ({PERSON})"

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
        conditions = []
        if self.plan.question.where is not None:
            conditions.append(self._written(self.plan.question.where))
        conditions += [
            f"{self._written(key.expression)} BETWEEN {key.first} AND {key.last}"
            for key in (self.plan.question.group_by if listed or self.found else ())
            if key.first is not None
        ]
        return f"WHERE {' AND '.join(conditions)}" if conditions else ""

    def _keys(self) -> list[str]:
        return [self._written(key.expression) for key in self.plan.question.group_by]

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
        code = "CAST(0 AS BIGINT)"
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
        return f"CAST(coalesce((({units}) - ({measure.lower})) * {bins} // {span}, -1) AS INTEGER)"

    def _added(self, measure: Measure) -> str:
        """What a row adds: null adds nothing."""
        if measure.expression is None:
            raise ValueError("rows and persons are counted, not added up")
        if measure.kind == "count":
            return f"CAST({self._written(measure.expression)} IS NOT NULL AS BIGINT)"
        from_centre = f"({self._units(measure)} - ({measure.centre}))"
        if measure.kind == "sum":
            return f"coalesce({from_centre}, 0)"
        wide = f"CAST({from_centre} AS HUGEINT)"
        return f"coalesce(CAST(({wide} * {wide}) // {measure.divisor} AS BIGINT), 0)"

    def _units(self, measure: Measure | QuantileMeasure) -> str:
        """The clamped value in units; null for null."""
        if measure.expression is None:
            raise ValueError("a value is of an expression")
        value = self._written(measure.expression)
        low, high = measure.lower, measure.upper
        if measure.expression.type == "number":
            # Clamped before it is scaled, so that it is a whole number of 64 bits; and after, for the
            # last unit may be lost in between.
            step = 10**measure.decimals
            ends = (
                f"CAST({sql.text(_decimal(low, measure.decimals))} AS DOUBLE)",
                (f"CAST({sql.text(_decimal(high, measure.decimals))} AS DOUBLE)"),
            )
            value = (
                f"CAST(round(greatest({ends[0]}, least({ends[1]}, {value})) * {step}) AS BIGINT)"
            )
            null = self._written(measure.expression)
        else:
            null = value
        inner = f"greatest(CAST({low} AS BIGINT), least(CAST({high} AS BIGINT), {value}))"
        return f"(CASE WHEN {null} IS NOT NULL THEN {inner} END)"


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
