"""``gateway dataset``: find, register and describe data sets."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import Annotated, Any

import typer

from gateway.cli.description import pairs, read_description, read_source
from gateway.cli.options import As, Json, Names, ProfileFile, Reason
from gateway.cli.output import hint, json_or, say, show_fields, show_names, show_table, stages, when
from gateway.cli.session import connected
from gateway.cli.tables import open_table
from gateway.client import plain
from gateway.errors import InvalidRequest
from gateway.model.catalog import Column
from gateway.model.names import is_identifier

app = typer.Typer(no_args_is_help=True)

Name = Annotated[str, typer.Argument(help="Name of the data set, such as residents.")]
Title = Annotated[str | None, typer.Option(help="Title for people.")]
Described = Annotated[
    Path | None,
    typer.Option("--describe", help="YAML with title, description, columns and so on."),
]


NoWait = Annotated[
    bool, typer.Option("--no-wait", help="Do not wait until the columns are classified.")
]


@app.command("list")
def list_(
    text: Annotated[str, typer.Argument(help="Text to find; all without it.")] = "",
    name: As = None,
    profile: ProfileFile = None,
    names: Names = False,
    as_json: Json = False,
) -> None:
    """Find data sets by name, title, keyword or column."""
    with connected(name, profile) as client:
        found = [plain(dataset) for dataset in client.search(text)]
    json_or(as_json, found, show_names if names else _show_list)


@app.command()
def show(
    dataset: Name,
    why: Annotated[bool, typer.Option("--why", help="Also the evidence for each column.")] = False,
    name: As = None,
    profile: ProfileFile = None,
    as_json: Json = False,
) -> None:
    """Show a data set and what is known of its columns."""
    with connected(name, profile) as client:
        found = plain(client.dataset(dataset))
    json_or(as_json, found, show_dataset)
    if why and not as_json:
        for column in found["columns"]:
            _show_why(column)


@app.command()
def register(
    dataset: Name,
    source: Annotated[
        str,
        typer.Argument(
            help="Parquet or CSV file below your folder on the gateway's machine, "
            "postgres:CONNECTION/TABLE, or pushed."
        ),
    ],
    title: Title = None,
    describe: Described = None,
    privacy_unit: Annotated[
        str | None, typer.Option(help="The column that names the person.")
    ] = None,
    delimiter: Annotated[str, typer.Option(help="Of a CSV file.")] = ",",
    encoding: Annotated[str, typer.Option(help="Of a CSV file, such as gb18030.")] = "utf-8",
    type_: Annotated[
        list[str] | None, typer.Option("--type", help="Of a CSV column, such as card=string.")
    ] = None,
    null: Annotated[
        list[str] | None, typer.Option(help="Text of a CSV file that stands for nothing.")
    ] = None,
    no_wait: NoWait = False,
    name: As = None,
    profile: ProfileFile = None,
    as_json: Json = False,
) -> None:
    """Register a data set where it lives, and have its columns classified."""
    if not is_identifier(dataset.removeprefix("datasets/")):
        raise InvalidRequest.of(
            "name",
            "3 to 63 of a–z, 0–9 and hyphens, a letter first and no hyphen last; the title may be "
            "anything",
        )
    fields, columns = read_description(describe) if describe else ({}, ())
    fields |= _given(title=title, privacy_unit=privacy_unit)
    fields.setdefault("title", dataset)
    found = read_source(
        source,
        delimiter="\t" if delimiter == "\\t" else delimiter,
        encoding=encoding,
        types=pairs(type_, "type"),
        nulls=tuple(null) if null else ("",),
    )
    with connected(name, profile) as client, classifying(dataset) as told:
        registered = plain(
            client.register(
                dataset, found, columns=columns, wait=not no_wait, progress=told, **fields
            )
        )
    json_or(as_json, registered, show_dataset)
    _hint_declined(registered)
    if no_wait:
        hint(f"is it classified? gateway dataset show {dataset}")
    elif registered["state"] == "awaiting_records":
        hint(f"push its records: gateway dataset push {dataset} FILE")
    else:
        hint(f"why: gateway dataset show {dataset} --why")
        hint(f"not so? gateway dataset update {dataset} --describe FILE")


@app.command()
def update(
    dataset: Name,
    title: Title = None,
    describe: Described = None,
    name: As = None,
    profile: ProfileFile = None,
    as_json: Json = False,
) -> None:
    """Change what you say of a data set; a grade can be raised, not lowered."""
    fields, columns = read_description(describe) if describe else ({}, ())
    fields |= _given(title=title)
    with connected(name, profile) as client:
        changed = plain(client.update(dataset, columns=columns or None, **fields))
    json_or(as_json, changed, show_dataset)


@app.command()
def push(
    dataset: Name,
    file: Annotated[Path, typer.Argument(help="Parquet, CSV or Arrow stream with the records.")],
    no_wait: NoWait = False,
    name: As = None,
    profile: ProfileFile = None,
    as_json: Json = False,
) -> None:
    """Replace the records of a pushed data set, all of them or none."""
    with connected(name, profile) as client:
        registered = client.dataset(dataset)
        columns = [Column(name=column.name, type=column.type) for column in registered.columns]
        with open_table(file, columns) as records, classifying(dataset) as told:
            pushed = plain(client.push(dataset, records, wait=not no_wait, progress=told))
    json_or(as_json, pushed, show_dataset)


@app.command()
def refresh(
    dataset: Name,
    no_wait: NoWait = False,
    name: As = None,
    profile: ProfileFile = None,
    as_json: Json = False,
) -> None:
    """Look at the source again, after you changed it on purpose."""
    with connected(name, profile) as client, classifying(dataset) as told:
        seen = plain(client.refresh(dataset, wait=not no_wait, progress=told))
    json_or(as_json, seen, show_dataset)


@app.command()
def withdraw(
    dataset: Name, name: As = None, profile: ProfileFile = None, as_json: Json = False
) -> None:
    """Take a data set out of use; sealed releases stay."""
    with connected(name, profile) as client:
        json_or(as_json, plain(client.withdraw(dataset)), show_dataset)


@app.command()
def classify(
    dataset: Name,
    no_wait: NoWait = False,
    name: As = None,
    profile: ProfileFile = None,
    as_json: Json = False,
) -> None:
    """Classify the columns again; what a person said stays, and an officer accepts milder finds."""
    with connected(name, profile) as client, classifying(dataset) as told:
        seen = plain(client.classify(dataset, wait=not no_wait, progress=told))
    json_or(as_json, seen, show_dataset)


@app.command()
def override(
    dataset: Name,
    column: Annotated[str, typer.Argument(help="Name of the column in the source.")],
    entity: Annotated[str, typer.Option(help="What it is, such as CN_MOBILE or NONE.")],
    grade: Annotated[str, typer.Option(help="general-1 to general-4, important or core.")],
    role: Annotated[
        str, typer.Option(help="direct_identifier, quasi_identifier, sensitive or other.")
    ],
    reason: Reason,
    until: Annotated[
        str | None,
        typer.Option(
            help="Last day, such as 2027-06-30, or a moment with its time zone; for good without."
        ),
    ] = None,
    name: As = None,
    profile: ProfileFile = None,
    as_json: Json = False,
) -> None:
    """Set the verdict on a column, as an officer; when it lapses, what the rules find holds."""
    lapses = None if until is None else _end_of(until)
    with connected(name, profile) as client:
        changed = client.override(
            dataset, column, entity=entity, grade=grade, role=role, reason=reason, until=lapses
        )
    json_or(as_json, plain(changed), show_dataset)


def _contributions(said: dict[str, Any] | None) -> str:
    if said is None:
        return "a person counts in one group, with one row"
    if said["one_row_per_person"]:
        return "a person has one row (declared)"
    return f"a person counts in {said['groups']} groups, with {said['rows']} rows in each"


def show_dataset(dataset: dict[str, Any]) -> None:
    """One data set for people: what is said of it, and its columns."""
    shown = (
        "title", "description", "holder", "steward", "licence", "legal_basis", "retention_days",
        "update_cycle", "keywords", "privacy_unit", "state", "grade", "rows",
    )  # fmt: skip
    fields = {field: dataset[field] for field in shown}
    fields["in statistics"] = _contributions(dataset["contributions"])
    fields["updated"] = when(dataset["updated"])
    fields["classification"] = _classification(dataset)
    show_fields(fields, title=dataset["name"])
    columns = dataset["columns"]
    rows = [
        [
            column["name"],
            column["element"],
            column["type"],
            column["entity"] or "?",
            column["grade"] or "?",
            column["role"] or "?",
            _sure(column),
        ]
        for column in columns
    ]
    show_table(["column", "element", "type", "entity", "grade", "role", "sure"], rows)
    if dataset["affected_grants"]:
        affected = [
            [grant["grant"], grant["consumer"], "\n".join(r["text"] for r in grant["reasons"])]
            for grant in dataset["affected_grants"]
        ]
        show_table(["affected grant", "consumer", "since verdicts changed"], affected)
    if any(column["grade"] is None for column in columns):
        say("? = not known: counts as the highest grade, and cannot be released")
    if any(column["found"] and not column["declaration"] for column in columns):
        say(
            "now found = the rules by now find something milder; what held before stays until an "
            "officer accepts it (gateway dataset classify) or decides otherwise (gateway dataset "
            "override)"
        )


@contextmanager
def classifying(dataset: str) -> Iterator[Callable[[Any], None]]:
    """A progress bar while a data set is classified; yields what is told how far that is."""
    with stages(f"classifying {dataset}") as tell:

        def told(message: Any) -> None:
            now = plain(message)
            tell(now["state"] or "", now["columns_done"], now["columns_total"])

        yield told


def _hint_declined(dataset: dict[str, Any]) -> None:
    declined = (dataset["classification"] or {}).get("declined_columns")
    if declined:
        hint(
            "not taken over, because the columns hold something graver or else: "
            + ", ".join(declined)
            + "; only an officer says otherwise (gateway dataset override)"
        )


def _classification(dataset: dict[str, Any]) -> str | None:
    """How the newest classification stands, unless it is done."""
    now = dataset["classification"]
    if now is None or now["state"] == "done":
        return None
    if now["state"] == "failed":
        return f"failed: {now['failure_text']}"
    return f"{now['state']}, {now['columns_done']} of {now['columns_total']} columns"


def _show_list(datasets: list[dict[str, Any]]) -> None:
    show_table(
        ["name", "title", "holder", "grade", "rows", "columns", "state"],
        [
            [d["name"], d["title"], d["holder"], d["grade"], d["rows"], len(d["columns"]),
             d["state"]]
            for d in datasets
        ],
    )  # fmt: skip


def _show_why(column: dict[str, Any]) -> None:
    coverage = column["coverage"]
    if coverage is None:
        title = column["name"]
    elif coverage["sampled"]:
        title = f"{column['name']}: {coverage['sampled']:,} values looked at, "
        title += f"{coverage['rows']:,} rows, rules {column['rules']}"
    else:
        title = f"{column['name']}: no values looked at, rules {column['rules']}"
    if coverage is not None and coverage["stopped"]:
        title += ", the search for rare values took too long"
    if not column["evidence"]:
        return say(f"{title}: no evidence")
    rows = [
        [e["kind"], e["entity"], f"{e['weight']:+d}", e["detail"], e["detail_zh"]]
        for e in column["evidence"]
    ]
    return show_table(["evidence", "entity", "weight", "why", "理由"], rows, title=title)


def _end_of(text: str) -> datetime:
    """The end of a day in UTC, or the moment itself."""
    try:
        if "T" in text.upper() or " " in text.strip():
            return datetime.fromisoformat(text)
        return datetime.combine(date.fromisoformat(text) + timedelta(days=1), time.min, UTC)
    except (ValueError, OverflowError):
        raise InvalidRequest.of(
            "until", "a day such as 2027-06-30, or a moment such as 2027-06-30T12:00:00+08:00"
        ) from None


def _sure(column: dict[str, Any]) -> str:
    """How sure the verdict is, who said it, and whether the rules by now say otherwise."""
    said, found = column["declaration"], column["found"]
    if said is not None:
        lapses = f" until {when(said['until'])}" if said["until"] else ""
        return f"declared by the {said['role']}{lapses}"
    if column["declared"]:
        return "declared"
    asked = f"; now found: {found['entity'] or '?'}, {found['grade'] or '?'}" if found else ""
    return _percent(column["confidence_percent"]) + asked


def _percent(confidence: int | None) -> str:
    return "" if confidence is None else f"{confidence} %"


def _given(**fields: str | None) -> dict[str, str]:
    return {name: value for name, value in fields.items() if value is not None}
