"""Models of the sizes of classes: k-anonymity, average risk, sample uniqueness."""

from typing import Final

from gateway.model.anonymity import AverageRisk, KAnonymity, SampleUniqueness
from gateway.model.exact import millionths
from gateway.risk.privacy.classes import Classes
from gateway.risk.privacy.definition import UNIT, Claim, Verdict, decimal

K_ANONYMITY: Final = Claim(
    guarantee="every class has at least k records, so that who knows the quasi-identifiers of a "
    "person finds at least k records that may be theirs",
    nulls="a null is a value of its own: records agree where both are null",
    leaves="the sensitive values of a class may all be the same, and who knows more than the "
    "quasi-identifiers is not bounded",
    source="Sweeney, k-anonymity: a model for protecting privacy, IJUFKS 10(5), 2002, definition 3",
)
AVERAGE_RISK: Final = Claim(
    guarantee="classes divided by records is at most the limit: the share of records that a "
    "marketer who links every record is expected to link rightly",
    nulls="a null is a value of its own",
    leaves="single records may be alone in their class",
    source="Dankar and El Emam, A method for evaluating marketer re-identification risk, "
    "EDBT/ICDT workshops 2010",
)
SAMPLE_UNIQUENESS: Final = Claim(
    guarantee="the share of records that are alone in their class is at most the limit",
    nulls="a null is a value of its own",
    leaves="classes of two, and the records that are alone all the same",
    source="Bethlehem, Keller and Pannekoek, Disclosure control of microdata, JASA 85(409), 1990",
)


def k_anonymity(model: KAnonymity, classes: Classes) -> Verdict:
    """A table without records has no class that is too small."""
    smallest = classes.number("SELECT min(n) FROM classes")
    return Verdict(
        model,
        holds=not classes.rows or smallest >= model.k,
        name="records in the smallest class",
        figure=str(smallest) if classes.rows else "no records",
        limit=str(model.k),
    )


def average_risk(model: AverageRisk, classes: Classes) -> Verdict:
    """Rounded up to a millionth."""
    share = _share_up(classes.number("SELECT count(*) FROM classes"), classes.rows)
    return Verdict(
        model,
        holds=share <= millionths(model.at_most),
        name="classes divided by records",
        figure=decimal(share),
        limit=model.at_most,
    )


def sample_uniqueness(model: SampleUniqueness, classes: Classes) -> Verdict:
    """Rounded up to a millionth."""
    alone = classes.number("SELECT count(*) FROM classes WHERE n = 1")
    share = _share_up(alone, classes.rows)
    return Verdict(
        model,
        holds=share <= millionths(model.at_most),
        name="share of records alone in their class",
        figure=decimal(share),
        limit=model.at_most,
    )


def _share_up(part: int, whole: int) -> int:
    return -(-part * UNIT // whole) if whole else 0
