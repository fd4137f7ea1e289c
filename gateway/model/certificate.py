"""The certificate: an in-toto statement about one sealed release.

Source: in-toto attestation framework, Statement v1; the envelope around it is DSSE v1.
"""

from typing import Annotated, Final, Literal, Self

from pydantic import ConfigDict, Field, model_validator

from gateway.model.audit import AuditPosition
from gateway.model.decision import PolicyRef, Reason
from gateway.model.grades import Grade
from gateway.model.noun import Digest, LongText, Moment, Noun, ShortText
from gateway.model.plan import Anonymisation, CheckSpec, Sample
from gateway.model.release import Figure
from gateway.model.transforms import TransformSpec

PAYLOAD_TYPE = "application/vnd.in-toto+json"
STATEMENT_TYPE: Final = "https://in-toto.io/Statement/v1"
PREDICATE_TYPE: Final = "urn:gateway:predicate:data-release:2"
"""Of certificates made now. Those of ``:1`` tell neither grades nor versions of keys, and are read."""


class CertifiedFind(Noun):
    """What a keyed transform of finds in free text computes, and domain and version of its key."""

    entity: ShortText
    construction: ShortText
    key_domain: LongText
    key_version: int


class CertifiedColumn(Noun):
    """One output column: where it came from and what was done to it.

    ``construction`` names what a keyed transform computes; of its key only domain and version are
    told, never the key, nor anything that a guess at it could be held against. ``finds`` says the
    same of what was found in free text, by entity.
    """

    name: str
    type: ShortText
    source_column: str
    transform: TransformSpec
    recoded: bool = False  # published as the anonymisation made it
    construction: ShortText | None = None
    key_domain: LongText | None
    key_version: int | None = None
    finds: tuple[CertifiedFind, ...] = ()
    grade: Grade | None = None  # of what the transform left, GB/T 43697-2024


class CertifiedDataSet(Noun):
    """The data set and exactly which version of it was read."""

    name: str
    holder: str
    fingerprint: Digest
    schema_digest: Digest


class ReleasePredicate(Noun):
    """Everything a recipient or auditor may hold the gateway to. No values, no keys."""

    release: str
    reissue_of: str | None = None  # the release that has the same rows under other keys
    dataset: CertifiedDataSet
    recipient: str
    purpose: ShortText
    project: str | None
    grant: str
    policies: tuple[PolicyRef, ...]
    reasons: tuple[Reason, ...]
    plan_digest: Digest
    columns: tuple[CertifiedColumn, ...]
    anonymisation: Anonymisation | None = None  # of the whole version, before anything left
    sample: Sample | None = None  # only some persons' rows, drawn by key
    checks: tuple[CheckSpec, ...]
    figures: tuple[Figure, ...]
    grade: Grade | None = None  # of the whole result: columns, combinations of them, volume
    rows: Annotated[int, Field(ge=0)]
    stream_bytes: Annotated[int, Field(ge=0)]
    content_digest: Digest
    opened: Moment
    sealed: Moment
    expires: Moment
    audit: AuditPosition
    gateway_version: ShortText


class Subject(Noun):
    """What the statement is about: the Arrow IPC stream, by its SHA-256."""

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)

    name: str
    digests: dict[Literal["sha256"], Digest] = Field(alias="digest")


class Statement(Noun):
    """in-toto Statement v1 with the gateway's predicate."""

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)

    type: Literal["https://in-toto.io/Statement/v1"] = Field(STATEMENT_TYPE, alias="_type")
    subject: Annotated[tuple[Subject, ...], Field(min_length=1, max_length=1)]
    predicate_type: Literal[
        "urn:gateway:predicate:data-release:1", "urn:gateway:predicate:data-release:2"
    ] = Field(PREDICATE_TYPE, alias="predicateType")
    predicate: ReleasePredicate

    @model_validator(mode="after")
    def _says_what_its_type_says(self) -> Self:
        columns = self.predicate.columns
        graded = [self.predicate.grade, *(column.grade for column in columns)]
        versions = [column.key_version for column in columns if column.key_domain is not None]
        if self.predicate_type == PREDICATE_TYPE and (None in graded or None in versions):
            raise ValueError("a certificate of this type tells every grade and key version")
        return self

    def payload(self) -> bytes:
        """The bytes that are signed."""
        return self.model_dump_json(by_alias=True).encode()
