"""A release: one request on its way through the life cycle, and what is known of its result."""

from enum import StrEnum
from typing import Annotated, Self

from pydantic import Field, model_validator

from gateway.model.access import ExtractRequest
from gateway.model.audit import AuditPosition
from gateway.model.decision import Decision
from gateway.model.lifecycle import ReleaseState
from gateway.model.names import identifier
from gateway.model.noun import Digest, LongText, Moment, Noun, ShortText
from gateway.model.plan import Plan


class Stage(StrEnum):
    """Where a running release is; shown to the consumer as progress."""

    WAITING = "waiting"
    ANONYMISING = "anonymising"
    READING = "reading"
    CHECKING = "checking"
    SEALING = "sealing"
    DONE = "done"


class Ending(Noun):
    """Why a release did not become readable; says no more than the requester may know."""

    reason: Annotated[str, Field(pattern=r"^[A-Z][A-Z0-9_]{2,62}$")]
    text: LongText


class Figure(Noun):
    """One measured figure of a check, for the certificate."""

    check: ShortText
    name: ShortText
    value: str
    passed: bool


class Sealed(Noun):
    """What was sealed: the exact stream's hash, the logical content's digest, sizes."""

    stream_sha256: Digest
    content_digest: Digest
    source_fingerprint: Digest  # of the source's content that was read
    rows: Annotated[int, Field(ge=0)]
    stream_bytes: Annotated[int, Field(ge=0)]
    chunks: Annotated[int, Field(ge=1)]
    recoding: Annotated[int, Field(ge=1)] | None = None  # its generation, where anonymised
    roster: ShortText | None = None  # the stream of whom it shows in which class
    figures: tuple[Figure, ...] = ()


class Reissue(Noun):
    """That a release has the rows of an earlier one under other keys. It has as many rows and
    ends no later; unless ``keep_original``, the original is recalled when this one is sealed."""

    original: str
    rows: Annotated[int, Field(ge=0)]
    expires: Moment
    keep_original: bool


class Release(Noun):
    """The record of a release. ``plan`` exists unless DENIED; ``sealed`` once SEALED.
    ``reissued_as``: the newest release that has its rows under other keys."""

    name: str
    consumer: str
    request: ExtractRequest
    decision: Decision
    plan: Plan | None = None
    state: ReleaseState
    stage: Stage = Stage.WAITING
    percent: Annotated[int, Field(ge=0, le=100)] = 0  # of a long search for a recoding
    rows_done: Annotated[int, Field(ge=0)] = 0
    rows_expected: Annotated[int, Field(ge=0)] = 0
    attempt: Annotated[int, Field(ge=0)] = 0
    ending: Ending | None = None
    sealed: Sealed | None = None
    opened_at: AuditPosition | None = None  # the audit entry of its opening
    certificate: str | None = None  # the DSSE envelope as JSON text
    reissue: Reissue | None = None
    reissued_as: str | None = None
    created: Moment
    updated: Moment
    expires: Moment | None = None

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        identifier(self.name, "releases")
        if (self.plan is None) != (self.state is ReleaseState.DENIED):
            raise ValueError("a release has a plan exactly when it was not denied")
        if self.state is ReleaseState.SEALED and (self.sealed is None or not self.certificate):
            raise ValueError("a sealed release has a seal and a certificate")
        return self

    @property
    def stream(self) -> str:
        """Name of the staged stream of this attempt. A process that lost its lease and goes on
        writes to the stream of an earlier attempt, which nobody reads."""
        return f"{self.name}/{self.attempt}"
