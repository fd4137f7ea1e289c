"""The verifier: whether a table, as it would leave, keeps the privacy models it is to keep.

It counts classes in the rows alone and knows nothing of how they were made: no hierarchy search,
no recoding. Nothing of it is shared with ``transform`` but the names of the models.
"""

from collections.abc import Sequence
from pathlib import Path

from gateway.errors import InvalidRequest, Violation
from gateway.model.anonymity import (
    AverageRisk,
    KAnonymity,
    LDiversity,
    PrivacyModel,
    SampleUniqueness,
    TCloseness,
)
from gateway.risk.privacy.classes import Classes, Rows
from gateway.risk.privacy.closeness import t_closeness
from gateway.risk.privacy.definition import Verdict
from gateway.risk.privacy.diversity import l_diversity
from gateway.risk.privacy.sizes import average_risk, k_anonymity, sample_uniqueness


def verify(
    rows: Rows,
    quasi_identifiers: Sequence[str],
    models: Sequence[PrivacyModel],
    *,
    memory_mib: int = 1024,
    threads: int = 2,
    spill: Path | None = None,
) -> tuple[Verdict, ...]:
    """One verdict a model, in the order of ``models``.

    ``rows`` is read once and never held; memory grows with the distinct combinations of
    quasi-identifiers and sensitive values. ``spill`` is a
    folder for what does not fit into ``memory_mib``; it would hold values of the table, so there
    is none by default, and what does not fit fails.

    `InvalidRequest` for columns that are missing or cannot be used;
    `CheckFailed` when the table cannot be counted.
    """
    if not models:
        # A check of nothing must not read as passed.
        raise InvalidRequest.of("models", "name at least one privacy model to verify")
    sensitive = [model.column for model in models if isinstance(model, LDiversity | TCloseness)]
    if both := set(sensitive) & set(quasi_identifiers):
        raise InvalidRequest.collected(
            [Violation(name, "is sensitive and a quasi-identifier as well") for name in both]
        )
    with Classes(
        quasi_identifiers, sensitive, memory_mib=memory_mib, threads=threads, spill=spill
    ) as classes:
        classes.count(rows)
        return tuple(_verdict(model, classes) for model in models)


def _verdict(model: PrivacyModel, classes: Classes) -> Verdict:
    match model:
        case KAnonymity():
            return k_anonymity(model, classes)
        case LDiversity(variant="distinct"):
            return l_diversity(model, classes)
        case TCloseness(distance="equal"):
            return t_closeness(model, classes)
        case AverageRisk():
            return average_risk(model, classes)
        case SampleUniqueness():
            return sample_uniqueness(model, classes)
        case _:
            # Fail closed: a model without a check is not a model that holds.
            raise InvalidRequest.of("models", f"{model.kind} cannot be verified yet")
