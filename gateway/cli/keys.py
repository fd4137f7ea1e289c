"""``gateway keys``: root keys on the machine where they are kept, and key domains for officers."""

from contextlib import closing
from pathlib import Path
from typing import Annotated, Any

import typer

from gateway.cli.options import As, Home, Json, Names, ProfileFile, Reason
from gateway.cli.output import (
    hint,
    json_or,
    progress,
    say,
    show_fields,
    show_names,
    show_table,
    when,
)
from gateway.cli.session import connected
from gateway.client import plain

app = typer.Typer(no_args_is_help=True)

File = Annotated[Path, typer.Argument(help="A key ring, for gateway protect --key-ring.")]
Ring = Annotated[
    Path | None,
    typer.Option("--file", help="A key ring outside of an installation, instead of --home."),
]
Domain = Annotated[
    str, typer.Argument(help="A key domain: keydomains/…, or project:NAME for a project's.")
]

# ---- root keys: on the gateway's machine ----------------------------------------------------------
# The store and the settings take their time to load, and only these commands need them.


@app.command()
def create(file: File) -> None:
    """Make a new key ring, for `gateway protect --key-ring`."""
    from gateway.app.system import SystemEntropy  # noqa: PLC0415
    from gateway.store.keyring import FileKeyRing  # noqa: PLC0415

    FileKeyRing.create(file, SystemEntropy()).close()
    say(f"made {file}; whoever has it can make the same tokens, so keep it private")


@app.command()
def rotate(file: Ring = None, home: Home = Path()) -> None:
    """Add a root key and use it from now on; what is kept is wrapped under it anew.

    Tokens do not change: an installation's come from secrets that the root key only wraps. With
    --file, for `gateway protect`, there are none, and tokens made from now on do not agree with
    earlier ones.
    """
    from gateway.app.system import SystemEntropy  # noqa: PLC0415
    from gateway.store.keyring import FileKeyRing  # noqa: PLC0415

    if file is not None:
        say(f"{file} uses root key {FileKeyRing(file, SystemEntropy()).rotate()} from now on")
        return
    from gateway.app.root_keys import rotate as rotate_root  # noqa: PLC0415

    settings = _settings(home)
    with progress("wrapping keys anew") as tell:
        version, wrapped = rotate_root(settings, tell)
    say(f"root key {version} is used from now on; {wrapped} keys were wrapped under it")
    if settings.keys.vault is None:
        earlier = f"gateway keys retire {version - 1}"
        hint(f"back up the key ring now; then earlier root keys can go: {earlier}")
    else:
        hint("in Vault, its administrator can end earlier versions: min_decryption_version")


@app.command()
def rewrap(
    earlier: Annotated[
        Path | None,
        typer.Option(
            "--from", help="The key ring file that was used before this one, or before Vault."
        ),
    ] = None,
    home: Home = Path(),
) -> None:
    """Wrap what is under an older root key anew: after an interrupted rotation, one in Vault, or,
    with --from, a move from a key ring in a file to another one, or to Vault; not out of Vault."""
    from gateway.app.root_keys import rewrap as rewrap_keys  # noqa: PLC0415

    with progress("wrapping keys anew") as tell:
        done = rewrap_keys(_settings(home), tell, earlier=earlier)
    say(f"{done} keys were wrapped anew")


@app.command()
def retire(
    version: Annotated[int, typer.Argument(min=1, help="The root key to remove.")],
    file: Ring = None,
    home: Home = Path(),
) -> None:
    """Remove an older root key for good; refused while anything is wrapped under it.

    Afterwards a backup of the store from before the rotation cannot be opened, unless there is a
    backup of the key ring too. With --file, tokens made under that root key can never be made, or
    taken back, again.
    """
    from gateway.app.system import SystemEntropy  # noqa: PLC0415
    from gateway.store.keyring import FileKeyRing  # noqa: PLC0415

    if file is not None:
        with closing(FileKeyRing(file, SystemEntropy())) as ring:
            ring.retire(version)
        say(f"root key {version} of {file} is gone")
        return
    from gateway.app.root_keys import retire as retire_root  # noqa: PLC0415

    retire_root(_settings(home), version)
    say(f"root key {version} is gone")


