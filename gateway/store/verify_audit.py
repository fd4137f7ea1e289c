"""Verification of the audit log against itself and against checkpoints kept outside of it.

The chain alone shows an edit, a removal in the middle and a reordering. What it cannot show are
a cut tail, and a whole chain computed anew by somebody who may write to the database: that is
what checkpoints are for. They are signed, and lie in a file that the database's administrator
should not be able to write; copy it elsewhere regularly. What happened after the last checkpoint
is only protected by the chain.
"""

import os
from collections.abc import Iterable, Iterator
from pathlib import Path

from pydantic import ValidationError

from gateway.errors import StagingUnavailable, VerificationFailed
from gateway.model.audit import GENESIS, AuditEntry, AuditPosition, Checkpoint
from gateway.ports import Signer, Store
from gateway.store.secret_files import sync_folder
from gateway.store.signer import opened

CHECKPOINT_TYPE = "application/vnd.gateway.audit-checkpoint+json"
_PAGE = 1000


def entries_of(store: Store) -> Iterator[AuditEntry]:
    """The whole log in order, in pages, so that writers are not held up."""
    after = 0
    while True:
        with store.read() as tx:
            entries = tx.audit_entries(after, _PAGE)
        yield from entries
        if len(entries) < _PAGE:
            return
        after = entries[-1].sequence


def verify(
    entries: Iterable[AuditEntry], anchors: Iterable[Checkpoint | AuditPosition] = ()
) -> int:
    """How many entries there are, all genuine; VerificationFailed naming the first that is not.

    ``entries`` is the log from its beginning. ``anchors`` are places it must pass through:
    checkpoints, and the positions that certificates name.
    """
    wanted = _by_sequence(anchors)
    sequence, previous, at = 0, GENESIS, None
    for entry in entries:
        # 1. Entries are numbered from 1 without gaps.
        if entry.sequence != sequence + 1:
            raise _broken(sequence + 1, "it is missing or out of order")
        # 2. Each names the hash of the one before it.
        if entry.previous != previous:
            raise _broken(entry.sequence, "it does not follow the entry before it")
        # 3. Each one's hash is that of its content.
        if entry.hash != entry.computed_hash():
            raise _broken(entry.sequence, "its content was changed")
        # 4. Time does not run backwards.
        if at is not None and entry.at < at:
            raise _broken(entry.sequence, "it is older than the entry before it")
        # 5. It is the entry that was recorded outside of the database.
        if wanted.pop(entry.sequence, entry.hash) != entry.hash:
            raise _broken(entry.sequence, "the log was written anew: a signed record differs")
        sequence, previous, at = entry.sequence, entry.hash, entry.at
    # 6. The log reaches as far as was recorded outside of the database.
    if wanted:
        raise _broken(sequence + 1, f"the log once reached entry {max(wanted)}: its end was cut")
    return sequence


class CheckpointFile:
    """Signed checkpoints of one gateway process, one envelope a line, only ever appended.

    Give every process a file of its own. Earlier lines are kept, so that a log that was
    written anew cannot be covered up by the next checkpoint.
    """

    def __init__(self, path: Path, signer: Signer, every: int = 1000) -> None:
        self._path = path
        self._signer = signer
        self._every = every
        self._last = 0

    def __repr__(self) -> str:
        return f"<CheckpointFile {self._path.name} at {self._last}>"

    def advance(self, head: AuditEntry | None, *, now: bool = False) -> bool:
        """Record ``head`` when it is ``every`` entries further than the last record, or ``now``
        (at shutdown) when it is further at all; True when it was recorded.

        StagingUnavailable when the file cannot be written.
        """
        if head is None or head.sequence - self._last < (1 if now else self._every):
            return False
        checkpoint = Checkpoint(sequence=head.sequence, hash=head.hash, at=head.at)
        line = self._signer.sign(checkpoint.canonical(), CHECKPOINT_TYPE) + "\n"
        try:
            _append(self._path, line.encode())
        except OSError as error:
            raise StagingUnavailable(
                f"{self._path} cannot be written: check folder, owner and space"
            ) from error
        self._last = head.sequence
        return True


def checkpoints(path: Path, public_pem: bytes) -> list[Checkpoint]:
    """All checkpoints of a file; VerificationFailed when one is not genuine or they disagree.

    A last line without its end is what a crash while writing leaves, and is passed over.
    """
    try:
        text = path.read_bytes().decode()
    except (OSError, UnicodeDecodeError) as error:
        raise VerificationFailed(f"{path} cannot be read") from error
    found = []
    for number, line in enumerate(text.split("\n")[:-1], start=1):
        try:
            found.append(Checkpoint.model_validate_json(opened(line, CHECKPOINT_TYPE, public_pem)))
        except (VerificationFailed, ValidationError) as error:
            raise VerificationFailed(
                f"{path} line {number} is not a checkpoint signed by this key"
            ) from error
    return found


def _by_sequence(anchors: Iterable[Checkpoint | AuditPosition]) -> dict[int, str]:
    wanted: dict[int, str] = {}
    for anchor in anchors:
        if wanted.setdefault(anchor.sequence, anchor.hash) != anchor.hash:
            raise _broken(anchor.sequence, "two signed records of it differ: the log was forked")
    wanted.pop(0, None)
    return wanted


def _broken(sequence: int, why: str) -> VerificationFailed:
    return VerificationFailed(f"audit entry {sequence}: {why}", sequence=str(sequence))


def _append(path: Path, line: bytes) -> None:
    created = not path.exists()
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    with os.fdopen(descriptor, "r+b") as file:
        file.truncate(file.read().rfind(b"\n") + 1)  # drops a line that a crash had cut
        file.seek(0, os.SEEK_END)
        file.write(line)
        file.flush()
        os.fsync(file.fileno())
    if created:
        sync_folder(path.parent)
