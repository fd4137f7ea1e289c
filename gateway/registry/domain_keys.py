"""The keys of key domains: pinned at first use, derived from wrapped secrets, gone when shredded."""

from collections.abc import Iterable, Mapping
from datetime import datetime

from gateway.errors import FailedPrecondition, KeyDestroyed, KeyUnavailable
from gateway.model.audit import AuditEvent
from gateway.model.key_domains import KeyDomain, KeyVersion, name_of, owner_of
from gateway.model.keyed_specs import CryptoProfile
from gateway.model.plan import Plan
from gateway.ports import Clock, Entropy, KeyRing, Store, Transaction
from gateway.transform.derivation import KEY_BYTES, derive


class SecretsWanted(FailedPrecondition):
    """The plan has owners without a secret: prepare some outside of a transaction, try again."""

    def __init__(self, owners: tuple[str, ...]) -> None:
        super().__init__("this is the first use of its keys; ask again", reason="DECISION_CHANGED")
        self.owners = owners


class RootKeyRetired(FailedPrecondition):
    """A key was wrapped, and its root key was retired before it was kept: wrap it again."""

    def __init__(self) -> None:
        super().__init__("a root key was retired meanwhile; ask again", reason="ROOT_KEY_RETIRED")


class StoredDomainKeys:
    """Implements ports.DomainKeys over the store and the key ring.

    The ring may be a service on the network, so nothing is wrapped or unwrapped while a
    transaction is open: ``prepare`` before, ``begin_in`` inside.
    """

    def __init__(
        self,
        store: Store,
        keyring: KeyRing,
        entropy: Entropy,
        clock: Clock,
        profile: CryptoProfile = "international",
    ) -> None:
        self._store = store
        self._keyring = keyring
        self._entropy = entropy
        self._clock = clock
        self._profile = profile

    # ---- as ports.DomainKeys ----------------------------------------------------------------------

    @property
    def profile(self) -> CryptoProfile:
        """See ports.DomainKeys."""
        return self._profile

    def version(self, domain: str) -> int:
        """See ports.DomainKeys."""
        with self._store.read() as tx:
            return self.version_in(tx, domain)

    def begin(self, plan: Plan) -> None:
        """See ports.DomainKeys."""
        with self._store.read() as tx:
            lacking = _lacking(tx, plan)
        if not lacking:
            return
        prepared = self.prepare(lacking)
        with self._store.write() as tx:
            self.begin_in(tx, plan, prepared, self._clock.now())

    def key(self, domain: str, version: int) -> bytes:
        """See ports.DomainKeys."""
        return derive(self._secret(owner_of(domain), version), "domain", domain)

    def keys(self, plan: Plan) -> Mapping[str, bytes]:
        """See ports.DomainKeys."""
        secrets: dict[tuple[str, int], bytes] = {}
        found = {}
        for domain, version in sorted(plan.needed_keys):
            owner = owner_of(domain)
            if (owner, version) not in secrets:
                secrets[owner, version] = self._secret(owner, version)
            found[domain] = derive(secrets[owner, version], "domain", domain)
        return found

    # ---- inside a transaction ---------------------------------------------------------------------

    def version_in(self, tx: Transaction, domain: str) -> int:
        """As ``version``."""
        record = tx.key_domain(name_of(owner_of(domain)))
        if record is None:
            return 1
        if record.versions[-1].destroyed is not None:
            raise _destroyed(record)
        return record.version

    def prepare(self, owners: Iterable[str]) -> Mapping[str, bytes]:
        """A fresh wrapped secret for the first version of each owner."""
        return {owner: self.fresh(owner, 1) for owner in owners}

    def fresh(self, owner: str, version: int) -> bytes:
        """A new random secret, wrapped for that version of the owner."""
        context = f"{name_of(owner)}/{version}"
        return self._keyring.wrap(self._entropy.bytes(KEY_BYTES), context)

    def begin_in(
        self, tx: Transaction, plan: Plan, prepared: Mapping[str, bytes], now: datetime
    ) -> None:
        """Keep the secrets that the plan's owners lack; SecretsWanted when not all are prepared."""
        lacking = _lacking(tx, plan)
        if set(lacking) - set(prepared):
            raise SecretsWanted(lacking)
        for owner in lacking:
            record = KeyDomain(
                name=name_of(owner), owner=owner, versions=(KeyVersion(number=1, created=now),)
            )
            tx.put_key_domain(record, expected_revision=None)
            keep_key(tx, self._keyring, record.secret(1), prepared[owner])
            tx.audit(
                AuditEvent(
                    actor="gateway",
                    action="key_domain.begin",
                    resource=record.name,
                    outcome="ok",
                    details={"owner": owner[:200], "version": "1"},
                ),
                now,
            )

    def keep_fresh(self, tx: Transaction, resource: str, wrapped: bytes) -> None:
        """Keep what ``fresh`` made; RootKeyRetired when that has to be done again."""
        keep_key(tx, self._keyring, resource, wrapped)

    def refuse_if_destroyed(self, tx: Transaction, plan: Plan) -> None:
        """KeyDestroyed when a key of the plan was shredded since."""
        for domain, version in sorted(plan.needed_keys):
            record = tx.key_domain(name_of(owner_of(domain)))
            if record is None or tx.key(record.secret(version)) is None:
                raise _gone(record, owner_of(domain), version)

    def _secret(self, owner: str, version: int) -> bytes:
        with self._store.read() as tx:
            record = tx.key_domain(name_of(owner))
            wrapped = None if record is None else tx.key(record.secret(version))
        if record is None or wrapped is None:
            raise _gone(record, owner, version)
        return self._keyring.unwrap(wrapped, record.secret(version))


def keep_key(tx: Transaction, keyring: KeyRing, resource: str, wrapped: bytes) -> None:
    """Keep a wrapped key; RootKeyRetired when it could never be opened again.

    A root key is retired inside of a writing transaction too, after a look at every kept key: so
    either that look finds this one, or this finds the root key gone.
    """
    if not keyring.opens(wrapped):
        raise RootKeyRetired
    tx.put_key(resource, wrapped)


def kept_key(store: Store, keyring: KeyRing, entropy: Entropy, resource: str) -> bytes:
    """A key of the gateway's own: made and kept, wrapped, the first time that it is asked for."""
    with store.read() as tx:
        wrapped = tx.key(resource)
    if wrapped is None:
        made = keyring.wrap(entropy.bytes(KEY_BYTES), resource)
        with store.write() as tx:
            wrapped = tx.key(resource)  # another process may have been faster
            if wrapped is None:
                keep_key(tx, keyring, resource, made)
                wrapped = made
    return keyring.unwrap(wrapped, resource)


def _lacking(tx: Transaction, plan: Plan) -> tuple[str, ...]:
    owners = sorted({owner_of(domain) for domain, _ in plan.needed_keys})
    return tuple(owner for owner in owners if tx.key_domain(name_of(owner)) is None)


def _gone(record: KeyDomain | None, owner: str, version: int) -> KeyUnavailable:
    if record is not None and version <= record.version:
        if record.versions[version - 1].destroyed is not None:
            return _destroyed(record)
        return KeyUnavailable(
            f"the secret of {record.name} version {version} is missing: restore the store"
        )
    return KeyUnavailable(f"there is no key version {version} of {name_of(owner)}")


def _destroyed(record: KeyDomain) -> KeyDestroyed:
    return KeyDestroyed(
        f"the keys of {record.name} were destroyed: an officer begins another version with "
        f"gateway keys renew {record.name}",
        resource=record.name,
    )