@app.command()
def show(file: Ring = None, home: Home = Path(), as_json: Json = False) -> None:
    """Show which root keys there are; never a key."""
    from gateway.app.compose import open_ring  # noqa: PLC0415
    from gateway.app.system import SystemEntropy  # noqa: PLC0415
    from gateway.store.keyring import FileKeyRing  # noqa: PLC0415

    entropy = SystemEntropy()
    if file is None:
        settings = _settings(home)
        ring = open_ring(settings, entropy)
        vault = settings.keys.vault
        named = (
            f"file {settings.keys.ring}" if vault is None else f"Vault {vault.mount}/{vault.key}"
        )
    else:
        ring, named = FileKeyRing(file, entropy), f"file {file}"
    found = {"ring": named, "current": ring.version, "versions": list(ring.versions)}
    ring.close()
    json_or(as_json, found, show_fields)


def _settings(home: Path) -> Any:
    from gateway.config import CONFIG_NAME, load  # noqa: PLC0415

    return load(home / CONFIG_NAME if home.is_dir() else home)


# ---- key domains: for officers --------------------------------------------------------------------


@app.command()
def domains(
    state: Annotated[str | None, typer.Option(help="active, shredding or shredded.")] = None,
    name: As = None,
    profile: ProfileFile = None,
    names: Names = False,
    as_json: Json = False,
) -> None:
    """List key domains: each holds the tokens of one project, or of one recipient, together."""
    with connected(name, profile) as client:
        found = [plain(domain) for domain in client.key_domains(state)]
    json_or(as_json, found, show_names if names else _show_list)


@app.command()
def domain(
    domain: Domain, name: As = None, profile: ProfileFile = None, as_json: Json = False
) -> None:
    """Show a key domain and its versions; never a key."""
    with connected(name, profile) as client:
        json_or(as_json, plain(client.key_domain(domain)), _show)


@app.command()
def renew(
    domain: Domain, name: As = None, profile: ProfileFile = None, as_json: Json = False
) -> None:
    """Begin another version of a domain's key, as an officer.

    Tokens made from now on do not agree with earlier ones; those are still taken back.
    """
    with connected(name, profile) as client:
        json_or(as_json, plain(client.renew_key_domain(domain)), _show)


@app.command("propose-shredding")
def propose_shredding(
    domain: Domain,
    reason: Reason,
    name: As = None,
    profile: ProfileFile = None,
    as_json: Json = False,
) -> None:
    """Propose to destroy all keys of a domain, as an officer; a second one confirms it."""
    with connected(name, profile) as client:
        proposed = plain(client.propose_shredding(domain, reason))
    json_or(as_json, proposed, _show)
    hint(f"another officer: gateway keys shred {proposed['name']}, or withdraw")


@app.command()
def shred(
    domain: Domain, name: As = None, profile: ProfileFile = None, as_json: Json = False
) -> None:
    """Destroy all keys of a domain that another officer proposed to shred.

    For good: tokens made under them cannot be taken back by anybody any more.
    """
    with connected(name, profile) as client:
        shredded = plain(client.shred_key_domain(domain))
    json_or(as_json, shredded, _show)
    hint("backups of the store from before still hold the keys, wrapped: see docs/operating.md")


@app.command()
def withdraw(
    domain: Domain, name: As = None, profile: ProfileFile = None, as_json: Json = False
) -> None:
    """Take a proposal to shred back, or refuse it."""
    with connected(name, profile) as client:
        json_or(as_json, plain(client.withdraw_shredding(domain)), _show)


def _show(domain: dict[str, Any]) -> None:
    shown = {"state": domain["state"]}
    shown |= {part["label"]: part["value"] for part in domain["parts"]}
    shredding = domain["shredding"]
    if shredding is not None:
        shown["shredding proposed by"] = shredding["proposed_by"]
        shown["because"] = shredding["reason"]
    show_fields(shown, title=domain["name"])
    show_table(
        ["version", "since (UTC)", "destroyed (UTC)"],
        [[v["number"], when(v["created"]), when(v["destroyed"])] for v in domain["versions"]],
    )


def _show_list(domains: list[dict[str, Any]]) -> None:
    show_table(
        ["name", "state", "version", "of"],
        [
            [
                d["name"],
                d["state"],
                d["versions"][-1]["number"],
                {part["label"]: part["value"] for part in d["parts"]},
            ]
            for d in domains
        ],
    )
