"""``gateway budget``: what is left of budgets of privacy loss, and officers' proposals."""

from datetime import UTC, datetime, timedelta
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from gateway.cli.burn_down import show_burn_down
from gateway.cli.options import As, Json, Names, ProfileFile, Reason
from gateway.cli.output import hint, json_or, say, show_fields, show_names, show_table, when
from gateway.cli.session import connected
from gateway.client import plain
from gateway.errors import NotFound


class _OrShow(TyperGroup):
    """``gateway budget residents`` is short for ``gateway budget show residents``."""

    def resolve_command(self, ctx: Any, args: list[str]) -> tuple[str | None, Any, list[str]]:
        if args and not args[0].startswith("-") and args[0] not in self.commands:
            args = ["show", *args]
        return super().resolve_command(ctx, args)


app = typer.Typer(no_args_is_help=True, cls=_OrShow)

Name = Annotated[str, typer.Argument(help="budgets/…, as `gateway budget list` shows it.")]


@app.command()
def show(
    dataset: Annotated[str, typer.Argument(help="Name of a data set, or budgets/….")],
    name: As = None,
    profile: ProfileFile = None,
    as_json: Json = False,
) -> None:
    """Draw how the budgets of a data set burn down: your own, or all that you may see."""
    with connected(name, profile) as client:
        if dataset.startswith("budgets/"):
            found = [plain(client.budget(dataset))]
        else:
            found = [plain(client.budget(listed)) for listed in client.budgets(dataset)]
    if not found:
        raise NotFound(
            f"there is no budget on {dataset} that you may see; an officer proposes one: gateway "
            "budget propose",
            reason="NO_BUDGET",
        )
    json_or(as_json, found, _show)


@app.command("list")
def list_budgets(
    dataset: Annotated[str, typer.Option(help="Only those of this data set.")] = "",
    state: Annotated[
        str | None, typer.Option(help="proposed, active, changing or withdrawn.")
    ] = None,
    name: As = None,
    profile: ProfileFile = None,
    names: Names = False,
    as_json: Json = False,
) -> None:
    """List budgets: consumers their own, holders those of their data sets, officers all."""
    with connected(name, profile) as client:
        found = [plain(budget) for budget in client.budgets(dataset, state)]
    json_or(as_json, found, show_names if names else _show_list)


@app.command()
def propose(
    epsilon: Annotated[str, typer.Option(help="What may be spent in all, such as 3.")],
    delta: Annotated[str, typer.Option(help="The delta it is stated at, such as 1e-6.")],
    reason: Reason,
    dataset: Annotated[str | None, typer.Option(help="The data set that it bounds.")] = None,
    recipient: Annotated[
        str | None, typer.Option(help="One recipient; without it, all recipients together.")
    ] = None,
    project: Annotated[
        str | None, typer.Option(help="Instead of a data set: a project, for --days.")
    ] = None,
    days: Annotated[int, typer.Option(min=1, max=3660, help="The period of a project.")] = 365,
    name: As = None,
    profile: ProfileFile = None,
    as_json: Json = False,
) -> None:
    """Propose a budget, or other limits for one, as an officer; a second one approves it.

    For anything to be answered a data set needs two: one for the recipient, and one for all
    recipients together, who may pool what they were told.
    """
    now = datetime.now(UTC)
    with connected(name, profile) as client:
        proposed = plain(
            client.propose_budget(
                epsilon=epsilon,
                delta=delta,
                reason=reason,
                dataset=dataset,
                recipient=recipient,
                project=project,
                begins=now if project else None,
                ends=now + timedelta(days=days) if project else None,
            )
        )
    json_or(as_json, proposed, lambda budget: _show([budget]))
    hint(f"another officer: gateway budget approve {proposed['name']}, or withdraw")


@app.command()
def approve(
    budget: Name, name: As = None, profile: ProfileFile = None, as_json: Json = False
) -> None:
    """Put limits in force that another officer proposed."""
    with connected(name, profile) as client:
        json_or(as_json, [plain(client.approve_budget(budget))], _show)


@app.command()
def withdraw(
    budget: Name, name: As = None, profile: ProfileFile = None, as_json: Json = False
) -> None:
    """Take a proposal back, or refuse it; limits in force stay."""
    with connected(name, profile) as client:
        json_or(as_json, [plain(client.withdraw_budget(budget))], _show)


def scope_text(scope: dict[str, Any]) -> str:
    """Whose spending it bounds, for people."""
    if scope["kind"] == "project":
        return f"project {scope['project']}, {when(scope['begins'])} to {when(scope['ends'])}"
    whom = scope["recipient"] or "all recipients together"
    return f"{whom} on {scope['dataset']}"


def _show(budgets: list[dict[str, Any]]) -> None:
    for budget in budgets:
        proposal = budget["proposal"]
        fields = {
            "state": budget["state"],
            "limit": f"epsilon {budget['epsilon']} at delta {budget['delta']}"
            if budget["epsilon"]
            else "",
            "spent": budget["spent"],
            "left": budget["left"],
            "charges": budget["charges"],
            "approved by": budget["approved_by"],
        }
        if proposal is not None:
            fields["proposed"] = f"epsilon {proposal['epsilon']} at delta {proposal['delta']}"
            fields["proposed by"] = proposal["proposed_by"]
            fields["because"] = proposal["reason"]
        show_fields(fields, title=f"{budget['name']}: {scope_text(budget['scope'])}")
        if budget["burn_down"]:
            show_burn_down(budget)
        elif budget["epsilon"] and not budget["charges"]:  # points come only with a single budget
            say("nothing was charged yet")


def _show_list(budgets: list[dict[str, Any]]) -> None:
    show_table(
        ["name", "of", "state", "limit", "delta", "spent", "left", "charges"],
        [
            [b["name"], scope_text(b["scope"]), b["state"], b["epsilon"], b["delta"], b["spent"],
             b["left"], b["charges"]]
            for b in budgets
        ],
    )  # fmt: skip
