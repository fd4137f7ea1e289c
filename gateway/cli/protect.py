"""``gateway protect``: protect a file of one's own by a policy, without a server."""

from pathlib import Path
from typing import Annotated, Any

import typer

from gateway.app.local import protect_file
from gateway.cli.description import pairs, read_description, read_source
from gateway.cli.exits import EXIT_DENIED
from gateway.cli.options import Json, listed
from gateway.cli.output import json_or, progress, say, show_json, show_table
from gateway.cli.policy_files import read_text
from gateway.client.saving import save_stream
from gateway.errors import AlreadyExists, InvalidRequest
from gateway.model.catalog import CsvSource
from gateway.model.decision import Decision
from gateway.model.names import RecipientKind
from gateway.release.protecting import Protection

app = typer.Typer()


@app.command()
def protect(
    file: Annotated[Path, typer.Argument(help="Parquet or CSV file.")],
    policy: Annotated[Path, typer.Option(help="Policy in YAML.")],
    output: Annotated[
        Path, typer.Option("--output", "-o", help="File to write: .arrows, .parquet or .csv.")
    ],
    columns: Annotated[
        str, typer.Option(help="Names of the columns to protect and keep, with commas; or all.")
    ] = "",
    purpose: Annotated[
        str | None, typer.Option(help="One of the policy's; may be left out when it has one.")
    ] = None,
    recipient_kind: Annotated[
        RecipientKind, typer.Option(help="For whom the result is.")
    ] = RecipientKind.RESEARCH,
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
    delimiter: Annotated[str, typer.Option(help="Of a CSV file.")] = ",",
    encoding: Annotated[str, typer.Option(help="Of a CSV file, such as gb18030.")] = "utf-8",
    type_: Annotated[
        list[str] | None, typer.Option("--type", help="Of a CSV column, such as card=string.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Run the plan of a release over a local file: classify, decide, protect, check, write.

    Ends with 3 when the policy does not permit it; then nothing is written.
    """
    if output.exists():
        raise AlreadyExists(f"{output} exists; nothing is overwritten")
    if not file.is_file():
        raise InvalidRequest.of("file", f"{file} does not exist")
    declared = read_description(describe)[1] if describe else ()
    source = read_source(
        file.name, delimiter=delimiter, encoding=encoding, types=pairs(type_, "type")
    )
    with (
        progress("protecting") as tell,
        protect_file(
            file,
            read_text(policy),
            purpose=purpose,
            kind=recipient_kind,
            declared=declared,
            columns=listed(columns),
            key_ring=key_ring,
            hierarchies=hierarchies,
            csv=source if isinstance(source, CsvSource) else None,
            progress=tell,
        ) as protection,
    ):
        if not protection.decision.permitted:
            _tell_denied(protection.decision, as_json=as_json)
            raise typer.Exit(EXIT_DENIED)
        save_stream((chunk.payload for chunk in protection.chunks), output)
    json_or(as_json, _plain(protection), _show)
    say(f"wrote {output}: {protection.rows:,} rows")


def _tell_denied(decision: Decision, *, as_json: bool) -> None:
    if as_json:
        show_json({"decision": decision.model_dump(mode="json")})
        return
    show_table(
        ["reason", "why", "rule", "column"],
        [[r.code, r.text, r.rule, r.column] for r in decision.reasons],
        title="denied: nothing was written",
    )


def _plain(protection: Protection) -> dict[str, Any]:
    return {
        "decision": protection.decision.model_dump(mode="json"),
        "plan": None if protection.plan is None else protection.plan.model_dump(mode="json"),
        "rows": protection.rows,
        "figures": [figure.model_dump(mode="json") for figure in protection.figures],
    }


def _show(result: dict[str, Any]) -> None:
    show_table(
        ["column", "published as", "transform"],
        [
            [s["column"], s["published"], _transform(s["transform"])]
            for s in result["plan"]["steps"]
        ],
    )
    for figure in result["figures"]:
        say(f"check {figure['check']}: {figure['name']} {figure['value']}")


def _transform(spec: dict[str, Any]) -> str:
    told = ", ".join(f"{k}={v}" for k, v in spec.items() if k != "kind" and v not in (None, [], {}))
    return f"{spec['kind']}({told})" if told else spec["kind"]
