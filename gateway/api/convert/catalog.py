"""Data sets, columns and sources."""

from collections.abc import Callable, Sequence
from typing import Any, Final

from gateway.api.convert.extracts import reason_to_proto
from gateway.api.convert.keys import etag
from gateway.api.convert.shape import Shape
from gateway.api.convert.words import (
    CLASSIFICATION_STATE_NUMBERS,
    COLUMN_ROLE_NUMBERS,
    COLUMN_ROLES,
    DATA_SET_STATE_NUMBERS,
    ROLE_NUMBERS,
)
from gateway.api.pb import catalog_pb2
from gateway.classify.grading import grade_of
from gateway.errors import InvalidRequest
from gateway.model.access import Grant
from gateway.model.catalog import (
    MOST_LISTED,
    Bounds,
    Column,
    Contributions,
    CsvSource,
    DataSet,
    DataSetDraft,
    ParquetSource,
    Party,
    PostgresSource,
    PushedSource,
    SourceRef,
)
from gateway.model.classification import Classification
from gateway.model.evidence import Coverage, Declaration, Evidence, Finding
from gateway.model.grades import Grade
from gateway.model.names import Role
from gateway.model.noun import Noun
from gateway.model.schema import arrow_type

_MOST_COLUMNS: Final = 1000
_MOST_KEYWORDS: Final = 100
_MOST_NULL_VALUES: Final = 100
# Where the model and the proto say a thing in the same words; ``or None``: empty means unknown.
_TEXTS: Final = ("title", "description", "steward", "licence", "legal_basis", "update_cycle")


# ---- what a holder says ---------------------------------------------------------------------


def draft(
    shape: Shape, dataset_id: str, message: catalog_pb2.DataSet, at: str
) -> DataSetDraft | None:
    """A data set to register; output-only fields are ignored."""
    name = f"datasets/{dataset_id}"
    shape.name("dataset_id", name, "datasets")
    source = _source(shape, message, at)
    columns = _columns(shape, message, at, typed=isinstance(source, PushedSource))
    values = {field: _DESCRIBED[field](shape, message, at) for field in _DESCRIBED}
    if not shape.sound:
        return None
    return shape.noun(
        at, DataSetDraft, {"name": name, "source": source, "columns": columns, **values}
    )


def changes(shape: Shape, message: catalog_pb2.DataSet, paths: list[str]) -> dict[str, object]:
    """The new values of the fields in the mask, each checked as at registration."""
    at = "dataset"
    if not paths:
        shape.fault("update_mask", "required: the fields to change")
    values: dict[str, object] = {}
    for path in paths:
        if path == "columns":
            values[path] = _columns(shape, message, at, typed=False)
        elif path in _DESCRIBED:
            values[path] = _DESCRIBED[path](shape, message, at)
        else:
            shape.fault("update_mask", f"may hold: {', '.join([*_DESCRIBED, 'columns'])}")
    if shape.sound:
        # The model's own checks, on a draft that is otherwise sound.
        sound = {"name": "datasets/any", "title": "any", "source": PushedSource()}
        shape.noun(at, DataSetDraft, {**sound, **values})
    return values


def _text(field: str, least: int = 0, most: int = 200) -> Callable[..., str]:
    def read(shape: Shape, message: catalog_pb2.DataSet, at: str) -> str:
        return shape.text(f"{at}.{field}", getattr(message, field), most, least=least)

    return read


def _retention(shape: Shape, message: catalog_pb2.DataSet, at: str) -> int | None:
    del shape, at  # the model checks its bounds
    return message.retention_days if message.HasField("retention_days") else None


def _keywords(shape: Shape, message: catalog_pb2.DataSet, at: str) -> tuple[str, ...]:
    if len(message.keywords) > _MOST_KEYWORDS:
        shape.fault(f"{at}.keywords", f"at most {_MOST_KEYWORDS}")
    return tuple(message.keywords)


def _privacy_unit(shape: Shape, message: catalog_pb2.DataSet, at: str) -> str | None:
    return shape.text(f"{at}.privacy_unit", message.privacy_unit, 200) or None


def _contributions(shape: Shape, message: catalog_pb2.DataSet, at: str) -> Contributions | None:
    if not message.HasField("contributions"):
        return None
    given = message.contributions
    values: dict[str, object] = {"one_row_per_person": given.one_row_per_person}
    # A zero that was written is out of bounds; one that was not is no bound at all.
    values |= {name: getattr(given, name) for name in ("groups", "rows") if given.HasField(name)}
    return shape.noun(f"{at}.contributions", Contributions, values)


_DESCRIBED: Final[dict[str, Callable[[Shape, catalog_pb2.DataSet, str], Any]]] = {
    "title": _text("title", least=1),
    "description": _text("description", most=4000),
    "steward": _text("steward"),
    "licence": _text("licence"),
    "legal_basis": _text("legal_basis"),
    "retention_days": _retention,
    "update_cycle": _text("update_cycle"),
    "keywords": _keywords,
    "privacy_unit": _privacy_unit,
    "contributions": _contributions,
}


