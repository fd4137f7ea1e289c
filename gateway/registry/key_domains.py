"""Key domains in the hands of officers: look, begin another version, shred under four eyes."""

from datetime import datetime

from gateway.errors import Conflict, FailedPrecondition, NotFound, PermissionDenied
from gateway.model.audit import AuditEvent
from gateway.model.catalog import Party
from gateway.model.key_domains import KeyDomain, KeyVersion, Shredding
from gateway.model.lifecycle import KEY_DOMAIN, KeyDomainState, advance
from gateway.model.requests import RequestKey
from gateway.ports import Clock, Page, Store, Transaction
from gateway.registry.domain_keys import StoredDomainKeys
from gateway.registry.once import made_before, remember


class KeyDomains:
    """Use cases over key domains. Only officers reach the changing ones."""

    def __init__(self, store: Store, domain_keys: StoredDomainKeys, clock: Clock) -> None:
        self._store = store
        self._domain_keys = domain_keys
        self._clock = clock

    def get(self, name: str) -> KeyDomain:
        """The record of one; never a secret."""
        with self._store.read() as tx:
            return _present(tx, name)

    def all(self, page: Page, state: KeyDomainState | None) -> list[KeyDomain]:
        """Records by name."""
        with self._store.read() as tx:
            return tx.key_domains(page, state=state)

    def renew(self, caller: Party, name: str, key: RequestKey) -> KeyDomain:
        """Begin another version: results from now on do not agree with earlier ones, which are
        still taken back under theirs. Also what a shredded domain begins anew with.

        Conflict when the domain changed meanwhile, FailedPrecondition while it is to be shredded.
        """
        before = self.get(name)
        wrapped = self._domain_keys.fresh(before.owner, before.version + 1)
        with self._store.write() as tx:
            domain = _present(tx, name)
            if made_before(tx, caller, key) is not None:
                return domain
            if domain != before:
                raise Conflict(f"{name} changed meanwhile: look at it again", resource=name)
            now = self._clock.now()
            if domain.state is not KeyDomainState.ACTIVE:
                advance(KEY_DOMAIN, name, domain.state, KeyDomainState.ACTIVE)
                if domain.state is KeyDomainState.SHREDDING:
                    raise FailedPrecondition(
                        f"{name} is to be shredded: shred or withdraw that first",
                        reason="SHREDDING_PROPOSED",
                    )
            renewed = domain.but(
                versions=(*domain.versions, KeyVersion(number=domain.version + 1, created=now)),
                state=KeyDomainState.ACTIVE,
                shredding=None,
                revision=domain.revision + 1,
            )
            self._domain_keys.keep_fresh(tx, renewed.secret(renewed.version), wrapped)
            self._keep(tx, caller, key, domain, renewed, "renew", now)
        return renewed

    def propose(self, caller: Party, name: str, reason: str, key: RequestKey) -> KeyDomain:
        """Say that all keys of the domain shall be destroyed; another officer confirms it."""
        with self._store.write() as tx:
            domain = _present(tx, name)
            if made_before(tx, caller, key) is not None:
                return domain
            now = self._clock.now()
            proposed = domain.but(
                state=advance(KEY_DOMAIN, name, domain.state, KeyDomainState.SHREDDING),
                shredding=Shredding(proposed_by=caller.name, reason=reason, at=now),
                revision=domain.revision + 1,
            )
            self._keep(tx, caller, key, domain, proposed, "propose_shredding", now)
        return proposed

    def withdraw(self, caller: Party, name: str, key: RequestKey) -> KeyDomain:
        """Take a proposal back, or refuse it: any officer may."""
        with self._store.write() as tx:
            domain = _present(tx, name)
            if made_before(tx, caller, key) is not None:
                return domain
            if domain.state is not KeyDomainState.SHREDDING:
                raise FailedPrecondition(f"{name} is not to be shredded", reason="NOT_PROPOSED")
            kept = domain.but(
                state=advance(KEY_DOMAIN, name, domain.state, KeyDomainState.ACTIVE),
                shredding=None,
                revision=domain.revision + 1,
            )
            self._keep(tx, caller, key, domain, kept, "withdraw_shredding", self._clock.now())
        return kept

    def shred(self, caller: Party, name: str, key: RequestKey) -> KeyDomain:
        """Destroy every secret of the domain, for good. PermissionDenied for who proposed it."""
        with self._store.write() as tx:
            domain = _present(tx, name)
            if made_before(tx, caller, key) is not None:
                return domain
            state = advance(KEY_DOMAIN, name, domain.state, KeyDomainState.SHREDDED)
            if domain.shredding is None or domain.shredding.proposed_by == caller.name:
                raise PermissionDenied(
                    f"you proposed to shred {name}: another officer shreds it",
                    reason="OWN_RESOURCE",
                )
            now = self._clock.now()
            shredded = domain.but(
                state=state,
                versions=tuple(
                    version.but(destroyed=version.destroyed or now) for version in domain.versions
                ),
                revision=domain.revision + 1,
            )
            for version in domain.versions:
                tx.destroy_key(domain.secret(version.number))
                tx.destroy_tokens(domain.secret(version.number))
            self._keep(tx, caller, key, domain, shredded, "shred", now)
        return shredded

    def _keep(
        self,
        tx: Transaction,
        caller: Party,
        key: RequestKey,
        before: KeyDomain,
        after: KeyDomain,
        action: str,
        now: datetime,
    ) -> None:
        tx.put_key_domain(after, expected_revision=before.revision)
        remember(tx, caller, key, after.name)
        details = {"owner": after.owner[:200], "version": str(after.version), "state": after.state}
        if after.shredding is not None:
            details["proposed_by"] = after.shredding.proposed_by
        tx.audit(
            AuditEvent(
                actor=caller.name,
                action=f"key_domain.{action}",
                resource=after.name,
                outcome="ok",
                details=details,
            ),
            now,
        )


def _present(tx: Transaction, name: str) -> KeyDomain:
    found = tx.key_domain(name)
    if found is None:
        raise NotFound.resource(name)
    return found
