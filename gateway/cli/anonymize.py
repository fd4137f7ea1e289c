"""``gateway anonymize``: recode a file of one's own until privacy models hold, without a server."""

import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from math import ceil
from pathlib import Path
from typing import Annotated, Any, Final, Literal

import pyarrow as pa
import pyarrow.compute as pc
import typer

from gateway.cli.anonymity_goal import Wanted, read_goal
from gateway.cli.anonymity_told import few, hints, plain, show
from gateway.cli.microdata import (
    Delimiter,
    Encoding,
    HierarchyFolder,
    Qi,
    quasi_identifiers,
    read_ladders,
    read_microdata,
    told_delimiter,
)
from gateway.cli.options import Json, listed
from gateway.cli.output import hint, json_or, say, stages
from gateway.cli.table_files import check_output, write_table
from gateway.cli.utility_page import write_utility_page
from gateway.client.saving import whole_file
from gateway.errors import CheckFailed, FailedPrecondition, InvalidRequest
from gateway.model.anonymity import AnonymityGoal, Method, Metric, TCloseness
from gateway.risk.measures.uniqueness import estimate
from gateway.risk.privacy.definition import Verdict
from gateway.risk.privacy.verify import verify
from gateway.risk.utility.report import utility
from gateway.transform.anonymize.full_domain import full_domain
from gateway.transform.anonymize.ladder import Ladder
from gateway.transform.anonymize.local_recoding import local_recoding
from gateway.transform.anonymize.problem import Problem, Watch, sensitive_columns
from gateway.transform.anonymize.proposals import proposed
from gateway.transform.anonymize.recoding import Recoding
from gateway.transform.anonymize.suppression import suppress_cells, suppress_records
from gateway.transform.base import as_text

app = typer.Typer()

_METHODS: Final[Mapping[str, tuple[Method, Callable[[Problem, Watch], Recoding]]]] = {
    "full-domain": ("full_domain", full_domain),
    "local": ("local", local_recoding),
    "cells": ("local", suppress_cells),
    "records": ("full_domain", suppress_records),
}

_REPORTS: Final = (".html", ".json")

_MODEL_HELP: Final = (
    "Any other privacy model, such as l_diversity:column=diagnosis,variant=entropy,l=3 or "
    "average_risk:at_most=0.1; repeat."
)


