"""The Protocols between rooms: what the release room needs of the world outside it."""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime
from typing import Literal, Protocol

import pyarrow as pa

from gateway.model.access import Grant
from gateway.model.answers import AnswerRecord
from gateway.model.audit import AuditEntry, AuditEvent
from gateway.model.budgets import Budget, BurnPoint
from gateway.model.catalog import Column, DataSet, Party, SourceRef, SourceVersion
from gateway.model.classification import Classification
from gateway.model.conditions import Condition
from gateway.model.evidence import Coverage
from gateway.model.key_domains import KeyDomain
from gateway.model.keyed_specs import CryptoProfile
from gateway.model.lifecycle import (
    AnswerState,
    BudgetState,
    DataSetState,
    GrantState,
    KeyDomainState,
    PolicyState,
    ReidentificationState,
    ReleaseState,
)
from gateway.model.mechanisms import PrivacyEvent
from gateway.model.plan import Plan
from gateway.model.policy import StoredPolicy
from gateway.model.recoding import StoredRecoding
from gateway.model.reidentification import Reidentification
from gateway.model.release import Figure, Release
from gateway.model.statistics import Answer, StatisticsPlan
from gateway.model.text_specs import TextOperator


class Clock(Protocol):
    """Tells the time; the only way to it outside the composition root."""

    def now(self) -> datetime:
        """The current moment, aware, in UTC."""


class Entropy(Protocol):
    """Unpredictable bytes from the operating system."""

    def bytes(self, count: int) -> bytes:
        """``count`` fresh random bytes."""


# ---- keys and signatures ------------------------------------------------------------------------


class KeyRing(Protocol):
    """Wraps and unwraps keys under a root that never leaves it and never shows in a repr."""

    @property
    def version(self) -> int:
        """The root key version that new keys are wrapped under."""

    def wrap(self, key: bytes, context: str) -> bytes:
        """``key`` encrypted under the root, bound to ``context`` (a release's name)."""

    def unwrap(self, wrapped: bytes, context: str) -> bytes:
        """Inverse of wrap; KeyUnavailable when it is not of this ring or context,
        KeyServiceUnavailable when the root cannot be reached now."""

    def opens(self, wrapped: bytes) -> bool:
        """False when the root key that it was wrapped under was retired since. Never asks a
        service: it is for use inside of a transaction."""


class RootKeys(KeyRing, Protocol):
    """A key ring in the hands of whoever administers it."""

    @property
    def versions(self) -> tuple[int, ...]:
        """Every root key version that there is."""

    def holds(self, wrapped: bytes) -> bool:
        """Whether a key was wrapped by a ring of this kind."""

    def version_of(self, wrapped: bytes) -> int:
        """The root key version that a key was wrapped under."""

    def rewrap(self, wrapped: bytes, context: str) -> bytes:
        """The same key under the newest version."""

    def rotate(self) -> int:
        """Begin another version and use it from now on; returns it."""

    def retire(self, version: int) -> None:
        """Remove a version for good. FailedPrecondition for the one in use."""

    def close(self) -> None:
        """Forget the root keys; the ring cannot be used afterwards."""


class DomainKeys(Protocol):
    """The keys of key domains (model.key_domains), by version.

    A domain's owner is pinned to a version: every result is made under the newest one, at its
    first use the first, and only an officer begins another.
    """

    @property
    def profile(self) -> CryptoProfile:
        """Which ciphers new results are made with."""

    def version(self, domain: str) -> int:
        """The version that new results of this domain are made under; KeyDestroyed when an
        officer had it destroyed and has begun no other."""

    def begin(self, plan: Plan) -> None:
        """Make the secrets that the plan's domains lack."""

    def key(self, domain: str, version: int) -> bytes:
        """32 bytes; KeyDestroyed when that version was shredded, KeyUnavailable when there is
        no such version."""

    def keys(self, plan: Plan) -> Mapping[str, bytes]:
        """The key of each key domain of the plan, in the version that its steps name."""


@dataclass(frozen=True, slots=True, repr=False)
class VaultEntry:
    """A random token: by what its value is found again, and the value, encrypted. Blind repr."""

    lookup: str
    token: str
    sealed: bytes


class DomainVault(Protocol):
    """The random tokens of one key domain in one version."""

    def tokens(self, lookups: Sequence[str], sealed: Sequence[bytes]) -> Sequence[str]:
        """The token of each value, in order; a new one for a value never seen. ``lookups`` are
        distinct, and ``sealed`` the same values encrypted. The same value never gets two, whoever
        asks at the same time. KeyDestroyed when the domain was shredded."""

    def sealed(self, tokens: Sequence[str | None]) -> Sequence[bytes | None]:
        """The encrypted value of each token; None where there is none."""


