"""Audit entries: who did what on which resource, with what outcome; chained by hashes."""

import hashlib
from typing import Annotated

from pydantic import Field

from gateway.model.noun import Digest, Moment, Noun, ShortText

GENESIS = "0" * 64

CHECKPOINT_TYPE = "application/vnd.gateway.audit-checkpoint+json"
"""Payload type of a signed checkpoint's DSSE envelope."""


class AuditEvent(Noun):
    """What happened, before it has a place in the chain. No values, no secrets, no counts of
    refused data: ``details`` holds names, states, reason constants and digests only."""

    actor: ShortText  # parties/…, or "gateway" for its own work
    action: Annotated[str, Field(pattern=r"^[a-z][a-z0-9._-]{2,80}$")]
    resource: ShortText
    outcome: ShortText  # "ok" or a reason constant
    details: dict[ShortText, ShortText] = {}


class AuditEntry(Noun):
    """An event in its place: its hash covers the sequence number, the time, the event and the
    hash of the entry before it, so an edit, a removal or a reordering breaks the chain."""

    sequence: Annotated[int, Field(ge=1)]
    at: Moment
    event: AuditEvent
    previous: Digest
    hash: Digest

    @classmethod
    def chained(cls, sequence: int, at: Moment, event: AuditEvent, previous: str) -> "AuditEntry":
        """The entry that follows the one whose hash is ``previous``."""
        unhashed = cls(sequence=sequence, at=at, event=event, previous=previous, hash=GENESIS)
        return unhashed.but(hash=unhashed.computed_hash())

    def computed_hash(self) -> str:
        """What ``hash`` must be for this entry to be genuine."""
        return hashlib.sha256(self.but(hash=GENESIS).canonical()).hexdigest()


class Checkpoint(Noun):
    """A signed statement of how far the log had come; kept outside the database."""

    sequence: Annotated[int, Field(ge=0)]
    hash: Digest
    at: Moment


class AuditPosition(Noun):
    """One place in the log; every certificate names that of its release's opening, and so
    anchors the log outside the gateway."""

    sequence: Annotated[int, Field(ge=1)]
    hash: Digest
