"""The ``gateway`` command: which commands there are, and how a failure ends one.

A command's module is imported when the command is used, so that the program starts at once and
verifying a certificate loads nothing of the server.
"""

import os
import sys
import traceback
from importlib import import_module
from pathlib import Path
from typing import Annotated, Any, Final, NoReturn

import typer
from typer.core import TyperCommand, TyperGroup

from gateway import __version__
from gateway.cli.exits import EXIT_FAILED, exit_code
from gateway.cli.output import complain, complain_json
from gateway.errors import GatewayError, GatewayFault

COMMANDS: Final[dict[str, tuple[str, str]]] = {
    "init": ("init", "Make a working, safe installation in a folder."),
    "serve": ("serve", "Run the gateway."),
    "health": ("health", "Ask whether the gateway of this machine serves, for probes."),
    "doctor": ("doctor", "See what is wrong with an installation, and what to do."),
    "demo": ("demo", "See everything at work in a folder of its own."),
    "classify": ("classify", "See what the columns of a file or data set are, and why."),
    "standards": ("standards", "See what the grading standards say of each entity."),
    "dataset": ("dataset", "Find, register and describe data sets."),
    "policy": ("policy", "Write, test and activate policies."),
    "grant": ("grant", "Ask for the use of columns; approve, refuse, revoke."),
    "request": ("request", "Ask for an extract for a purpose."),
    "read": ("read", "Read a sealed release, or save it as a file."),
    "release": ("release", "Follow, list, cancel and recall releases."),
    "query": ("query", "Ask a question with differential privacy, or see its price."),
    "budget": ("budget", "See what is left of privacy budgets; propose and approve them."),
    "reidentify": ("reidentify", "Ask for tokens to be taken back; approve, refuse, answer."),
    "verify": ("verify", "Verify a certificate, and a file against it, offline."),
    "audit": ("audit", "Read, verify and export the audit log."),
    "protect": ("protect", "Protect a file of your own by a policy, without a server."),
    "anonymize": ("anonymize", "Make a file of your own safe to share: k-anonymity and beyond."),
    "perturb": ("perturb", "Change numbers and categories of a file of your own by chance."),
    "risk": ("risk", "Say how likely people are found in a file of your own."),
    "attack": ("attack", "Try what attackers could get out of a release of your own."),
    "local": ("local", "Answer by randomised response, and count such answers, without a server."),
    "party": ("party", "Keep the list of parties and their certificates."),
    "keys": ("keys", "Rotate root keys; renew and shred the keys of projects."),
    "generate": ("generate", "Make up the registers of a city that does not exist."),
}
"""Command → its module in this package, and what the list of commands says of it."""

EPILOG: Final = (
    "Exit codes: 0 done; 1 failed; 2 wrong usage or request; 3 denied; 4 not found or not "
    "permitted, or no longer; 5 not available, try again; 6 verification failed; 130 interrupted. "
    "With --json, a failure of any command but serve is one line of JSON on standard error: "
    '{"error": {"reason", "message", "violations"}}.'
)


class Commands(TyperGroup):
    """The commands by name; each module is imported when its command is resolved."""

    def __init__(self, **settings: Any) -> None:
        super().__init__(**settings)
        for name, (_, text) in COMMANDS.items():
            self.add_command(TyperCommand(name, help=text))

    def resolve_command(self, ctx: Any, args: list[str]) -> tuple[str | None, Any, list[str]]:
        """The command's own definition in place of the line that stands for it in the list."""
        name, placeholder, rest = super().resolve_command(ctx, args)
        if name is None or placeholder is None:
            return name, placeholder, rest
        module = import_module(f"gateway.cli.{COMMANDS[name][0]}")
        command = typer.main.get_command(module.app)
        command.name = name
        return name, command, rest


program = typer.Typer(
    cls=Commands,
    name="gateway",
    no_args_is_help=True,
    epilog=EPILOG,
    # A traceback shows the values that a function was called with; ours may be personal.
    pretty_exceptions_enable=False,
)


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"gateway {__version__}")
        raise typer.Exit


@program.callback()
def _gateway(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Show the version.")
    ] = False,
) -> None:
    """Share data between departments and consumers, protected, certified and logged."""


def app() -> None:
    """Run the command; errors of the gateway and of files become a message and an exit code."""
    # What gRPC's core says of a connection is in our own errors, for people.
    os.environ.setdefault("GRPC_VERBOSITY", "NONE")
    try:
        program()
    except GatewayError as error:
        _end(error)
    except BrokenPipeError:
        # Whoever read the output has seen enough (`| head`). Python would complain at its end.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(EXIT_FAILED)
    except OSError as error:
        # Arrow's own errors name neither; what they say instead names the file, never a value.
        told = ": ".join(str(part) for part in (error.strerror, error.filename) if part)
        _end(GatewayFault(told or str(error), reason="FILE"))
    except Exception as error:  # noqa: BLE001 - the edge of the program: its text may hold a value
        _end(
            GatewayFault(
                f"the command failed in a way that nobody foresaw: {type(error).__name__} at "
                f"{_place(error)}; please report it"
            )
        )


def _place(error: Exception) -> str:
    """File and line, which hold no value."""
    frames = traceback.extract_tb(error.__traceback__)
    return f"{Path(frames[-1].filename).name}:{frames[-1].lineno}" if frames else "an unknown place"


def _end(error: GatewayError) -> NoReturn:
    # Why a server did not start stands at the end of its log, where a person looks for it.
    for_programs = "--json" in sys.argv and sys.argv[1] != "serve"
    (complain_json if for_programs else complain)(error)
    sys.exit(exit_code(error))
