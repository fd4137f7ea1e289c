"""``gateway policy``: write, test and activate policies."""

from pathlib import Path
from typing import Annotated, Any, Final

import typer

from gateway.cli import policy_files
from gateway.cli.options import (
    As,
    Columns,
    Json,
    Limit,
    ProfileFile,
    Project,
    Purpose,
    Where,
    listed,
)
from gateway.cli.output import OUT, hint, json_or, show_fields, show_table, when
from gateway.cli.policy_files import read_text
from gateway.cli.session import connected
from gateway.client import plain
from gateway.errors import InvalidRequest

app = typer.Typer(no_args_is_help=True)
app.command("lint")(policy_files.lint_)
app.command("test")(policy_files.try_cases)
app.command("schema")(policy_files.schema)
app.command("starters")(policy_files.starters_)

Name = Annotated[str, typer.Argument(help="Name of the policy, such as research.")]
_UNMATCHED: Final = "  - "  # how lines about rules that did not match begin
Version = Annotated[int, typer.Argument(min=1, help="Its version.")]


@app.command("list")
def list_(name: As = None, profile: ProfileFile = None, as_json: Json = False) -> None:
    """List all versions of all policies."""
    with connected(name, profile) as client:
        found = [plain(policy) for policy in client.policies()]
    json_or(as_json, found, _show_list)


@app.command()
def show(
    policy: Name,
    version: Annotated[int, typer.Argument(help="Its version; 0 is the newest.")] = 0,
    name: As = None,
    profile: ProfileFile = None,
    as_json: Json = False,
) -> None:
    """Show one version, and its text as the officer wrote it."""
    with connected(name, profile) as client:
        found = plain(client.policy(policy, version))
    json_or(as_json, found, _show_whole)


@app.command()
def purposes(name: As = None, profile: ProfileFile = None, as_json: Json = False) -> None:
    """List the purposes that requests may name."""
    with connected(name, profile) as client:
        found = [{"name": k, "description": v} for k, v in client.purposes().items()]
    json_or(
        as_json,
        found,
        lambda f: show_table(["purpose", "meaning"], [[p["name"], p["description"]] for p in f]),
    )


@app.command()
def create(
    file: Annotated[Path, typer.Argument(help="Policy in YAML.")],
    name: As = None,
    profile: ProfileFile = None,
    as_json: Json = False,
) -> None:
    """Store a policy as a draft; another officer activates it."""
    with connected(name, profile) as client:
        draft = plain(client.create_policy(read_text(file)))
    json_or(as_json, draft, _show)
    short = draft["name"].removeprefix("policies/")
    hint(f"as another officer: gateway policy activate {short} {draft['version']}")


@app.command()
def activate(
    policy: Name,
    version: Version,
    name: As = None,
    profile: ProfileFile = None,
    as_json: Json = False,
) -> None:
    """Put a draft of another officer in force."""
    with connected(name, profile) as client:
        json_or(as_json, plain(client.activate_policy(policy, version)), _show)


@app.command()
def retire(
    policy: Name,
    version: Version,
    name: As = None,
    profile: ProfileFile = None,
    as_json: Json = False,
) -> None:
    """Take a version out of use; what only it permitted is then denied.

    One that is in force takes another officer than its author.
    """
    with connected(name, profile) as client:
        json_or(as_json, plain(client.retire_policy(policy, version)), _show)


@app.command()
def explain(
    dataset: Annotated[str, typer.Argument(help="Name of the data set.")],
    consumer: Annotated[str, typer.Option(help="Party that would ask.")],
    columns: Columns,
    purpose: Purpose,
    project: Project = None,
    where: Where = None,
    limit: Limit = None,
    file: Annotated[
        Path | None, typer.Option("--with", help="A policy file to try in place of the active one.")
    ] = None,
    every: Annotated[
        bool, typer.Option("--all", help="Also rules that did not match, and why not.")
    ] = False,
    name: As = None,
    profile: ProfileFile = None,
    as_json: Json = False,
) -> None:
    """Explain the decision that a consumer's request would get, rule by rule."""
    with connected(name, profile) as client:
        answer = client.explain(
            consumer,
            dataset,
            listed(columns),
            purpose,
            project=project,
            filters=where or (),
            limit=limit,
            text=read_text(file) if file else "",
        )
    json_or(
        as_json,
        plain(answer),
        lambda shown: _show_lines(
            [line for line in shown["lines"] if every or not line.startswith(_UNMATCHED)]
        ),
    )


@app.command()
def diff(
    policy: Name,
    before: Annotated[
        int, typer.Option("--from", help="Version to compare from; 0 is the active one.")
    ] = 0,
    after: Annotated[int, typer.Option("--to", help="Version to compare to.")] = 0,
    file: Annotated[
        Path | None, typer.Option("--with", help="A policy file to compare to, instead of --to.")
    ] = None,
    name: As = None,
    profile: ProfileFile = None,
    as_json: Json = False,
) -> None:
    """Show which stored requests another version would decide otherwise."""
    if not after and file is None:
        raise InvalidRequest.of("target", "give --to VERSION or --with FILE")
    text = read_text(file) if file else ""
    with connected(name, profile) as client:
        answer = plain(client.diff_policy(policy, before=before, after=after, text=text))
    json_or(as_json, answer, _show_changes)


def _show_list(policies: list[dict[str, Any]]) -> None:
    show_table(
        ["name", "version", "state", "author", "activated by", "activated"],
        [
            [p["name"], p["version"], p["state"], p["author"], p["activated_by"],
             when(p["activated"])]
            for p in policies
        ],
    )  # fmt: skip


def _show(policy: dict[str, Any]) -> None:
    fields = ("name", "version", "state", "author", "activated_by", "digest")
    show_fields({field: policy[field] for field in fields})


def _show_whole(policy: dict[str, Any]) -> None:
    _show(policy)
    OUT.out("\n" + policy["text"], highlight=False)


def _show_lines(lines: list[str]) -> None:
    for line in lines:
        OUT.out(line, highlight=False)


def _show_changes(answer: dict[str, Any]) -> None:
    show_table(
        ["release", "before", "after", "changes"],
        [[c["release"], c["before"], c["after"], "; ".join(c["changes"])]
         for c in answer["changed"]],
        title=f"{len(answer['changed'])} of {answer['compared']} requests change",
    )  # fmt: skip
