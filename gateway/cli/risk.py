"""``gateway risk``: how likely people are found in a file of one's own, without a server."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated, Any, Final

import pyarrow as pa
import typer
from pydantic import TypeAdapter, ValidationError

from gateway.cli.anonymity_goal import read_models
from gateway.cli.exits import EXIT_FAILED
from gateway.cli.microdata import (
    Delimiter,
    Encoding,
    HierarchyFolder,
    Qi,
    open_microdata,
    quasi_identifiers,
    read_ladders,
    told_delimiter,
)
from gateway.cli.options import Json, listed
from gateway.cli.output import hint, say, show_fields, show_json, show_table, stages
from gateway.cli.risk_columns import Looked, look_at
from gateway.cli.risk_page import write_risk_page
from gateway.cli.risk_proposal import show_proposal
from gateway.errors import AlreadyExists, InvalidRequest
from gateway.model.anonymity import PrivacyModel
from gateway.model.exact import PositiveNumber, millionths
from gateway.norms.disclosure import Sharing, disclosure
from gateway.risk.measures.attackers import Attacker
from gateway.risk.measures.effect import effect
from gateway.risk.measures.report import RiskReport, assess
from gateway.risk.measures.safe_harbor import safe_harbor
from gateway.risk.privacy.checks import claim
from gateway.risk.privacy.definition import Verdict
from gateway.risk.privacy.verify import verify
from gateway.risk.uniques.proposal import LARGEST_SET
from gateway.transform.anonymize.ladder import Ladder

app = typer.Typer()

_SHARES: Final = frozenset(
    "highest average over_threshold threshold sampling_fraction pitman zayatz snb".split()
)
"""Fields that are exact decimal text inside, and numbers in JSON."""

_TOLD: Final = {"found": "left", "judge": "to be judged", "not_found": "not found"}


@app.command()
def risk(
    file: Annotated[Path, typer.Argument(help="Records: .csv, .tsv, .parquet or .arrows.")],
    qi: Qi = "",
    propose: Annotated[
        bool,
        typer.Option(
            "--propose",
            help="Find which columns, of all or of --qi, single people out together, and nothing else.",
        ),
    ] = False,
    largest_set: Annotated[
        int, typer.Option(min=1, max=9, help="Columns in a set that --propose looks at, at most.")
    ] = LARGEST_SET,
    seconds: Annotated[
        int, typer.Option(min=1, help="After which --propose tells what it has, by size of sets.")
    ] = 300,
    sharing: Annotated[
        Sharing, typer.Option(help="Who will hold it; sets the threshold, and the level.")
    ] = "public",
    threshold: Annotated[
        str | None,
        typer.Option(help="Highest risk of a record that is borne, such as 0.2; of your policy."),
    ] = None,
    population: Annotated[
        Path | None,
        typer.Option(help="Table of everybody, generalised as the file is: for the journalist."),
    ] = None,
    sampling_fraction: Annotated[
        str | None,
        typer.Option(
            help="Records here by people out there, such as 0.01: for population uniques."
        ),
    ] = None,
    k: Annotated[int | None, typer.Option("--k", help="Check that so many look alike.")] = None,
    l: Annotated[  # noqa: E741 - the name of the model's parameter
        list[str] | None,
        typer.Option("--l", metavar="COLUMN=L", help="Check the values in each class; repeat."),
    ] = None,
    t: Annotated[
        list[str] | None,
        typer.Option("--t", metavar="COLUMN=T", help="Check the distance to the whole; repeat."),
    ] = None,
    model: Annotated[
        list[str] | None,
        typer.Option(
            "--model",
            metavar="KIND:NAME=VALUE,…",
            help="Check any other model, such as sample_uniqueness:at_most=0.01; repeat. A "
            "population is named population.",
        ),
    ] = None,
    hierarchies: HierarchyFolder = None,
    suppressed: Annotated[
        str, typer.Option(help="Texts that stand for a suppressed cell, with commas.")
    ] = "*",
    aggregated: Annotated[
        bool, typer.Option("--aggregated", help="The rows are groups, not people.")
    ] = False,
    classified: Annotated[
        bool,
        typer.Option(
            "--classify/--no-classify",
            help="Look for direct identifiers, and for HIPAA's eighteen, in all columns.",
        ),
    ] = True,
    memory: Annotated[
        int, typer.Option(min=64, help="MiB for counting; beyond, a temporary folder is used.")
    ] = 1024,
    html: Annotated[
        Path | None, typer.Option(help="Also write a page for an officer, which needs no network.")
    ] = None,
    delimiter: Delimiter = None,
    encoding: Encoding = "utf-8",
    as_json: Json = False,
) -> None:
    """Say how likely stated attackers find people in a file, and check privacy models.

    Needs no server, and does not hold the file in memory. Ends with 1 when a model does not hold.
    """
    if propose:
        told_fraction = sampling_fraction and _share("--sampling-fraction", sampling_fraction)
        show_proposal(
            file, qi, largest_set, told_fraction, seconds=seconds, delimiter=delimiter, encoding=encoding,
            as_json=as_json,
        )  # fmt: skip
        return
    columns = quasi_identifiers(qi)
    limit = _share("--threshold", threshold or disclosure().sharing[sharing].threshold)
    fraction = sampling_fraction and _share("--sampling-fraction", sampling_fraction)
    asked = read_models(k, l or (), t or (), model or ()) if k or l or t or model else ()
    if html is not None:
        _check_page(html)
    trees = [name for wanted in asked if (name := getattr(wanted, "hierarchy", None))]
    ladders = read_ladders(hierarchies, trees)

    with ExitStack() as stack:
        spill = Path(stack.enter_context(TemporaryDirectory(prefix="gateway-risk-")))
        tell = stack.enter_context(stages("measuring"))

        def rows(source: Path, stage: str) -> pa.RecordBatchReader:
            opened = open_microdata(source, delimiter=delimiter, encoding=encoding)
            return _watched(stack.enter_context(opened), lambda done: tell(stage, done, 0))

        _check_columns(rows(file, "reading").schema, columns, asked)
        report = assess(
            rows(file, "counting classes"),
            columns,
            threshold=limit,
            population=None if population is None else rows(population, "counting the population"),
            sampling_fraction=fraction,
            suppressed=listed(suppressed),
            memory_mib=memory,
            spill=spill,
        )
        verdicts: Sequence[Verdict] = ()
        if asked:
            verdicts = verify(
                rows(file, "checking models"),
                columns,
                asked,
                populations={}
                if population is None
                else {"population": rows(population, "checking models")},
                hierarchies={name: _table_of(ladder) for name, ladder in ladders.items()},
                memory_mib=memory,
                spill=spill,
            )
        looked = None
        if classified:
            told = told_delimiter(file, delimiter, encoding)
            looked = look_at(
                file, rows(file, "looking at columns"), delimiter=told, encoding=encoding, tell=tell
            )
    report = _judged(report, looked, sharing, limit, aggregated=aggregated)
    others = [] if looked is None else [c for c in looked.quasi_identifiers if c not in columns]
    if as_json:
        show_json(_plain(file, report, verdicts, others))
    else:
        _show(file, report, verdicts, others, fraction)
    if html is not None:
        write_risk_page(html, file.name, report, verdicts, others)
        say(f"wrote {html}")
    if not all(verdict.holds for verdict in verdicts):
        raise typer.Exit(EXIT_FAILED)


def _watched(rows: pa.RecordBatchReader, tell: Callable[[int], None]) -> pa.RecordBatchReader:
    def told() -> Iterator[pa.RecordBatch]:
        done = 0
        for batch in rows:
            yield batch
            done += batch.num_rows
            tell(done)

    return pa.RecordBatchReader.from_batches(rows.schema, told())


def _share(option: str, text: str) -> str:
    try:
        share: str = TypeAdapter(PositiveNumber).validate_python(text)
    except ValidationError:
        raise InvalidRequest.of(option, "is a share, such as 0.05") from None
    if millionths(share) > 10**6:
        raise InvalidRequest.of(option, "is a share: at most 1")
    return share


def _check_page(html: Path) -> None:
    if html.exists():
        raise AlreadyExists(f"{html} exists; nothing is overwritten")
    if not html.parent.is_dir():
        raise InvalidRequest.of("--html", f"the folder {html.parent} is not there")


def _check_columns(
    schema: pa.Schema, columns: Sequence[str], asked: Sequence[PrivacyModel]
) -> None:
    """Said before anything is counted, with what there is."""
    sensitive = [column for model in asked if (column := getattr(model, "column", None))]
    if unknown := [name for name in (*columns, *sensitive) if name not in schema.names]:
        there = ", ".join(schema.names[:20]) + (", …" if len(schema.names) > 20 else "")
        raise InvalidRequest.of(
            "--qi" if unknown[0] in columns else "--l",
            f"{', '.join(unknown)}: no such column; there are {there}",
        )


def _table_of(ladder: Ladder) -> pa.Table:
    """One line a leaf, then its ancestors to the root."""
    levels = [
        labels.take(pa.array(codes))
        for labels, codes in zip(ladder.labels, ladder.codes, strict=True)
    ]
    return pa.table(levels, names=[f"level_{place}" for place in range(len(levels))])


def _judged(
    report: RiskReport, looked: Looked | None, sharing: Sharing, limit: str, *, aggregated: bool
) -> RiskReport:
    """With what the columns are: HIPAA's eighteen, and the level of GB/T 42460."""
    return report.but(
        safe_harbor=None if looked is None else safe_harbor(looked.columns, report.records),
        effect=effect(
            report.prosecutor.highest,
            sharing=sharing,
            threshold=limit,
            direct_identifiers=None if looked is None else looked.direct_identifiers,
            aggregated=aggregated,
        ),
    )


