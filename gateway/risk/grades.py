"""The grade of what leaves: what transforms leave of each column, combinations of that, and volume.

Source: GB/T 43697-2024, derived data is graded again; the rules are data, ``derived`` in the
standard's file. Nothing here raises a column above what it was, and a stricter transform never
leaves more; a combination or the number of rows may still raise the set.
"""

from collections.abc import Sequence
from typing import Final

from gateway.model.grades import Grade, effective
from gateway.model.plan import Step
from gateway.model.transforms import RedactText, Replace, Suppress, TransformSpec
from gateway.norms.set_grades import Held, Presence, SetGrade, set_grade, set_level
from gateway.norms.standard import Residue
from gateway.norms.standards import default_standard

_PRESENCE: Final[dict[Residue, Presence]] = {
    "whole": "whole",
    "redacted": "whole",  # what was not found is still there
    "reduced": "reduced",
    "reversible": "reduced",
    "aggregated": "gone",
    "constant": "gone",
}


def residue(spec: TransformSpec) -> Residue:
    """What the transform leaves of a column."""
    if isinstance(spec, Suppress | Replace):
        return "constant"
    if isinstance(spec, RedactText):
        return "redacted"
    if not spec.lowers():
        return "whole"
    return "reversible" if spec.reversible else "reduced"


def grade_after(spec: TransformSpec, grade: Grade | None) -> Grade:
    """The grade of what the transform leaves of a column; never above the one that came in, and
    of an unknown grade (None) what is left of core data."""
    return Grade(default_standard().after(effective(grade), residue(spec)))


def step_grade(step: Step) -> Grade:
    """The grade of what a step leaves of its column."""
    # A grade without a whole verdict to it is not known either.
    return grade_after(step.transform, None if step.item == "unknown" else step.grade)


def left(steps: Sequence[Step], rows: int | None) -> SetGrade:
    """The grade of what steps leave of so many rows, with reasons; by published names."""
    return set_grade(default_standard(), _held(steps), rows)


def grade_left(steps: Sequence[Step], rows: int | None) -> Grade:
    """The grade alone."""
    return Grade(set_level(default_standard(), _held(steps), rows))


def _held(steps: Sequence[Step]) -> list[Held]:
    return [
        Held(
            column=step.published,
            item=step.item,
            level=step_grade(step),
            presence=_PRESENCE[residue(step.transform)],
        )
        for step in steps
    ]
