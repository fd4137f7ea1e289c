"""Which check and which claim belong to which model: the one list of them."""

from typing import Final

from gateway.model.anonymity import (
    AverageRisk,
    BetaLikeness,
    DeltaDisclosure,
    DeltaPresence,
    KAnonymity,
    KMap,
    LDiversity,
    PopulationUniqueness,
    PrivacyModel,
    SampleUniqueness,
    TCloseness,
)
from gateway.risk.privacy import closeness, disclosure, diversity, population, sizes
from gateway.risk.privacy.classes import Classes
from gateway.risk.privacy.definition import Claim, Verdict


def check(model: PrivacyModel, classes: Classes) -> Verdict:
    """The verdict on counted classes."""
    match model:
        case KAnonymity():
            return sizes.k_anonymity(model, classes)
        case KMap():
            return population.k_map(model, classes)
        case LDiversity():
            return diversity.l_diversity(model, classes)
        case TCloseness():
            return closeness.t_closeness(model, classes)
        case DeltaPresence():
            return population.delta_presence(model, classes)
        case BetaLikeness():
            return disclosure.beta_likeness(model, classes)
        case DeltaDisclosure():
            return disclosure.delta_disclosure(model, classes)
        case AverageRisk():
            return sizes.average_risk(model, classes)
        case SampleUniqueness():
            return sizes.sample_uniqueness(model, classes)
        case PopulationUniqueness():
            return population.population_uniqueness(model, classes)


CLAIMS: Final[dict[tuple[str, str | None], Claim]] = {
    ("k_anonymity", None): sizes.K_ANONYMITY,
    ("k_map", None): population.K_MAP,
    ("l_diversity", "distinct"): diversity.DISTINCT,
    ("l_diversity", "entropy"): diversity.ENTROPY,
    ("l_diversity", "recursive"): diversity.RECURSIVE,
    ("t_closeness", "equal"): closeness.EQUAL,
    ("t_closeness", "ordered"): closeness.ORDERED,
    ("t_closeness", "hierarchical"): closeness.HIERARCHICAL,
    ("delta_presence", None): population.DELTA_PRESENCE,
    ("beta_likeness", "basic"): disclosure.BASIC_LIKENESS,
    ("beta_likeness", "enhanced"): disclosure.ENHANCED_LIKENESS,
    ("delta_disclosure", None): disclosure.DISCLOSURE,
    ("average_risk", None): sizes.AVERAGE_RISK,
    ("sample_uniqueness", None): sizes.SAMPLE_UNIQUENESS,
    ("population_uniqueness", None): population.POPULATION_UNIQUENESS,
}
"""By the kind of a model and its variant or distance."""


def claim(model: PrivacyModel) -> Claim:
    """What a table that passes guarantees, and what it does not."""
    variant = getattr(model, "variant", getattr(model, "distance", None))
    return CLAIMS[model.kind, variant]
