"""Re-identification, all but the answer: a party asks, two officers decide, time runs out, the
persons concerned are told, and whoever asks for them finds what was done."""

import hmac
import re
from collections.abc import Iterator, Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from functools import partial

from gateway.errors import (
    AlreadyExists,
    Conflict,
    FailedPrecondition,
    InvalidRequest,
    KeyDestroyed,
    NotFound,
    PermissionDenied,
    QuotaExhausted,
)
from gateway.model.access import Approval, Verdict
from gateway.model.audit import AuditEvent
from gateway.model.catalog import Party
from gateway.model.lifecycle import REIDENTIFICATION, ReidentificationState, advance
from gateway.model.names import Role, resource
from gateway.model.reidentification import (
    APPROVALS,
    Case,
    Notice,
    NoticeState,
    Reidentification,
    ReidentificationLimits,
)
from gateway.model.requests import RequestKey
from gateway.ports import Clock, DomainKeys, Entropy, Page, Store, Transaction
from gateway.registry.entitlement import entitled
from gateway.registry.facts import everything
from gateway.registry.once import made_before, remember
from gateway.registry.reversal_digests import PersonDigests
from gateway.registry.sight import reidentification_for, release_for
from gateway.registry.token_makers import maker_of

LONGEST_DEFERRAL = timedelta(days=366)

_SHORTEST_QUOTED = 4
"""A shorter token in a reason may be any word."""


