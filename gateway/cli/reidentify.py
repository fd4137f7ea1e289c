"""``gateway reidentify``: tokens taken back for a legal reason, when two officers agree.

Tokens, and values of persons, come from files or standard input: what stands on a command line is
seen by other users of the machine and kept by shells.
"""

import os
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated, Any

import typer
from pyarrow import csv

from gateway.cli.options import As, Json, Names, ProfileFile, Reason
from gateway.cli.output import hint, json_or, say, show_fields, show_names, show_table, when
from gateway.cli.session import connected
from gateway.client import answer_key, plain
from gateway.errors import InvalidRequest

app = typer.Typer(no_args_is_help=True)

Name = Annotated[str, typer.Argument(help="Name of the request, such as i-1a2b3c….")]
TokensFile = Annotated[
    Path, typer.Option("--tokens", help="File with one token a line; - for standard input.")
]
Entity = Annotated[
    str,
    typer.Option(help="Of free text: what the tokens stand for, such as CN_RESIDENT_ID."),
]
KeyFile = Annotated[
    Path,
    typer.Option("--key", help="Your X25519 private key in PEM; made, mode 0600, if not there."),
]


@app.command("request")
def request_(
    release: Annotated[str, typer.Argument(help="Release that the tokens are from.")],
    column: Annotated[str, typer.Argument(help="Its column, as published.")],
    tokens: TokensFile,
    basis: Annotated[
        str,
        typer.Option(
            help="consent, contract, statutory_duty, emergency, public_interest or other_law."
        ),
    ],
    reason: Annotated[str, typer.Option(help="Why, with the law. Kept: no name, token or value.")],
    case: Annotated[str, typer.Option(help="Number of your case.")],
    key: KeyFile,
    entity: Entity = "",
    name: As = None,
    profile: ProfileFile = None,
    as_json: Json = False,
) -> None:
    """Ask for tokens to be taken back. Keep the tokens' file and the key for the answer."""
    listed = _lines(tokens)
    with connected(name, profile) as client:
        asked = plain(
            client.request_reidentification(
                release,
                column,
                listed,
                basis=basis,
                reason=reason,
                case_number=case,
                key=answer_key(key),
                entity=entity,
            )
        )
    json_or(as_json, _told(asked), _show)
    short = asked["name"].removeprefix("reidentifications/")
    hint(f"as two different officers: gateway reidentify approve {short} --reason WHY")


@app.command("list")
def list_(
    state: Annotated[
        str | None, typer.Option(help="requested, approved, answered, refused or expired.")
    ] = None,
    name: As = None,
    profile: ProfileFile = None,
    names: Names = False,
    as_json: Json = False,
) -> None:
    """List requests, newest first."""
    with connected(name, profile) as client:
        found = [_told(plain(asked)) for asked in client.reidentifications(state)]
    json_or(as_json, found, show_names if names else _show_list)


@app.command()
def show(
    request: Name, name: As = None, profile: ProfileFile = None, as_json: Json = False
) -> None:
    """Show a request with all that became of it."""
    with connected(name, profile) as client:
        json_or(as_json, _told(plain(client.reidentification(request))), _show)


@app.command()
def approve(
    request: Name,
    reason: Reason,
    name: As = None,
    profile: ProfileFile = None,
    as_json: Json = False,
) -> None:
    """Approve a request, as an officer; a second officer must as well."""
    with connected(name, profile) as client:
        asked = _told(plain(client.approve_reidentification(request, reason)))
    json_or(as_json, asked, _show)


@app.command()
def refuse(
    request: Name,
    reason: Reason,
    name: As = None,
    profile: ProfileFile = None,
    as_json: Json = False,
) -> None:
    """Refuse a request, as an officer."""
    with connected(name, profile) as client:
        asked = _told(plain(client.refuse_reidentification(request, reason)))
    json_or(as_json, asked, _show)


