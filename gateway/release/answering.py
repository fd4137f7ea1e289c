"""Answers an opened question: read, aggregate, add noise, seal; or end it so that nothing leaves.

Noise may be drawn again when a process died before it sealed, for then nothing had left; of a
sealed answer it never is. The lease says which attempt may seal, and the sealing transaction asks
for it once more.
"""

import threading
from contextlib import ExitStack
from datetime import datetime, timedelta
from typing import Final

import pyarrow as pa

import gateway
from gateway.errors import (
    Cancelled,
    CheckFailed,
    FailedPrecondition,
    GatewayError,
    GatewayFault,
    KeyServiceUnavailable,
    KeyUnavailable,
    SourceChanged,
    SourceUnavailable,
    StoreUnavailable,
)
from gateway.model.answer_statement import AnswerPredicate, AnswerStatement
from gateway.model.answers import AnswerRecord, SealedAnswer
from gateway.model.audit import AuditEvent
from gateway.model.budgets import BudgetScope
from gateway.model.certificate import PAYLOAD_TYPE, CertifiedDataSet, Subject
from gateway.model.lifecycle import ANSWER, AnswerState, GrantState, advance
from gateway.model.release import Ending
from gateway.model.statistics import Answer, StatisticsPlan
from gateway.ports import (
    Clock,
    Entropy,
    KeyRing,
    Signer,
    Source,
    Sources,
    StagedStream,
    Staging,
    Statistician,
    Store,
    Transaction,
)
from gateway.registry.privacy_accounts import PrivacyAccounts
from gateway.registry.turns import LEASE, MOST_ATTEMPTS

_LOOK_AGAIN_SECONDS: Final = 0.05
_WAIT: Final = timedelta(seconds=20)
"""How long a retry waits for the attempt of an earlier call; then it is to ask again."""


