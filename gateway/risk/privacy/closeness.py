"""t-closeness of a sensitive column: equal, ordered and hierarchical distance."""

from collections.abc import Callable
from typing import Final

import pyarrow as pa

from gateway.errors import InvalidRequest
from gateway.model.anonymity import TCloseness
from gateway.model.exact import millionths
from gateway.risk.privacy.classes import Classes
from gateway.risk.privacy.definition import Claim, Verdict, decimal
from gateway.risk.privacy.tree import tree_of

_SOURCE: Final = (
    "Li, Li and Venkatasubramanian, t-closeness: privacy beyond k-anonymity and l-diversity, "
    "ICDE 2007"
)

EQUAL: Final = Claim(
    guarantee="in every class the sensitive column is distributed as in this whole table, but for "
    "a share t of the records that would have to change their value",
    nulls="in quasi-identifiers and in the sensitive column a null is a value of its own; NaN and "
    "empty text in the sensitive column are null",
    leaves="how alike in meaning the values are; a rare value may become many times as likely",
    source=f"{_SOURCE}, section 5.1",
)
ORDERED: Final = Claim(
    guarantee="as for the equal distance, but a record that has to change its value counts only "
    "by the share of the table's values that lie between the two",
    nulls="a null of the sensitive column, which NaN is as well, stands after the largest value",
    leaves="the distance goes by places in the order, not by amounts; a rare value may become "
    "many times as likely",
    source=f"{_SOURCE}, section 5.2.1",
)
HIERARCHICAL: Final = Claim(
    guarantee="as for the equal distance, but a record that has to change its value counts only "
    "by the height of the nearest common ancestor of the two, as a share of the tree's",
    nulls="a null of the sensitive column, which empty text is as well, is a leaf of its own below "
    "the root: far from all others",
    leaves="what the tree puts close together is told apart more; a rare value may become many "
    "times as likely",
    source=f"{_SOURCE}, section 5.2.2",
)


def t_closeness(model: TCloseness, classes: Classes) -> Verdict:
    """The largest distance of a class, rounded up to a millionth."""
    distance = _DISTANCES[model.distance](model, classes)
    return Verdict(
        model,
        holds=distance <= millionths(model.t),
        name=f"largest distance of {model.column} in a class from {classes.whole_named}",
        figure=decimal(distance),
        limit=model.t,
    )


def _equal(model: TCloseness, classes: Classes) -> int:
    # Σ max(0, p − q) over the values of the class; the values it lacks have p = 0 and add nothing.
    # p = n/size and q = total/rows, so both sides times size · rows are whole numbers.
    held, rows = classes.values_of(model.column), f"{classes.whole}::HUGEINT"
    return classes.number(
        f"""
        WITH part AS {held},
        totals AS {classes.totals_of(model.column)},
        moved AS (
            SELECT sum(greatest(0::HUGEINT, h.n * {rows} - t.total * c.n)) AS units,
                any_value(c.n) * {rows} AS whole
            FROM part h JOIN totals t ON h.v IS NOT DISTINCT FROM t.v JOIN classes c ON c.id = h.id
            GROUP BY h.id
        )
        SELECT max(ceil_share(units, whole)) FROM moved
        """  # noqa: S608 - own names and numbers
    )


