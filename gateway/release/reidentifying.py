"""Answers a request for re-identification: the one path by which tokens become values again.

1. The request is APPROVED by two officers, its time is not over, two of the officers are not
   shut out.
2. The requester may still ask about the release.
3. The tokens are those that were approved, told by their keyed digest.
4. Of a release that is still sealed, only tokens that are really in it are taken back, whoever
   asks. Of one that has ended, only a party of the settings gets any, and only those that prove
   themselves.
5. The values are encrypted to the key that the officers approved.
6. State, counts and log entry are committed; only then does the answer leave.
"""

import hmac
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import pyarrow as pa
import pyarrow.compute as pc

from gateway.errors import Conflict, FailedPrecondition, InvalidRequest, NotFound
from gateway.model.catalog import Party
from gateway.model.lifecycle import REIDENTIFICATION, ReidentificationState, advance
from gateway.model.reidentification import (
    APPROVALS,
    Answered,
    Reidentification,
    ReidentificationLimits,
)
from gateway.model.release import Release
from gateway.model.requests import RequestKey
from gateway.ports import Clock, DomainKeys, KeyRing, Staging, Store, TokenVault, Transaction
from gateway.registry.entitlement import Entitlement, entitled, is_sealed
from gateway.registry.once import made_before, remember
from gateway.registry.reidentifications import event, standing_approvers
from gateway.registry.reversal_digests import PersonDigests
from gateway.registry.token_makers import Maker, maker_of
from gateway.release.answers import seal
from gateway.release.sealed_columns import present
from gateway.transform.reversal import proves_itself, reverse


@dataclass(frozen=True, slots=True, repr=False)
class Answer:
    """The request, and the values for its requester's eyes alone; the repr is blind."""

    reidentification: Reidentification
    sealed: bytes

    def __repr__(self) -> str:
        return f"Answer({self.reidentification.name}, encrypted to its requester)"