class TokenVault(Protocol):
    """Keeps random tokens with their values, encrypted under keys that it does not have."""

    def of(self, domain: str, version: int) -> DomainVault:
        """The part of one key domain."""


class Signer(Protocol):
    """Signs statements as DSSE envelopes."""

    @property
    def key_id(self) -> str:
        """Identifies the public key."""

    def sign(self, payload: bytes, payload_type: str) -> str:
        """The DSSE envelope as JSON text."""


# ---- data ---------------------------------------------------------------------------------------

Progress = Callable[[int], None]
"""Called with how much is done so far: rows of a run, cells of a sample. Raises Cancelled to stop
the work."""


SAMPLED_VALUES = 20_000
"""Non-null values that a sample of a column has at most, unless fewer are asked for."""


@dataclass(frozen=True, slots=True, repr=False)
class ColumnSample:
    """Non-null values of a column, spread over the whole source, in the type it is carried in.

    Text that is not UTF-8 is given as bytes. Holds raw values: it is not stored and has no text
    form.
    """

    column: str
    values: pa.Array
    coverage: Coverage


class Source(Protocol):
    """An open source of a registered data set. Use as a context manager."""

    def __enter__(self) -> "Source": ...

    def __exit__(self, *exc: object) -> None: ...

    def schema(self) -> pa.Schema:
        """The schema now, in carried types (model.schema). SourceUnavailable, HolderError."""

    def version(self) -> SourceVersion:
        """Fingerprint, schema digest and rows now; changes whenever the content may have."""

    def batches(
        self, columns: Sequence[str], filters: Sequence[Condition], limit: int | None
    ) -> Iterator[pa.RecordBatch]:
        """Record batches of these columns in this order, in carried types, of the rows that
        satisfy all filters, at most ``limit`` rows, each batch at most 65,536 rows."""

    def sample(
        self,
        columns: Sequence[str],
        progress: Progress = lambda _: None,
        most: int = SAMPLED_VALUES,
    ) -> Iterator[ColumnSample]:
        """A sample of each of these columns, in this order, each drawn on its own: at most ``most``
        non-null values, fewer where they are long or the columns many. The same content gives the
        same samples. ``progress`` is told cells passed, of rows times columns.

        Draws while it is iterated: use it while the source is open, and drop each sample before
        the next."""


class Sources(Protocol):
    """Opens sources. ``holder`` bounds which files and connections may be reached."""

    def open(
        self, holder: str, dataset: str, source: SourceRef, columns: Sequence[Column]
    ) -> Source:
        """An open source; ``columns`` is empty at registration, when the schema is read off."""


@dataclass(frozen=True, slots=True)
class StagedChunk:
    """A piece of the sealed stream: bytes of the Arrow IPC stream, and the rows in it."""

    index: int
    payload: bytes
    rows: int
    last: bool


@dataclass(frozen=True, slots=True)
class StagedStream:
    """What was written: the whole stream's SHA-256, its size and number of chunks."""

    sha256: str
    bytes: int
    chunks: int


class StagingWriter(Protocol):
    """Writes one encrypted stream. Leaving the context without ``finish`` destroys it."""

    def __enter__(self) -> "StagingWriter": ...

    def __exit__(self, *exc: object) -> None: ...

    def write(self, batch: pa.RecordBatch) -> None:
        """Append a batch. StagingUnavailable when the disk is full."""

    def finish(self) -> StagedStream:
        """Make it durable (fsync) and complete; it is still only readable with the key."""


class Staging(Protocol):
    """Encrypted files of releases (and of pushed records), each under its own data key."""

    def create(self, name: str, key: bytes, schema: pa.Schema) -> StagingWriter:
        """A new stream named ``name``; an unfinished one of that name is destroyed first."""

    def chunks(self, name: str, key: bytes, start: int) -> Iterator[StagedChunk]:
        """Authenticated chunks from ``start`` on; their payloads joined from 0 are one Arrow
        IPC stream. StagingCorrupt when anything is not as it was sealed."""

    def destroy(self, name: str) -> None:
        """Remove it; no error when it is not there."""

    def names(self) -> frozenset[str]:
        """All streams present, finished or not."""


@dataclass(frozen=True, slots=True)
class Received:
    """Pushed records that arrived whole and were staged under a key of their own."""

    stream: str
    wrapped_key: bytes
    version: SourceVersion
    samples: tuple[ColumnSample, ...]


