"""Root keys by hand, on the gateway's machine: rotate, wrap everything anew, retire."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from pathlib import Path

from gateway.app.compose import open_ring
from gateway.app.system import SystemClock, SystemEntropy
from gateway.config import Settings
from gateway.errors import FailedPrecondition
from gateway.model.audit import AuditEvent
from gateway.ports import RootKeys, Store, Transaction
from gateway.store.keyring import FileKeyRing
from gateway.store.sql import SqlStore

_PAGE = 200
_LARGE_PAGE = 5000
_PROBE = "gateway/root-key-probe"


def rotate(settings: Settings, progress: Callable[[int], None] = lambda _: None) -> tuple[int, int]:
    """Add a root key and wrap every kept key under it: (its version, how many were wrapped).

    No token and no stored extract changes: what they rest on is wrapped anew, not replaced. A
    gateway may run meanwhile. Interrupted, it is finished by ``rewrap``.
    """
    with closing(open_ring(settings, SystemEntropy())) as ring:
        version = ring.rotate()
        _refuse_unkept(settings, ring)
        with closing(SqlStore(settings.store.read())) as store:
            _log(store, "root_key.rotate", version)
            return version, _rewrapped(store, ring, progress)


def rewrap(
    settings: Settings,
    progress: Callable[[int], None] = lambda _: None,
    *,
    earlier: Path | None = None,
) -> int:
    """Wrap every kept key that is under an older root key under the newest; returns how many.

    ``earlier`` is the key ring file that was used before the one (or the Vault) that the settings
    name now: keys that it wrapped move over.
    """
    with ExitStack() as stack:
        ring = stack.enter_context(closing(open_ring(settings, SystemEntropy())))
        store = stack.enter_context(closing(SqlStore(settings.store.read())))
        if earlier is None:
            done, action = _rewrapped(store, ring, progress), "root_key.rewrap"
        else:
            before = stack.enter_context(closing(FileKeyRing(earlier, SystemEntropy())))
            done, action = _moved(store, before, ring, progress), "root_key.move"
        _log(store, action, ring.version, keys=str(done))
        return done


def retire(settings: Settings, version: int) -> None:
    """Remove an older root key, so that a backup of the store from before cannot be opened.

    FailedPrecondition while a key is still wrapped under it. A gateway may run meanwhile: what it
    wrapped and has not kept yet, it wraps again (registry.domain_keys.keep_key).
    """
    with (
        closing(open_ring(settings, SystemEntropy())) as ring,
        closing(SqlStore(settings.store.read())) as store,
        store.write() as tx,
    ):
        if version == ring.version:
            raise FailedPrecondition(
                f"root key {version} is in use: rotate first", reason="KEY_VERSION"
            )
        for _, wrapped in _all_kept(tx):
            if ring.holds(wrapped) and ring.version_of(wrapped) == version:
                raise FailedPrecondition(
                    f"keys are still wrapped under root key {version}: run gateway keys rewrap",
                    reason="KEY_VERSION",
                )
        _log_in(tx, "root_key.retire", version)
        ring.retire(version)  # last: what could fail before it has not


def _refuse_unkept(settings: Settings, ring: RootKeys) -> None:
    """KeyUnavailable unless whoever opens the ring now can open what this one wraps."""
    probe = ring.wrap(bytes(32), _PROBE)
    with closing(open_ring(settings, SystemEntropy())) as again:
        again.unwrap(probe, _PROBE)


def _rewrapped(store: Store, ring: RootKeys, progress: Callable[[int], None]) -> int:
    newest = ring.version

    def anew(resource: str, wrapped: bytes) -> bytes | None:
        if not ring.holds(wrapped):
            raise FailedPrecondition(
                f"the key of {resource} is of another kind of ring: run gateway keys rewrap with "
                "--from and the ring that was used before",
                reason="KEY_VERSION",
            )
        return None if ring.version_of(wrapped) >= newest else ring.rewrap(wrapped, resource)

    return _replaced(store, ring, anew, progress)


def _moved(
    store: Store, before: FileKeyRing, ring: RootKeys, progress: Callable[[int], None]
) -> int:
    def anew(resource: str, wrapped: bytes) -> bytes | None:
        if not before.holds(wrapped):
            return None  # moved already
        return ring.wrap(before.unwrap(wrapped, resource), resource)

    return _replaced(store, ring, anew, progress)


def _replaced(
    store: Store,
    ring: RootKeys,
    anew: Callable[[str, bytes], bytes | None],
    progress: Callable[[int], None],
) -> int:
    done = 0
    for resource, wrapped in _kept(store):
        replacement = anew(resource, wrapped)
        if replacement is None:
            continue
        with store.write() as tx:
            if not ring.opens(replacement):
                raise FailedPrecondition(
                    "a root key was retired meanwhile: run gateway keys rewrap",
                    reason="ROOT_KEY_RETIRED",
                )
            done += tx.rewrap_key(resource, wrapped, replacement)
        progress(done)
    return done


def _kept(store: Store) -> Iterator[tuple[str, bytes]]:
    """A page a transaction, so that nobody waits while they are worked on."""
    after = ""
    while True:
        with store.read() as tx:
            page = tx.wrapped_keys(after, _PAGE)
        yield from page
        if len(page) < _PAGE:
            return
        after = page[-1][0]


def _all_kept(tx: Transaction) -> Iterator[tuple[str, bytes]]:
    page = tx.wrapped_keys("", _LARGE_PAGE)
    while page:
        yield from page
        page = tx.wrapped_keys(page[-1][0], _LARGE_PAGE)


def _log(store: Store, action: str, version: int, **more: str) -> None:
    with store.write() as tx:
        _log_in(tx, action, version, **more)


def _log_in(tx: Transaction, action: str, version: int, **more: str) -> None:
    tx.audit(
        AuditEvent(
            actor="gateway",
            action=action,
            resource="gateway/root-key",
            outcome="ok",
            details={
                "version": str(version),
                "by": "administration on the gateway's machine",
                **more,
            },
        ),
        SystemClock().now(),
    )
