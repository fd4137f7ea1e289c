"""``gateway query``: ask a question with differential privacy, or see what it would cost."""

import json
from pathlib import Path
from typing import Annotated, Any

import pyarrow as pa
import typer

from gateway.cli.exits import EXIT_DENIED
from gateway.cli.options import As, Json, ProfileFile, Purpose
from gateway.cli.output import hint, json_or, say, show_fields, show_json, show_table
from gateway.cli.release_views import show_decision
from gateway.cli.session import connected
from gateway.client import DeniedRecords, plain
from gateway.errors import InvalidRequest

app = typer.Typer()

_SHOWN_ROWS = 50


@app.command()
def query(
    sql: Annotated[str, typer.Argument(help="One SELECT; see docs/statistics.md for the subset.")],
    dataset: Annotated[str, typer.Option("--dataset", help="Name of the data set in FROM.")],
    epsilon: Annotated[str, typer.Option(help="What it may cost, such as 0.5.")],
    purpose: Purpose,
    delta: Annotated[
        str | None,
        typer.Option(help="For Gaussian noise and for groups that are found, such as 1e-6."),
    ] = None,
    project: Annotated[
        str | None,
        typer.Option("--project", help="Charge the budget of this project, besides yours."),
    ] = None,
    groups: Annotated[
        int | None, typer.Option(min=1, help="Most groups that one person counts in.")
    ] = None,
    rows: Annotated[
        int | None, typer.Option(min=1, help="Most rows of one person that count in each group.")
    ] = None,
    minimum_frequency: Annotated[
        int | None,
        typer.Option(min=1, help="Least persons of a group that is found and named."),
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Show price, expected error and what is left; free.")
    ] = False,
    output: Annotated[
        Path | None,
        typer.Option(
            "--output",
            "-o",
            help="Save the table: .arrows (what the certificate is of), .parquet, .csv.",
        ),
    ] = None,
    certificate: Annotated[
        Path | None,
        typer.Option(help="Save the answer's certificate, for `gateway verify`."),
    ] = None,
    name: As = None,
    profile: ProfileFile = None,
    as_json: Json = False,
) -> None:
    """Ask a question: the answer is noisy, with a 95 % interval, and costs privacy budget.

    Ends with 3 when it was denied, and says why. Asked again on the same version of the data, the
    same question is answered from the first answer, at no cost.
    """
    _refuse_unwritable(output)
    asked: dict[str, Any] = {
        "epsilon": epsilon,
        "delta": delta,
        "project": project,
        "groups": groups,
        "rows": rows,
        "minimum_frequency": minimum_frequency,
    }
    with connected(name, profile) as client:
        if dry_run:
            price = _readable(plain(client.price(sql, dataset, purpose, **asked)))
            json_or(as_json, price, show_price)
            if price["decision"]["outcome"] == "denied":
                raise typer.Exit(EXIT_DENIED)
            return
        try:
            answer = client.ask(sql, dataset, purpose, **asked)
        except DeniedRecords as denied:
            decision = plain(denied.decision)
            json_or(as_json, {"state": "denied", "decision": decision}, _show_denied)
            raise typer.Exit(EXIT_DENIED) from denied
        table = client.table(answer)
        # Saved before it is shown: what was paid for is not lost with a terminal.
        if output is not None:
            client.save_table(answer, output)
    if certificate is not None:
        certificate.write_text(answer.certificate, encoding="utf-8")
    told = _readable(plain(answer))
    if as_json:
        show_json({**told, "rows": table.to_pylist()})
    else:
        show_answer(told, table)
    for saved in (output, certificate):
        if saved is not None:
            say(f"saved {saved}")