class Reidentifications:
    """Use cases over requests for re-identification."""

    def __init__(
        self,
        store: Store,
        clock: Clock,
        entropy: Entropy,
        persons: PersonDigests,
        domain_keys: DomainKeys,
        limits: ReidentificationLimits,
    ) -> None:
        self._store = store
        self._clock = clock
        self._entropy = entropy
        self._persons = persons
        self._domain_keys = domain_keys
        self._limits = limits

    def request(
        self, caller: Party, case: Case, tokens: Sequence[str], key: RequestKey
    ) -> Reidentification:
        """A new request in state REQUESTED, counted against the caller's limits.

        Raises InvalidRequest for a column or tokens that cannot be meant, NotFound for a release
        that the caller may not ask about, FailedPrecondition for a transform that cannot be taken
        back, KeyUnavailable for a key that was destroyed, QuotaExhausted; AlreadyExists for a call
        that is repeated with other tokens (``key`` is of all the rest).
        """
        self._refuse_unfit(case, tokens)
        now = self._clock.now()
        with self._store.read() as tx:
            earlier = made_before(tx, caller, key)
            before = None if earlier is None else reidentification_for(tx, caller, earlier)
            release = tx.release(case.release)
            if release is None:
                raise NotFound.resource(case.release)
            if before is None:
                entitled(tx, caller, release, now, self._limits.authorised)
        maker = maker_of(release, case.column, case.entity)
        # If the key is gone, better said now than after two officers have looked at it.
        digests = maker.digests(self._domain_keys)
        tokens_digest = digests.of_set(tokens)
        if before is not None:
            return _repeated(before, tokens_digest)
        asked = Reidentification(
            name=resource("reidentifications", f"i-{self._entropy.bytes(10).hex()}"),
            requester=caller.name,
            dataset=release.request.dataset,
            case=case,
            key_domain=maker.key_domain,
            tokens=len(tokens),
            tokens_digest=tokens_digest,
            created=now,
            expires=now + timedelta(days=self._limits.approval_days),
        )
        found_by = digests.of_each(tokens)
        with self._store.write() as tx:
            if (earlier := made_before(tx, caller, key)) is not None:
                return _repeated(reidentification_for(tx, caller, earlier), tokens_digest)
            self._refuse_over_limits(tx, caller, len(tokens), now)
            tx.put_reidentification(asked, expected_revision=None)
            tx.add_reversal_digests(asked.name, "token", found_by)
            remember(tx, caller, key, asked.name)
            tx.audit(event(caller.name, "request", asked), now)
        return asked

    def decide(
        self,
        caller: Party,
        name: str,
        verdict: Verdict,
        reason: str,
        revision: int,
        key: RequestKey,
    ) -> Reidentification:
        """An officer's answer. One refusal ends it, the second approval makes it APPROVED; where an
        officer who had approved was shut out since, another one supplies what is missing.

        Raises Conflict when it changed since it was read, FailedPrecondition when its time is
        over or this officer has approved already.
        """
        now = self._clock.now()
        with self._store.write() as tx:
            asked = reidentification_for(tx, caller, name)
            if made_before(tx, caller, key) is not None:
                return asked
            if asked.requester == caller.name:
                raise PermissionDenied(
                    "nobody approves their own re-identification", reason="OWN_RESOURCE"
                )
            _refuse_changed(asked, revision)
            if verdict is Verdict.APPROVED and caller.name in asked.approvers:
                raise FailedPrecondition(
                    f"{caller.name} approved {name} already: another officer must",
                    reason="APPROVAL_NOT_WANTED",
                )
            standing = standing_approvers(tx, asked)
            decided = self._decided(asked, standing, caller, verdict, reason, now)
            tx.put_reidentification(decided, expected_revision=asked.revision)
            remember(tx, caller, key, name)
            action = "approve" if verdict is Verdict.APPROVED else "refuse"
            tx.audit(event(caller.name, action, decided), now)
        return decided

    def tell(
        self,
        caller: Party,
        name: str,
        state: NoticeState,
        reason: str,
        until: datetime | None,
        revision: int,
        key: RequestKey,
    ) -> Reidentification:
        """Record that the persons concerned were told, or why that waits, and until when; DUE takes
        back what was recorded as given by mistake.

        Whoever asked, the data set's holder or an officer says that it was done; only an officer
        defers it, or takes it back. FailedPrecondition when nobody is to be told, InvalidRequest
        for a reason with one of the tokens, or from the requester, one of the values in it.
        """
        now = self._clock.now()
        if until is not None and not now < until <= now + LONGEST_DEFERRAL:
            raise InvalidRequest.of("until", "later than now, and at most 366 days ahead")
        if state is not NoticeState.GIVEN and caller.role is not Role.OFFICER:
            raise PermissionDenied(
                "only an officer defers telling the persons concerned, or takes notice back",
                reason="OFFICER_DEFERS",
            )
        said = self._digests_of_words(caller, name, reason)
        with self._store.write() as tx:
            asked = reidentification_for(tx, caller, name)
            if made_before(tx, caller, key) is not None:
                return asked
            _refuse_changed(asked, revision)
            given = asked.notice(now) is NoticeState.GIVEN
            if state is NoticeState.DUE and not given:
                raise FailedPrecondition(
                    f"{name}: no notice was recorded as given", reason="NO_NOTICE_GIVEN"
                )
            if state is not NoticeState.DUE and (given or asked.notice(now) is None):
                raise FailedPrecondition(
                    f"{name}: nobody is waiting to be told", reason="NO_NOTICE_DUE"
                )
            if tx.is_about(name, said):
                raise InvalidRequest.of(
                    "reason",
                    "quotes a token or a value: it is kept for good, and they are not; leave it out",
                )
            notice = Notice(
                state=state,
                party=caller.name,
                reason=reason,
                at=now,
                until=until,
            )
            told = asked.but(notices=(*asked.notices, notice), revision=asked.revision + 1)
            tx.put_reidentification(told, expected_revision=asked.revision)
            remember(tx, caller, key, name)
            tx.audit(event(caller.name, "notice", told, notice=notice.state), now)
        return told

    def get(self, caller: Party, name: str) -> Reidentification:
        """One request that the caller may see."""
        with self._store.read() as tx:
            return reidentification_for(tx, caller, name)

    def all(
        self, caller: Party, page: Page, state: ReidentificationState | None
    ) -> list[Reidentification]:
        """Requests the caller may see, newest first."""
        involved = caller.name if caller.role in (Role.CONSUMER, Role.HOLDER) else None
        with self._store.read() as tx:
            return tx.reidentifications(page, involved=involved, state=state)

    def about_token(
        self,
        caller: Party,
        page: Page,
        release: str,
        column: str,
        token: str,
        entity: str | None = None,
    ) -> list[Reidentification]:
        """Requests, refused ones too, that named this token of this release's column; KeyDestroyed
        when its key domain was shredded, as nobody can tell any more."""
        with self._store.read() as tx:
            found = release_for(tx, caller, release)
        (digest,) = maker_of(found, column, entity).digests(self._domain_keys).of_each([token])
        return self._found(caller, page, digest, {"by": "token", "column": column}, release)

    def about_person(
        self, caller: Party, page: Page, column: str, value: str
    ) -> list[Reidentification]:
        """Requests by whose answer this value left, out of columns published as ``column``, or
        out of free text where it stands for that element."""
        (digest,) = self._persons.of_each(column, [value])
        return self._found(caller, page, digest, {"by": "person", "column": column}, "")

    def expire(self) -> int:
        """Mark requests whose time is over; nothing else depends on it. Returns how many."""
        now = self._clock.now()
        with self._store.read() as tx:
            over = [
                asked.name
                for state in ReidentificationState
                if ReidentificationState.EXPIRED in REIDENTIFICATION[state]
                for asked in everything(
                    partial(tx.reidentifications, state=state), lambda found: found.name
                )
                if asked.expires <= now
            ]
        for name in over:
            with self._store.write() as tx:
                asked = tx.reidentification(name)
                if (
                    asked is None
                    or asked.expires > now
                    or ReidentificationState.EXPIRED not in REIDENTIFICATION[asked.state]
                ):
                    continue
                ended = asked.but(state=ReidentificationState.EXPIRED, revision=asked.revision + 1)
                tx.put_reidentification(ended, expected_revision=asked.revision)
                tx.audit(event("gateway", "expire", ended), now)
        return len(over)

    def _digests_of_words(self, caller: Party, name: str, text: str) -> frozenset[str]:
        """What tokens and values in the text would be kept as.

        Values are looked for in the words of the requester, who has them. In anybody else's, being
        refused would tell which guesses are right, past the limit on searches.
        """
        with self._store.read() as tx:
            asked = reidentification_for(tx, caller, name)
            release = tx.release(asked.case.release)
        if release is None:
            raise NotFound.resource(asked.case.release)
        maker = maker_of(release, asked.case.column, asked.case.entity)
        words = sorted(set(_words(text)))
        digests: frozenset[str] = frozenset()
        with suppress(KeyDestroyed):  # with it went the search by token
            digests |= maker.digests(self._domain_keys).of_each(words)
        if caller.name == asked.requester:
            digests |= self._persons.of_each(maker.element, words)
        return digests

    def _found(
        self, caller: Party, page: Page, digest: str, sought: dict[str, str], resource: str
    ) -> list[Reidentification]:
        """What is kept under the digest. Counted and logged: whoever could try all phone numbers
        would learn which of them belong to persons who were re-identified."""
        now, most = self._clock.now(), self._limits.searches_per_day
        with self._store.write() as tx:
            if tx.reversal_searches(caller.name, now - timedelta(days=1)) >= most:
                raise QuotaExhausted(
                    f"{most} searches in a day are all that a party may make; search again later",
                    reason="SEARCH_QUOTA_EXHAUSTED",
                )
            tx.add_reversal_search(caller.name, now)
            found = tx.reidentifications(page, digest=digest)
            tx.audit(
                AuditEvent(
                    actor=caller.name,
                    action="reidentification.find",
                    resource=resource,
                    outcome="ok",
                    details={**sought, "found": str(len(found))},
                ),
                now,
            )
        return found

    def _decided(
        self,
        asked: Reidentification,
        standing: Sequence[str],
        caller: Party,
        verdict: Verdict,
        reason: str,
        now: datetime,
    ) -> Reidentification:
        if asked.expires <= now:
            raise FailedPrecondition(
                f"the time of {asked.name} is over: it is asked for anew",
                reason="REIDENTIFICATION_EXPIRED",
            )
        approval = Approval(
            party=caller.name, role=caller.role, verdict=verdict, reason=reason, at=now
        )
        state, expires = asked.state, asked.expires
        if verdict is Verdict.REFUSED:
            state = advance(
                REIDENTIFICATION, asked.name, asked.state, ReidentificationState.REFUSED
            )
        elif len(standing) + 1 >= APPROVALS:
            if not (state is ReidentificationState.APPROVED and len(standing) < APPROVALS):
                state = advance(
                    REIDENTIFICATION, asked.name, asked.state, ReidentificationState.APPROVED
                )
            expires = now + timedelta(days=self._limits.answer_days)
        return asked.but(
            approvals=(*asked.approvals, approval),
            state=state,
            expires=expires,
            revision=asked.revision + 1,
        )

    def _refuse_unfit(self, case: Case, tokens: Sequence[str]) -> None:
        if not 1 <= len(tokens) <= self._limits.tokens_per_request:
            raise InvalidRequest.of("tokens", f"1 to {self._limits.tokens_per_request} of them")
        if len(set(tokens)) != len(tokens):
            raise InvalidRequest.of("tokens", "one of them is named twice")
        texts = (case.reason, case.case_number)
        quoted = (token for token in tokens if len(token) >= _SHORTEST_QUOTED)
        if any(token in text for token in quoted for text in texts):
            raise InvalidRequest.of("reason", "quotes a token: it is kept, and tokens are not")

    def _refuse_over_limits(
        self, tx: Transaction, caller: Party, tokens: int, now: datetime
    ) -> None:
        limits = self._limits
        used = tx.reversal_usage(caller.name, now - timedelta(days=limits.period_days))
        if used.requests + 1 > limits.requests_per_period:
            raise QuotaExhausted(
                f"{limits.requests_per_period} requests for re-identification in "
                f"{limits.period_days} days are all that a party may make; ask again later",
                reason="REIDENTIFICATION_QUOTA_EXHAUSTED",
            )
        if used.tokens + tokens > limits.tokens_per_period:
            raise QuotaExhausted(
                f"{limits.tokens_per_period} tokens in {limits.period_days} days are all that a "
                "party may ask for; ask for fewer, or later",
                reason="TOKEN_QUOTA_EXHAUSTED",
            )


