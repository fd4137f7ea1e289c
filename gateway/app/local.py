"""``gateway protect FILE``: the plan of a release over a local file, with no server and no store."""

import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pyarrow as pa

from gateway.app.compose import classify_columns, load_hierarchies, local_staging
from gateway.app.system import SystemClock, SystemEntropy
from gateway.decide.parse import parse_policy
from gateway.decide.trial import as_if_active
from gateway.errors import InvalidRequest, KeyUnavailable
from gateway.execute.intake import StagedIntake
from gateway.execute.local import LocalExecutor
from gateway.execute.sources import LocalSources
from gateway.model.catalog import Column, CsvSource, ParquetSource, Party, SourceRef
from gateway.model.names import RecipientKind, Role
from gateway.model.policy import Policy
from gateway.ports import Progress
from gateway.release.protecting import Protecting, Protection
from gateway.store.keyring import FileKeyRing, RingKeys

_OWNER = Party(
    name="parties/local-user",
    role=Role.HOLDER,
    kind=RecipientKind.GOVERNMENT,
    display_name="whoever runs the command",
)


@contextmanager
def protect_file(
    file: Path,
    policy_text: str,
    *,
    purpose: str | None,
    kind: RecipientKind,
    declared: Sequence[Column] = (),
    columns: Sequence[str] = (),
    key_ring: Path | None = None,
    hierarchies: Path | None = None,
    csv: CsvSource | None = None,
    progress: Progress = lambda _: None,
) -> Iterator[Protection]:
    """The protection of a Parquet or CSV file; its chunks can be read inside the context.

    Without ``key_ring`` the key is made for this run and forgotten: tokens of two runs do not
    agree. ``purpose`` may be left out where the policy defines exactly one; ``columns`` empty
    means all. Raises InvalidRequest, HolderError or ReleaseStopped; nothing unprotected is ever written.
    """
    policy = parse_policy(policy_text)
    clock, entropy = SystemClock(), SystemEntropy()
    loaded = load_hierarchies(hierarchies)
    with tempfile.TemporaryDirectory(prefix="gateway-protect-") as scratch:
        folder = Path(scratch)
        staging = local_staging(folder / "staging", entropy)
        ring = key_ring or folder / "ring.json"
        keyring = FileKeyRing(ring, entropy) if key_ring else FileKeyRing.create(ring, entropy)
        protecting = Protecting(
            StagedIntake(staging, keyring, entropy),
            LocalExecutor(loaded.tables),
            staging,
            RingKeys(keyring),
            clock,
            entropy,
            classify_columns,
            loaded.digests,
        )
        # The file's own folder is its root: no link leads out of it.
        sources = LocalSources({_OWNER.name: file.resolve().parent}, {}, staging, _no_stream)
        reference = _reference(file, csv)
        with sources.open(_OWNER.name, "datasets/own-records", reference, ()) as source:
            schema = _chosen(source.schema(), columns)
            batches = source.batches(schema.names, (), None)
            yield protecting.protect(
                _OWNER,
                as_if_active(policy),
                purpose or _only_purpose(policy),
                kind,
                declared,
                pa.RecordBatchReader.from_batches(schema, batches),
                progress,
            )


def _no_stream(stream: str) -> bytes:
    raise KeyUnavailable(f"{stream} is of a gateway, and this is none")


def _chosen(schema: pa.Schema, columns: Sequence[str]) -> pa.Schema:
    if missing := [name for name in columns if name not in schema.names]:
        raise InvalidRequest.of("columns", f"the file has no {', '.join(missing)}")
    return pa.schema([schema.field(name) for name in columns]) if columns else schema


def _reference(file: Path, csv: CsvSource | None) -> SourceRef:
    if file.suffix.lower() == ".parquet":
        return ParquetSource(path=file.name)
    if file.suffix.lower() in {".csv", ".tsv", ".txt"}:
        default = CsvSource(path=file.name, delimiter="\t" if file.suffix == ".tsv" else ",")
        return (csv or default).but(path=file.name)
    raise InvalidRequest.of("file", f"{file.name} is neither .parquet nor .csv, .tsv or .txt")


def _only_purpose(policy: Policy) -> str:
    if len(policy.purposes) != 1:
        raise InvalidRequest.of("purpose", "say which: " + ", ".join(sorted(policy.purposes)))
    return next(iter(policy.purposes))
