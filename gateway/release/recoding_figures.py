"""What is told of a recoding in every certificate of a release under it: cost, risk, utility.

Figures are of the whole version and name columns, never values: who lost most is told by value to
holders and officers only, by gateway anonymize on the file.
"""

from collections.abc import Iterable, Mapping
from typing import Final

import numpy as np
import pyarrow as pa

from gateway.errors import CheckFailed, InvalidRequest, SourceChanged
from gateway.model.anonymity import AnonymityGoal, AverageRisk, KAnonymity, SampleUniqueness
from gateway.model.exact import DECIMALS, from_millionths, millionths
from gateway.model.release import Figure
from gateway.risk.privacy.verify import verify
from gateway.risk.utility.report import utility
from gateway.transform.anonymize.recoding import SUPPRESSED, Recoding

MOST_ROWS: Final = 1_000_000
"""Above so many records utility is not measured: it would take longer than the search."""

_ONE: Final = 10**DECIMALS
_RISKS: Final = (KAnonymity(k=2), AverageRisk(at_most="1"), SampleUniqueness(at_most="1"))


def costs(recoding: Recoding) -> tuple[Figure, ...]:
    """What the search made small, and whether nothing smaller is possible."""
    # As decimal text, because a float has no canonical form.
    found = "proven to be the least" if recoding.proven_optimal else "not proven to be the least"
    return (_figure("recoding", f"{recoding.metric}, {found}", f"{recoding.value:.6f}"),)


def reached(
    table: pa.Table, recoding: Recoding, goal: AnonymityGoal, hierarchies: Mapping[str, pa.Table]
) -> tuple[Figure, ...] | None:
    """What the verifier measured of the whole version; None where the goal is not reached.

    ``hierarchies``: by the names that models give them. SourceChanged for a table of another
    version, InvalidRequest for a hierarchy that a model cannot go by.
    """
    try:
        applied = recoding.apply(table)
    except InvalidRequest:
        raise SourceChanged("the data set changed while it was read: ask again") from None
    left_out = table.num_rows - applied.num_rows
    if not applied.num_rows:
        return None  # models hold of nothing, and nobody is served by it
    if left_out * _ONE > millionths(goal.max_suppression) * table.num_rows:
        return None
    verdicts = verify(
        applied.to_reader(), goal.quasi_identifiers, goal.models, hierarchies=hierarchies
    )
    if not all(verdict.holds for verdict in verdicts):
        return None
    share = from_millionths(-(-left_out * _ONE // table.num_rows)) or "1"
    return (
        _figure("recoding", "share of the version's records left out", share),
        *(_figure(verdict.model.kind, verdict.name, verdict.figure) for verdict in verdicts),
    )


def risks(table: pa.Table, recoding: Recoding, names: tuple[str, ...]) -> Iterable[Figure]:
    """The version's risk as it is, and recoded."""
    for when, rows in (("before", table), ("after", recoding.apply(table))):
        for verdict in verify(rows.select(list(names)).to_reader(), names, _RISKS):
            yield _figure("risk", f"{when}: {verdict.name}", verdict.figure)


def usefulness(table: pa.Table, recoding: Recoding, names: tuple[str, ...]) -> Iterable[Figure]:
    """What the version lost by being recoded."""
    if table.num_rows > MOST_ROWS:
        yield _figure("utility", f"not measured above {MOST_ROWS:,} records", "")
        return
    rows = table.select(list(names))
    kept = recoding.classes_of(rows) != SUPPRESSED
    try:
        found = utility(rows, recoding.apply(rows), np.asarray(kept), names)
    except (InvalidRequest, ValueError) as unfit:
        raise CheckFailed("what the recoding costs could not be measured") from unfit
    yield _figure("utility", "loss", found.loss)
    yield _figure("utility", "average class size", found.average_class_size)
    yield _figure("utility", "error of associations between columns", found.association_error)
    yield _figure("utility", "error of cross tables", found.cross_table_error)
    for column in found.columns:
        told = f"{column.loss}; {column.entropy_kept}"
        yield _figure("utility", f"{column.column}"[:150] + ": loss; information kept", told)
    hit = sorted({group.column for group in found.groups if group.hit})
    yield _figure(
        "utility", "columns with a group that lost more than others", ", ".join(hit)[:150] or "none"
    )


def _figure(check: str, name: str, value: str) -> Figure:
    return Figure(check=check, name=name[:200], value=value, passed=True)