class Reidentifying:
    """The use case; see the steps above."""

    def __init__(
        self,
        store: Store,
        staging: Staging,
        keyring: KeyRing,
        clock: Clock,
        persons: PersonDigests,
        domain_keys: DomainKeys,
        vault: TokenVault,
        limits: ReidentificationLimits,
    ) -> None:
        self._store = store
        self._staging = staging
        self._keyring = keyring
        self._clock = clock
        self._persons = persons
        self._domain_keys = domain_keys
        self._vault = vault
        self._limits = limits

    def answer(self, caller: Party, name: str, tokens: Sequence[str], key: RequestKey) -> Answer:
        """The values of an approved request's tokens, encrypted to its requester.

        It is answered once. A retry with the same request id is given an answer again until the
        request's time is over, and counts no token twice.
        """
        now = self._clock.now()
        with self._store.read() as tx:
            again = made_before(tx, caller, key) is not None
            asked = self._due(tx, caller, name, now, again)
            release = tx.release(asked.case.release)
            if release is None:
                raise NotFound.resource(asked.case.release)
            entitlement = entitled(tx, caller, release, now, self._limits.authorised)
        maker = maker_of(release, asked.case.column, asked.case.entity)
        digest = maker.digests(self._domain_keys).of_set(tokens)
        if not hmac.compare_digest(digest, asked.tokens_digest):
            raise InvalidRequest.of("tokens", "are not those that were approved")
        results = self._reversed(release, maker, tokens, entitlement, now)
        sealed = seal(results, asked.case.recipient_key, asked.answer_context)
        if again:
            self._note_again(caller, asked, len(results.column("value").drop_null()), now)
        else:
            asked = self._commit(caller, asked, maker, results, key, now)
        return Answer(asked, sealed)

    def _note_again(
        self, caller: Party, asked: Reidentification, found: int, now: datetime
    ) -> None:
        """The log's entry for an answer that leaves once more; nothing else changes."""
        with self._store.write() as tx:
            tx.audit(event(caller.name, "answer_again", asked, reversed=str(found)), now)

    def _due(
        self, tx: Transaction, caller: Party, name: str, now: datetime, again: bool
    ) -> Reidentification:
        """Step 1; only whoever asked gets an answer."""
        asked = tx.reidentification(name)
        if asked is None or asked.requester != caller.name:
            raise NotFound.resource(name)
        if not (again and asked.state is ReidentificationState.ANSWERED):
            advance(REIDENTIFICATION, name, asked.state, ReidentificationState.ANSWERED)
        if asked.expires <= now:
            raise FailedPrecondition(
                f"the time of {name} is over: ask anew", reason="REIDENTIFICATION_EXPIRED"
            )
        standing = standing_approvers(tx, asked)
        if len(standing) < APPROVALS:
            out = ", ".join(sorted(set(asked.approvers) - set(standing)))
            raise FailedPrecondition(
                f"{out} is shut out by now, and the approval counts no more: another officer approves "
                f"{name} first",
                reason="APPROVER_SHUT_OUT",
            )
        return asked

    def _reversed(
        self,
        release: Release,
        maker: Maker,
        tokens: Sequence[str],
        entitlement: Entitlement,
        now: datetime,
    ) -> pa.Table:
        """Columns ``token`` and ``value``, both text; no value where it is no token of the
        domain, whatever else is wrong with it."""
        given = pa.array(tokens, pa.string())
        values = reverse(
            maker.spec,
            given,
            source_type=maker.source_type,
            key=maker.key(self._domain_keys),
            domain=maker.key_domain,
            vault=self._vault.of(maker.key_domain, maker.key_version),
        )
        ended = not is_sealed(release, now)
        if not (ended and entitlement is Entitlement.AUTHORISED and proves_itself(maker.spec)):
            known = self._in_release(release, maker, given.filter(values.is_valid()), now)
            known = pc.is_in(given, value_set=known)
            values = pc.if_else(known, values, pa.scalar(None, pa.string()))
        return pa.table({"token": given, "value": values.cast(pa.string())})

    def _in_release(
        self, release: Release, maker: Maker, tokens: pa.Array, now: datetime
    ) -> pa.Array:
        """Step 4: those of the tokens that the sealed release holds."""
        with self._store.read() as tx:
            wrapped = tx.key(release.name)
        if wrapped is None or not is_sealed(release, now):
            raise FailedPrecondition(
                f"{release.name} has ended, and a token of column {maker.column} does not prove by "
                "itself that it is one: it can no longer be told from any other text",
                reason="TOKENS_UNPROVEN",
            )
        key = self._keyring.unwrap(wrapped, release.name)
        chunks = self._staging.chunks(release.stream, key, 0)
        return present(chunks, maker.column, tokens, in_text=maker.in_text)

    def _commit(
        self,
        caller: Party,
        asked: Reidentification,
        maker: Maker,
        results: pa.Table,
        key: RequestKey,
        now: datetime,
    ) -> Reidentification:
        """Step 6."""
        found = results.column("value").drop_null()
        persons = self._persons.of_each(maker.element, found.to_pylist())
        with self._store.write() as tx:
            current = self._due(tx, caller, asked.name, now, again=False)
            release = tx.release(asked.case.release)
            if current.revision != asked.revision or release is None:
                raise Conflict(f"{asked.name} changed meanwhile; ask again", resource=asked.name)
            entitled(tx, caller, release, now, self._limits.authorised)
            answered = current.but(
                state=advance(
                    REIDENTIFICATION, asked.name, current.state, ReidentificationState.ANSWERED
                ),
                answered=Answered(at=now, reversed=len(found)),
                revision=current.revision + 1,
            )
            tx.put_reidentification(answered, expected_revision=current.revision)
            tx.add_reversal_digests(asked.name, "person", persons)
            remember(tx, caller, key, asked.name)
            tx.audit(event(caller.name, "answer", answered, reversed=str(len(found))), now)
        return answered
