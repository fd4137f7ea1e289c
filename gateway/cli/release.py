"""``gateway release``: follow, list, cancel and recall releases."""

import json
from pathlib import Path
from typing import Annotated

import typer

from gateway.cli.options import As, Json, Names, ProfileFile, Reason
from gateway.cli.output import hint, json_or, say, show_line, show_names
from gateway.cli.release_views import show_release, show_releases, waited_for
from gateway.cli.session import connected
from gateway.client import plain

app = typer.Typer(no_args_is_help=True)

Name = Annotated[str, typer.Argument(help="Name of the release, such as r-1a2b3c….")]


@app.command("list")
def list_(
    dataset: Annotated[str, typer.Option(help="Only those of this data set.")] = "",
    state: Annotated[str | None, typer.Option(help="Only those in this state.")] = None,
    name: As = None,
    profile: ProfileFile = None,
    names: Names = False,
    as_json: Json = False,
) -> None:
    """List releases, newest first: who received what."""
    with connected(name, profile) as client:
        found = [plain(release) for release in client.releases(dataset, state)]
    json_or(as_json, found, show_names if names else show_releases)


@app.command()
def show(
    release: Name, name: As = None, profile: ProfileFile = None, as_json: Json = False
) -> None:
    """Show a release: state, decision, plan."""
    with connected(name, profile) as client:
        json_or(as_json, plain(client.release(release)), show_release)


@app.command()
def watch(
    release: Name, name: As = None, profile: ProfileFile = None, as_json: Json = False
) -> None:
    """Follow a release until it ends; with --json, one line for every change."""
    with connected(name, profile) as client:
        if as_json:
            for now in client.watch(release):
                show_line(plain(now))
            return
        with waited_for(client, release) as sealed:
            show_release(sealed)


@app.command()
def reissue(
    release: Name,
    project: Annotated[
        str | None, typer.Option(help="With tokens of this project; needs a grant for it.")
    ] = None,
    no_project: Annotated[
        bool, typer.Option("--no-project", help="With tokens of no project, but your own.")
    ] = False,
    keep: Annotated[bool, typer.Option("--keep", help="Do not recall the original.")] = False,
    name: As = None,
    profile: ProfileFile = None,
    as_json: Json = False,
) -> None:
    """Get the same rows with tokens of other keys: renewed ones, or another project's."""
    with connected(name, profile) as client:
        made = client.reissue(
            release, project=project, without_project=no_project, keep_original=keep
        )
        with waited_for(client, made.name) as sealed:
            json_or(as_json, sealed, show_release)
    hint(f"gateway read {sealed['name'].removeprefix('releases/')} -o FILE")


@app.command()
def cancel(
    release: Name, name: As = None, profile: ProfileFile = None, as_json: Json = False
) -> None:
    """Stop a release that is not sealed yet; its charge stays."""
    with connected(name, profile) as client:
        json_or(as_json, plain(client.cancel(release)), show_release)


@app.command()
def recall(
    release: Name,
    reason: Reason,
    name: As = None,
    profile: ProfileFile = None,
    as_json: Json = False,
) -> None:
    """Destroy the key of a sealed release: nobody can read it again."""
    with connected(name, profile) as client:
        json_or(as_json, plain(client.recall(release, reason)), show_release)


@app.command()
def certificate(
    release: Name,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="File to write; shown without.")
    ] = None,
    name: As = None,
    profile: ProfileFile = None,
    as_json: Json = False,
) -> None:
    """Fetch the signed certificate of a release: JSON, with --json laid out for reading."""
    with connected(name, profile) as client:
        envelope = client.certificate(release)
    if output is None:
        json_or(as_json, json.loads(envelope) if as_json else envelope, typer.echo)
        return
    output.write_text(envelope, encoding="utf-8")
    say(f"saved {output}")
