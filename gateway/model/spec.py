"""What every spec of a transform says of itself: key or not, what it leaves, what it joins to."""

from typing import ClassVar

from gateway.model.noun import Noun


class Spec(Noun):
    """The base of all specs: one class a transform, told apart by the literal field ``kind``."""

    keyed: ClassVar[bool] = False
    """Whether ``apply`` needs a key."""

    def lowers(self) -> bool:
        """Whether every value that leaves shows less than the one that came (for grading)."""
        return True

    def joined(self, other: "Spec") -> "Spec | None":  # noqa: ARG002 - subclasses look
        """The strictest of this and a *different* spec; None where this class knows of none."""
        return None
