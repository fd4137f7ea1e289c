"""``gateway grant``: ask for the use of columns; approve, refuse, revoke."""

from typing import Annotated, Any

import typer

from gateway.cli.options import (
    As,
    Columns,
    Json,
    Names,
    ProfileFile,
    Project,
    Purpose,
    Reason,
    listed,
)
from gateway.cli.output import hint, json_or, show_fields, show_names, show_table, when
from gateway.cli.session import connected
from gateway.client import plain

app = typer.Typer(no_args_is_help=True)

Name = Annotated[str, typer.Argument(help="Name of the grant, such as g-1a2b3c….")]


@app.command("request")
def request_(
    dataset: Annotated[str, typer.Argument(help="Name of the data set.")],
    columns: Columns,
    purpose: Purpose,
    reason: Annotated[str, typer.Option(help="Why you need it; those who approve see it.")],
    days: Annotated[int, typer.Option(min=1, max=3650, help="For how long, from now on.")] = 30,
    project: Project = None,
    name: As = None,
    profile: ProfileFile = None,
    as_json: Json = False,
) -> None:
    """Ask for the use of columns for a purpose and a period."""
    with connected(name, profile) as client:
        grant = plain(
            client.request_grant(
                dataset,
                listed(columns),
                purpose,
                justification=reason,
                days=days,
                project=project,
            )
        )
    json_or(as_json, grant, show_grant)
    short = grant["name"].removeprefix("grants/")
    hint(f"as {' and as '.join(grant['required'])}: gateway grant approve {short} --reason WHY")


@app.command("list")
def list_(
    dataset: Annotated[str, typer.Option(help="Only those of this data set.")] = "",
    state: Annotated[
        str | None, typer.Option(help="requested, active, refused, revoked or expired.")
    ] = None,
    affected: Annotated[
        bool,
        typer.Option(
            "--affected", help="Only those that a change of verdicts took something from."
        ),
    ] = False,
    name: As = None,
    profile: ProfileFile = None,
    names: Names = False,
    as_json: Json = False,
) -> None:
    """List grants, newest first."""
    with connected(name, profile) as client:
        found = [plain(grant) for grant in client.grants(dataset, state, affected=affected)]
    json_or(as_json, found, show_names if names else _show_list)


@app.command()
def show(grant: Name, name: As = None, profile: ProfileFile = None, as_json: Json = False) -> None:
    """Show a grant with all answers."""
    with connected(name, profile) as client:
        json_or(as_json, plain(client.grant(grant)), show_grant)


@app.command()
def approve(
    grant: Name, reason: Reason, name: As = None, profile: ProfileFile = None, as_json: Json = False
) -> None:
    """Approve a grant, for the holder or as an officer."""
    with connected(name, profile) as client:
        json_or(as_json, plain(client.approve(grant, reason)), show_grant)


@app.command()
def refuse(
    grant: Name, reason: Reason, name: As = None, profile: ProfileFile = None, as_json: Json = False
) -> None:
    """Refuse a grant."""
    with connected(name, profile) as client:
        json_or(as_json, plain(client.refuse(grant, reason)), show_grant)


@app.command()
def revoke(
    grant: Name, reason: Reason, name: As = None, profile: ProfileFile = None, as_json: Json = False
) -> None:
    """End an active grant: reading what rests on it stops at once."""
    with connected(name, profile) as client:
        json_or(as_json, plain(client.revoke(grant, reason)), show_grant)


def show_grant(grant: dict[str, Any]) -> None:
    """One grant for people."""
    fields = ("state", "consumer", "dataset", "columns", "purpose", "project", "justification")
    shown = {field: grant[field] for field in fields}
    shown["period"] = f"{when(grant['not_before'])} to {when(grant['expires'])} UTC"
    answered = {answer["role"] for answer in grant["approvals"] if answer["approved"]}
    if grant["state"] == "requested":
        shown["waits for"] = [role for role in grant["required"] if role not in answered]
    if grant["revocation"] is not None:
        shown["revoked by"] = grant["revocation"]["party"]
        shown["revoked because"] = grant["revocation"]["reason"]
    shown["since verdicts changed"] = "\n".join(reason["text"] for reason in grant["affected"])
    show_fields(shown, title=grant["name"])
    if grant["approvals"]:
        show_table(
            ["answer", "by", "role", "reason", "at"],
            [
                ["approved" if a["approved"] else "refused", a["party"], a["role"], a["reason"],
                 when(a["time"])]
                for a in grant["approvals"]
            ],
        )  # fmt: skip


def _show_list(grants: list[dict[str, Any]]) -> None:
    show_table(
        ["name", "state", "consumer", "dataset", "purpose", "columns", "until"],
        [
            [g["name"], g["state"] + (", affected" if g["affected"] else ""), g["consumer"], g["dataset"], g["purpose"], g["columns"],
             when(g["expires"])]
            for g in grants
        ],
    )  # fmt: skip
