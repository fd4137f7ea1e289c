"""ℓ-diversity of a sensitive column: distinct, entropy, recursive."""

from collections.abc import Sequence
from math import exp, gcd, log, prod
from typing import Final

from gateway.model.anonymity import LDiversity
from gateway.model.exact import millionths
from gateway.risk.privacy.classes import Classes
from gateway.risk.privacy.definition import UNIT, Claim, Verdict, decimal, rounded_down

_SOURCE: Final = (
    "Machanavajjhala et al., l-diversity: privacy beyond k-anonymity, ACM TKDD 1(1), 2007"
)
_NULLS: Final = (
    "in quasi-identifiers and in the sensitive column a null is a value of its own; NaN and empty "
    "text in the sensitive column are null"
)

DISTINCT: Final = Claim(
    guarantee="every class has at least l values of the sensitive column",
    nulls=_NULLS,
    leaves="one of the values may be nearly sure, or all of them alike in meaning",
    source=_SOURCE,
)
ENTROPY: Final = Claim(
    guarantee="in every class the entropy of the sensitive column is at least log l",
    nulls=_NULLS,
    leaves="the values may be alike in meaning; a table in which one value is common cannot pass",
    source=f"{_SOURCE}, definition 4.1",
)
RECURSIVE: Final = Claim(
    guarantee="in every class the most frequent value is less than c times as frequent as the "
    "l-th and all rarer ones together, so that it stays so after l - 2 others are ruled out",
    nulls=_NULLS,
    leaves="the values may be alike in meaning",
    source=f"{_SOURCE}, definition 4.2",
)

_NEAR: Final = 1e-8
"""More than the error of an entropy in double precision, of up to 10⁷ values."""

_EXACT_COUNTS: Final = 20_000
"""Up to so many records, after division by the common divisor, powers are compared exactly."""


def l_diversity(model: LDiversity, classes: Classes) -> Verdict:
    """A table without records has no class that is not diverse."""
    match model.variant:
        case "distinct":
            return _distinct(model, classes)
        case "entropy":
            return _entropy(model, classes)
        case "recursive":
            return _recursive(model, classes)


def _distinct(model: LDiversity, classes: Classes) -> Verdict:
    least = classes.number(
        "SELECT min(values) FROM (SELECT count(*) AS values "  # noqa: S608 - own names
        f"FROM {classes.values_of(model.column)} GROUP BY id)"
    )
    return Verdict(
        model,
        holds=not classes.rows or least >= millionths(model.l) // UNIT,
        name=f"values of {model.column} in the least diverse class",
        figure=str(least) if classes.rows else "no records",
        limit=model.l,
    )


def _entropy(model: LDiversity, classes: Classes) -> Verdict:
    """The figure is e to the entropy, a number of equally frequent values; rounded down."""
    bound = log(millionths(model.l) / UNIT)
    entropies = f"""
        SELECT id, ln(sum(n)) - sum(n * ln(n)) / sum(n) AS entropy, list(n ORDER BY n) AS counts
        FROM {classes.values_of(model.column)} GROUP BY id
    """  # noqa: S608 - own names
    [(least,)] = classes.run(f"SELECT min(entropy) FROM ({entropies})")  # noqa: S608 - own names
    holds = True
    if least is not None and least < bound + _NEAR:
        # What double precision cannot tell from the bound is compared in whole numbers.
        holds = least >= bound - _NEAR and all(
            _entropy_reaches(model, counts)
            for (counts,) in classes.run(
                f"SELECT DISTINCT counts FROM ({entropies}) WHERE entropy < {bound + _NEAR!r}"  # noqa: S608
            )
        )
    figure = rounded_down(exp(least)) if least is not None else 0
    if holds:
        figure = max(figure, millionths(model.l))
    return Verdict(
        model,
        holds=holds,
        name=f"equally frequent values of {model.column} that would be as diverse as the worst class",
        figure=decimal(figure) if classes.rows else "no records",
        limit=model.l,
    )


def _entropy_reaches(model: LDiversity, counts: Sequence[int]) -> bool:
    """Whether nⁿ ≥ lⁿ · Π cᶜ, which is the definition without logarithms.

    A common divisor of the counts cancels. Counts too large to be compared so do not reach it:
    they are within 10⁻⁸ of the bound, and that is the safe side.
    """
    divisor = gcd(*counts)
    reduced = [count // divisor for count in counts]
    records = sum(reduced)
    if records > _EXACT_COUNTS:
        return False
    common = gcd(millionths(model.l), UNIT)
    above, below = millionths(model.l) // common, UNIT // common
    powers: int = prod(count**count for count in reduced)
    return bool((records * below) ** records >= above**records * powers)


def _recursive(model: LDiversity, classes: Classes) -> Verdict:
    """The largest ratio, rounded down: below c exactly when the ratio itself is."""
    least, factor = millionths(model.l) // UNIT, millionths(model.c or "0")
    [(ratio, unbounded)] = classes.run(
        f"""
        WITH ranked AS (
            SELECT id, n, row_number() OVER (PARTITION BY id ORDER BY n DESC) AS place
            FROM {classes.values_of(model.column)}
        ),
        ratios AS (
            SELECT max(n)::HUGEINT AS most,
                coalesce(sum(n) FILTER (WHERE place >= {least}), 0)::HUGEINT AS rest
            FROM ranked GROUP BY id
        )
        SELECT max(most * {UNIT} // nullif(rest, 0)), coalesce(bool_or(rest = 0), false) FROM ratios
        """  # noqa: S608 - own names and numbers
    )
    figure = "fewer than l values" if unbounded else decimal(int(ratio or 0))
    return Verdict(
        model,
        holds=not unbounded and int(ratio or 0) < factor,
        name=f"most frequent value of {model.column} to those from the l-th on, in the worst class",
        figure=figure if classes.rows else "no records",
        limit=f"less than {model.c}",
    )
