"""Key domains: which keyed results can be joined, and the versions of the secret behind them.

The text of a domain is a list of labelled parts, each with its length, so that no name can imitate
a separator. The parts up to the column's name tell the *owner*: a project, or a recipient with a
data set and a purpose. Each owner has a random secret of its own in each version; the key of a
domain is derived from that secret and the domain's text. So destroying an owner's secrets destroys
every key of its domains, and nothing else can bring those keys back.
"""

import hashlib
from collections.abc import Iterable
from typing import Annotated, Final, Self

from pydantic import Field, model_validator

from gateway.errors import InvalidRequest
from gateway.model.lifecycle import KeyDomainState
from gateway.model.names import identifier, resource
from gateway.model.noun import LongText, Moment, Noun

COLLECTION: Final = "keydomains"
_OF_COLUMNS: Final = frozenset({"name", "transform", "cipher"})
"""Labels of the parts that tell columns of one owner apart."""


def written(parts: Iterable[tuple[str, str]]) -> str:
    """The text of a domain, or of an owner."""
    return "|".join(f"{label}:{len(value)}:{value}" for label, value in parts)


def parts_of(text: str) -> tuple[tuple[str, str], ...]:
    """Inverse of ``written``; InvalidRequest for a text that it does not give."""
    parts, rest = [], text
    while rest:
        label, _, rest = rest.partition(":")
        length, colon, rest = rest.partition(":")
        if not (label and colon and length.isdecimal() and length.isascii()):
            raise InvalidRequest.of("key domain", "is not of this gateway")
        value, rest = rest[: int(length)], rest[int(length) :]
        if len(value) != int(length) or (rest and not rest.startswith("|")) or rest == "|":
            raise InvalidRequest.of("key domain", "is not of this gateway")
        parts.append((label, value))
        rest = rest[1:]
    return tuple(parts)


def owner_of(domain: str) -> str:
    """The leading parts of a domain, up to those that name column and transform."""
    leading = []
    for label, value in parts_of(domain):
        if label in _OF_COLUMNS:
            break
        leading.append((label, value))
    if not leading:
        raise InvalidRequest.of("key domain", "names no owner")
    return written(leading)


def name_of(owner: str) -> str:
    """The resource name of an owner's record: the same for the same owner, and no secret."""
    return resource(COLLECTION, f"k-{hashlib.sha256(owner.encode()).hexdigest()[:40]}")


class KeyVersion(Noun):
    """One secret of an owner: since when it is used, and when it was destroyed."""

    number: Annotated[int, Field(ge=1)]
    created: Moment
    destroyed: Moment | None = None


class Shredding(Noun):
    """Who wants an owner's secrets destroyed, and why; another officer confirms it."""

    proposed_by: str
    reason: LongText
    at: Moment


class KeyDomain(Noun):
    """The record of one owner's secrets; the secrets themselves are kept apart, wrapped.

    New results are made under the newest version, old ones are taken back under theirs.
    """

    name: str
    owner: LongText
    versions: Annotated[tuple[KeyVersion, ...], Field(min_length=1, max_length=10_000)]
    state: KeyDomainState = KeyDomainState.ACTIVE
    shredding: Shredding | None = None
    revision: Annotated[int, Field(ge=1)] = 1

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        identifier(self.name, COLLECTION)
        if self.name != name_of(self.owner):
            raise ValueError("a key domain bears the name that its owner gives it")
        if [version.number for version in self.versions] != [*range(1, len(self.versions) + 1)]:
            raise ValueError("versions are numbered from 1 on without gaps")
        shredded = self.state is KeyDomainState.SHREDDED
        if shredded != (self.versions[-1].destroyed is not None):
            raise ValueError("the newest version is destroyed exactly when the domain is shredded")
        if (self.state is KeyDomainState.SHREDDING) and self.shredding is None:
            raise ValueError("a domain that is to be shredded tells who wants it")
        return self

    @property
    def version(self) -> int:
        """What new results are made under, unless it is destroyed."""
        return self.versions[-1].number

    def secret(self, version: int) -> str:
        """The resource under which the wrapped secret of that version is kept."""
        return f"{self.name}/{version}"