class Intake(Protocol):
    """Takes records in that a holder pushes."""

    def receive(self, dataset: DataSet, records: pa.RecordBatchReader) -> Received:
        """Stage all records, each batch checked against the data set's columns. Raises
        RecordsRejected naming row and column, or StagingUnavailable; nothing then remains."""

    def open(self, dataset: DataSet, received: Received) -> Source:
        """The records just received, as a source, before any catalogue knows of them."""

    def opens(self, received: Received) -> bool:
        """As KeyRing.opens, of the key that they are encrypted under."""

    def discard(self, stream: str) -> None:
        """Remove a staged stream that nothing refers to any more."""


@dataclass(frozen=True, slots=True)
class RunResult:
    """What a run produced; the stream is staged and complete, and not yet readable."""

    stream: StagedStream
    content_digest: str
    rows: int
    figures: tuple[Figure, ...]


class TextFinder(Protocol):
    """Finds identifiers in free text, and writes what stands in their place. Thread-safe."""

    @property
    def rules(self) -> str:
        """Which rules and which engine find, with a digest: other rules, another text."""

    @property
    def entities(self) -> Sequence[str]:
        """What it can find."""

    def find(self, texts: pa.Array, entities: Sequence[str] | None = None) -> pa.Array:
        """Lists of structs (entity, start, end, percent) for each text, null for null: characters
        ``start`` up to ``end``, in order, none overlapping. ``entities``: only these. Raises
        InvalidRequest or ReleaseStopped for a text that cannot be searched; none is left out."""

    def write(self, operator: TextOperator, entity: str, lengths: pa.Array) -> pa.Array:
        """What the operator puts in the place of finds of these numbers of characters."""

    def settled(self, entities: pa.Array) -> None:
        """Told the entity of each find that texts are being protected by, once each: a text may be
        searched more than once. For who counts them."""


