"""Questions with differential privacy: decide, price, and charge, audit and open in one transaction.

What a question costs is settled before any row is read, and the same transaction that charges every
budget writes the audit entry and the record that the answer is made from. A retry finds that record.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from fractions import Fraction
from typing import Final

from gateway.decide.statistics import decide_statistics
from gateway.errors import (
    FailedPrecondition,
    GatewayFault,
    InvalidRequest,
    PermissionDenied,
)
from gateway.model.answers import COLLECTION, AnswerRecord, Charged
from gateway.model.audit import AuditEvent, AuditPosition
from gateway.model.catalog import DataSet, Party, SourceVersion
from gateway.model.lifecycle import AnswerState, DataSetState
from gateway.model.names import resource
from gateway.model.requests import RequestKey
from gateway.model.statistics import Question, StatisticsPlan, StatisticsRequest
from gateway.model.statistics_decision import StatisticsDecision
from gateway.planning.questions.parse import asked_datasets, parse
from gateway.planning.statistics import compile_statistics
from gateway.ports import Clock, Entropy, KeyRing, Sources, Store, Transaction
from gateway.registry.budgets_of import BudgetLeft, Missing, budgets_of, shown
from gateway.registry.domain_keys import RootKeyRetired, keep_key
from gateway.registry.facts import facts_for
from gateway.registry.freshness import Classify
from gateway.registry.once import made_before, remember
from gateway.registry.privacy_accounts import PrivacyAccounts
from gateway.registry.sight import answer_for, dataset_for
from gateway.registry.turns import LEASE
from gateway.release.affording import exhausted, without_budget
from gateway.release.looking import Looking, keep_verdicts

_MORE_TRIES: Final = 3


@dataclass(frozen=True, slots=True)
class AnswerPreview:
    """What a dry run tells: the decision, and the plan with what is left unless it was denied.
    ``left`` and ``exceeded`` (those that do not cover it) are the asker's own budgets alone:
    whether one that others spend of as well covers it would tell, bisected for free, what they did."""

    decision: StatisticsDecision
    plan: StatisticsPlan | None
    left: tuple[BudgetLeft, ...] = ()
    exceeded: tuple[BudgetLeft, ...] = ()


@dataclass(frozen=True, slots=True)
class Settled:
    """The record that a question came to. ``owner``: who has the lease to answer it now, None
    where there is nothing to do. ``reused``: it is an earlier answer to the same question."""

    record: AnswerRecord
    owner: str | None = None
    reused: bool = False


@dataclass(frozen=True, slots=True, repr=False)
class _Understood:
    """A question with what it is decided on. Blind repr: it holds the question's values."""

    question: Question
    datasets: tuple[DataSet, ...]
    decision: StatisticsDecision


