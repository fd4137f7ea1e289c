"""What every spec of a transform says of itself: key or not, what it leaves, what it joins to."""

from typing import ClassVar

from gateway.model.noun import Noun


class Spec(Noun):
    """The base of all specs: one class a transform, told apart by the literal field ``kind``."""

    keyed: ClassVar[bool] = False
    """Whether ``apply`` needs a key."""

    reversible: ClassVar[bool] = False
    """Whether the key takes every value back: what leaves is then never less than personal."""

    per_subject: ClassVar[bool] = False
    """Whether ``apply`` needs the column that names the person of each row (the privacy unit)."""

    def opaque(self) -> bool:
        """Whether what leaves tells whoever lacks the key only which values are equal."""
        return False

    def lowers(self) -> bool:
        """Whether every value that leaves shows less than the one that came (for grading)."""
        return True

    def joined(self, other: "Spec") -> "Spec | None":  # noqa: ARG002 - subclasses look
        """The strictest of this and a *different* spec; None where this class knows of none."""
        return None
