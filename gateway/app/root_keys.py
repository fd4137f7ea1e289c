"""Root keys by hand, on the gateway's machine: rotate, wrap everything anew, retire."""

from collections.abc import Callable, Iterator
from contextlib import closing

from gateway.app.system import SystemClock, SystemEntropy
from gateway.config import Settings
from gateway.errors import FailedPrecondition
from gateway.model.audit import AuditEvent
from gateway.ports import Store
from gateway.store.keyring import FileKeyRing
from gateway.store.sql import SqlStore

_PAGE = 200


def rotate(settings: Settings, progress: Callable[[int], None] = lambda _: None) -> tuple[int, int]:
    """Add a root key and wrap every kept key under it: (its version, how many were wrapped).

    No token and no stored extract changes: what they rest on is wrapped anew, not replaced. A
    gateway may run meanwhile. Interrupted, it is finished by ``rewrap``.
    """
    with closing(FileKeyRing(settings.keys.ring, SystemEntropy())) as ring:
        version = ring.rotate()
        with closing(SqlStore(settings.store.read())) as store:
            _log(store, "root_key.rotate", version)
            return version, _rewrapped(store, ring, progress)


def rewrap(settings: Settings, progress: Callable[[int], None] = lambda _: None) -> int:
    """Wrap every kept key that is under an older root key under the newest; returns how many."""
    with (
        closing(FileKeyRing(settings.keys.ring, SystemEntropy())) as ring,
        closing(SqlStore(settings.store.read())) as store,
    ):
        return _rewrapped(store, ring, progress)


def retire(settings: Settings, version: int) -> None:
    """Remove an older root key, so that a backup of the store from before cannot be opened.

    FailedPrecondition while a key is still wrapped under it.
    """
    with (
        closing(FileKeyRing(settings.keys.ring, SystemEntropy())) as ring,
        closing(SqlStore(settings.store.read())) as store,
    ):
        for _, wrapped in _kept(store):
            if ring.version_of(wrapped) == version:
                raise FailedPrecondition(
                    f"keys are still wrapped under root key {version}: run gateway keys rewrap",
                    reason="KEY_VERSION",
                )
        ring.retire(version)
        _log(store, "root_key.retire", version)


def _rewrapped(store: Store, ring: FileKeyRing, progress: Callable[[int], None]) -> int:
    newest, done = ring.version, 0
    for resource, wrapped in _kept(store):
        if ring.version_of(wrapped) == newest:
            continue
        anew = ring.wrap(ring.unwrap(wrapped, resource), resource)
        with store.write() as tx:
            done += tx.rewrap_key(resource, wrapped, anew)
        progress(done)
    return done


def _kept(store: Store) -> Iterator[tuple[str, bytes]]:
    after = ""
    while True:
        with store.read() as tx:
            page = tx.wrapped_keys(after, _PAGE)
        yield from page
        if len(page) < _PAGE:
            return
        after = page[-1][0]


def _log(store: Store, action: str, version: int) -> None:
    with store.write() as tx:
        tx.audit(
            AuditEvent(
                actor="gateway",
                action=action,
                resource="gateway/root-key",
                outcome="ok",
                details={"version": str(version), "by": "administration on the gateway's machine"},
            ),
            SystemClock().now(),
        )