@app.command()
def anonymize(
    file: Annotated[Path, typer.Argument(help="Records: .csv, .tsv, .parquet or .arrows.")],
    qi: Qi,
    output: Annotated[
        Path, typer.Option("--output", "-o", help="File to write: .csv, .parquet or .arrows.")
    ],
    k: Annotated[
        int | None, typer.Option("--k", help="Records that look alike at least, such as 5.")
    ] = None,
    l: Annotated[  # noqa: E741 - the name of the model's parameter
        list[str] | None,
        typer.Option(
            "--l", metavar="COLUMN=L", help="Values of a sensitive column in each class; repeat."
        ),
    ] = None,
    t: Annotated[
        list[str] | None,
        typer.Option(
            "--t",
            metavar="COLUMN=T",
            help="Greatest distance of a sensitive column in a class to that in the whole; repeat.",
        ),
    ] = None,
    model: Annotated[
        list[str] | None, typer.Option("--model", metavar="KIND:NAME=VALUE,…", help=_MODEL_HELP)
    ] = None,
    hierarchies: HierarchyFolder = None,
    metric: Annotated[
        Metric, typer.Option(help="What is made small: information lost, or sizes of classes.")
    ] = "loss",
    suppression: Annotated[
        str, typer.Option(help="Largest share of records that may be left out, such as 0.04.")
    ] = "0",
    method: Annotated[
        Literal["full-domain", "local", "cells", "records"],
        typer.Option(
            help="One level a column for all records, or as little as each class needs; or nothing "
            "but cells, or records, left out."
        ),
    ] = "full-domain",
    weight: Annotated[
        list[str] | None,
        typer.Option(
            "--weight", metavar="COLUMN=W", help="Detail of a column counts so much; repeat."
        ),
    ] = None,
    population: Annotated[
        list[str] | None,
        typer.Option(
            "--population",
            metavar="NAME=FILE",
            help="Table of everybody, by the name that k_map or delta_presence gives; repeat.",
        ),
    ] = None,
    drop: Annotated[
        str,
        typer.Option(help="Columns that are not to be written, such as names, with commas."),
    ] = "",
    seconds: Annotated[
        int, typer.Option(min=1, help="After which the best found so far is taken.")
    ] = 300,
    report: Annotated[
        Path | None,
        typer.Option(
            "--report",
            help="Page (.html) or JSON (.json) of what was lost, and who lost more than others.",
        ),
    ] = None,
    delimiter: Delimiter = None,
    encoding: Encoding = "utf-8",
    as_json: Json = False,
) -> None:
    """Generalise quasi-identifiers, and leave out records, until the privacy models hold.

    Needs no server. A column without a hierarchy gets one that fits its values, and it is told. The
    result is verified by code of its own before anything is written.
    """
    check_output("--output", output)
    if report is not None:
        check_output("--report", report, _REPORTS)
    kind, search = _METHODS[method]
    wanted = Wanted(
        k, l or (), t or (), model or (), metric, suppression, kind, weight or (), seconds
    )
    goal = read_goal(quasi_identifiers(qi), wanted)
    ladders = read_ladders(hierarchies, [*goal.quasi_identifiers, *_trees(goal)])
    as_written = [name for name in goal.quasi_identifiers if name in ladders]

    def read(source: Path) -> pa.Table:
        return read_microdata(source, delimiter=delimiter, encoding=encoding, as_text=as_written)

    table = _without(read(file), listed(drop), goal)
    if population and kind != "full_domain":
        raise InvalidRequest.of("--population", "only with --method full-domain")
    populations = {name: read(Path(path)) for name, path in _named(population).items()}
    for name in goal.quasi_identifiers:
        if name not in ladders and name in table.column_names:
            everybody = [found for found in populations.values() if name in found.column_names]
            ladders[name] = proposed(
                pa.chunked_array(
                    [c for found in (table, *everybody) for c in found.column(name).chunks],
                    table.schema.field(name).type,
                )
            )
    with stages("anonymizing") as tell:
        begun = time.monotonic()
        watch = Watch(lambda: time.monotonic() - begun, tell)
        problem = Problem.of(table, goal, ladders, populations, estimate)
        recoding = search(problem, watch)
        took = time.monotonic() - begun
        coarser = _full_domain_loses(problem, recoding, took, tell) if method == "local" else None
        tell("verifying", 0, 0)
        released = recoding.apply(table)
        verdicts = _verified(released, goal, recoding, ladders, populations)
    write_table(released, output, told_delimiter(file, delimiter, encoding))
    if report is not None:
        _write_report(report, table, released, recoding, goal)
    told = plain(goal, method, recoding, ladders, verdicts, took, output)
    told["left_as_they_are"] = _untouched(table, goal)
    json_or(as_json, told, show)
    say(f"wrote {output}" + (f" and {report}" if report else ""))
    if told["left_as_they_are"]:
        hint(
            f"left as they are: {few(told['left_as_they_are'])}; a name or number of a person "
            "among them still names that person (--drop)"
        )
    if coarser is not None:
        hint(
            f"one level a column loses less here: {coarser:.4f} against {recoding.value:.4f} "
            "(--method full-domain)"
        )
    for name in _spaced(table, goal):
        hint(f"{name}: some of its values differ in spaces alone, and each counts as a value")
    if method in ("full-domain", "local"):
        hints(goal, recoding, ladders)


def _full_domain_loses(
    problem: Problem, local: Recoding, took: float, tell: Callable[[str, int, int], None]
) -> float | None:
    """What a full-domain recoding of the same goal costs, where that is less; looked for as long as
    the local one took, at least a second. Neither leaves records out."""
    begun = time.monotonic()
    seconds = max(1, min(problem.goal.seconds, ceil(took)))
    goal = problem.goal.but(method="full_domain", max_suppression="0", seconds=seconds)
    watch = Watch(lambda: time.monotonic() - begun, lambda *at: tell("comparing", *at[1:]))
    try:
        found = full_domain(replace(problem, goal=goal), watch)
    except (InvalidRequest, FailedPrecondition):
        return None  # there is none to compare with
    return found.value if found.value < local.value else None


