"""Collects everything that is wrong with one request, named by the fields of the protos."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import TypeVar

from google.protobuf.message import Message
from google.protobuf.timestamp_pb2 import Timestamp
from pydantic import ValidationError

from gateway.errors import InvalidRequest, Violation
from gateway.model.names import identifier
from gateway.model.noun import Noun

N = TypeVar("N", bound=Noun)
V = TypeVar("V")
K = TypeVar("K", bound=int)

_MOST_VIOLATIONS = 1000


class Shape:
    """Violations so far. Converters note faults and go on; ``done`` raises them all together.

    No text here holds what the caller sent: a value in a wrong field is still a value.
    """

    def __init__(self) -> None:
        self._violations: list[Violation] = []

    def fault(self, field: str, description: str) -> None:
        if len(self._violations) < _MOST_VIOLATIONS:
            self._violations.append(Violation(field.removeprefix("."), description))

    @property
    def sound(self) -> bool:
        return not self._violations

    def done(self) -> None:
        """Raise InvalidRequest with all violations, if there are any."""
        if self._violations:
            raise InvalidRequest.collected(self._violations)

    def made(self, value: V | None) -> V:
        """The value, once it is known that nothing was wrong."""
        self.done()
        if value is None:
            raise InvalidRequest("the request is incomplete")
        return value

    # ---- values ---------------------------------------------------------------------------------

    def name(self, field: str, value: str, collection: str) -> str:
        """A resource name of that collection."""
        try:
            identifier(value, collection)
        except ValueError as error:
            self.fault(field, str(error))
        return value

    def text(self, field: str, value: str, most: int, *, least: int = 0) -> str:
        """A text of ``least`` to ``most`` characters."""
        if not least <= len(value) <= most:
            self.fault(
                field, f"{least} to {most} characters" if least else f"at most {most} characters"
            )
        return value

    def present(self, field: str, message: Message, inner: str | None = None) -> bool:
        """Whether a sub-message is set; a violation when it is not."""
        found: bool = message.HasField(inner or field.rpartition(".")[2])
        if not found:
            self.fault(field, "required")
        return found

    def coded(self, field: str, number: K, table: Mapping[K, V]) -> V | None:
        """The meaning of an enum value that must be given; unspecified has none."""
        if number not in table:
            self.fault(field, "required: one of the values of the enum, not unspecified")
            return None
        return table[number]

    def optional_coded(self, field: str, number: K, table: Mapping[K, V]) -> V | None:
        """As ``coded``, with None for unspecified."""
        return None if number == 0 else self.coded(field, number, table)

    def worded(self, field: str, word: str, words: Callable[[str], V]) -> V | None:
        """A member of one of our vocabularies, by its word."""
        try:
            return words(word)
        except ValueError:
            listed = ", ".join(str(known) for known in words)  # type: ignore[attr-defined]
            self.fault(field, f"required: one of {listed}")
            return None

    def moment(self, field: str, stamp: Timestamp) -> datetime | None:
        """A point in time, to the microsecond."""
        try:
            return stamp.ToDatetime(UTC)
        except (ValueError, OverflowError):
            self.fault(field, "not a point in time between the years 1 and 9999")
            return None

    # ---- nouns ----------------------------------------------------------------------------------

    def noun(
        self,
        at: str,
        make: type[N],
        values: Mapping[str, object],
        renamed: Mapping[str, str] | None = None,
    ) -> N | None:
        """The noun, or its violations under the path ``at``; ``renamed`` maps names of the model
        to those of the proto where they differ."""
        try:
            return make.model_validate(dict(values))
        except ValidationError as error:
            self.refused(at, error, renamed)
            return None

    def refused(
        self, at: str, error: ValidationError, renamed: Mapping[str, str] | None = None
    ) -> None:
        """Note what pydantic found, without the values that it found it in."""
        for fault in error.errors(include_input=False, include_url=False, include_context=False):
            self.fault(_path(at, fault["loc"], renamed or {}), _said(fault["msg"]))


@contextmanager
def caller_at_fault(at: str) -> Iterator[None]:
    """A noun that a use case could not make of what the caller sent is the caller's fault: that
    a column exists twice, say, only shows once the source's columns are known. ``at`` is where in
    the request the use case's own words for fields begin."""
    try:
        yield
    except InvalidRequest as error:
        shape = Shape()
        for violation in error.violations:
            field = f"{at}.{violation.field}" if at else violation.field
            shape.fault(field, violation.description)
        shape.done()
        raise
    except ValidationError as error:
        shape = Shape()
        shape.refused(at, error)
        shape.done()
        raise


def _path(at: str, place: Sequence[int | str], renamed: Mapping[str, str]) -> str:
    path = at
    for part in place:
        if isinstance(part, int):
            path += f"[{part}]"
        else:
            path += ("." if path else "") + renamed.get(part, part)
    return path


def _said(message: str) -> str:
    return message.removeprefix("Value error, ")