def show_price(answer: dict[str, Any]) -> None:
    """What a question would cost and how exact its answer would be."""
    if answer["decision"]["outcome"] == "denied":
        show_decision(answer["decision"])
        return
    price = {**_cost(answer["price"]), **_bounds(answer["price"])}
    show_fields(price, title="dry run: nothing was read, stored or charged")
    show_table(
        ["column", "± (95 %)", "noise", "in steps of", "remark"],
        [
            [e["column"], e["half_width"] or "depends on the answer", e["mechanism"], e["grid"],
             e["note"]]
            for e in answer["price"]["errors"]
        ],
    )  # fmt: skip
    show_left(answer["left"])
    for remark in answer["price"]["remarks"]:
        say(remark)
    if not answer["price"]["affordable"]:
        hint("asked now, it would be refused and cost nothing")


def show_answer(answer: dict[str, Any], table: pa.Table) -> None:
    """The noisy table, each value with its interval, what it cost and what remains."""
    names = set(table.column_names)
    values = [c for c in table.column_names if not _is_end(c, names)]
    first = table.slice(0, _SHOWN_ROWS).to_pylist()
    show_table(values, [[_cell(row, column, names) for column in values] for row in first])
    if table.num_rows > _SHOWN_ROWS:
        say(f"the first {_SHOWN_ROWS} of {table.num_rows:,} groups; save all with --output")
    cost = _cost(answer["price"])
    if answer["reused"]:
        cost = {"cost": "nothing: this was asked before, and is answered from that answer"}
    show_fields({**cost, **_bounds(answer["price"]), "answer": answer["name"]})
    for expected in answer["price"]["errors"]:
        if expected["note"]:
            say(f"{expected['column']}: {expected['note']}")
    show_left(answer["left"])


def show_left(left: list[dict[str, Any]]) -> None:
    """What remains of each budget that the caller may see."""
    for budget in left:
        kind = {"recipient": "you", "project": "the project"}[budget["kind"]]
        say(
            f"left for {kind}: epsilon {budget['left']} of {budget['epsilon']} "
            f"(at delta {budget['delta']})"
        )


def _cost(price: dict[str, Any]) -> dict[str, object]:
    delta = "" if price["delta"] == "0" else f", delta {price['delta']}"
    return {"cost": f"epsilon {price['epsilon']}{delta}", "hides": price["privacy_unit"]}


def _bounds(price: dict[str, Any]) -> dict[str, object]:
    """How much of a person counts, where it may be less than all of their rows."""
    plan = json.loads(price["plan_json"] or "{}")
    bounds = plan.get("bounds")
    if bounds is None or all(asked["one_row_per_person"] for asked in plan["datasets"]):
        return {}
    return {
        "counts": f"of a person at most {_many(bounds['groups'], 'group')}, and "
        f"{_many(bounds['rows'], 'row')} in each: the interval is of the noise; rows beyond these "
        "bounds are not in it (--groups, --rows)"
    }


def _many(number: int, thing: str) -> str:
    return f"{number:,} {thing}" + ("" if number == 1 else "s")


def _show_denied(told: dict[str, Any]) -> None:
    show_decision(told["decision"])


def _is_end(column: str, names: set[str]) -> bool:
    return any(
        column.endswith(end) and column.removesuffix(end) in names for end in ("_lower", "_upper")
    )


def _cell(row: dict[str, Any], column: str, names: set[str]) -> str:
    value = _number(row[column])
    low, high = f"{column}_lower", f"{column}_upper"
    if low in names and high in names and row[low] is not None:
        return f"{value}  [{_number(row[low])}, {_number(row[high])}]"
    return value


def _number(value: object) -> str:
    if value is None:
        return "–"
    if isinstance(value, float):
        return f"{value:,.6g}"
    return f"{value:,}" if isinstance(value, int) and not isinstance(value, bool) else str(value)


def _readable(answer: dict[str, Any]) -> dict[str, Any]:
    """Without the bytes of the table, which have no form in JSON."""
    return {key: value for key, value in answer.items() if key != "table"}


def _refuse_unwritable(output: Path | None) -> None:
    if output is not None and output.suffix not in {".arrows", ".parquet", ".csv"}:
        raise InvalidRequest.of("output", f"{output.name}: .arrows, .parquet or .csv is wanted")