def _trees(goal: AnonymityGoal) -> list[str]:
    """The hierarchies that distances of sensitive columns go by."""
    found = [
        model.hierarchy
        for model in goal.models
        if isinstance(model, TCloseness) and model.hierarchy is not None
    ]
    return list(dict.fromkeys(found))


def _without(table: pa.Table, dropped: list[str], goal: AnonymityGoal) -> pa.Table:
    for name in dropped:
        if name not in table.column_names:
            raise InvalidRequest.of("--drop", f"the table has no column {name}")
        if name in (*goal.quasi_identifiers, *sensitive_columns(goal)):
            raise InvalidRequest.of("--drop", f"{name} is what the models are about")
    return table.drop_columns(dropped)


def _untouched(table: pa.Table, goal: AnonymityGoal) -> list[str]:
    """Columns that no model speaks of."""
    about = {*goal.quasi_identifiers, *sensitive_columns(goal)}
    return [name for name in table.column_names if name not in about]


def _spaced(table: pa.Table, goal: AnonymityGoal) -> list[str]:
    """Sensitive columns of text with values that one could take for one."""
    found = []
    for name in sensitive_columns(goal):
        values = table.column(name).unique()
        if pa.types.is_dictionary(values.type):
            values = values.dictionary_decode()
        if pa.types.is_string(values.type) or pa.types.is_large_string(values.type):
            bare = pc.utf8_trim_whitespace(values.drop_null())
            if len(bare.unique()) < len(bare):
                found.append(name)
    return found


def _named(given: list[str] | None) -> dict[str, str]:
    pairs = [text.partition("=") for text in given or []]
    if any(not name or not value for name, _, value in pairs):
        raise InvalidRequest.of("--population", "write NAME=FILE")
    return {name: value for name, _, value in pairs}


def _write_report(
    file: Path, table: pa.Table, released: pa.Table, recoding: Recoding, goal: AnonymityGoal
) -> None:
    found = utility(
        table, released, ~recoding.suppressed, goal.quasi_identifiers, sensitive_columns(goal)
    )
    if file.suffix.lower() == ".html":
        write_utility_page(file, found, file.stem)
        return
    with whole_file(file) as target:
        target.write(found.model_dump_json(indent=2).encode())


def _verified(
    released: pa.Table,
    goal: AnonymityGoal,
    recoding: Recoding,
    ladders: Mapping[str, Ladder],
    populations: Mapping[str, pa.Table],
) -> tuple[Verdict, ...]:
    """What the verifier finds in the rows that would be written; CheckFailed, which is a fault of
    the search, when a model does not hold in them."""
    beside: dict[str, Any] = {}
    if populations:
        beside["populations"] = {
            name: _generalised(found, recoding, ladders).to_batches()
            for name, found in populations.items()
        }
    if trees := _trees(goal):
        beside["hierarchies"] = {name: ladders[name].table() for name in trees}
    verdicts = verify(released.to_reader(), goal.quasi_identifiers, goal.models, **beside)
    failed = [verdict.model.kind for verdict in verdicts if not verdict.holds]
    if failed:
        raise CheckFailed(
            f"the verifier refuses what the search found: {', '.join(failed)}; nothing was "
            "written, please report it"
        )
    return verdicts


def _generalised(table: pa.Table, recoding: Recoding, ladders: Mapping[str, Ladder]) -> pa.Table:
    """A population's quasi-identifiers at the levels of the release."""
    table = table.select(list(recoding.names))
    for place, (name, level) in enumerate((recoding.levels or {}).items()):
        if level:
            ladder = ladders[name].with_null()
            found = ladder.find(as_text(table.column(name).combine_chunks()))
            labels = ladder.labels[level].take(pa.array(ladder.codes[level]).take(found))
            table = table.set_column(place, name, labels)
    return table
