"""The audit trail: recording calls, reading entries, verifying the chain, signing how far it is."""

from collections.abc import Callable

from gateway.errors import VerificationFailed
from gateway.model.audit import CHECKPOINT_TYPE, GENESIS, AuditEntry, AuditEvent, Checkpoint
from gateway.ports import Clock, Signer, Store


class Trail:
    """Use cases over the audit log. ``verify`` walks the whole log and returns its length."""

    def __init__(
        self, store: Store, clock: Clock, signer: Signer, verify: Callable[[], int]
    ) -> None:
        self._store = store
        self._clock = clock
        self._signer = signer
        self._verify = verify

    def record(self, event: AuditEvent) -> AuditEntry:
        """Append an entry for a call that changed nothing itself."""
        with self._store.write() as tx:
            return tx.audit(event, self._clock.now())

    def entries(self, after: int, limit: int) -> list[AuditEntry]:
        """Entries in order from ``after`` + 1 on."""
        with self._store.read() as tx:
            return tx.audit_entries(after, limit)

    def verify(self) -> tuple[bool, int, str]:
        """Whether the log is whole, how many entries were verified, and what is wrong."""
        try:
            return True, self._verify(), ""
        except VerificationFailed as fault:
            return False, 0, fault.message

    def checkpoint(self) -> str:
        """A signed statement of how far the log has come: a DSSE envelope as JSON text."""
        with self._store.read() as tx:
            head = tx.audit_head()
        checkpoint = Checkpoint(
            sequence=head.sequence if head else 0,
            hash=head.hash if head else GENESIS,
            at=head.at if head else self._clock.now(),
        )
        return self._signer.sign(checkpoint.canonical(), CHECKPOINT_TYPE)
