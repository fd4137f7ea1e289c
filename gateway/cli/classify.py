"""``gateway classify``: what the columns of a file or a data set are, how grave, and why."""

import os
from pathlib import Path
from typing import Annotated

import typer

from gateway.app.classifying import classify_file, csv_source
from gateway.cli.classification import Classification, Language, as_json, column_of
from gateway.cli.classification_page import write_page
from gateway.cli.classification_table import show_classification
from gateway.cli.dataset import classifying
from gateway.cli.description import pairs
from gateway.cli.options import As, Json, ProfileFile
from gateway.cli.output import say, show_json, stages
from gateway.cli.session import connected
from gateway.client import plain
from gateway.errors import AlreadyExists, InvalidRequest
from gateway.model.names import is_identifier
from gateway.norms.standards import DEFAULT, Standard, standards
from gateway.ports import SAMPLED_VALUES

app = typer.Typer()


@app.command()
def classify(
    subject: Annotated[
        str,
        typer.Argument(
            metavar="FILE|DATASET",
            help="Parquet, CSV, TSV or Arrow file here, or the name of a registered data set.",
        ),
    ],
    standard: Annotated[
        str, typer.Option(help="Grading standard, such as jrt-0197-2020, hipaa or gdpr.")
    ] = DEFAULT,
    language: Annotated[
        Language | None,
        typer.Option(help="Of the reasons; without, that of the terminal, or both."),
    ] = None,
    html: Annotated[
        Path | None, typer.Option(help="Also write a page for an officer, which needs no network.")
    ] = None,
    metadata_only: Annotated[
        bool, typer.Option("--metadata-only", help="Look at no value of the file; weaker.")
    ] = False,
    sample: Annotated[
        int, typer.Option(min=1, max=SAMPLED_VALUES, help="Most values of a column looked at.")
    ] = SAMPLED_VALUES,
    delimiter: Annotated[
        str | None, typer.Option(help="Of a CSV file; without, told from its first lines.")
    ] = None,
    encoding: Annotated[str, typer.Option(help="Of a CSV file, such as gb18030.")] = "utf-8",
    type_: Annotated[
        list[str] | None, typer.Option("--type", help="Of a CSV column, such as card=string.")
    ] = None,
    null: Annotated[
        list[str] | None, typer.Option(help="Text of a CSV file that stands for nothing.")
    ] = None,
    name: As = None,
    profile: ProfileFile = None,
    json: Json = False,
) -> None:
    """Show what each column is, its grade, its role, how sure that is, and why.

    A file is looked at here, with no server. Of a data set the gateway tells the verdicts that hold.
    """
    graded_by = _standard(standard)
    if html is not None:
        if html.exists():
            raise AlreadyExists(f"{html} exists; nothing is overwritten")
        if not html.parent.is_dir():
            raise InvalidRequest.of("html", f"the folder {html.parent} is not there")
    file = None if name or profile else _file(subject)
    if file is None:
        if metadata_only or sample != SAMPLED_VALUES:
            raise InvalidRequest.of("dataset", "--metadata-only and --sample are for files")
        classification = _registered(subject, graded_by, name, profile)
    else:
        csv = csv_source(
            file,
            delimiter="\t" if delimiter == "\\t" else delimiter,
            encoding=encoding,
            types=pairs(type_, "type"),
            nulls=tuple(null) if null else ("",),
        )
        with stages("classifying") as tell:
            found = classify_file(
                file,
                csv=csv,
                metadata_only=metadata_only,
                most=sample,
                with_examples=html is not None,
                tell=tell,
            )
        classification = Classification.of(
            file.name,
            found.columns,
            found.rows,
            graded_by,
            registered=False,
            examples=found.examples,
        )
    spoken = language or _spoken()
    if json:
        show_json(as_json(classification))
    else:
        show_classification(classification, spoken)
    if html is not None:
        write_page(html, classification, spoken)
        say(f"wrote {html}: {len(classification.columns):,} columns")


def _standard(name: str) -> Standard:
    found = standards().get(name)
    if found is None:
        raise InvalidRequest.of("standard", f"is one of {', '.join(standards())}")
    return found


def _file(subject: str) -> Path | None:
    """The file of that name; None when it can only be the name of a data set."""
    file = Path(subject)
    if file.exists():
        return file
    if is_identifier(subject.removeprefix("datasets/")):
        return None
    raise InvalidRequest.of("file", f"{subject} does not exist, and is no name of a data set")


def _registered(
    subject: str, standard: Standard, name: str | None, profile: Path | None
) -> Classification:
    with connected(name, profile) as client:
        found = plain(client.dataset(subject))
        state = (found["classification"] or {}).get("state")
        if state in ("pending", "running"):
            with classifying(subject) as told:
                found = plain(client.classified(subject, told))
        elif state == "failed":
            why = found["classification"]["failure_text"]
            say(f"the newest classification failed, the verdicts are from before: {why}")
    columns = [column_of(column) for column in found["columns"]]
    return Classification.of(found["name"], columns, found["rows"], standard, registered=True)


def _spoken() -> Language:
    """Chinese or English as the terminal is set, both when it is set to neither."""
    for variable in ("LC_ALL", "LC_MESSAGES", "LANG"):
        value = os.environ.get(variable, "").lower()
        if value:
            return "zh" if value.startswith("zh") else "en" if value.startswith("en") else "both"
    return "both"