def _ordered(model: TCloseness, classes: Classes) -> int:
    """Σ over places i of |P(i) − Q(i)|, cumulative, divided by places − 1.

    P is constant between two values of the class and Q rises, so between them the sign of P − Q
    changes once: where Q passes P. Sums of Q up to each place give both parts, without a row for
    every class and value.
    """
    if not _has_order(classes.types[model.column]):
        raise InvalidRequest.of(
            model.column, "the ordered distance needs numbers or dates; give the column a type"
        )
    held, rows = classes.values_of(model.column), f"{classes.whole}::HUGEINT"
    classes.run(
        f"""
        CREATE OR REPLACE TEMP TABLE places AS
        WITH totals AS {classes.totals_of(model.column)},
        ranked AS (SELECT row_number() OVER (ORDER BY v NULLS LAST) AS place, v, total FROM totals),
        summed AS (SELECT *, sum(total) OVER (ORDER BY place)::HUGEINT AS upto FROM ranked)
        SELECT place, v, upto, sum(upto) OVER (ORDER BY place)::HUGEINT AS area FROM summed
        UNION ALL SELECT 0, NULL, 0, 0
        """  # noqa: S608 - own names
    )
    last = classes.number("SELECT max(place) FROM places")
    if last < 2:
        return 0
    return classes.number(
        f"""
        WITH steps AS (
            SELECT h.id, p.place, sum(h.n) OVER earlier::HUGEINT AS upto,
                lead(p.place, 1, {last} + 1) OVER earlier - 1 AS until, c.n::HUGEINT AS size
            FROM {held} h JOIN places p ON p.place > 0 AND h.v IS NOT DISTINCT FROM p.v
            JOIN classes c ON c.id = h.id
            WINDOW earlier AS (PARTITION BY h.id ORDER BY p.place)
        ),
        runs AS (
            SELECT id, place AS start, until, upto, size FROM steps
            UNION ALL
            SELECT id, 1, min(place) - 1, 0, any_value(size) FROM steps GROUP BY id
        ),
        crossed AS (
            SELECT r.*, least(greatest(p.place, r.start - 1), r.until) AS turn
            FROM runs r ASOF JOIN places p ON (r.upto * {rows}) // r.size >= p.upto
            WHERE r.start <= r.until
        ),
        moved AS (
            SELECT sum((turn - start + 1) * x.upto * {rows} - size * (b.area - a.area)
                + size * (c.area - b.area) - (until - turn) * x.upto * {rows}) AS units,
                any_value(size) * {rows} * {last - 1} AS whole
            FROM crossed x JOIN places a ON a.place = x.start - 1
            JOIN places b ON b.place = x.turn JOIN places c ON c.place = x.until
            GROUP BY x.id
        )
        SELECT max(ceil_share(units, whole)) FROM moved
        """  # noqa: S608 - own names and numbers
    )


def _has_order(kind: pa.DataType) -> bool:
    return bool(
        pa.types.is_integer(kind)
        or pa.types.is_floating(kind)
        or pa.types.is_decimal(kind)
        or pa.types.is_temporal(kind)
        or pa.types.is_boolean(kind)
    )


def _hierarchical(model: TCloseness, classes: Classes) -> int:
    """Σ over inner nodes of height · min(surplus, lack) of their children, divided by the height.

    What a node's children have too much of is moved to those that have too little; what is left
    over goes up to the parent. A node below which the class has nothing has no surplus.
    """
    tree = tree_of(model, classes)
    held, rows = classes.values_of(model.column), f"{classes.whole}::HUGEINT"
    classes.run(
        "CREATE OR REPLACE TEMP TABLE leaves AS SELECT h.id, h.n, t.* EXCLUDE (v) "  # noqa: S608
        f"FROM {held} h JOIN tree t ON h.v IS NOT DISTINCT FROM t.v"
    )
    classes.run(
        "CREATE OR REPLACE TEMP TABLE everywhere AS SELECT w.total, t.* EXCLUDE (v) "  # noqa: S608
        f"FROM {classes.totals_of(model.column)} w JOIN tree t ON w.v IS NOT DISTINCT FROM t.v"
    )
    levels = " UNION ALL ".join(
        f"""
        SELECT id, {level} * least(sum(greatest(0::HUGEINT, surplus)),
            sum(greatest(0::HUGEINT, surplus)) - (sum(n) * {rows} - any_value(above) * any_value(size))
        ) AS units, any_value(size) AS size
        FROM (
            SELECT x.id, x.h{level} AS parent, x.n, c.n::HUGEINT AS size, p.total AS above,
                x.n * {rows} - t.total * c.n AS surplus
            FROM (SELECT id, h{level - 1}, h{level}, sum(n)::HUGEINT AS n FROM leaves GROUP BY ALL) x
            JOIN (SELECT h{level - 1}, sum(total)::HUGEINT AS total FROM everywhere GROUP BY ALL) t
                USING (h{level - 1})
            JOIN (SELECT h{level}, sum(total)::HUGEINT AS total FROM everywhere GROUP BY ALL) p
                USING (h{level})
            JOIN classes c ON c.id = x.id
        ) GROUP BY id, parent
        """  # noqa: S608 - own names and numbers
        for level in range(1, tree.height + 1)
    )
    return classes.number(
        f"""
        WITH moved AS (
            SELECT sum(units) AS units, any_value(size) * {rows} * {tree.height} AS whole
            FROM ({levels}) GROUP BY id
        )
        SELECT max(ceil_share(units, whole)) FROM moved
        """  # noqa: S608 - own names and numbers
    )


_DISTANCES: Final[dict[str, Callable[[TCloseness, Classes], int]]] = {
    "equal": _equal,
    "ordered": _ordered,
    "hierarchical": _hierarchical,
}
