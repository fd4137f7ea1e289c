"""t-closeness of a sensitive column: equal, ordered and hierarchical distance."""

from typing import Final

from gateway.model.anonymity import TCloseness
from gateway.model.exact import millionths
from gateway.risk.privacy.classes import Classes
from gateway.risk.privacy.definition import UNIT, Claim, Verdict, decimal

EQUAL: Final = Claim(
    guarantee="in every class the sensitive column is distributed as in this whole table, but for "
    "a share t of the records that would have to change their value",
    nulls="in quasi-identifiers and in the sensitive column a null is a value of its own",
    leaves="how alike in meaning the values are; a rare value may become many times as likely",
    source="Li, Li and Venkatasubramanian, t-closeness: privacy beyond k-anonymity and l-diversity, "
    "ICDE 2007, section 5.1",
)


def t_closeness(model: TCloseness, classes: Classes) -> Verdict:
    """The largest distance of a class, rounded up to a millionth."""
    distance = _equal(model, classes) if classes.rows else 0
    return Verdict(
        model,
        holds=distance <= millionths(model.t),
        name=f"largest distance of {model.column} in a class from the whole table",
        figure=decimal(distance),
        limit=model.t,
    )


def _equal(model: TCloseness, classes: Classes) -> int:
    # Σ max(0, p − q) over the values of the class; the values it lacks have p = 0 and add nothing.
    # p = n/size and q = total/rows, so both sides times size · rows are whole numbers.
    held, rows = classes.values_of(model.column), f"{classes.rows}::HUGEINT"
    return classes.number(
        f"""
        WITH held AS {held},
        totals AS (SELECT v, sum(n) AS total FROM held GROUP BY v),
        moved AS (
            SELECT h.id, sum(greatest(0::HUGEINT, h.n * {rows} - t.total * c.n)) AS units,
                any_value(c.n) * {rows} AS whole
            FROM held h JOIN totals t ON h.v IS NOT DISTINCT FROM t.v JOIN classes c ON c.id = h.id
            GROUP BY h.id
        )
        SELECT max((units * {UNIT} + whole - 1) // whole) FROM moved
        """  # noqa: S608 - own names
    )
