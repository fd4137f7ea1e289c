"""Policies: an officer writes a version, a second one activates it, nobody changes it after."""

import hashlib
from collections.abc import Iterator

from gateway.decide.diff import Change, PastRequest, changed_outcomes
from gateway.decide.explain import Explanation, explain
from gateway.decide.lint import Catalogue, Finding, Severity, lint
from gateway.decide.parse import parse_policy
from gateway.decide.trial import with_policy
from gateway.errors import FailedPrecondition, InvalidRequest, NotFound, PermissionDenied, Violation
from gateway.model.access import ExtractRequest
from gateway.model.audit import AuditEvent
from gateway.model.catalog import Party
from gateway.model.lifecycle import POLICY, PolicyState, advance
from gateway.model.names import Role
from gateway.model.policy import Policy, StoredPolicy
from gateway.model.requests import RequestKey
from gateway.ports import Clock, Page, Store, Transaction
from gateway.registry.facts import active_policies, everything, facts_for
from gateway.registry.once import made_before, remember


class Policies:
    """Use cases over policies. Only officers reach the changing ones."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock

    # ---- writing and activating -----------------------------------------------------------------

    def create(self, caller: Party, text: str, key: RequestKey) -> StoredPolicy:
        """Store a draft as the next version of its name. InvalidRequest names every fault."""
        policy = parse_policy(text)
        with self._store.write() as tx:
            if (earlier := made_before(tx, caller, key)) is not None:
                name, _, version = earlier.rpartition("/")
                return _present(tx.policy(name, int(version)), earlier)
            newest = tx.policy(policy.name)
            stored = StoredPolicy(
                policy=policy,
                version=1 if newest is None else newest.version + 1,
                text=text,
                text_sha256=hashlib.sha256(text.encode()).hexdigest(),
                state=PolicyState.DRAFT,
                author=caller.name,
                created=self._clock.now(),
            )
            tx.add_policy(stored)
            remember(tx, caller, key, f"{stored.name}/{stored.version}")
            self._log(tx, caller, "policy.create", stored)
        return stored

    def activate(self, caller: Party, name: str, version: int, key: RequestKey) -> StoredPolicy:
        """Put a draft in force; the version before is retired in the same transaction.

        PermissionDenied for its author, FailedPrecondition when it is no draft or when lint
        finds an error against the catalogue as it is now.
        """
        with self._store.write() as tx:
            draft = _present(tx.policy(name, version), name)
            if made_before(tx, caller, key) is not None:
                return draft
            if draft.author == caller.name:
                raise PermissionDenied(
                    f"you wrote version {version} of {name}: another officer activates it",
                    reason="OWN_RESOURCE",
                )
            _refuse_with_errors(draft, lint(draft.policy, _catalogue(tx)))
            advance(POLICY, name, draft.state, PolicyState.ACTIVE)
            for active in active_policies(tx):
                if active.name == name:
                    tx.set_policy_state(active.but(state=PolicyState.RETIRED))
            now = self._clock.now()
            activated = draft.but(state=PolicyState.ACTIVE, activated_by=caller.name, activated=now)
            tx.set_policy_state(activated)
            remember(tx, caller, key, f"{name}/{version}")
            self._log(tx, caller, "policy.activate", activated)
        return activated

    def retire(self, caller: Party, name: str, version: int, key: RequestKey) -> StoredPolicy:
        """Take a draft or the active version out of use.

        PermissionDenied for the author of an active version: its denials and bounds end too.
        """
        with self._store.write() as tx:
            policy = _present(tx.policy(name, version), name)
            if made_before(tx, caller, key) is not None:
                return policy
            if policy.state is PolicyState.ACTIVE and policy.author == caller.name:
                raise PermissionDenied(
                    f"you wrote version {version} of {name}, which is in force: another officer "
                    "retires it",
                    reason="OWN_RESOURCE",
                )
            state = advance(POLICY, name, policy.state, PolicyState.RETIRED)
            retired = policy.but(state=state)
            tx.set_policy_state(retired)
            remember(tx, caller, key, f"{name}/{version}")
            self._log(tx, caller, "policy.retire", retired)
        return retired

    # ---- looking --------------------------------------------------------------------------------

    def get(self, name: str, version: int | None) -> StoredPolicy:
        """That version, or the newest."""
        with self._store.read() as tx:
            return _present(tx.policy(name, version), name)

    def all(self, page: Page) -> list[StoredPolicy]:
        """Every version of every policy, by name, newest version first."""
        with self._store.read() as tx:
            return tx.policies(page)

    def purposes(self) -> dict[str, str]:
        """The purposes that the active policies define, with what they mean."""
        with self._store.read() as tx:
            policies = active_policies(tx)
        found: dict[str, str] = {}
        for stored in policies:
            for purpose, meaning in stored.policy.purposes.items():
                found.setdefault(purpose, meaning)
        return dict(sorted(found.items()))

    # ---- trying out -----------------------------------------------------------------------------

    def lint(self, text: str) -> tuple[Finding, ...]:
        """What an officer would regret, against the catalogue as it is now."""
        policy = parse_policy(text)
        with self._store.read() as tx:
            return lint(policy, _catalogue(tx))

    def explain(self, consumer: str, request: ExtractRequest, text: str | None) -> Explanation:
        """The decision that a consumer would get, rule by rule; ``text`` takes the place of the
        active version of its name."""
        trial = None if text is None else parse_policy(text)
        with self._store.read() as tx:
            recipient = tx.party(consumer)
            if recipient is None or recipient.role is not Role.CONSUMER:
                raise NotFound.resource(consumer)
            dataset = tx.dataset(request.dataset)
            if dataset is None:
                raise NotFound.resource(request.dataset)
            facts = facts_for(tx, dataset, recipient, self._clock.now())
        return explain(request, facts if trial is None else with_policy(facts, trial))

    def diff(
        self, name: str, before: int | None, after: int | None, text: str | None
    ) -> tuple[tuple[Change, ...], int]:
        """Which stored requests the two versions decide otherwise, and how many were compared.

        ``before`` None means the active version; the other side is ``after`` or ``text``.
        """
        if (after is None) == (text is None):
            raise InvalidRequest.of("to_version", "give either to_version or text")
        with self._store.read() as tx:
            first = self._version(tx, name, before).policy
            second = (
                _present(tx.policy(name, after), name).policy
                if text is None
                else _named(parse_policy(text), name)
            )
            past = list(self._past_requests(tx))
        return changed_outcomes(first, second, past), len(past)

    def _version(self, tx: Transaction, name: str, version: int | None) -> StoredPolicy:
        if version is not None:
            return _present(tx.policy(name, version), name)
        active = [policy for policy in active_policies(tx) if policy.name == name]
        if not active:
            raise FailedPrecondition(f"no version of {name} is active; name one to compare from")
        return active[0]

    def _past_requests(self, tx: Transaction) -> Iterator[PastRequest]:
        now = self._clock.now()
        for release in everything(tx.releases, lambda r: r.name):
            dataset = tx.dataset(release.request.dataset)
            recipient = tx.party(release.consumer)
            if dataset is not None and recipient is not None:
                yield PastRequest(
                    release.name, release.request, facts_for(tx, dataset, recipient, now)
                )

    def _log(self, tx: Transaction, caller: Party, action: str, policy: StoredPolicy) -> None:
        tx.audit(
            AuditEvent(
                actor=caller.name,
                action=action,
                resource=policy.name,
                outcome="ok",
                details={
                    "version": str(policy.version),
                    "policy_digest": policy.policy.digest(),
                    "text_sha256": policy.text_sha256,
                },
            ),
            self._clock.now(),
        )


def _catalogue(tx: Transaction) -> Catalogue:
    return Catalogue(
        datasets=tuple(everything(tx.datasets, lambda d: d.name)),
        parties=tuple(everything(tx.parties, lambda p: p.name)),
    )


def _refuse_with_errors(policy: StoredPolicy, findings: tuple[Finding, ...]) -> None:
    errors = [f for f in findings if f.severity is Severity.ERROR]
    if errors:
        raise FailedPrecondition(
            f"version {policy.version} of {policy.name} has errors; run `gateway policy lint`",
            reason="POLICY_HAS_ERRORS",
            violations=[Violation(f.rule or policy.name, f.text) for f in errors],
        )


def _named(policy: Policy, name: str) -> Policy:
    if policy.name != name:
        raise InvalidRequest.of("text", f"is a text of {policy.name}, not of {name}")
    return policy


def _present(policy: StoredPolicy | None, name: str) -> StoredPolicy:
    if policy is None:
        raise NotFound.resource(name)
    return policy
