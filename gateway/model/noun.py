"""The base of all stored nouns: frozen, closed, self-checking, with one canonical form."""

import hashlib
import json
from datetime import UTC, datetime
from typing import Annotated, Any, Self

from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, Field


class Noun(BaseModel):
    """A frozen value. Unknown fields are errors; a value that exists is valid (see ADR 0001)."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    def canonical(self) -> bytes:
        """The one serialisation that digests are made of: sorted keys, UTF-8, no spaces."""
        return canonical_json(self.model_dump(mode="json"))

    def digest(self) -> str:
        """SHA-256 of the canonical form, 64 hexadecimal digits."""
        return hashlib.sha256(self.canonical()).hexdigest()

    def but(self, **changes: Any) -> Self:
        """A copy with some fields changed, checked like any new value."""
        return type(self).model_validate({**dict(self), **changes})


def canonical_json(value: object) -> bytes:
    """JSON with sorted keys and no spaces; floats are refused where a digest rests on it."""
    _refuse_floats(value)
    return json.dumps(
        value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False
    ).encode()


def _refuse_floats(value: object) -> None:
    # Two writers may print one float in two ways; a digest must not depend on that.
    if isinstance(value, float):
        raise TypeError("a float has no canonical form; use int or decimal text")
    if isinstance(value, dict):
        for item in value.values():
            _refuse_floats(item)
    elif isinstance(value, list | tuple):
        for item in value:
            _refuse_floats(item)


def _to_utc(moment: datetime) -> datetime:
    return moment.astimezone(UTC)


Moment = Annotated[AwareDatetime, AfterValidator(_to_utc)]
"""A point in time, kept in UTC."""

ShortText = Annotated[str, Field(max_length=200)]
LongText = Annotated[str, Field(max_length=4000)]
Digest = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
