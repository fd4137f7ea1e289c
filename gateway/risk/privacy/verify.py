"""The verifier: whether a table, as it would leave, keeps the privacy models it is to keep.

It counts classes in the rows alone and knows nothing of how they were made: no hierarchy search,
no recoding. Nothing of it is shared with ``transform`` but the names of the models.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path

import pyarrow as pa

from gateway.errors import InvalidRequest, Violation
from gateway.model.anonymity import DeltaPresence, KMap, PrivacyModel
from gateway.risk.privacy.checks import check
from gateway.risk.privacy.classes import Classes, Rows
from gateway.risk.privacy.definition import Verdict


def verify(
    rows: Rows,
    quasi_identifiers: Sequence[str],
    models: Sequence[PrivacyModel],
    *,
    populations: Mapping[str, Rows] | None = None,
    hierarchies: Mapping[str, pa.Table] | None = None,
    reference: Rows | None = None,
    memory_mib: int = 1024,
    threads: int = 2,
    spill: Path | None = None,
) -> tuple[Verdict, ...]:
    """One verdict a model, in the order of ``models``.

    ``rows`` is read once and never held; memory grows with the distinct combinations of
    quasi-identifiers and sensitive values. ``populations`` by the names the models give: tables
    with the same columns, generalised as ``rows`` is. ``hierarchies``, by their names, of sensitive
    columns for the hierarchical distance: one line a leaf, then its ancestors to the root.
    ``reference``: the sensitive columns of the whole that ``rows`` is a part of, when it is one.
    Models that compare distributions (t-closeness, β-likeness, δ-disclosure) compare with it then;
    a part that was chosen by a sensitive value would be far from nothing but the whole.
    ``spill`` is a folder for what does not fit into ``memory_mib``; it would hold values of the
    table, so there is none by default, and what does not fit fails.

    `InvalidRequest` for columns, populations or hierarchies that are missing or cannot be used;
    `CheckFailed` when the table cannot be counted.
    """
    if not models:
        # A check of nothing must not read as passed.
        raise InvalidRequest.of("models", "name at least one privacy model to verify")
    sensitive = [column for model in models if (column := getattr(model, "column", None))]
    if both := set(sensitive) & set(quasi_identifiers):
        raise InvalidRequest.collected(
            [
                Violation(name, "is sensitive and a quasi-identifier as well")
                for name in sorted(both)
            ]
        )
    with Classes(
        quasi_identifiers,
        sensitive,
        memory_mib=memory_mib,
        threads=threads,
        spill=spill,
        hierarchies=hierarchies,
    ) as classes:
        classes.count(rows)
        if reference is not None and sensitive:
            classes.count_reference(reference)
        known = populations or {}
        for model in models:
            if isinstance(model, KMap | DeltaPresence) and model.population in known:
                name = model.population
                if name not in classes.populations:
                    classes.count_population(name, known[name])
        return tuple(check(model, classes) for model in models)
