"""``gateway protect``: protect a file of one's own by a policy, without a server."""

import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any, BinaryIO, Final

import typer

from gateway.app.documents import (
    CountingFinder,
    Writable,
    document_protection,
    own_finder,
    protect_document,
)
from gateway.app.local import protect_file
from gateway.cli.description import pairs, read_description, read_source
from gateway.cli.exits import EXIT_DENIED
from gateway.cli.options import Json, listed
from gateway.cli.output import json_or, progress, say, show_json, show_table
from gateway.cli.policy_files import read_text
from gateway.cli.transforms import transform_told
from gateway.client.saving import save_stream, whole_file
from gateway.errors import AlreadyExists, InvalidRequest
from gateway.model.catalog import CsvSource
from gateway.model.decision import Decision
from gateway.model.names import RecipientKind
from gateway.model.text_specs import RedactText
from gateway.release.protecting import Protection

app = typer.Typer()

_STANDARD: Final = Path("-")
_DOCUMENTS: Final = (".txt", ".md")
_TABLES: Final = (".parquet", ".csv", ".tsv")


@app.command()
def protect(
    file: Annotated[
        Path,
        typer.Argument(help="Table (.parquet, .csv, .tsv), document (.txt, .md), or - for a text."),
    ],
    policy: Annotated[
        Path | None,
        typer.Option(
            help="Policy in YAML. A document without one gets <ENTITY> for whatever is found."
        ),
    ] = None,
    output: Annotated[
        Path | None,
        typer.Option(
            "--output",
            "-o",
            help="File to write: .arrows, .parquet or .csv for a table; a document goes to "
            "standard output unless told.",
        ),
    ] = None,
    columns: Annotated[
        str,
        typer.Option(
            help="Names of the columns to protect and keep, with commas; all unless told."
        ),
    ] = "",
    text_columns: Annotated[
        str,
        typer.Option(
            help="Columns of free text: what is found in them becomes what the policy "
            "says of columns of its entity."
        ),
    ] = "",
    purpose: Annotated[
        str | None, typer.Option(help="One of the policy's; may be left out when it has one.")
    ] = None,
    recipient_kind: Annotated[
        RecipientKind | None, typer.Option(help="For whom the result is; research unless told.")
    ] = None,
    describe: Annotated[
        Path | None, typer.Option(help="YAML with columns: what is known of some of them.")
    ] = None,
    key_ring: Annotated[
        Path | None,
        typer.Option(help="Key ring for tokens that agree between runs; without, a key for once."),
    ] = None,
    hierarchies: Annotated[
        Path | None, typer.Option(help="Folder of NAME.csv files for generalisation.")
    ] = None,
    delimiter: Annotated[str | None, typer.Option(help="Of a CSV file.")] = None,
    encoding: Annotated[
        str, typer.Option(help="Of a CSV file or a document, such as gb18030.")
    ] = "utf-8",
    type_: Annotated[
        list[str] | None, typer.Option("--type", help="Of a CSV column, such as card=string.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Run the plan of a release over a table, or replace the identifiers in a document.

    Of free text it is told how often each entity was found, and never what. Ends with 3 when the
    policy does not permit it; then nothing is written.
    """
    if output is not None and output.exists():
        raise AlreadyExists(f"{output} exists; nothing is overwritten")
    if file != _STANDARD and not file.is_file():
        fault = "is a folder: name a file in it" if file.is_dir() else "does not exist"
        raise InvalidRequest.of("file", f"{file} {fault}")
    kind = recipient_kind or RecipientKind.RESEARCH
    suffix = file.suffix.lower()
    if file == _STANDARD or suffix in _DOCUMENTS:
        given = {
            "--columns": columns, "--text-columns": text_columns, "--describe": describe,
            "--delimiter": delimiter, "--type": type_,
        }  # fmt: skip
        if tables := [name for name, value in given.items() if value]:
            raise InvalidRequest.of(
                ", ".join(tables), "for a table only: one that is text ends in .csv"
            )
        ruled = {
            "--purpose": purpose, "--recipient-kind": recipient_kind, "--key-ring": key_ring,
            "--hierarchies": hierarchies,
        }  # fmt: skip
        if policy is None and (idle := [name for name, value in ruled.items() if value]):
            raise InvalidRequest.of(", ".join(idle), "only with --policy")
        with (
            progress("protecting") as tell,
            document_protection(
                None if policy is None else read_text(policy),
                purpose=purpose,
                kind=kind,
                key_ring=key_ring,
                hierarchies=hierarchies,
            ) as protection,
            _read(file) as source,
            _written(output, as_json=as_json) as target,
        ):
            found = protect_document(protection, source, target, encoding, tell)
        told = {"found": found, "transform": protection.spec.model_dump(mode="json")}
        if output is None:
            say(_counts(found))
        else:
            json_or(as_json, told, lambda _: say(_counts(found)))
            say(f"wrote {output}")
        return
    if suffix not in _TABLES:
        known = ", ".join((*_TABLES, *_DOCUMENTS))
        raise InvalidRequest.of("file", f"{file.name}: known are {known}, and - for a text")
    if policy is None or output is None:
        missing = "--policy" if policy is None else "--output"
        raise InvalidRequest.of(missing, "required for a table")
    declared = read_description(describe)[1] if describe else ()
    source_ref = read_source(
        file.name, delimiter=delimiter or ",", encoding=encoding, types=pairs(type_, "type")
    )
    counting = CountingFinder(own_finder())
    with (
        progress("protecting") as tell,
        protect_file(
            file,
            read_text(policy),
            purpose=purpose,
            kind=kind,
            declared=declared,
            columns=listed(columns),
            text_columns=listed(text_columns),
            counting=counting,
            key_ring=key_ring,
            hierarchies=hierarchies,
            csv=source_ref if isinstance(source_ref, CsvSource) else None,
            progress=tell,
        ) as protection_of_table,
    ):
        if not protection_of_table.decision.permitted:
            _tell_denied(protection_of_table.decision, as_json=as_json)
            raise typer.Exit(EXIT_DENIED)
        save_stream((chunk.payload for chunk in protection_of_table.chunks), output)
    json_or(as_json, _plain(protection_of_table, counting), _show)
    say(f"wrote {output}: {protection_of_table.rows:,} rows")


@contextmanager
def _read(file: Path) -> Iterator[BinaryIO]:
    if file == _STANDARD:
        yield sys.stdin.buffer
        return
    with file.open("rb") as opened:
        yield opened


@contextmanager
def _written(output: Path | None, *, as_json: bool) -> Iterator[Writable]:
    if output is None:
        if as_json:
            raise InvalidRequest.of("--json", "with -o FILE, as the document goes to the output")
        begun = _Begun(sys.stdout.buffer)
        try:
            yield begun
            sys.stdout.buffer.flush()
        except BrokenPipeError:
            raise
        except BaseException:
            # What was written cannot be taken back, and looks like a whole document.
            if begun.written:
                say(
                    "the output is INCOMPLETE: it is protected and ends before the document does. "
                    "Do not use it; with -o FILE there is a whole file or none"
                )
            raise
        return
    with whole_file(output) as opened:
        yield opened


class _Begun:
    """An output, and whether anything went to it."""

    def __init__(self, output: BinaryIO) -> None:
        self._output = output
        self.written = False

    def write(self, data: bytes) -> int:
        self.written = self.written or bool(data)
        return self._output.write(data)


def _counts(found: Mapping[str, int]) -> str:
    told = ", ".join(f"{entity} {count:,}" for entity, count in found.items())
    return f"found in free text: {told or 'nothing'}"


def _tell_denied(decision: Decision, *, as_json: bool) -> None:
    if as_json:
        show_json({"decision": decision.model_dump(mode="json")})
        return
    show_table(
        ["reason", "why", "rule", "column"],
        [[r.code, r.text, r.rule, r.column] for r in decision.reasons],
        title="denied: nothing was written",
    )


def _plain(protection: Protection, counting: CountingFinder) -> dict[str, Any]:
    plan = protection.plan
    specs = [step.transform for step in plan.steps] if plan else []
    texts = any(isinstance(spec, RedactText) for spec in specs)
    return {
        "found": counting.counts() if texts else None,
        "decision": protection.decision.model_dump(mode="json"),
        "plan": None if protection.plan is None else protection.plan.model_dump(mode="json"),
        "rows": protection.rows,
        "figures": [figure.model_dump(mode="json") for figure in protection.figures],
    }


def _show(result: dict[str, Any]) -> None:
    show_table(
        ["column", "published as", "transform"],
        [
            [s["column"], s["published"], transform_told(s["transform"])]
            for s in result["plan"]["steps"]
        ],
    )
    if result["found"] is not None:
        say(_counts(result["found"]))
    for figure in result["figures"]:
        say(f"check {figure['check']}: {figure['name']} {figure['value']}")