def standing_approvers(tx: Transaction, asked: Reidentification) -> tuple[str, ...]:
    """Officers that agreed and are not shut out by now: the others' approvals count no more."""
    parties = ((name, tx.party(name)) for name in asked.approvers)
    return tuple(name for name, party in parties if party is not None and not party.disabled)


def event(actor: str, what: str, asked: Reidentification, **more: str) -> AuditEvent:
    """The log's entry: names, counts and keyed digests."""
    details = {
        "state": asked.state,
        "requester": asked.requester,
        "release": asked.case.release,
        "column": asked.case.column,
        "dataset": asked.dataset,
        "basis": asked.case.basis,
        "tokens": str(asked.tokens),
        "tokens_digest": asked.tokens_digest,
        "approvals": f"{len(asked.approvers)} of {APPROVALS}",
        "record_digest": asked.digest(),
        **more,
    }
    return AuditEvent(
        actor=actor,
        action=f"reidentification.{what}",
        resource=asked.name,
        outcome="ok",
        details=details,
    )


def _repeated(before: Reidentification, tokens_digest: str) -> Reidentification:
    if not hmac.compare_digest(before.tokens_digest, tokens_digest):
        raise AlreadyExists(
            "this request_id was used for a request with other tokens; use a new one",
            reason="REQUEST_ID_REUSED",
        )
    return before


def _words(text: str) -> Iterator[str]:
    """Words as they stand between spaces, between any punctuation, and between what no identifier
    has in it: one of these is the token or value that somebody quotes."""
    for parts in (r"\s+", r"[^\w.@+-]+", r"[\W_]+", r"[^0-9A-Za-z.@+_-]+"):
        for word in re.split(parts, text):
            bare = word.strip(".-_@+")
            yield from {word, bare} - {""}


def _refuse_changed(asked: Reidentification, revision: int) -> None:
    if asked.revision != revision:
        raise Conflict(
            f"{asked.name} changed since you read it; read it again", resource=asked.name
        )
