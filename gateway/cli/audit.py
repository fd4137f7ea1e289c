"""``gateway audit``: read, verify and export the audit log."""

import json
from collections import deque
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Annotated, Any

import typer
from pydantic import ValidationError

from gateway.cli.options import As, Json, ProfileFile
from gateway.cli.output import json_or, progress, say, show_json, show_table, when
from gateway.cli.session import connected
from gateway.client import Client, plain
from gateway.errors import InvalidRequest, VerificationFailed
from gateway.model.audit import AuditEntry, AuditPosition, Checkpoint
from gateway.store.verify_audit import checkpoints, verify
from gateway.verify import verify_certificate

app = typer.Typer(no_args_is_help=True)

Key = Annotated[
    Path | None, typer.Option(help="The gateway's public key, to check signatures with.")
]


@app.command("list")
def list_(
    last: Annotated[int, typer.Option(min=1, help="How many of the newest entries.")] = 20,
    action: Annotated[str, typer.Option(help="Only actions that begin so, such as release.")] = "",
    actor: Annotated[str, typer.Option(help="Only entries of this party.")] = "",
    resource: Annotated[str, typer.Option(help="Only entries about this resource.")] = "",
    name: As = None,
    profile: ProfileFile = None,
    as_json: Json = False,
) -> None:
    """List the newest entries: who did what, on which resource, with what outcome."""
    with connected(name, profile) as client:
        wanted = (
            entry
            for entry in map(plain, client.audit_entries())
            if entry["action"].startswith(action)
            and actor in ("", entry["actor"])
            and resource in ("", entry["resource"])
        )
        found = list(deque(wanted, maxlen=last))
    json_or(as_json, found, _show_entries)


@app.command("verify")
def verify_(
    file: Annotated[
        Path | None, typer.Argument(help="An exported log; without it the gateway's.")
    ] = None,
    key: Key = None,
    checkpoint: Annotated[
        list[Path] | None, typer.Option(help="Checkpoints kept elsewhere, one a line; repeat.")
    ] = None,
    certificate: Annotated[
        list[Path] | None, typer.Option(help="Certificates of releases; repeat.")
    ] = None,
    name: As = None,
    profile: ProfileFile = None,
    as_json: Json = False,
) -> None:
    """Verify the log: every entry genuine, none missing, none moved.

    The entries are fetched and verified here; the gateway's own word is asked for as well. With
    checkpoints or certificates that were kept elsewhere, a log that was rewritten as a whole is
    noticed too. Ends with 6 when something is wrong.
    """
    if file is not None:
        anchors = _anchors(key, checkpoint, certificate)
        entries = verify(_exported(file), anchors)
    else:
        with connected(name, profile) as client:
            if key is None and (checkpoint or certificate):
                say("no --key was given: the gateway's own is used")
            anchors = _anchors(key or client.public_key(), checkpoint, certificate)
            with progress("verifying") as tell:
                entries = verify(_told(_fetched(client), tell), anchors)
            own = client.verify_audit()
            if not own.whole:
                raise VerificationFailed(f"the gateway says: {own.fault}")
    result = {"whole": True, "entries": entries, "anchors": len(anchors)}
    json_or(
        as_json,
        result,
        lambda _: say(f"whole: {entries:,} entries, {len(anchors)} signed records agree"),
    )


@app.command()
def export(
    output: Annotated[Path, typer.Option("--output", "-o", help="File to write, an entry a line.")],
    name: As = None,
    profile: ProfileFile = None,
) -> None:
    """Export the whole log, verified, for keeping elsewhere."""
    draft = output.with_name(f".{output.name}.part")
    try:
        with (
            connected(name, profile) as client,
            progress("exporting") as tell,
            draft.open("w", encoding="utf-8") as file,
        ):
            entries = verify(_told(_kept(_fetched(client), file), tell))
        draft.replace(output)
    except BaseException:
        with suppress(OSError):
            draft.unlink()
        raise
    say(f"exported {entries:,} entries to {output}")


@app.command("checkpoint")
def checkpoint_(
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="File to append to; shown without.")
    ] = None,
    name: As = None,
    profile: ProfileFile = None,
) -> None:
    """Fetch a signed statement of how far the log has come, to be kept elsewhere."""
    with connected(name, profile) as client:
        envelope = client.checkpoint()
    if output is None:
        show_json(json.loads(envelope))
        return
    with output.open("a", encoding="utf-8") as file:
        file.write(json.dumps(json.loads(envelope), separators=(",", ":")) + "\n")
    say(f"appended to {output}")


def _fetched(client: Client) -> Iterator[AuditEntry]:
    """The gateway's entries, rebuilt from the form that their hashes are made of."""
    for message in client.audit_entries():
        yield _entry(message.canonical_json).but(hash=message.hash)


def _exported(file: Path) -> Iterator[AuditEntry]:
    try:
        with file.open(encoding="utf-8") as lines:
            for line in lines:
                yield _entry(line)
    except (OSError, UnicodeDecodeError) as error:
        raise InvalidRequest.of("file", f"{file} cannot be read") from error


def _entry(text: str) -> AuditEntry:
    try:
        return AuditEntry.model_validate_json(text)
    except ValidationError as error:
        raise VerificationFailed("there is an entry that is not of the log's form") from error


def _kept(entries: Iterable[AuditEntry], file: Any) -> Iterator[AuditEntry]:
    for entry in entries:
        file.write(entry.canonical().decode() + "\n")
        yield entry


def _told(entries: Iterable[AuditEntry], tell: Any) -> Iterator[AuditEntry]:
    for entry in entries:
        tell(entry.sequence)
        yield entry


def _anchors(
    key: Path | bytes | None, kept: list[Path] | None, certified: list[Path] | None
) -> list[Checkpoint | AuditPosition]:
    if not kept and not certified:
        return []
    if key is None:
        raise InvalidRequest.of("key", "needed to check checkpoints and certificates")
    try:
        pem = key if isinstance(key, bytes) else key.read_bytes()
        found: list[Checkpoint | AuditPosition] = []
        for file in kept or ():
            found.extend(checkpoints(file, pem))
        found.extend(
            verify_certificate(file.read_bytes(), pem).predicate.audit for file in certified or ()
        )
    except OSError as error:
        raise InvalidRequest.of("file", f"{error.filename} cannot be read") from error
    return found


def _show_entries(entries: list[dict[str, Any]]) -> None:
    show_table(
        ["entry", "at (UTC)", "actor", "action", "resource", "outcome"],
        [
            [e["sequence"], when(e["time"]), e["actor"], e["action"], e["resource"], e["outcome"]]
            for e in entries
        ],
    )