# ---- for programs -------------------------------------------------------------------------------


def _plain(
    file: Path, report: RiskReport, verdicts: Sequence[Verdict], others: Sequence[str]
) -> dict[str, Any]:
    return {
        "file": file.name,
        **_numbers(report.model_dump(mode="json")),
        "further_quasi_identifiers": list(others),
        "models": [
            {
                **verdict.model.model_dump(mode="json", exclude_none=True),
                "holds": verdict.holds,
                "name": verdict.name,
                "figure": verdict.figure,
                "limit": verdict.limit,
                "leaves": claim(verdict.model).leaves,
            }
            for verdict in verdicts
        ],
    }


def _numbers(value: Any) -> Any:
    if isinstance(value, list):
        return [_numbers(item) for item in value]
    if not isinstance(value, dict):
        return value
    return {
        name: float(item) if name in _SHARES and isinstance(item, str) else _numbers(item)
        for name, item in value.items()
    }


# ---- for people ---------------------------------------------------------------------------------


def _show(
    file: Path,
    report: RiskReport,
    verdicts: Sequence[Verdict],
    others: Sequence[str],
    fraction: str | None,
) -> None:
    show_fields(
        {
            "records": report.records,
            "classes": report.classes,
            "smallest class": report.smallest_class,
            "alone in their class": f"{report.alone:,} records",
            "level (GB/T 42460)": _level(report),
        },
        title=f"{file.name}: risk by {', '.join(report.quasi_identifiers)}",
    )
    wildcard = None if report.wildcard is None else report.wildcard.prosecutor
    rows = [
        ("prosecutor: knows who is in it", report.prosecutor),
        ("journalist: looks in the population", report.journalist),
        ("marketer: links all records", report.marketer),
        ("prosecutor, suppressed cells as wildcards", wildcard),
    ]
    show_table(
        ("attacker", "highest", "average", f"records over {report.threshold}"),
        [_row(name, found) for name, found in rows if found is not None],
    )
    if report.uniqueness is not None:
        told = report.uniqueness
        show_table(
            ("alone in the population", "share", ""),
            [
                (name, "no estimate" if share is None else share, mark)
                for name, share in (
                    ("Pitman", told.pitman), ("Zayatz", told.zayatz), ("SNB", told.snb)
                )
                for mark in ["the one to go by" if told.preferred == name.lower() else ""]
            ],
        )  # fmt: skip
    if verdicts:
        show_table(
            ("model", "holds", "figure", "limit", "what it does not do"),
            [
                (v.model.kind, v.holds, f"{v.figure} {v.name}", v.limit, claim(v.model).leaves)
                for v in verdicts
            ],
        )
    if report.safe_harbor is not None:
        left = [finding for finding in report.safe_harbor if finding.outcome != "not_found"]
        show_table(
            ("HIPAA", "identifier", "", "why"),
            [(f.identifier, f.en, _TOLD[f.outcome], [said.en for said in f.because]) for f in left],
        )
    _hints(report, verdicts, others, fraction)


def _level(report: RiskReport) -> str:
    found = report.effect
    if found is None:
        return ""
    level = "not graded" if found.level is None else f"{found.level}, {found.en}"
    return f"{level} ({found.because.en}; {found.sharing})"


def _row(name: str, found: Attacker) -> tuple[str, str, str, str]:
    return name, found.highest, found.average, f"{found.records_over:,} ({found.over_threshold})"


def _hints(
    report: RiskReport, verdicts: Sequence[Verdict], others: Sequence[str], fraction: str | None
) -> None:
    for said in report.remarks:
        say(said.en)
    for verdict in verdicts:
        if verdict.model.kind == "k_anonymity" and verdict.model.k > report.records:
            say(f"k {verdict.model.k} is larger than the table: no recoding can reach it")
    if others:
        say(f"classified as quasi-identifiers too, and not in --qi: {', '.join(others)}")
    if report.journalist is None:
        hint("--population FILE shows the journalist's risk")
    if fraction is None:
        hint("--sampling-fraction estimates how many are alone in the population")
    if report.prosecutor.records_over:
        hint("gateway anonymize FILE --qi … --k … makes classes larger")