class RowRecoding(Protocol):
    """Makes of source rows what is published of their quasi-identifiers. Thread-safe."""

    @property
    def columns(self) -> Sequence[str]:
        """The source columns that ``recoded`` looks at."""

    def recoded(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        """The rows that are not left out, order kept, these columns as text. SourceChanged when a
        row is not of the version that the recoding was made for."""


class Executor(Protocol):
    """Runs a plan over a source into staging."""

    def run(
        self,
        plan: Plan,
        source: Source,
        keys: Mapping[str, bytes],
        open_writer: Callable[[pa.Schema], StagingWriter],
        progress: Progress,
        order_key: bytes | None = None,
        recoding: RowRecoding | None = None,
    ) -> RunResult:
        """Read, recode, transform, check and stage. ``keys`` maps each step's key domain to its key;
        ``order_key`` (32 bytes) gives the rows an order of their own, None keeps the source's;
        ``recoding`` is there exactly when the plan anonymises.
        Raises ReleaseStopped, HolderError, StagingUnavailable or Cancelled; then nothing
        staged remains."""


class Statistician(Protocol):
    """Answers a question over open sources, by a plan that is charged already."""

    def answer(self, plan: StatisticsPlan, sources: Sequence[Source]) -> tuple[pa.Table, Answer]:
        """The noisy table with its intervals, and what is known of it; ``sources`` are those of
        the plan's data sets in order, each in the version of the plan.

        Everything in the table, and whether an error is raised, follows from what was accounted
        for: errors tell nothing of the data."""


class Marker(Protocol):
    """Says of the rows of a source which of several conditions they meet."""

    def marked(
        self, source: Source, columns: Sequence[str], filters: Sequence[Sequence[Condition]]
    ) -> Iterator[tuple[pa.RecordBatch, tuple[pa.Array, ...]]]:
        """All rows: these columns, and for each list of conditions which rows meet all of it."""


# ---- the store of records -----------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Page:
    """Which part of a list: at most ``size`` items after the opaque position ``after``."""

    size: int
    after: str | None = None


@dataclass(frozen=True, slots=True)
class Usage:
    """What a recipient has drawn from a data set since a moment; reserved rows count in full."""

    releases: int
    rows: int


@dataclass(frozen=True, slots=True)
class ReversalUsage:
    """Requests for re-identification of a party since a moment, and the tokens of those that
    were neither refused nor left to expire."""

    requests: int
    tokens: int


@dataclass(frozen=True, slots=True)
class Account:
    """How far the ledger of one budget is: charges and how many of them were taken back, the audit
    entry of the newest, and epsilon spent in all, an exact ratio rounded up."""

    charges: int
    refunds: int
    sequence: int
    spent: str


class Transaction(Protocol):
    """One unit of work: all of it is committed with its audit entries, or none of it."""

    # Parties.
    def put_party(self, party: Party) -> None: ...
    def party(self, name: str) -> Party | None: ...
    def party_by_subject(self, subject: str) -> Party | None: ...
    def parties(self, page: Page) -> list[Party]: ...

    # Data sets. ``text`` searches name, title, description, keywords and columns.
    def put_dataset(self, dataset: DataSet, *, expected_revision: int | None) -> None:
        """Insert (expected None; AlreadyExists) or replace that revision (Conflict)."""

    def dataset(self, name: str) -> DataSet | None: ...
    def datasets(
        self,
        page: Page,
        *,
        text: str = "",
        holder: str | None = None,
        state: DataSetState | None = None,
    ) -> list[DataSet]: ...

    def judged_otherwise(self, rules: str) -> list[str]:
        """Names of data sets in use whose verdicts were made under other rules."""

    def lapsed(self, now: datetime) -> list[str]:
        """Names of data sets with a declaration that no longer holds."""

    # Classification: the newest of each data set.
    def put_classification(self, classification: Classification) -> None: ...
    def classification(self, dataset: str) -> Classification | None: ...
    def classifications(self, datasets: Collection[str]) -> dict[str, Classification]: ...
    def unclassified(self, now: datetime) -> list[str]:
        """Data sets whose classification waits, or runs under a lease that has lapsed."""

    def classified_before(self, moment: datetime) -> list[str]:
        """Data sets whose classification ended before then, longest ago first."""

    # Policies: versions are append-only; only state, activation and approver ever change.
    def add_policy(self, policy: StoredPolicy) -> None: ...
    def set_policy_state(self, policy: StoredPolicy) -> None: ...
    def policy(self, name: str, version: int | None = None) -> StoredPolicy | None: ...
    def policies(self, page: Page, *, state: PolicyState | None = None) -> list[StoredPolicy]: ...

    # Grants.
    def put_grant(self, grant: Grant, *, expected_revision: int | None) -> None: ...
    def grant(self, name: str) -> Grant | None: ...
    def grants(
        self,
        page: Page,
        *,
        consumer: str | None = None,
        dataset: str | None = None,
        holder: str | None = None,
        state: GrantState | None = None,
        affected: bool = False,
    ) -> list[Grant]: ...

    # Releases.
    def put_release(self, release: Release) -> None:
        """Insert, or replace the record of that name."""

    def release(self, name: str, *, lock: bool = False) -> Release | None: ...
    def releases(
        self,
        page: Page,
        *,
        consumer: str | None = None,
        dataset: str | None = None,
        holder: str | None = None,
        state: ReleaseState | None = None,
    ) -> list[Release]: ...
    def unfinished(self, now: datetime) -> list[str]:
        """Names of OPENED or RUNNING releases whose lease is absent or has lapsed."""

    def lease(self, resource: str, owner: str, now: datetime, until: datetime) -> bool:
        """Take or prolong the right to work on it; False while another process holds it."""

    # Idempotency: one row per (party, method, request_id).
    def remember(
        self, party: str, method: str, request_id: str, digest: str, resource: str
    ) -> None: ...
    def remembered(self, party: str, method: str, request_id: str) -> tuple[str, str] | None:
        """(digest of the request, resource it made), None when new."""

    # Charges: one row per release, in the same transaction as the state change.
    def charge(
        self, release: str, consumer: str, dataset: str, rows: int, at: datetime
    ) -> None: ...
    def settle(self, release: str, rows: int) -> None:
        """Lower the reserved rows to those really released; never raises them."""

    def usage(self, consumer: str, dataset: str, since: datetime) -> Usage: ...

    # Data keys, wrapped. Deleting one is what recalls or expires a release.
    def put_key(self, resource: str, wrapped: bytes) -> None: ...
    def key(self, resource: str) -> bytes | None: ...
    def destroy_key(self, resource: str) -> None: ...
    def wrapped_keys(self, after: str, limit: int) -> list[tuple[str, bytes]]:
        """(resource, wrapped key) in the order of resources, those after ``after``."""

    def rewrap_key(self, resource: str, before: bytes, after: bytes) -> bool:
        """Replace the wrapped key, unless it is not ``before`` any more; whether it was."""

    # Key domains. Their secrets are data keys, of the resource ``KeyDomain.secret(version)``.
    def put_key_domain(self, domain: KeyDomain, *, expected_revision: int | None) -> None:
        """Insert (expected None; AlreadyExists) or replace that revision (Conflict)."""

    def key_domain(self, name: str) -> KeyDomain | None: ...
    def key_domains(
        self, page: Page, *, state: KeyDomainState | None = None
    ) -> list[KeyDomain]: ...

    # Recodings of data set versions; they lie in staging, under data keys of their streams' names.
    def add_recoding(self, recoding: StoredRecoding) -> bool:
        """Insert the next of its version; False when it is not the next. None is ever replaced."""

    def add_recoding_goal(
        self, dataset: str, fingerprint: str, generation: int, goal: str
    ) -> StoredRecoding:
        """Say that a recoding reaches one more goal."""

    def recodings(self, dataset: str, fingerprint: str) -> list[StoredRecoding]:
        """Those of a version, the finest first."""

    def newest_recoding(self, dataset: str) -> StoredRecoding | None:
        """The first of the version that was recoded last."""

    # Re-identification: requests, and keyed digests of the tokens and persons they were about.
    def put_reidentification(
        self, reidentification: Reidentification, *, expected_revision: int | None
    ) -> None: ...
    def reidentification(self, name: str) -> Reidentification | None: ...
    def reidentifications(
        self,
        page: Page,
        *,
        involved: str | None = None,
        state: ReidentificationState | None = None,
        digest: str | None = None,
    ) -> list[Reidentification]:
        """``involved``: who asked, or who holds the data set now."""

    def reversal_usage(self, requester: str, since: datetime) -> ReversalUsage: ...
    def reversal_searches(self, party: str, since: datetime) -> int: ...
    def add_reversal_search(self, party: str, at: datetime) -> None: ...
    def add_reversal_digests(
        self, reidentification: str, subject: Literal["token", "person"], digests: Collection[str]
    ) -> None: ...

    def is_about(self, reidentification: str, digests: Collection[str]) -> bool: ...

    # The vault of random tokens, by the resource of the secret that they belong to.
    def tokens_of(self, secret: str, lookups: Sequence[str]) -> dict[str, str]: ...
    def sealed_of_tokens(self, secret: str, tokens: Sequence[str]) -> dict[str, bytes]: ...
    def add_tokens(self, secret: str, entries: Sequence[VaultEntry]) -> None: ...
    def destroy_tokens(self, secret: str) -> None: ...

    # Answers to statistical questions.
    def put_answer(self, answer: AnswerRecord) -> None:
        """Insert, or replace the record of that name."""

    def answer(self, name: str, *, lock: bool = False) -> AnswerRecord | None: ...
    def answers(
        self,
        page: Page,
        *,
        consumer: str | None = None,
        dataset: str | None = None,
        holder: str | None = None,
        state: AnswerState | None = None,
    ) -> list[AnswerRecord]: ...
    def answered(self, same: str) -> AnswerRecord | None:
        """The newest sealed answer to the same question."""

    # Budgets of privacy loss, and the ledger of what was spent of each: it only grows, but for
    # charges that are taken back, once, because nothing had been read.
    def put_budget(self, budget: Budget, *, expected_revision: int | None) -> None:
        """Insert (expected None; AlreadyExists) or replace that revision (Conflict)."""

    def budget(self, name: str) -> Budget | None: ...
    def budgets(
        self,
        page: Page,
        *,
        dataset: str | None = None,
        recipient: str | None = None,
        holder: str | None = None,
        project: str | None = None,
        state: BudgetState | None = None,
    ) -> list[Budget]: ...
    def account(self, budget: str) -> Account: ...
    def losses(self, budget: str) -> list[PrivacyEvent]:
        """All events charged and not taken back, each kind once with its count."""

    def losses_after(self, budget: str, sequence: int) -> list[PrivacyEvent]:
        """The events of charges after that audit entry."""

    def charge_loss(
        self,
        budget: str,
        answer: str,
        events: Sequence[PrivacyEvent],
        sequence: int,
        spent: str,
        at: datetime,
    ) -> None: ...
    def refund_loss(self, budget: str, answer: str) -> None: ...
    def restate(self, budget: str, spent: str) -> None:
        """Say what is spent in all at another delta."""

    def burn_down(self, budget: str, points: int) -> list[BurnPoint]: ...

    # Audit: append-only, chained.
    def audit(self, event: AuditEvent, at: datetime) -> AuditEntry: ...
    def audit_entries(self, after: int, limit: int) -> list[AuditEntry]: ...
    def audit_head(self) -> AuditEntry | None: ...


class Store(Protocol):
    """Remembers. Raises StoreUnavailable when the database does not answer."""

    def read(self) -> AbstractContextManager[Transaction]:
        """A consistent view; writes through it are errors."""

    def write(self) -> AbstractContextManager[Transaction]:
        """Commits on normal exit, rolls back on an exception. Writers are serialised with
        respect to the audit chain, charges and leases, across processes."""

    def close(self) -> None: ...