class Answering:
    """Takes answers from OPENED to SEALED or FAILED."""

    def __init__(
        self,
        store: Store,
        sources: Sources,
        statistician: Statistician,
        staging: Staging,
        keyring: KeyRing,
        accounts: PrivacyAccounts,
        signer: Signer,
        clock: Clock,
        entropy: Entropy,
    ) -> None:
        self._store = store
        self._sources = sources
        self._statistician = statistician
        self._staging = staging
        self._keyring = keyring
        self._accounts = accounts
        self._signer = signer
        self._clock = clock
        self._entropy = entropy
        self._pause = threading.Event()

    def answer(self, record: AnswerRecord, owner: str | None) -> AnswerRecord:
        """The record once it is SEALED or FAILED. ``owner`` has the lease; with None it is taken,
        or the end of who has it is waited for.

        Raises what kept the answer from being made where that may pass: then it is still OPENED,
        and the same request goes on with it.
        """
        if record.state is not AnswerState.OPENED:
            return record
        if owner is None:
            owner = self._entropy.bytes(16).hex()
            record = self._taken(record, owner)
            if record.state is not AnswerState.OPENED:
                return record
        if record.plan is None:
            raise GatewayFault(f"the record of {record.name} is incomplete")
        return self._answered(record, record.plan, owner)

    # ---- taking it up ----------------------------------------------------------------------------

    def _taken(self, record: AnswerRecord, owner: str) -> AnswerRecord:
        until = self._clock.now() + _WAIT
        while True:
            now = self._clock.now()
            with self._store.write() as tx:
                found = tx.answer(record.name, lock=True)
                if found is None:
                    raise GatewayFault(f"the record of {record.name} is gone")
                if found.state is not AnswerState.OPENED:
                    return found
                if tx.lease(found.name, owner, now, now + LEASE):
                    if found.attempt >= MOST_ATTEMPTS:
                        return self._close(tx, found, _INTERRUPTED, refund=False)
                    found = found.but(attempt=found.attempt + 1, updated=now)
                    tx.put_answer(found)
                    tx.audit(_event("answer.resume", found, "ok"), now)
                    return found
            if now >= until or self._pause.wait(_LOOK_AGAIN_SECONDS):
                raise StillAnswering(
                    f"{record.name} is being answered; ask again with the same request_id",
                    resource=record.name,
                )

    # ---- answering it ----------------------------------------------------------------------------

    def _answered(self, record: AnswerRecord, plan: StatisticsPlan, owner: str) -> AnswerRecord:
        # Nothing has been read only if no earlier attempt came to it either.
        unread = record.attempt == 1
        try:
            key = self._data_key(record.name)
            with ExitStack() as stack:
                sources = self._opened(plan, stack)
                unread = False
                table, about = self._counted(plan, sources)
            stream = self._staged(record, key, table)
            return self._sealed(record, plan, owner, stream, about)
        except (StoreUnavailable, KeyServiceUnavailable):
            raise
        except GatewayError as error:
            self._staging.destroy(record.stream)
            ended = self._failed(record, owner, error, refund=unread)
            if error.internal:
                raise  # for the log; the record does not have its text
            return ended
        except Exception:  # noqa: BLE001 - whatever it is, the record ends; its text may hold values
            self._staging.destroy(record.stream)
            return self._failed(record, owner, CheckFailed(_STOPPED), refund=unread)

    def _counted(self, plan: StatisticsPlan, sources: list[Source]) -> tuple[pa.Table, Answer]:
        """The answer. Once rows are read, whatever keeps it from being made may depend on them: so
        every failure has the same reason and text, but for those that are about the source or its
        version as a whole."""
        try:
            return self._statistician.answer(plan, sources)
        except (SourceChanged, SourceUnavailable, FailedPrecondition):
            raise
        except (StoreUnavailable, KeyServiceUnavailable):
            raise
        except Exception:  # noqa: BLE001 - see above; not chained, for its text may hold values
            raise CheckFailed(_STOPPED) from None

    def _opened(self, plan: StatisticsPlan, stack: ExitStack) -> list[Source]:
        """The open sources, each in the version that the plan was made for."""
        with self._store.read() as tx:
            datasets = [tx.dataset(asked.dataset) for asked in plan.datasets]
        opened: list[Source] = []
        for asked, dataset in zip(plan.datasets, datasets, strict=True):
            if dataset is None:
                raise GatewayFault(f"{asked.dataset} is gone")
            source = stack.enter_context(
                self._sources.open(dataset.holder, dataset.name, dataset.source, dataset.columns)
            )
            if source.version().fingerprint != asked.fingerprint:
                raise SourceChanged(
                    f"{asked.dataset} changed since this question was priced; ask anew",
                    dataset=asked.dataset,
                )
            opened.append(source)
        return opened

    def _data_key(self, name: str) -> bytes:
        with self._store.read() as tx:
            wrapped = tx.key(name)
        if wrapped is None:
            raise KeyUnavailable(f"the key of {name} was destroyed", resource=name)
        return self._keyring.unwrap(wrapped, name)

    def _staged(self, record: AnswerRecord, key: bytes, table: pa.Table) -> StagedStream:
        with self._staging.create(record.stream, key, table.schema) as writer:
            for batch in table.to_batches():
                writer.write(batch)
            return writer.finish()

    # ---- ending it -------------------------------------------------------------------------------

    def _sealed(
        self,
        record: AnswerRecord,
        plan: StatisticsPlan,
        owner: str,
        stream: StagedStream,
        about: Answer,
    ) -> AnswerRecord:
        now = self._clock.now()
        expires = now + timedelta(days=plan.expires_after_days)
        sealed = SealedAnswer(
            stream_sha256=stream.sha256,
            stream_bytes=stream.bytes,
            chunks=stream.chunks,
            about=about,
        )
        with self._store.write() as tx:
            found = self._still_ours(tx, record, owner)
            for name in plan.grants:
                grant = tx.grant(name)
                if grant is None or grant.state is not GrantState.ACTIVE:
                    raise FailedPrecondition(
                        "the grant ended while this was answered", reason="GRANT_REVOKED"
                    )
            ended = found.but(
                state=advance(ANSWER, found.name, found.state, AnswerState.SEALED),
                sealed=sealed,
                certificate=self._certificate(found, plan, sealed, now, expires),
                updated=now,
                expires=expires,
            )
            tx.put_answer(ended)
            tx.audit(_event("answer.seal", ended, "ok", stream_sha256=stream.sha256), now)
        return ended

    def _certificate(
        self,
        record: AnswerRecord,
        plan: StatisticsPlan,
        sealed: SealedAnswer,
        now: datetime,
        expires: datetime,
    ) -> str:
        if record.opened_at is None:
            raise GatewayFault(f"the record of {record.name} is incomplete")
        statement = AnswerStatement(
            subject=(Subject(name=record.name, digests={"sha256": sealed.stream_sha256}),),
            predicate=AnswerPredicate(
                answer=record.name,
                datasets=tuple(
                    CertifiedDataSet(
                        name=asked.dataset,
                        holder=asked.holder,
                        fingerprint=asked.fingerprint,
                        schema_digest=asked.schema_digest,
                    )
                    for asked in plan.datasets
                ),
                recipient=record.consumer,
                purpose=record.request.purpose,
                project=record.request.project,
                grants=plan.grants,
                policies=plan.policies,
                plan_digest=plan.digest(),
                claim=plan.claim,
                events=plan.events,
                budgets=tuple(
                    BudgetScope.of_recipient(asked.dataset, record.consumer).name
                    for asked in plan.datasets
                ),
                columns=sealed.about.columns,
                confidence_percent=sealed.about.confidence_percent,
                opened=record.created,
                sealed=now,
                expires=expires,
                audit=record.opened_at,
                gateway_version=gateway.__version__,
            ),
        )
        return self._signer.sign(statement.payload(), PAYLOAD_TYPE)

    def _still_ours(self, tx: Transaction, record: AnswerRecord, owner: str) -> AnswerRecord:
        now = self._clock.now()
        found = tx.answer(record.name, lock=True)
        if (
            found is None
            or found.state is not AnswerState.OPENED
            or found.attempt != record.attempt
            or not tx.lease(record.name, owner, now, now + LEASE)
        ):
            raise Cancelled(f"{record.name} is answered elsewhere", resource=record.name)
        return found

    def _failed(
        self, record: AnswerRecord, owner: str, error: GatewayError, *, refund: bool
    ) -> AnswerRecord:
        with self._store.write() as tx:
            try:
                found = self._still_ours(tx, record, owner)
            except Cancelled:  # another attempt has it now, or has ended it
                return tx.answer(record.name) or record
            ending = Ending(reason=error.reason, text=error.public)
            return self._close(tx, found, ending, refund=refund)

    def _close(
        self, tx: Transaction, record: AnswerRecord, ending: Ending, *, refund: bool
    ) -> AnswerRecord:
        now = self._clock.now()
        ended = record.but(
            state=advance(ANSWER, record.name, record.state, AnswerState.FAILED),
            ending=ending,
            refunded=refund,
            updated=now,
        )
        if refund:
            self._refund(tx, record)
        tx.put_answer(ended)
        tx.destroy_key(record.name)
        details = {"refunded": "yes" if refund else "no"}
        tx.audit(_event("answer.end", ended, ending.reason, **details), now)
        return ended

    def _refund(self, tx: Transaction, record: AnswerRecord) -> None:
        for charged in record.charged:
            budget = tx.budget(charged.budget)
            if budget is None or budget.limits is None:
                raise GatewayFault(f"{charged.budget} was charged and is not in force")
            tx.refund_loss(charged.budget, record.name)
            spent = self._accounts.spent_after_refund(tx, charged.budget, budget.limits.delta)
            if spent is None:
                raise GatewayFault(f"{charged.budget} has spent more than there is")
            tx.restate(charged.budget, str(spent))


class StillAnswering(GatewayFault):
    """Another call answers the question; it is not done yet."""

    code = "UNAVAILABLE"
    reason = "STILL_ANSWERING"


_STOPPED: Final = (
    "the question could not be answered, and what it cost stays: ask for fewer groups or columns; "
    "where that fails too, ask the holder whether the content is as it was registered"
)
"""The one text for whatever goes wrong among rows, where the kind of fault could tell of them."""

_INTERRUPTED: Final = Ending(
    reason="INTERRUPTED",
    text="the gateway was stopped several times while it answered this; ask anew",
)


def _event(action: str, record: AnswerRecord, outcome: str, **details: str) -> AuditEvent:
    return AuditEvent(
        actor="gateway",
        action=action,
        resource=record.name,
        outcome=outcome,
        details={"state": record.state, "consumer": record.consumer, **details},
    )
