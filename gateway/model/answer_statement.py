"""The signed statement of an answer: an in-toto statement of what was answered and is guaranteed.

It holds no cell of the answer and none of the question's values: the plan's digest stands for both.
"""

from typing import Annotated, Final, Literal

from pydantic import ConfigDict, Field

from gateway.model.audit import AuditPosition
from gateway.model.certificate import STATEMENT_TYPE, CertifiedDataSet, Subject
from gateway.model.decision import PolicyRef
from gateway.model.mechanisms import PrivacyEvent
from gateway.model.noun import Digest, Moment, Noun, ShortText
from gateway.model.statistics import AnswerColumn, Claim

PREDICATE_TYPE: Final = "urn:gateway:predicate:private-answer:1"


class AnswerPredicate(Noun):
    """Everything a recipient or auditor may hold the gateway to, in the terms of NIST SP 800-226.

    ``budgets``: names of the recipient's own that were charged. Those that others are charged to as
    well are left out, and what was spent of any: a certificate goes to the recipient.
    """

    answer: str
    datasets: Annotated[tuple[CertifiedDataSet, ...], Field(min_length=1)]
    recipient: str
    purpose: ShortText
    project: str | None
    grants: tuple[str, ...]
    policies: tuple[PolicyRef, ...]
    plan_digest: Digest
    claim: Claim
    events: Annotated[tuple[PrivacyEvent, ...], Field(min_length=1)]
    budgets: Annotated[tuple[str, ...], Field(min_length=1)]
    columns: tuple[AnswerColumn, ...]
    confidence_percent: int
    opened: Moment
    sealed: Moment
    expires: Moment
    audit: AuditPosition
    gateway_version: ShortText


class AnswerStatement(Noun):
    """in-toto Statement v1 about the Arrow IPC stream of one answer."""

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)

    type: Literal["https://in-toto.io/Statement/v1"] = Field(STATEMENT_TYPE, alias="_type")
    subject: Annotated[tuple[Subject, ...], Field(min_length=1, max_length=1)]
    predicate_type: Literal["urn:gateway:predicate:private-answer:1"] = Field(
        PREDICATE_TYPE, alias="predicateType"
    )
    predicate: AnswerPredicate

    def payload(self) -> bytes:
        """The bytes that are signed."""
        return self.model_dump_json(by_alias=True).encode()
