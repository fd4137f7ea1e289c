"""Re-identification: who asks to take tokens back, on which legal basis, who agreed, what came of
it, and what the persons concerned were told. Never a token, never a value."""

from datetime import datetime
from enum import StrEnum
from typing import Annotated, Final, Self

from pydantic import Field, model_validator

from gateway.model.access import Approval, Verdict
from gateway.model.catalog import ColumnName
from gateway.model.lifecycle import ReidentificationState
from gateway.model.names import ENTITIES, Role, identifier
from gateway.model.noun import Digest, LongText, Moment, Noun, canonical_json

APPROVALS: Final = 2
"""Officers that must agree, none of them twice."""

LONGEST_TOKEN: Final = 4000
"""Characters. A token has at most 1.6 characters a byte of its value, and 26 more."""

MOST_TOKENS: Final = 1000
"""Of one request, whatever the settings say: an answer is one message."""

ANSWER_SUITE: Final = "DHKEM(X25519, HKDF-SHA256), HKDF-SHA256, AES-256-GCM"
"""How an answer is encrypted: HPKE base mode, RFC 9180, with these (section 7)."""


class LegalBasis(StrEnum):
    """Why personal data may be processed: PIPL article 13; much the same in GDPR article 6."""

    CONSENT = "consent"
    CONTRACT = "contract"
    STATUTORY_DUTY = "statutory_duty"
    EMERGENCY = "emergency"  # public health; life, health or property in an emergency
    PUBLIC_INTEREST = "public_interest"
    OTHER_LAW = "other_law"


class NoticeState(StrEnum):
    """Whether the persons concerned were told."""

    DUE = "due"
    GIVEN = "given"
    DEFERRED = "deferred"  # for a time, by an officer, with a reason (PIPL 18)


class Notice(Noun):
    """One word on telling the persons concerned. ``until``: when a deferral is over. DUE takes back
    that it was given, which was said by mistake."""

    state: NoticeState
    party: str
    reason: Annotated[LongText, Field(min_length=1)]
    at: Moment
    until: Moment | None = None

    @model_validator(mode="after")
    def _sound(self) -> Self:
        identifier(self.party, "parties")
        if (self.until is not None) != (self.state is NoticeState.DEFERRED):
            raise ValueError("exactly a deferral says until when")
        if self.until is not None and self.until <= self.at:
            raise ValueError("a deferral ends later than it begins")
        return self


class Answered(Noun):
    """That the answer left: when, and how many of the tokens were of the domain."""

    at: Moment
    reversed: Annotated[int, Field(ge=0)]


class Case(Noun):
    """What the requester states: from which release and column the tokens are, and why."""

    release: str
    column: ColumnName  # as published
    entity: str | None = None  # of a column of free text: what the tokens stand for
    basis: LegalBasis
    reason: Annotated[LongText, Field(min_length=1)]
    case_number: Annotated[str, Field(min_length=1, max_length=100)]
    recipient_key: Digest  # X25519, 32 bytes in hexadecimal; the answer is encrypted to it

    @model_validator(mode="after")
    def _named(self) -> Self:
        identifier(self.release, "releases")
        if self.entity is not None and self.entity not in ENTITIES - {"NONE"}:
            raise ValueError("not an entity of the gateway's vocabulary")
        return self


class Reidentification(Noun):
    """The record of one request. ``tokens_digest``: keyed, over all its tokens."""

    name: str
    requester: str
    dataset: str
    case: Case
    key_domain: LongText
    tokens: Annotated[int, Field(ge=1, le=MOST_TOKENS)]
    tokens_digest: Digest
    approvals: tuple[Approval, ...] = ()
    state: ReidentificationState = ReidentificationState.REQUESTED
    answered: Answered | None = None
    notices: tuple[Notice, ...] = ()
    revision: Annotated[int, Field(ge=1)] = 1
    created: Moment
    expires: Moment  # unless approved by then; once approved: unless answered by then

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        identifier(self.name, "reidentifications")
        identifier(self.requester, "parties")
        identifier(self.dataset, "datasets")
        if any(approval.role is not Role.OFFICER for approval in self.approvals):
            raise ValueError("only officers answer a request for re-identification")
        if any(approval.party == self.requester for approval in self.approvals):
            raise ValueError("nobody approves their own re-identification")
        agreed = [a.party for a in self.approvals if a.verdict is Verdict.APPROVED]
        if len(set(agreed)) != len(agreed):
            raise ValueError("an officer approves once: two different officers are needed")
        approved = self.state in (ReidentificationState.APPROVED, ReidentificationState.ANSWERED)
        if approved and len(agreed) < APPROVALS:
            raise ValueError("two different officers approve before it is approved")
        if (self.answered is None) == (self.state is ReidentificationState.ANSWERED):
            raise ValueError("it says what was answered exactly when it was answered")
        if self.answered is not None and self.answered.reversed > self.tokens:
            raise ValueError("more was answered than asked")
        return self

    @property
    def answer_context(self) -> bytes:
        """What its answer is bound to."""
        case = self.case
        return answer_context(self.name, case.release, case.column, case.entity, case.recipient_key)

    @property
    def approvers(self) -> tuple[str, ...]:
        """Officers that agreed."""
        return tuple(a.party for a in self.approvals if a.verdict is Verdict.APPROVED)

    def notice(self, now: datetime) -> NoticeState | None:
        """Whether the persons concerned were told; None while nobody was re-identified. A
        deferral whose time is over leaves the notice due again."""
        if self.answered is None or not self.answered.reversed:
            return None
        if not self.notices:
            return NoticeState.DUE
        last = self.notices[-1]
        if last.until is not None and last.until <= now:
            return NoticeState.DUE
        return last.state


def answer_context(
    name: str, release: str, column: str, entity: str | None, recipient_key: str
) -> bytes:
    """What an answer is bound to when it is encrypted (``info`` of RFC 9180, section 8.1)."""
    bound = ["gateway-reidentification/1", name, release, column, entity or "", recipient_key]
    return canonical_json(bound)


class ReidentificationLimits(Noun):
    """What the operator allows. ``authorised``: parties/… that may ask about any release."""

    authorised: tuple[str, ...]
    tokens_per_request: Annotated[int, Field(ge=1, le=MOST_TOKENS)]
    tokens_per_period: Annotated[int, Field(ge=1)]
    requests_per_period: Annotated[int, Field(ge=1)]
    period_days: Annotated[int, Field(ge=1)]
    approval_days: Annotated[int, Field(ge=1)]
    answer_days: Annotated[int, Field(ge=1)]
    searches_per_day: Annotated[int, Field(ge=1)]
