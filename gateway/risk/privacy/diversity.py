"""ℓ-diversity of a sensitive column: distinct, entropy, recursive."""

from typing import Final

from gateway.model.anonymity import LDiversity
from gateway.model.exact import millionths
from gateway.risk.privacy.classes import Classes
from gateway.risk.privacy.definition import UNIT, Claim, Verdict

DISTINCT: Final = Claim(
    guarantee="every class has at least l values of the sensitive column",
    nulls="in quasi-identifiers and in the sensitive column a null is a value of its own",
    leaves="one of the values may be nearly sure, or all of them alike in meaning",
    source="Machanavajjhala et al., l-diversity: privacy beyond k-anonymity, TKDD 1(1), 2007, 3.1",
)


def l_diversity(model: LDiversity, classes: Classes) -> Verdict:
    """A table without records has no class that is not diverse."""
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
