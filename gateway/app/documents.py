"""``gateway protect`` for documents: identifiers in a text file replaced, with no server."""

import codecs
import tempfile
import threading
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import BinaryIO, Final, Protocol

import pyarrow as pa

from gateway.app.compose import load_hierarchies
from gateway.app.system import SystemClock, SystemEntropy
from gateway.app.texts import LazyFinder, entity_columns
from gateway.config import Text
from gateway.decide.parse import parse_policy
from gateway.decide.trial import as_if_active
from gateway.errors import InvalidRequest
from gateway.model.catalog import Party
from gateway.model.names import RecipientKind, Role
from gateway.model.policy import Policy
from gateway.model.text_specs import TextOperator
from gateway.ports import DomainKeys, Progress, TextFinder
from gateway.release.texts import ProtectedPiece, ProtectingTexts, TextProtection, TextStream
from gateway.store.keyring import FileKeyRing, RingKeys

OWNER: Final = Party(
    name="parties/local-user",
    role=Role.HOLDER,
    kind=RecipientKind.GOVERNMENT,
    display_name="whoever runs the command",
)
_READ_BYTES: Final = 1 << 16
_PROBE: Final = "<A_1>*..\n"
"""What every encoding of texts can write, a sign at a time; names of hosts have no two dots."""


class Writable(Protocol):
    """Where a document goes."""

    def write(self, data: bytes, /) -> object: ...


@cache
def own_finder() -> LazyFinder:
    """What finds identifiers where no gateway's settings say otherwise; once a process, as it takes
    seconds to load."""
    return LazyFinder(Text())


@contextmanager
def local_keys(key_ring: Path | None) -> Iterator[FileKeyRing]:
    """The ring of that file, or one that is made for this run and forgotten."""
    entropy = SystemEntropy()
    with tempfile.TemporaryDirectory(prefix="gateway-keys-") as scratch:
        ring = key_ring or Path(scratch) / "ring.json"
        yield FileKeyRing(ring, entropy) if key_ring else FileKeyRing.create(ring, entropy)


@contextmanager
def document_protection(
    policy_text: str | None,
    *,
    purpose: str | None,
    kind: RecipientKind,
    key_ring: Path | None = None,
    hierarchies: Path | None = None,
) -> Iterator[TextProtection]:
    """How documents are protected: as the policy's rules about columns say, or, without one, every
    find replaced by its entity. Without ``key_ring`` tokens of two runs do not agree."""
    with local_keys(key_ring) as ring:
        protecting = texts_protected(RingKeys(ring), own_finder(), hierarchies)
        if policy_text is None:
            yield protecting.by_default()
        else:
            policy = parse_policy(policy_text)
            chosen = purpose or only_purpose(policy)
            yield protecting.by_policy(OWNER, as_if_active(policy), chosen, kind)


def texts_protected(
    keys: DomainKeys, finder: TextFinder, hierarchies: Path | None
) -> ProtectingTexts:
    """The protection of texts with these keys, as a gateway wires it."""
    loaded = load_hierarchies(hierarchies)
    return ProtectingTexts(
        finder, keys, SystemClock(), entity_columns(), loaded.tables, loaded.digests
    )


def protect_document(
    protection: TextProtection,
    source: BinaryIO,
    target: Writable,
    encoding: str,
    progress: Progress = lambda _: None,
) -> Mapping[str, int]:
    """Read a document, write it protected in the same encoding, and tell how often each entity was
    found in it.

    Piece by piece, so that memory does not grow with it; ``progress`` is told the characters done.
    InvalidRequest for an encoding that is none of documents and for bytes that are not of it,
    ReleaseStopped for a text that cannot be searched: what was written by then is protected, and
    not whole.
    """
    decoder, encoder = _codec(encoding)
    stream, found, done = TextStream(protection), Counter[str](), 0
    for text, more in _decoded(source, decoder, encoding):
        for piece in stream.add([(text, more)]):
            target.write(_encoded(encoder, piece, encoding))
            found.update(piece.found)
        done += len(text)
        progress(done)
    return dict(sorted(found.items()))


def _codec(encoding: str) -> tuple[codecs.IncrementalDecoder, codecs.IncrementalEncoder]:
    """One of each for a whole document, as some begin it with a mark."""
    wrong = InvalidRequest.of("encoding", f"{encoding} is no encoding of texts; try gb18030")
    try:
        # Only a text encoding can do this; hex or zlib cannot.
        "".encode(encoding)
        decoder = codecs.getincrementaldecoder(encoding)("strict")
        encoder = codecs.getincrementalencoder(encoding)("strict")
        # Some are for names of hosts and cannot be written in pieces.
        written = b"".join(encoder.encode(sign, final=sign == "\n") for sign in _PROBE)
        if decoder.decode(written, final=True) != _PROBE:
            raise wrong
    except (LookupError, UnicodeError):
        raise wrong from None
    decoder.reset()
    encoder.reset()
    return decoder, encoder


def _encoded(encoder: codecs.IncrementalEncoder, piece: ProtectedPiece, encoding: str) -> bytes:
    try:
        return encoder.encode(piece.text, final=not piece.more)
    except UnicodeError:
        raise InvalidRequest.of(
            "encoding",
            f"what the policy writes in place of identifiers cannot be written in {encoding}: "
            "convert the document to utf-8 first",
        ) from None


def _decoded(
    source: BinaryIO, decoder: codecs.IncrementalDecoder, encoding: str
) -> Iterator[tuple[str, bool]]:
    before = 0
    while True:
        data = source.read(_READ_BYTES)
        try:
            text = decoder.decode(data, final=not data)
        except UnicodeError as wrong:
            # Without the cause, which holds the bytes. Bytes kept from the piece before count
            # towards the place in this one.
            place = "the document"
            if isinstance(wrong, UnicodeDecodeError):
                at = before - (len(wrong.object) - len(data)) + wrong.start
                place = f"byte {at} of the document"
            raise InvalidRequest.of(
                "encoding",
                f"{place} is not {encoding}: say which it is, such as --encoding gb18030",
            ) from None
        yield text, bool(data)
        if not data:
            return
        before += len(data)


def only_purpose(policy: Policy) -> str:
    """The policy's purpose, where it has exactly one."""
    if len(policy.purposes) != 1:
        raise InvalidRequest.of("purpose", "say which: " + ", ".join(sorted(policy.purposes)))
    return next(iter(policy.purposes))


class CountingFinder:
    """A finder that counts what texts are protected by, by entity; never what it was."""

    def __init__(self, finder: TextFinder) -> None:
        self._finder = finder
        self._lock = threading.Lock()
        self._counts: Counter[str] = Counter()

    @property
    def rules(self) -> str:
        return self._finder.rules

    @property
    def entities(self) -> Sequence[str]:
        return self._finder.entities

    def find(self, texts: pa.Array, entities: Sequence[str] | None = None) -> pa.Array:
        return self._finder.find(texts, entities)

    def write(self, operator: TextOperator, entity: str, lengths: pa.Array) -> pa.Array:
        return self._finder.write(operator, entity, lengths)

    def settled(self, entities: pa.Array) -> None:
        counted = {one["values"]: one["counts"] for one in entities.value_counts().to_pylist()}
        with self._lock:
            self._counts.update(counted)

    def counts(self) -> Mapping[str, int]:
        """How often each entity was found."""
        return dict(sorted(self._counts.items()))