def _columns(
    shape: Shape, message: catalog_pb2.DataSet, at: str, *, typed: bool
) -> tuple[Column, ...]:
    if len(message.columns) > _MOST_COLUMNS:
        shape.fault(f"{at}.columns", f"at most {_MOST_COLUMNS}")
        return ()
    found = columns(shape, message.columns, f"{at}.columns", typed=typed)
    names = [column.name for column in found]
    if len(set(names)) != len(names):
        shape.fault(f"{at}.columns", "two columns have the same name")
    return found


def columns(shape: Shape, messages: Any, at: str, *, typed: bool) -> tuple[Column, ...]:
    """Declared columns; ``typed``: each must say its type, because there is no source to ask."""
    made = (
        _column(shape, message, f"{at}[{number}]", typed=typed)
        for number, message in enumerate(messages)
    )
    return tuple(column for column in made if column is not None)


def _column(shape: Shape, message: catalog_pb2.Column, at: str, *, typed: bool) -> Column | None:
    if message.type or typed:
        try:
            arrow_type(message.type)
        except InvalidRequest as error:
            shape.fault(f"{at}.type", error.violations[0].description)
    grade = shape.worded(f"{at}.grade", message.grade, Grade) if message.grade else None
    return shape.noun(
        at,
        Column,
        {
            "name": message.name,
            "type": message.type,
            "nullable": message.nullable,
            "description": message.description,
            "element": message.element or None,
            "unit": message.unit or None,
            "entity": message.entity or None,
            "grade": grade,
            "role": shape.optional_coded(f"{at}.role", message.role, COLUMN_ROLES),
            "bounds": _bounds(shape, message, f"{at}.bounds"),
            # One more than there may be is as wrong as a million.
            "groups": tuple(message.groups[: MOST_LISTED + 1]),
        },
    )


def _bounds(shape: Shape, message: catalog_pb2.Column, at: str) -> Bounds | None:
    if not message.HasField("bounds"):
        return None
    ends: dict[str, object] = {"lower": message.bounds.lower, "upper": message.bounds.upper}
    return shape.noun(at, Bounds, ends)


def _source(shape: Shape, message: catalog_pb2.DataSet, at: str) -> SourceRef | None:
    if not shape.present(f"{at}.source", message):
        return None
    kind = message.source.WhichOneof("kind")
    if kind is None:
        shape.fault(f"{at}.source", "required: one of parquet, csv, postgres, pushed")
        return None
    make, values = _SOURCES[kind](getattr(message.source, kind))
    found: Any = shape.noun(f"{at}.source.{kind}", make, values)
    return found  # type: ignore[no-any-return]


def _csv(csv: catalog_pb2.CsvSource) -> tuple[type[Noun], dict[str, object]]:
    values: dict[str, object] = {
        "path": csv.path,
        "delimiter": csv.delimiter or ",",
        "encoding": csv.encoding or "utf-8",
        "types": dict(csv.types),
        "null_values": tuple(csv.null_values[:_MOST_NULL_VALUES]) or ("",),
    }
    return CsvSource, values


def _postgres(postgres: catalog_pb2.PostgresSource) -> tuple[type[Noun], dict[str, object]]:
    values: dict[str, object] = {
        "connection": postgres.connection,
        "table": postgres.table,
        "namespace": postgres.namespace or "public",
    }
    return PostgresSource, values


_SOURCES: Final[dict[str, Callable[[Any], tuple[type[Noun], dict[str, object]]]]] = {
    "parquet": lambda parquet: (ParquetSource, {"path": parquet.path}),
    "csv": _csv,
    "postgres": _postgres,
    "pushed": lambda _: (PushedSource, {}),
}


# ---- what a caller sees ---------------------------------------------------------------------


def to_proto(
    dataset: DataSet,
    caller: Party,
    classification: Classification | None = None,
    affected: Sequence[Grant] = (),
) -> catalog_pb2.DataSet:
    """The data set as the caller may see it: consumers get neither source nor evidence."""
    inside = caller.name == dataset.holder or caller.role in (Role.OFFICER, Role.AUDITOR)
    message = catalog_pb2.DataSet(
        name=dataset.name,
        holder=dataset.holder,
        keywords=dataset.keywords,
        privacy_unit=dataset.privacy_unit or "",
        source=_source_to_proto(dataset.source) if inside else None,
        columns=[_column_to_proto(column, inside=inside) for column in dataset.columns],
        fingerprint=dataset.version.fingerprint if dataset.version else "",
        rows=dataset.version.rows if dataset.version else 0,
        state=DATA_SET_STATE_NUMBERS[dataset.state],
        grade=grade_of(dataset),
        etag=etag(dataset.revision),
        **{field: getattr(dataset, field) for field in _TEXTS},
    )
    if dataset.retention_days is not None:
        message.retention_days = dataset.retention_days
    if dataset.contributions is not None:
        message.contributions.groups = dataset.contributions.groups
        message.contributions.rows = dataset.contributions.rows
        message.contributions.one_row_per_person = dataset.contributions.one_row_per_person
    message.created.FromDatetime(dataset.created)
    message.updated.FromDatetime(dataset.updated)
    for grant in affected if inside else ():
        message.affected_grants.add(
            grant=grant.name,
            consumer=grant.consumer,
            reasons=[reason_to_proto(reason) for reason in grant.affected],
        )
    if classification is not None:
        message.classification.CopyFrom(classification_to_proto(classification, inside=inside))
    return message


