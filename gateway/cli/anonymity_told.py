"""What ``gateway anonymize`` did, for people and for programs."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from gateway.cli.output import hint, show_fields, show_table
from gateway.model.anonymity import AnonymityGoal
from gateway.risk.privacy.definition import Verdict
from gateway.transform.anonymize.ladder import Ladder
from gateway.transform.anonymize.recoding import Recoding

_NAMED: Final = 8
"""So many columns a hint names; a table may have hundreds."""


def plain(
    goal: AnonymityGoal,
    method: str,
    recoding: Recoding,
    ladders: Mapping[str, Ladder],
    verdicts: tuple[Verdict, ...],
    took: float,
    output: Path,
) -> dict[str, Any]:
    """The JSON: what was found, at which cost, and what the verifier counted in it."""
    suppressed = int(recoding.suppressed.sum())
    return {
        "method": method,
        "metric": recoding.metric,
        "value": recoding.value,
        "levels": None if recoding.levels is None else dict(recoding.levels),
        "suppressed": suppressed,
        "classes": recoding.published.num_rows,
        "proven_optimal": recoding.proven_optimal,
        "seconds": round(took, 3),
        "rows": len(recoding.suppressed),
        "hierarchies": {
            name: {"from": ladders[name].origin, "highest": ladders[name].height}
            for name in goal.quasi_identifiers
        },
        "verified": [
            {
                **verdict.model.model_dump(mode="json", exclude_none=True),
                "holds": verdict.holds,
                "figure": verdict.figure,
                "limit": verdict.limit,
                "what": verdict.name,
            }
            for verdict in verdicts
        ],
        "output": str(output),
    }


def show(told: dict[str, Any]) -> None:
    """The same as tables."""
    levels = told["levels"]
    show_table(
        ["column", "hierarchy", *([] if levels is None else ["level", "of"])],
        [
            [
                name,
                found["from"],
                *([] if levels is None else [levels[name], found["highest"]]),
            ]
            for name, found in told["hierarchies"].items()
        ],
    )
    show_table(
        ["model", "what", "figure", "limit", "holds"],
        [
            [found["kind"], found["what"], found["figure"], found["limit"], found["holds"]]
            for found in told["verified"]
        ],
        title="counted again in the rows that were written",
    )
    show_fields(
        {
            "records": told["rows"],
            "left out": told["suppressed"],
            "classes": told["classes"],
            told["metric"]: f"{told['value']:.6g}",
            "proven optimal": told["proven_optimal"],
            "seconds": told["seconds"],
        }
    )


def few(names: Sequence[str]) -> str:
    """The first names, and how many more there are."""
    more = len(names) - _NAMED
    return ", ".join(names[:_NAMED]) + (f" and {more} more" if more > 0 else "")


def hints(goal: AnonymityGoal, recoding: Recoding, ladders: Mapping[str, Ladder]) -> None:
    """What could make the result better."""
    made_up = [n for n in goal.quasi_identifiers if ladders[n].origin.startswith("proposed")]
    if made_up:
        hint(
            f"hierarchies of {few(made_up)} were proposed from the values; give better ones "
            "with --hierarchies"
        )
    if recoding.method == "full_domain" and not recoding.proven_optimal:
        hint("the time was over or the columns too many: a better recoding may exist (--seconds)")
