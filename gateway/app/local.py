"""``gateway protect FILE``: the plan of a release over a local file, with no server and no store."""

import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import count
from pathlib import Path

import pyarrow as pa

from gateway.app.compose import classify_columns, load_hierarchies, local_staging
from gateway.app.documents import (
    OWNER,
    CountingFinder,
    local_keys,
    only_purpose,
    own_finder,
    texts_protected,
)
from gateway.app.system import SystemClock, SystemEntropy
from gateway.decide.parse import parse_policy
from gateway.decide.trial import as_if_active
from gateway.errors import InvalidRequest, KeyUnavailable
from gateway.execute.intake import StagedIntake
from gateway.execute.local import LocalExecutor
from gateway.execute.sources import LocalSources
from gateway.model.catalog import Column, CsvSource, ParquetSource, SourceRef
from gateway.model.grades import Grade
from gateway.model.names import ColumnRole, RecipientKind
from gateway.model.policy import Match, Policy, Rule
from gateway.model.text_specs import RedactText
from gateway.ports import Progress
from gateway.release.protecting import Protecting, Protection
from gateway.store.keyring import RingKeys


@contextmanager
def protect_file(
    file: Path,
    policy_text: str,
    *,
    purpose: str | None,
    kind: RecipientKind,
    declared: Sequence[Column] = (),
    columns: Sequence[str] = (),
    text_columns: Sequence[str] = (),
    counting: CountingFinder | None = None,
    key_ring: Path | None = None,
    hierarchies: Path | None = None,
    csv: CsvSource | None = None,
    progress: Progress = lambda _: None,
) -> Iterator[Protection]:
    """The protection of a Parquet or CSV file; its chunks can be read inside the context.

    Without ``key_ring`` the key is made for this run and forgotten: tokens of two runs do not
    agree. ``purpose`` may be left out where the policy defines exactly one; ``columns`` empty
    means all, as does the one word ``all`` where no column has that name. In ``text_columns``, which are then declared to be free text, the identifiers become
    what the policy's rules about columns say of their entities; other rules that match such a
    column hold beside that, the strictest wins. ``counting`` is what finds in free text. Raises InvalidRequest, HolderError or ReleaseStopped; nothing unprotected is ever written.
    """
    policy = parse_policy(policy_text)
    purpose = purpose or only_purpose(policy)
    clock, entropy = SystemClock(), SystemEntropy()
    loaded = load_hierarchies(hierarchies)
    finder = counting or CountingFinder(own_finder())
    with (
        tempfile.TemporaryDirectory(prefix="gateway-protect-") as scratch,
        local_keys(key_ring) as keyring,
    ):
        staging = local_staging(Path(scratch) / "staging", entropy)
        if text_columns:
            texts = texts_protected(RingKeys(keyring), finder, hierarchies)
            spec = texts.spec(OWNER, as_if_active(policy), purpose, kind)
            policy = _with_texts(policy, text_columns, spec)
            declared = [*declared, *_as_texts(text_columns, declared)]
        protecting = Protecting(
            StagedIntake(staging, keyring, entropy),
            LocalExecutor(loaded.tables, finder=finder),
            staging,
            RingKeys(keyring),
            clock,
            entropy,
            classify_columns,
            loaded.digests,
            finder.rules,
        )
        # The file's own folder is its root: no link leads out of it.
        sources = LocalSources({OWNER.name: file.resolve().parent}, {}, staging, _no_stream)
        reference = _reference(file, csv)
        with sources.open(OWNER.name, "datasets/own-records", reference, ()) as source:
            schema = _chosen(source.schema(), columns)
            if absent := [name for name in text_columns if name not in schema.names]:
                raise InvalidRequest.of(
                    "text-columns", f"{', '.join(absent)}: not among the columns that are kept"
                )
            batches = source.batches(schema.names, (), None)
            yield protecting.protect(
                OWNER,
                as_if_active(policy),
                purpose,
                kind,
                declared,
                pa.RecordBatchReader.from_batches(schema, batches),
                progress,
            )


def _no_stream(stream: str) -> bytes:
    raise KeyUnavailable(f"{stream} is of a gateway, and this is none")


def _chosen(schema: pa.Schema, columns: Sequence[str]) -> pa.Schema:
    if list(columns) == ["all"] and "all" not in schema.names:
        return schema
    if missing := [name for name in columns if name not in schema.names]:
        raise InvalidRequest.of("columns", f"the file has no {', '.join(missing)}")
    return pa.schema([schema.field(name) for name in columns]) if columns else schema


def _reference(file: Path, csv: CsvSource | None) -> SourceRef:
    if file.suffix.lower() == ".parquet":
        return ParquetSource(path=file.name)
    if file.suffix.lower() in {".csv", ".tsv"}:
        default = CsvSource(path=file.name, delimiter="\t" if file.suffix == ".tsv" else ",")
        return (csv or default).but(path=file.name)
    raise InvalidRequest.of("file", f"{file.name} is neither .parquet nor .csv or .tsv")


def _as_texts(names: Sequence[str], declared: Sequence[Column]) -> list[Column]:
    """Free text as whoever runs the command declares it: no entity, as grave as it may be."""
    described = {column.name for column in declared if column.has_verdict}
    return [
        Column(name=name, type="", entity="NONE", grade=Grade.GENERAL_4, role=ColumnRole.SENSITIVE)
        for name in names
        if name not in described
    ]


def _with_texts(policy: Policy, names: Sequence[str], spec: RedactText) -> Policy:
    taken = {rule.name for rule in policy.rules}
    free = next(name for n in count(1) if (name := f"text-columns-{n}") not in taken)
    rule = Rule(name=free, match=Match(column=tuple(names)), transform=spec)
    return policy.but(rules=(*policy.rules, rule))
