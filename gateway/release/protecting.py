"""Protects records that the caller brings along: the same decision, plan, run and checks as a
release, under keys that are forgotten at the end; nothing is kept but an audit entry."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import pyarrow as pa

from gateway.decide.engine import decide_own_records
from gateway.decide.facts import Facts
from gateway.errors import FailedPrecondition, NotFound
from gateway.model.access import ExtractRequest
from gateway.model.audit import AuditEvent
from gateway.model.catalog import OWN_RECORDS, Column, DataSet, Party, PushedSource
from gateway.model.decision import Decision
from gateway.model.evidence import Declaration
from gateway.model.lifecycle import PolicyState
from gateway.model.names import RecipientKind, Role
from gateway.model.plan import Plan
from gateway.model.policy import StoredPolicy
from gateway.model.release import Figure
from gateway.planning.compile import compile_plan
from gateway.ports import (
    Clock,
    DomainKeys,
    Entropy,
    Executor,
    Intake,
    Progress,
    Received,
    StagedChunk,
    Staging,
    Store,
)
from gateway.registry.verdicts import judged
from gateway.risk.grades import grade_left
from gateway.transform.registry import output_type


class ReadOnce(Iterator[StagedChunk]):
    """Chunks that are gone once they were read to the end, failed, or were closed: also when
    they are closed before the first is taken, which a generator would not notice."""

    def __init__(self, chunks: Iterator[StagedChunk], destroy: Callable[[], None]) -> None:
        self._chunks = chunks
        self._destroy = destroy

    def __next__(self) -> StagedChunk:
        try:
            return next(self._chunks)
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """Destroy what is left; nothing can be read afterwards."""
        self._chunks = iter(())
        self._destroy()


Classify = Callable[[pa.Table | None, Sequence[Column]], tuple[Column, ...]]


@dataclass(frozen=True, slots=True)
class Protection:
    """The decision over the records; when it permits, the plan, the figures of its checks, and
    the protected records as chunks of one Arrow IPC stream, which can be read once and must be
    closed."""

    decision: Decision
    plan: Plan | None = None
    rows: int = 0
    figures: tuple[Figure, ...] = ()
    chunks: ReadOnce = field(default_factory=lambda: ReadOnce(iter(()), lambda: None))


class Protecting:
    """Protection under a given policy; used as it is on a local file, without a server."""

    def __init__(
        self,
        intake: Intake,
        executor: Executor,
        staging: Staging,
        domain_keys: DomainKeys,
        clock: Clock,
        entropy: Entropy,
        classify: Classify,
        hierarchy_digests: Mapping[str, str],
        text_rules: str | None = None,
    ) -> None:
        self._intake = intake
        self._executor = executor
        self._staging = staging
        self._domain_keys = domain_keys
        self._clock = clock
        self._entropy = entropy
        self._classify = classify
        self._hierarchy_digests = hierarchy_digests
        self._text_rules = text_rules

    def protect(
        self,
        caller: Party,
        policy: StoredPolicy,
        purpose: str,
        kind: RecipientKind,
        declared: Sequence[Column],
        records: pa.RecordBatchReader,
        progress: Progress = lambda _: None,
    ) -> Protection:
        """Decide, plan, run and check. Raises InvalidRequest for an unknown purpose or column,
        RecordsRejected or ReleaseStopped; nothing is kept then."""
        dataset = self._described(caller, declared, records.schema)
        received = self._intake.receive(dataset, records)
        try:
            dataset = dataset.but(
                source=PushedSource(stream=received.stream),
                version=received.version,
            )
            # Nobody but whoever brought the records gets the result from here, and they know the
            # values: what the rules leave unknown they may say, free text and all.
            found = self._classify(received.samples, dataset.columns)
            tellable = [column.but(fillable=not column.has_verdict) for column in found]
            dataset = judged(dataset, received.version, tellable)
            recipient = caller.but(role=Role.CONSUMER, kind=kind)
            request = ExtractRequest(
                dataset=dataset.name,
                columns=tuple(column.name for column in dataset.columns),
                purpose=purpose,
            )
            facts = Facts(dataset, recipient, (policy,), (), self._clock.now())
            decision = decide_own_records(request, facts)
            if not decision.permitted:
                return Protection(decision)
            if decision.anonymity is not None:
                raise FailedPrecondition(
                    "the policy demands anonymity, which is a property of a whole data set and of "
                    "all that left of it: register the data set, or use gateway anonymize on the "
                    "file",
                    reason="ANONYMITY_UNSUPPORTED",
                )
            plan = compile_plan(
                request,
                decision,
                dataset,
                received.version,
                recipient,
                output_type=output_type,
                grade_left=grade_left,
                hierarchy_digests=self._hierarchy_digests,
                key_version=self._domain_keys.version,
                profile=self._domain_keys.profile,
                text_rules=self._text_rules,
            )
            return self._run(dataset, received, decision, plan, progress)
        finally:
            self._intake.discard(received.stream)

    def _described(self, caller: Party, declared: Sequence[Column], schema: pa.Schema) -> DataSet:
        now = self._clock.now()
        # Whoever brings records holds them: what they say stands unless it is too weak.
        said = Declaration(party=caller.name, role=Role.HOLDER, at=now)
        known = {
            column.name: column.but(declaration=said) if column.has_verdict else column
            for column in declared
        }
        return DataSet(
            # The same name each time: it is part of key domains, so that the same caller's
            # tokens agree between calls.
            name=OWN_RECORDS,
            holder=caller.name,
            title="records that the caller brought",
            source=PushedSource(),
            columns=tuple(
                known.get(found.name, Column(name=found.name, type=str(found.type))).but(
                    type=str(found.type), nullable=found.nullable
                )
                for found in schema
            ),
            created=now,
            updated=now,
        )

    def _run(
        self,
        dataset: DataSet,
        received: Received,
        decision: Decision,
        plan: Plan,
        progress: Progress,
    ) -> Protection:
        staged = f"protected/p-{self._entropy.bytes(10).hex()}"
        key = self._entropy.bytes(32)
        self._domain_keys.begin(plan)
        keys = self._domain_keys.keys(plan)
        with self._intake.open(dataset, received) as source:
            result = self._executor.run(
                plan,
                source,
                keys,
                lambda schema: self._staging.create(staged, key, schema),
                progress,
            )
        chunks = ReadOnce(
            self._staging.chunks(staged, key, 0), lambda: self._staging.destroy(staged)
        )
        return Protection(decision, plan, result.rows, result.figures, chunks)


class ProtectionUnderPolicy:
    """Protection under a policy that is in force in the store, each use logged."""

    def __init__(self, store: Store, protecting: Protecting, clock: Clock) -> None:
        self._store = store
        self._protecting = protecting
        self._clock = clock

    def records(
        self,
        caller: Party,
        policy: str,
        purpose: str,
        kind: RecipientKind,
        declared: Sequence[Column],
        records: pa.RecordBatchReader,
    ) -> Protection:
        """As ``Protecting.protect``, under the active version of ``policy``."""
        protection = self._protecting.protect(
            caller, active_policy(self._store, policy), purpose, kind, declared, records
        )
        try:
            self._log(caller, policy, purpose, protection)
        except BaseException:
            protection.chunks.close()
            raise
        return protection

    def _log(self, caller: Party, policy: str, purpose: str, protection: Protection) -> None:
        decision = protection.decision
        with self._store.write() as tx:
            tx.audit(
                AuditEvent(
                    actor=caller.name,
                    action="protect.records",
                    resource=policy,
                    outcome="ok" if decision.permitted else "DENIED",
                    details={
                        "purpose": purpose,
                        "decision_digest": decision.digest(),
                        "plan_digest": protection.plan.digest() if protection.plan else "",
                    },
                ),
                self._clock.now(),
            )


def active_policy(store: Store, name: str) -> StoredPolicy:
    """The version of the policy that is in force. NotFound, or FailedPrecondition for none."""
    with store.read() as tx:
        newest = tx.policy(name)
        if newest is None:
            raise NotFound.resource(name)
        for version in range(newest.version, 0, -1):
            found = tx.policy(name, version)
            if found is not None and found.state is PolicyState.ACTIVE:
                return found
    raise FailedPrecondition(f"no version of {name} is active", reason="POLICY_NOT_ACTIVE")
