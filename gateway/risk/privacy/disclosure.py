"""β-likeness and δ-disclosure privacy: how much likelier a class makes a sensitive value."""

from collections.abc import Mapping
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal, localcontext
from typing import Final

import pyarrow as pa

from gateway.model.anonymity import BetaLikeness, DeltaDisclosure
from gateway.model.exact import millionths
from gateway.risk.privacy.classes import Classes
from gateway.risk.privacy.definition import UNIT, Claim, Verdict, decimal

_NULLS: Final = (
    "in quasi-identifiers and in the sensitive column a null is a value of its own; NaN and empty "
    "text in the sensitive column are null"
)

BASIC_LIKENESS: Final = Claim(
    guarantee="in no class is a sensitive value more frequent than in this whole table by more "
    "than beta times: (q - p) / p is at most beta",
    nulls=_NULLS,
    leaves="a value may be ruled out by a class; a common value may become nearly sure",
    source="Cao and Karras, Publishing microdata with a robust privacy guarantee, "
    "PVLDB 5(11), 2012, definition 2",
)
ENHANCED_LIKENESS: Final = Claim(
    guarantee="as basic beta-likeness, and (q - p) / p is at most -ln p as well, so that a common "
    "value cannot become sure",
    nulls=_NULLS,
    leaves="a value may be ruled out by a class",
    source="Cao and Karras, Publishing microdata with a robust privacy guarantee, "
    "PVLDB 5(11), 2012, definition 3",
)
DISCLOSURE: Final = Claim(
    guarantee="in every class every sensitive value of the table occurs, and is neither more nor "
    "less frequent than in this whole table by e^delta times",
    nulls=_NULLS,
    leaves="little; most tables cannot pass without losing their use",
    source="Brickell and Shmatikov, The cost of privacy: destruction of data-mining utility in "
    "anonymized data publishing, KDD 2008, definition 2",
)

_FINE: Final = 10**12
"""Bounds from a logarithm or an exponential are rounded to this part, to the safe side."""

_DIGITS: Final = 40
_LARGEST_EXPONENT: Final = 40 * UNIT
"""e⁴⁰ is more than two counts of records can differ by."""


def beta_likeness(model: BetaLikeness, classes: Classes) -> Verdict:
    """The largest relative gain of a value that is nearest to, or beyond, what it may be.

    For the basic model the figure is the largest gain. For the enhanced one it is the largest
    share of its own bound that a gain reaches, in per cent of it: at most 1 when it holds.
    """
    held, rows = classes.values_of(model.column), f"{classes.whole}::HUGEINT"
    if model.variant == "basic":
        gain = classes.number(
            f"""
            WITH part AS {held}, totals AS {classes.totals_of(model.column)}
            SELECT max((greatest(0::HUGEINT, h.n * {rows} - t.total * c.n) * {UNIT}
                + t.total * c.n - 1) // (t.total * c.n))
            FROM part h JOIN totals t ON h.v IS NOT DISTINCT FROM t.v JOIN classes c ON c.id = h.id
            """  # noqa: S608 - own names and numbers
        )
        return Verdict(
            model,
            holds=gain <= millionths(model.beta),
            name=f"largest relative gain in frequency of a value of {model.column}",
            figure=decimal(gain),
            limit=model.beta,
        )
    bounds = {
        total: _most_gain(millionths(model.beta), total, classes.whole)
        for (total,) in classes.run(
            f"SELECT DISTINCT total::BIGINT FROM {classes.totals_of(model.column)}"  # noqa: S608
        )
    }
    _keep(classes, bounds)
    # With p = 1 the bound is 0, and so is the gain: the value is everywhere.
    reached = classes.number(
        f"""
        WITH part AS {held}, totals AS {classes.totals_of(model.column)},
        gains AS (
            SELECT greatest(0::HUGEINT, h.n * {rows} - t.total * c.n) * {_FINE} AS gain,
                t.total * c.n * b.bound::HUGEINT AS most
            FROM part h JOIN totals t ON h.v IS NOT DISTINCT FROM t.v
            JOIN bounds b ON b.total = t.total JOIN classes c ON c.id = h.id
        )
        SELECT max(ceil_share(gain, most)) FROM gains WHERE most > 0
        """  # noqa: S608 - own names and numbers
    )
    return Verdict(
        model,
        holds=reached <= UNIT,
        name=f"largest relative gain of a value of {model.column}, as a part of its bound",
        figure=decimal(reached),
        limit="1",
    )


def _most_gain(beta: int, total: int, rows: int) -> int:
    """min(β, −ln p) in 10⁻¹², rounded down; p = total / rows."""
    with localcontext(prec=_DIGITS):
        logarithm = (Decimal(rows) / Decimal(total)).ln() * _FINE
        return min(beta * (_FINE // UNIT), int(logarithm.to_integral_value(ROUND_FLOOR)))


def delta_disclosure(model: DeltaDisclosure, classes: Classes) -> Verdict:
    """A value that a class lacks has −∞ for its logarithm, so the class fails."""
    held, rows = classes.values_of(model.column), f"{classes.whole}::HUGEINT"
    with localcontext(prec=_DIGITS):
        delta = Decimal(min(millionths(model.delta), _LARGEST_EXPONENT)) / UNIT
        # e^δ is transcendental for every rational δ > 0, so no frequency is just at the bound.
        most = int((delta.exp() * _FINE).to_integral_value(ROUND_FLOOR))
        least = int(((-delta).exp() * _FINE).to_integral_value(ROUND_CEILING))
    [(lacking, beyond, widest)] = classes.run(
        f"""
        WITH part AS {held}, totals AS {classes.totals_of(model.column)},
        ratios AS (
            SELECT h.id, h.n * {rows} AS here, t.total * c.n AS there
            FROM part h JOIN totals t ON h.v IS NOT DISTINCT FROM t.v JOIN classes c ON c.id = h.id
        )
        SELECT
            (SELECT coalesce(bool_or(values < (SELECT count(*) FROM totals)), false)
                FROM (SELECT count(*) AS values FROM part GROUP BY id)),
            (SELECT coalesce(bool_or(here * {_FINE} > there * {most} OR here * {_FINE} < there * {least}),
                false) FROM ratios),
            (SELECT max(abs(ln(here::DOUBLE / there::DOUBLE))) FROM ratios)
        """  # noqa: S608 - own names and numbers
    )
    figure = "a value is missing in a class" if lacking else f"{widest or 0:.6f}"
    return Verdict(
        model,
        holds=not lacking and not beyond,
        name=f"largest |ln| of frequency in a class to that in {classes.whole_named}, of {model.column}",
        figure=figure if classes.rows else "no records",
        limit=f"less than {model.delta}",
    )


def _keep(classes: Classes, bounds: Mapping[int, int]) -> None:
    classes.keep(
        "bounds",
        pa.table(
            {
                "total": pa.array(list(bounds), pa.int64()),
                "bound": pa.array(list(bounds.values()), pa.int64()),
            }
        ),
    )
