"""``gateway party``: keep the list of parties and their certificates."""

from pathlib import Path
from typing import Annotated, Any

import typer

from gateway.cli.options import As, Home, Json, ProfileFile
from gateway.cli.output import hint, json_or, say, show_fields, show_table
from gateway.cli.session import connected
from gateway.client import plain

app = typer.Typer(no_args_is_help=True)

Name = Annotated[str, typer.Argument(help="Name of the party, such as health-bureau.")]


@app.command("list")
def list_(name: As = None, profile: ProfileFile = None, as_json: Json = False) -> None:
    """List all parties."""
    with connected(name, profile) as client:
        found = [plain(party) for party in client.parties()]
    json_or(
        as_json,
        found,
        lambda parties: show_table(
            ["name", "role", "kind", "for people", "shut out"],
            [
                [p["name"], p["role"], p["kind"], p["display_name"], p["disabled"] or ""]
                for p in parties
            ],
        ),
    )


@app.command()
def whoami(name: As = None, profile: ProfileFile = None, as_json: Json = False) -> None:
    """Show whom the gateway takes you for."""
    with connected(name, profile) as client:
        json_or(as_json, plain(client.whoami()), _show)


@app.command()
def add(
    party: Name,
    role: Annotated[str, typer.Option(help="holder, consumer, officer, auditor or administrator.")],
    kind: Annotated[
        str,
        typer.Option(help="government, public_institution, research, commercial or public."),
    ],
    display_name: Annotated[str, typer.Option(help="Name for people.")] = "",
    subject: Annotated[
        list[str] | None,
        typer.Option(help='"issuer|subject" of its bearer tokens; repeat.'),
    ] = None,
    name: As = None,
    profile: ProfileFile = None,
    as_json: Json = False,
) -> None:
    """Add a party, as the administrator."""
    with connected(name, profile) as client:
        added = plain(
            client.add_party(
                party,
                role=role,
                kind=kind,
                display_name=display_name or party,
                subjects=subject or (),
            )
        )
    json_or(as_json, added, _show)
    hint(
        f"on the gateway's machine, with its development authority: gateway party certificate {party}"
    )
    if role == "holder":
        hint(f"files that it may register: sources.roots.{party} in gateway.yaml, then restart")


@app.command()
def certificate(
    party: Name,
    address: Annotated[
        str | None,
        typer.Option(help="Where the party reaches the gateway, if not where it listens."),
    ] = None,
    home: Home = Path(),
) -> None:
    """Issue a new certificate and profile for a party, on the gateway's own machine.

    For installations with the development authority that `gateway init` made. The old
    certificate stays valid until its time is over: to end it, disable the party.
    """
    # The store's driver takes its time to load, and only this command needs it.
    from gateway.app.setup import issue_certificate  # noqa: PLC0415
    from gateway.config import CONFIG_NAME  # noqa: PLC0415

    name = f"parties/{party.removeprefix('parties/')}"
    profile = issue_certificate(home / CONFIG_NAME, name, address)
    say(f"issued; the profile is {profile}")
    hint(f"use it: --as {party} in {home.resolve()}, or carry its folder to the party's machine")


@app.command()
def disable(
    party: Name, name: As = None, profile: ProfileFile = None, as_json: Json = False
) -> None:
    """Shut a party out, from its next call on."""
    with connected(name, profile) as client:
        json_or(as_json, plain(client.set_party_disabled(party, disabled=True)), _show)


@app.command()
def enable(
    party: Name, name: As = None, profile: ProfileFile = None, as_json: Json = False
) -> None:
    """Let a party in again."""
    with connected(name, profile) as client:
        json_or(as_json, plain(client.set_party_disabled(party, disabled=False)), _show)


def _show(party: dict[str, Any]) -> None:
    fields = {field: party[field] for field in ("role", "kind", "display_name", "subjects")}
    fields["shut out"] = "yes" if party["disabled"] else ""
    show_fields(fields, title=party["name"])