def classification_to_proto(
    classification: Classification, *, inside: bool
) -> catalog_pb2.Classification:
    """How far it is; ``inside``: also why it was done and why it failed."""
    message = catalog_pb2.Classification(
        state=CLASSIFICATION_STATE_NUMBERS[classification.state],
        columns_done=classification.columns_done,
        columns_total=classification.columns_total,
        number=classification.number,
        cause=classification.cause if inside else "",
        declined_columns=classification.declined if inside else (),
    )
    if inside and classification.ending is not None:
        message.failure_reason = classification.ending.reason
        message.failure_text = classification.ending.text
    message.created.FromDatetime(classification.created)
    message.updated.FromDatetime(classification.updated)
    return message


def _column_to_proto(column: Column, *, inside: bool) -> catalog_pb2.Column:
    force = _finding_to_proto(column.in_force())
    message = catalog_pb2.Column(
        name=column.name,
        type=column.type,
        nullable=column.nullable,
        description=column.description,
        element=column.element or "",
        unit=column.unit or "",
        entity=force.entity,
        grade=force.grade,
        role=force.role,
        declared=column.declared,
        groups=column.groups,
    )
    if column.bounds is not None:
        message.bounds.lower = column.bounds.lower
        message.bounds.upper = column.bounds.upper
    if force.HasField("confidence_percent"):
        message.confidence_percent = force.confidence_percent
    if inside:
        message.evidence.extend(force.evidence)
        message.rules = force.rules
        if force.HasField("coverage"):
            message.coverage.CopyFrom(force.coverage)
        if column.declaration is not None:
            message.declaration.CopyFrom(_declaration_to_proto(column.declaration))
        if column.found is not None:
            message.found.CopyFrom(_finding_to_proto(column.found))
    return message


def _finding_to_proto(finding: Finding) -> catalog_pb2.Finding:
    message = catalog_pb2.Finding(
        entity=finding.entity or "",
        grade=finding.grade or "",
        role=(
            catalog_pb2.COLUMN_ROLE_UNSPECIFIED
            if finding.role is None
            else COLUMN_ROLE_NUMBERS[finding.role]
        ),
        evidence=[_evidence_to_proto(piece) for piece in finding.evidence],
        coverage=_coverage_to_proto(finding.coverage) if finding.coverage else None,
        rules=finding.rules or "",
    )
    if finding.confidence_percent is not None:
        message.confidence_percent = finding.confidence_percent
    return message


def _declaration_to_proto(declaration: Declaration) -> catalog_pb2.Declaration:
    message = catalog_pb2.Declaration(
        party=declaration.party, role=ROLE_NUMBERS[declaration.role], reason=declaration.reason
    )
    message.time.FromDatetime(declaration.at)
    if declaration.until is not None:
        message.until.FromDatetime(declaration.until)
    return message


def _evidence_to_proto(evidence: Evidence) -> catalog_pb2.Evidence:
    return catalog_pb2.Evidence(
        kind=evidence.kind,
        entity=evidence.entity,
        detail=evidence.detail,
        detail_zh=evidence.detail_zh,
        weight=evidence.weight,
    )


def _coverage_to_proto(coverage: Coverage) -> catalog_pb2.Coverage:
    return catalog_pb2.Coverage(
        rows=coverage.rows,
        present=coverage.present,
        sampled=coverage.sampled,
        stopped=coverage.stopped,
    )


def _source_to_proto(source: SourceRef) -> catalog_pb2.Source:
    if isinstance(source, ParquetSource):
        return catalog_pb2.Source(parquet=catalog_pb2.ParquetSource(path=source.path))
    if isinstance(source, CsvSource):
        csv = catalog_pb2.CsvSource(
            path=source.path,
            delimiter=source.delimiter,
            encoding=source.encoding,
            types=source.types,
            null_values=source.null_values,
        )
        return catalog_pb2.Source(csv=csv)
    if isinstance(source, PostgresSource):
        postgres = catalog_pb2.PostgresSource(
            connection=source.connection, table=source.table, namespace=source.namespace
        )
        return catalog_pb2.Source(postgres=postgres)
    return catalog_pb2.Source(pushed=catalog_pb2.PushedSource())