class Asking:
    """From a question to a record in state OPENED, charged, or DENIED with its reasons."""

    def __init__(
        self,
        store: Store,
        sources: Sources,
        keyring: KeyRing,
        accounts: PrivacyAccounts,
        clock: Clock,
        entropy: Entropy,
        classify: Classify,
    ) -> None:
        self._store = store
        self._looking = Looking(sources, classify)
        self._keyring = keyring
        self._accounts = accounts
        self._clock = clock
        self._entropy = entropy

    def preview(self, caller: Party, request: StatisticsRequest) -> AnswerPreview:
        """Decision, price and what is left, as they would be now. Free, and nothing is stored."""
        now = self._clock.now()
        with self._store.read() as tx:
            understood = self._understood(tx, caller, request, now)
        if not understood.decision.permitted:
            return AnswerPreview(understood.decision, None)
        looked = [self._looking.at(dataset) for dataset in understood.datasets]
        with self._store.read() as tx:
            current = [dataset for dataset, _ in looked]
            understood = self._decided_on(tx, caller, request, current, now)
            if not understood.decision.permitted:
                return AnswerPreview(understood.decision, None)
            plan = self._plan(caller, request, understood, looked)
            budgets, missing = _budgets(tx, caller, request, understood, now)
            if missing:
                return AnswerPreview(without_budget(understood.decision, missing), None)
            own = shown(budgets)
            exceeded = [
                left
                for left in own
                if not self._accounts.admits(tx, left.budget.name, left.limits, plan.events)
            ]
            return AnswerPreview(understood.decision, plan, tuple(own), tuple(exceeded))

    def ask(self, caller: Party, request: StatisticsRequest, key: RequestKey) -> Settled:
        """The record, OPENED and charged, or DENIED; for a retry, what the first call made.

        Raises InvalidRequest, NotFound, QuotaExhausted, SourceUnavailable or SourceChanged; then
        nothing was charged or stored.
        """
        now = self._clock.now()
        with self._store.read() as tx:
            if (earlier := made_before(tx, caller, key)) is not None:
                return Settled(answer_for(tx, caller, earlier))
            understood = self._understood(tx, caller, request, now)
            # Composing may take a while the first time: here nobody waits for it.
            for left in _budgets(tx, caller, request, understood, now)[0]:
                self._accounts.prepare(tx, left.budget.name)
        # Sources and the key ring may be slow to answer: they are asked before the transaction.
        looked: list[tuple[DataSet, SourceVersion]] = []
        if understood.decision.permitted:
            looked = [self._looking.at(dataset) for dataset in understood.datasets]
        name = resource(COLLECTION, f"a-{self._entropy.bytes(10).hex()}")
        for _ in range(_MORE_TRIES):
            try:
                return self._settled(caller, request, key, understood, looked, name, now)
            except RootKeyRetired:
                continue
        return self._settled(caller, request, key, understood, looked, name, now)

    # ---- the transaction that charges -----------------------------------------------------------

    def _settled(
        self,
        caller: Party,
        request: StatisticsRequest,
        key: RequestKey,
        before: _Understood,
        looked: Sequence[tuple[DataSet, SourceVersion]],
        name: str,
        now: datetime,
    ) -> Settled:
        wrapped = self._keyring.wrap(self._entropy.bytes(32), name) if looked else b""
        with self._store.write() as tx:
            if (earlier := made_before(tx, caller, key)) is not None:
                return Settled(answer_for(tx, caller, earlier))
            # Policies, grants and the data set may have changed meanwhile.
            understood = self._understood(tx, caller, request, now)
            if understood.decision.permitted:
                if not looked or understood.datasets != before.datasets:
                    raise FailedPrecondition(
                        "the policies or the data set changed while this was decided; ask again",
                        reason="DECISION_CHANGED",
                    )
                current = [
                    found if found == was else keep_verdicts(tx, was, found, now)
                    for was, (found, _) in zip(understood.datasets, looked, strict=True)
                ]
                if tuple(current) != understood.datasets:
                    understood = self._decided_on(tx, caller, request, current, now)
            if not understood.decision.permitted:
                settled = Settled(self._denied(tx, caller, request, understood.decision, name, now))
            else:
                versions = [version for _, version in looked]
                at = list(zip(understood.datasets, versions, strict=True))
                plan = self._plan(caller, request, understood, at)
                settled = self._opened(tx, caller, request, understood, plan, name, wrapped, now)
            remember(tx, caller, key, settled.record.name)
        return settled

    def _opened(
        self,
        tx: Transaction,
        caller: Party,
        request: StatisticsRequest,
        understood: _Understood,
        plan: StatisticsPlan,
        name: str,
        wrapped: bytes,
        now: datetime,
    ) -> Settled:
        same = plan.digest()
        earlier = tx.answered(same)
        if earlier is not None and earlier.expires is not None and earlier.expires > now:
            self._log_reuse(tx, caller, earlier, now)
            return Settled(earlier, reused=True)
        budgets, missing = _budgets(tx, caller, request, understood, now)
        if missing:
            decision = without_budget(understood.decision, missing)
            return Settled(self._denied(tx, caller, request, decision, name, now))
        charged = tuple(
            Charged(budget=left.budget.name, spent=str(self._debit(tx, left, plan)))
            for left in budgets
        )
        record = AnswerRecord(
            name=name,
            consumer=caller.name,
            request=request,
            decision=understood.decision,
            plan=plan,
            same=same,
            state=AnswerState.OPENED,
            charged=charged,
            attempt=1,
            created=now,
            updated=now,
        )
        entry = tx.audit(
            AuditEvent(
                actor=caller.name,
                action="answer.open",
                resource=name,
                outcome="ok",
                details={
                    "dataset": request.dataset,
                    "purpose": request.purpose,
                    "project": request.project or "",
                    "grants": ",".join(understood.decision.grants)[:200],
                    "decision_digest": understood.decision.digest(),
                    "plan_digest": plan.digest(),
                    "epsilon": plan.claim.epsilon[:200],
                    "delta": plan.claim.delta[:200],
                    "budgets": str(len(charged)),
                },
            ),
            now,
        )
        position = AuditPosition(sequence=entry.sequence, hash=entry.hash)
        record = record.but(opened_at=position)
        tx.put_answer(record)
        keep_key(tx, self._keyring, name, wrapped)
        for one in charged:
            tx.charge_loss(one.budget, name, plan.events, entry.sequence, one.spent, now)
        owner = self._entropy.bytes(16).hex()
        if not tx.lease(name, owner, now, now + LEASE):
            raise GatewayFault(f"{name} is new and somebody answers it")
        return Settled(record, owner)

    def _debit(self, tx: Transaction, left: BudgetLeft, plan: StatisticsPlan) -> Fraction:
        """What the budget will have spent in all. QuotaExhausted when that is too much."""
        name, limits = left.budget.name, left.limits
        if not self._accounts.admits(tx, name, limits, plan.events):
            raise exhausted(left)
        spent = self._accounts.spent(tx, name, limits.delta, plan.events)
        # Found on a grid and rounded up, it may come out above a limit that is not passed.
        limit = Fraction(limits.epsilon)
        return limit if spent is None else min(spent, limit)

    def _denied(
        self,
        tx: Transaction,
        caller: Party,
        request: StatisticsRequest,
        decision: StatisticsDecision,
        name: str,
        now: datetime,
    ) -> AnswerRecord:
        record = AnswerRecord(
            name=name,
            consumer=caller.name,
            request=request,
            decision=decision,
            state=AnswerState.DENIED,
            created=now,
            updated=now,
        )
        tx.put_answer(record)
        tx.audit(
            AuditEvent(
                actor=caller.name,
                action="answer.open",
                resource=name,
                outcome="DENIED",
                details={
                    "dataset": request.dataset,
                    "purpose": request.purpose,
                    "project": request.project or "",
                    "decision_digest": decision.digest(),
                    "codes": ",".join(sorted({r.code for r in decision.reasons}))[:200],
                },
            ),
            now,
        )
        return record

    def _log_reuse(
        self, tx: Transaction, caller: Party, earlier: AnswerRecord, now: datetime
    ) -> None:
        tx.audit(
            AuditEvent(
                actor=caller.name, action="answer.reuse", resource=earlier.name, outcome="ok"
            ),
            now,
        )

    # ---- what it is decided on ------------------------------------------------------------------

    def _understood(
        self, tx: Transaction, caller: Party, request: StatisticsRequest, now: datetime
    ) -> _Understood:
        recipient = tx.party(caller.name)  # it may have been shut out since the call began
        if recipient is None or recipient.disabled:
            raise PermissionDenied(f"{caller.name} is shut out", reason="PARTY_DISABLED")
        names = asked_datasets(request.sql)
        if not names or names[0] != request.dataset:
            raise InvalidRequest.of("sql", f"FROM begins with the data set {request.dataset}")
        datasets = [dataset_for(tx, recipient, name).at(now) for name in names]
        for dataset in datasets:
            if dataset.state is not DataSetState.ACTIVE:
                raise FailedPrecondition(
                    f"{dataset.name} is {dataset.state}", reason="DATA_SET_NOT_ACTIVE"
                )
        return self._decided_on(tx, recipient, request, datasets, now)

    def _decided_on(
        self,
        tx: Transaction,
        caller: Party,
        request: StatisticsRequest,
        datasets: Sequence[DataSet],
        now: datetime,
    ) -> _Understood:
        known: Mapping[str, DataSet] = {dataset.name: dataset for dataset in datasets}
        question = parse(request.sql, known)
        facts = [facts_for(tx, dataset, caller, now) for dataset in datasets]
        decision = decide_statistics(request, question, facts)
        return _Understood(question, tuple(datasets), decision)

    def _plan(
        self,
        caller: Party,
        request: StatisticsRequest,
        understood: _Understood,
        looked: Sequence[tuple[DataSet, SourceVersion]],
    ) -> StatisticsPlan:
        return compile_statistics(
            request,
            understood.question,
            {dataset.name: dataset for dataset in understood.datasets},
            {dataset.name: version for dataset, version in looked},
            caller.name,
            understood.decision,
        )


def _budgets(
    tx: Transaction,
    caller: Party,
    request: StatisticsRequest,
    understood: _Understood,
    now: datetime,
) -> tuple[list[BudgetLeft], list[Missing]]:
    datasets = [dataset.name for dataset in understood.datasets]
    return budgets_of(tx, datasets, caller.name, request.project, now)