@app.command()
def answer(
    request: Name,
    tokens: TokensFile,
    key: KeyFile,
    output: Annotated[
        Path, typer.Option("-o", "--output", help="CSV file for the values, made with mode 0600.")
    ],
    name: As = None,
    profile: ProfileFile = None,
) -> None:
    """Fetch the answer to your approved request, and decrypt it. It is given once."""
    if output.exists():
        raise InvalidRequest.of("output", f"{output} exists already and is not overwritten")
    if not key.is_file():
        raise InvalidRequest.of("key", f"{key} does not exist: it is the one you asked with")
    listed = _lines(tokens)
    # Made before the one answer is asked for, so that it has a place to go.
    with os.fdopen(os.open(output, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        try:
            with connected(name, profile) as client:
                table = client.answer_reidentification(request, listed, answer_key(key))
        except BaseException:
            output.unlink()
            raise
        csv.write_csv(table, file)
    missing = table.column("value").null_count
    say(f"{len(listed) - missing} values in {output}")
    if missing:
        say(f"{missing} without a value: not a token of this domain")
    hint(f"tell the persons concerned, then: gateway reidentify notice {request} --reason HOW")


@app.command()
def notice(
    request: Name,
    reason: Annotated[
        str,
        typer.Option(help="How they were told; or why it waits. Kept: no name, token or value."),
    ],
    defer_days: Annotated[
        int | None,
        typer.Option(min=1, max=366, help="It waits, for so many days; only officers say so."),
    ] = None,
    mistaken: Annotated[
        bool,
        typer.Option(
            "--mistaken", help="It was recorded as given and is due; only officers say so."
        ),
    ] = False,
    name: As = None,
    profile: ProfileFile = None,
    as_json: Json = False,
) -> None:
    """Record that the persons concerned were told, or that it waits."""
    if mistaken and defer_days is not None:
        raise InvalidRequest.of(
            "mistaken", "goes without --defer-days: what is due can be deferred"
        )
    until = None if defer_days is None else datetime.now(UTC) + timedelta(days=defer_days)
    with connected(name, profile) as client:
        asked = _told(plain(client.record_notice(request, reason, until=until, mistaken=mistaken)))
    json_or(as_json, asked, _show)


@app.command()
def find(
    column: Annotated[str, typer.Argument(help="Column, as published, such as resident_id.")],
    given: Annotated[
        Path, typer.Argument(help="File with the value, or the token, alone; - for standard input.")
    ],
    release: Annotated[
        str | None, typer.Option(help="The file holds a token of this release, not a value.")
    ] = None,
    entity: Entity = "",
    name: As = None,
    profile: ProfileFile = None,
    names: Names = False,
    as_json: Json = False,
) -> None:
    """Find requests by whose answer a person's value left, or that named a token."""
    lines = _lines(given)
    if len(lines) != 1:
        raise InvalidRequest.of("file", "holds one value, or one token, and nothing else")
    with connected(name, profile) as client:
        if release is None:
            found = client.reidentifications_of_person(column, lines[0])
        else:
            found = client.reidentifications_of_token(release, column, lines[0], entity=entity)
        listed = [_told(plain(asked)) for asked in found]
    json_or(as_json, listed, show_names if names else _show_list)


def _lines(file: Path) -> list[str]:
    try:
        text = sys.stdin.read() if str(file) == "-" else file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        raise InvalidRequest.of("file", f"{file} cannot be read as text in UTF-8") from None
    return [line for line in text.splitlines() if line]


def _told(asked: dict[str, Any]) -> dict[str, Any]:
    # Bytes have no place in JSON.
    case = {**asked["case"], "recipient_key": asked["case"]["recipient_key"].hex()}
    return {**asked, "case": case}


def _show(asked: dict[str, Any]) -> None:
    case = asked["case"]
    shown = {
        "state": asked["state"],
        "requester": asked["requester"],
        "release": case["release"],
        "column": case["column"],
        "entity": case["entity"],
        "data set": asked["dataset"],
        "basis": case["basis"],
        "reason": case["reason"],
        "case": case["case_number"],
        "tokens": asked["tokens"],
        "taken back": asked["reversed"],
        "notice": asked["notice"],
        "answer's key": case["recipient_key"],
        "asked": when(asked["created"]),
        "ends": when(asked["expires"]) if asked["state"] in ("requested", "approved") else None,
    }
    show_fields(shown, title=asked["name"])
    said = [
        ["approved" if a["approved"] else "refused", a["party"], a["reason"], when(a["time"])]
        for a in asked["approvals"]
    ] + [
        [f"notice {n['state']}", n["party"], n["reason"], when(n["time"])]
        for n in asked["notices"]
    ]  # fmt: skip
    if said:
        show_table(["what", "by", "reason", "at"], said)


def _show_list(found: list[dict[str, Any]]) -> None:
    show_table(
        ["name", "state", "requester", "release", "column", "basis", "tokens", "taken back",
         "notice", "asked"],
        [
            [r["name"], r["state"], r["requester"], r["case"]["release"], r["case"]["column"],
             r["case"]["basis"], r["tokens"], r["reversed"], r["notice"], when(r["created"])]
            for r in found
        ],
    )  # fmt: skip
