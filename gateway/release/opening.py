"""Opens a release: decide, plan, and charge, audit and open in one transaction."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import partial

from gateway.decide.engine import decide
from gateway.errors import (
    FailedPrecondition,
    GatewayFault,
    PermissionDenied,
    QuotaExhausted,
)
from gateway.model.access import ExtractRequest
from gateway.model.audit import AuditEvent, AuditPosition
from gateway.model.catalog import DataSet, Party, SourceVersion
from gateway.model.decision import Decision
from gateway.model.lifecycle import DataSetState, ReleaseState
from gateway.model.names import resource
from gateway.model.plan import Plan
from gateway.model.release import Reissue, Release, Stage
from gateway.model.requests import RequestKey
from gateway.planning.compile import compile_plan
from gateway.ports import Clock, Entropy, KeyRing, Sources, Store, Transaction
from gateway.registry.domain_keys import (
    RootKeyRetired,
    SecretsWanted,
    StoredDomainKeys,
    keep_key,
)
from gateway.registry.facts import facts_for
from gateway.registry.freshness import Classify
from gateway.registry.once import made_before, remember
from gateway.registry.sight import dataset_for, release_for
from gateway.release.feasibility import feasible
from gateway.release.looking import Looking, keep_verdicts
from gateway.release.recodings import Recodings
from gateway.release.reissuing import original_for, under_other_keys
from gateway.risk.grades import grade_left
from gateway.transform.registry import output_type

_MORE_TRIES = 3
"""To settle a request, when keys that it needs were first lacking, or wrapped in vain."""


@dataclass(frozen=True, slots=True)
class Preview:
    """What a dry run tells: the decision, and the plan unless it was denied."""

    decision: Decision
    plan: Plan | None


@dataclass(frozen=True, slots=True, repr=False)
class _Attempt:
    """What was found out for a request before the transaction that settles it."""

    caller: Party
    request: ExtractRequest
    dataset: DataSet
    looked: tuple[DataSet, SourceVersion] | None
    name: str
    wrapped: bytes | None
    now: datetime
    reissue: Reissue | None = None


class Opening:
    """From a request to a release in state OPENED, or DENIED with its reasons."""

    def __init__(
        self,
        store: Store,
        sources: Sources,
        keyring: KeyRing,
        domain_keys: StoredDomainKeys,
        clock: Clock,
        entropy: Entropy,
        classify: Classify,
        hierarchy_digests: Mapping[str, str],
        text_rules: str | None = None,
        recodings: Recodings | None = None,
    ) -> None:
        self._store = store
        self._looking = Looking(sources, classify)
        self._keyring = keyring
        self._domain_keys = domain_keys
        self._clock = clock
        self._entropy = entropy
        self._hierarchy_digests = hierarchy_digests
        self._text_rules = text_rules
        self._recodings = recodings

    def preview(self, caller: Party, request: ExtractRequest) -> Preview:
        """Decision and plan as they would be now. Charges nothing, opens nothing."""
        now = self._clock.now()
        with self._store.read() as tx:
            dataset, decision = self._decide(tx, caller, request, now)
        if not decision.permitted:
            return Preview(decision, None)
        current, version = self._looking.at(dataset)
        with self._store.read() as tx:
            decision = self._decided_on(tx, caller, request, current, now)
            if not decision.permitted:
                return Preview(decision, None)
            plan = self._plan(tx, caller, request, decision, current, version)
            self._refuse_over_quota(tx, caller, decision, plan, now)
        if plan.anonymisation is not None and self._recodings is not None:
            with self._looking.opened(current) as source:
                told = feasible(
                    current.name,
                    version.fingerprint,
                    plan.anonymisation,
                    source,
                    self._recodings,
                    self._clock,
                )
            decision = decision.but(reasons=(*decision.reasons, told))
        return Preview(decision, plan)

    def open(self, caller: Party, request: ExtractRequest, key: RequestKey) -> Release:
        """The release, OPENED and charged, or DENIED; for a retry, what the first call made.

        Raises InvalidRequest, NotFound, QuotaExhausted, SourceUnavailable or SourceChanged;
        then nothing was charged or stored.
        """
        return self._open(caller, request, key, None)

    def reissue(
        self,
        caller: Party,
        name: str,
        change_project: Callable[[str | None], str | None],
        keep_original: bool,
        key: RequestKey,
    ) -> Release:
        """A release of the same rows with tokens of other keys; see ``reissuing``.

        ``change_project`` gives the project from that of the original. Raises besides what
        ``open`` does FailedPrecondition when the original or its plan is no longer what it was,
        or every token would be the same.
        """
        now = self._clock.now()
        with self._store.read() as tx:
            if (earlier := made_before(tx, caller, key)) is not None:
                return release_for(tx, caller, earlier)
            original = original_for(tx, caller, name, now)
        if original.sealed is None or original.expires is None:
            raise GatewayFault(f"the record of {name} is incomplete")
        reissue = Reissue(
            original=name,
            rows=original.sealed.rows,
            expires=original.expires,
            keep_original=keep_original,
        )
        request = original.request.but(project=change_project(original.request.project))
        return self._open(caller, request, key, reissue)

    def _open(
        self, caller: Party, request: ExtractRequest, key: RequestKey, reissue: Reissue | None
    ) -> Release:
        now = self._clock.now()
        with self._store.read() as tx:
            if (earlier := made_before(tx, caller, key)) is not None:
                return release_for(tx, caller, earlier)
            dataset, decision = self._decide(tx, caller, request, now)
        # The source may be slow to answer: it is asked before the transaction that charges, and
        # only for requests that are going to be permitted.
        looked = self._looking.at(dataset) if decision.permitted else None
        # The ring may be a service that is slow to answer, too.
        name = self._new_name()
        attempt = _Attempt(
            caller=caller,
            request=request,
            dataset=dataset,
            looked=looked,
            name=name,
            wrapped=None if looked is None else self._data_key(name),
            now=now,
            reissue=reissue,
        )
        secrets: Mapping[str, bytes] = {}
        for _ in range(_MORE_TRIES):
            try:
                return self._settled(attempt, key, secrets)
            except SecretsWanted as wanted:
                secrets = self._domain_keys.prepare(wanted.owners)
            except RootKeyRetired:
                attempt = replace(attempt, wrapped=self._data_key(name))
                secrets = self._domain_keys.prepare(secrets)
        return self._settled(attempt, key, secrets)

    def _data_key(self, name: str) -> bytes:
        return self._keyring.wrap(self._entropy.bytes(32), name)

    def _settled(
        self, attempt: "_Attempt", key: RequestKey, secrets: Mapping[str, bytes]
    ) -> Release:
        """The one transaction that decides on what holds now, and charges and opens or denies."""
        caller, request, now = attempt.caller, attempt.request, attempt.now
        with self._store.write() as tx:
            if (earlier := made_before(tx, caller, key)) is not None:
                return release_for(tx, caller, earlier)
            # Policies and grants may have changed meanwhile.
            dataset, decision = self._decide(tx, caller, request, now)
            if decision.permitted and attempt.looked is not None and dataset == attempt.dataset:
                current, version = attempt.looked
                if current != dataset:
                    current = keep_verdicts(tx, dataset, current, now)
                    decision = self._decided_on(tx, caller, request, current, now)
                if decision.permitted:
                    plan = self._plan(tx, caller, request, decision, current, version)
                    self._domain_keys.begin_in(tx, plan, secrets, now)
                    release = self._opened(tx, attempt, decision, plan)
                else:
                    release = self._denied(tx, attempt, decision)
            elif decision.permitted:
                raise FailedPrecondition(
                    "the policies or the data set changed while this was decided; ask again",
                    reason="DECISION_CHANGED",
                )
            else:
                release = self._denied(tx, attempt, decision)
            remember(tx, caller, key, release.name)
        return release

    def _decide(
        self, tx: Transaction, caller: Party, request: ExtractRequest, now: datetime
    ) -> tuple[DataSet, Decision]:
        recipient = tx.party(caller.name)  # it may have been shut out since the call began
        if recipient is None:
            raise PermissionDenied(f"{caller.name} is shut out", reason="PARTY_DISABLED")
        dataset = dataset_for(tx, recipient, request.dataset).at(now)
        if dataset.state is not DataSetState.ACTIVE:
            raise FailedPrecondition(
                f"{dataset.name} is {dataset.state}", reason="DATA_SET_NOT_ACTIVE"
            )
        return dataset, decide(request, facts_for(tx, dataset, recipient, now))

    def _decided_on(
        self,
        tx: Transaction,
        caller: Party,
        request: ExtractRequest,
        dataset: DataSet,
        now: datetime,
    ) -> Decision:
        return decide(request, facts_for(tx, dataset, caller, now))

    def _plan(
        self,
        tx: Transaction,
        caller: Party,
        request: ExtractRequest,
        decision: Decision,
        dataset: DataSet,
        version: SourceVersion,
    ) -> Plan:
        return compile_plan(
            request,
            decision,
            dataset,
            version,
            caller,
            output_type=output_type,
            grade_left=grade_left,
            hierarchy_digests=self._hierarchy_digests,
            key_version=partial(self._domain_keys.version_in, tx),
            profile=self._domain_keys.profile,
            text_rules=self._text_rules,
        )

    def _opened(
        self, tx: Transaction, attempt: "_Attempt", decision: Decision, plan: Plan
    ) -> Release:
        caller, request, now = attempt.caller, attempt.request, attempt.now
        if attempt.wrapped is None:
            raise GatewayFault("a release is opened without its data key")
        expected, reissue = plan.charge.rows, attempt.reissue
        if reissue is not None:
            original = original_for(tx, caller, reissue.original, now)
            plan = under_other_keys(original, plan)
        self._refuse_over_quota(tx, caller, decision, plan, now)
        release = Release(
            name=attempt.name,
            consumer=caller.name,
            request=request,
            decision=decision,
            plan=plan,
            state=ReleaseState.OPENED,
            rows_expected=expected,
            reissue=reissue,
            created=now,
            updated=now,
        )
        entry = tx.audit(
            AuditEvent(
                actor=caller.name,
                action="release.open",
                resource=release.name,
                outcome="ok",
                details={
                    "dataset": plan.dataset,
                    "purpose": request.purpose,
                    "project": request.project or "",
                    "grant": decision.grant or "",
                    "request_digest": _loggable_digest(request),
                    "decision_digest": decision.digest(),
                    "plan_digest": plan.digest(),
                    **({} if reissue is None else {"reissue_of": reissue.original}),
                },
            ),
            now,
        )
        release = release.but(opened_at=AuditPosition(sequence=entry.sequence, hash=entry.hash))
        tx.put_release(release)
        keep_key(tx, self._keyring, release.name, attempt.wrapped)
        tx.charge(release.name, caller.name, plan.dataset, plan.charge.rows, now)
        return release

    def _denied(self, tx: Transaction, attempt: "_Attempt", decision: Decision) -> Release:
        caller, request, now = attempt.caller, attempt.request, attempt.now
        release = Release(
            name=attempt.name,
            consumer=caller.name,
            request=request,
            decision=decision,
            state=ReleaseState.DENIED,
            stage=Stage.DONE,
            created=now,
            updated=now,
        )
        tx.put_release(release)
        tx.audit(
            AuditEvent(
                actor=caller.name,
                action="release.open",
                resource=release.name,
                outcome="DENIED",
                details={
                    "dataset": request.dataset,
                    "purpose": request.purpose,
                    "project": request.project or "",
                    "request_digest": _loggable_digest(request),
                    "decision_digest": decision.digest(),
                    "codes": ",".join(sorted({r.code for r in decision.reasons}))[:200],
                },
            ),
            now,
        )
        return release

    def _refuse_over_quota(
        self, tx: Transaction, caller: Party, decision: Decision, plan: Plan, now: datetime
    ) -> None:
        for quota in decision.quotas:
            used = tx.usage(caller.name, plan.dataset, now - timedelta(days=quota.period_days))
            if quota.releases is not None and used.releases + 1 > quota.releases:
                raise QuotaExhausted(
                    f"the quota of {quota.releases} releases of {plan.dataset} in "
                    f"{quota.period_days} days is used up; ask again later",
                    reason="RELEASE_QUOTA_EXHAUSTED",
                )
            if quota.rows is not None and used.rows + plan.charge.rows > quota.rows:
                raise QuotaExhausted(
                    f"this would exceed the quota of {quota.rows} rows of {plan.dataset} in "
                    f"{quota.period_days} days; ask with a smaller limit, or later",
                    reason="ROW_QUOTA_EXHAUSTED",
                )

    def _new_name(self) -> str:
        return resource("releases", f"r-{self._entropy.bytes(10).hex()}")


def _loggable_digest(request: ExtractRequest) -> str:
    # Without the filters: who reads the log could guess a short value from its digest.
    return request.but(filters=()).digest()
