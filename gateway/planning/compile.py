"""Turns a permitted decision into a plan: complete, frozen, and the same for the same input."""

from collections.abc import Callable, Mapping
from fractions import Fraction

import pyarrow as pa

from gateway.errors import FailedPrecondition, GatewayFault, SourceChanged
from gateway.model.access import ExtractRequest
from gateway.model.catalog import Column, DataSet, Party, SourceVersion
from gateway.model.conditions import Condition
from gateway.model.decision import ColumnDecision, Decision
from gateway.model.plan import CheckSpec, MaxRowsCheck, MinCellCheck, Plan, SchemaCheck, Step
from gateway.model.schema import arrow_type
from gateway.model.transforms import GeneralizeHierarchy, TransformSpec
from gateway.planning.domains import key_domain
from gateway.planning.price import price
from gateway.planning.scaling import in_stored_unit, scale_of, scaled_type

OutputType = Callable[[TransformSpec, pa.DataType], pa.DataType]
"""The type that a transform leaves of a source type; it raises where the transform cannot run."""


def compile_plan(
    request: ExtractRequest,
    decision: Decision,
    dataset: DataSet,
    version: SourceVersion,
    recipient: Party,
    *,
    output_type: OutputType,
    hierarchy_digests: Mapping[str, str],
) -> Plan:
    """The plan of a permitted request against one version of its source.

    ``hierarchy_digests`` are content digests by hierarchy name. Raises SourceChanged when the
    source is no longer as registered, FailedPrecondition for a hierarchy that is not there, and
    GatewayFault when the decision does not cover the request exactly.
    """
    _covers(request, decision, dataset)
    _as_registered(dataset, version)
    columns = {column.name: column for column in dataset.columns}
    scales = {name: scale_of(column) for name, column in columns.items()}
    limit = min((n for n in (request.limit, decision.max_rows) if n is not None), default=None)

    def step(decided: ColumnDecision) -> Step:
        column = columns[decided.column]
        stored = arrow_type(column.type)
        spec = _with_digest(decided.transform, hierarchy_digests)
        read = scaled_type(column, stored, scales[column.name])
        return Step(
            column=column.name,
            published=decided.published,
            source_type=str(stored),
            output_type=str(output_type(spec, read)),
            scale=str(scales[column.name]),
            transform=spec,
            key_domain=key_domain(spec, decided.published, request, recipient),
            on_unhandled=decision.on_unhandled,
        )

    return Plan(
        dataset=dataset.name,
        dataset_fingerprint=version.fingerprint,
        schema_digest=version.schema_digest,
        recipient=recipient.name,
        purpose=request.purpose,
        steps=tuple(step(decided) for decided in decision.columns),
        filters=_filters((*request.filters, *decision.row_filters), dataset, scales),
        limit=limit,
        checks=_checks(decision),
        charge=price(version, limit),
        expires_after_days=decision.expires_after_days,
    )


def _covers(request: ExtractRequest, decision: Decision, dataset: DataSet) -> None:
    asked = [_column(dataset, name).name for name in request.columns]
    if not decision.permitted or [c.column for c in decision.columns] != asked:
        raise GatewayFault(
            "the decision does not cover exactly the columns of the request",
            reason="PLAN_INCOMPLETE",
            resource=dataset.name,
        )


def _as_registered(dataset: DataSet, version: SourceVersion) -> None:
    registered = dataset.version
    if registered is not None and registered.schema_digest != version.schema_digest:
        raise SourceChanged(
            f"the columns of {dataset.name} are not as registered: its holder registers it again",
            resource=dataset.name,
        )


def _column(dataset: DataSet, name: str) -> Column:
    column = dataset.find(name)
    if column is None:
        raise GatewayFault(
            f"{dataset.name} has no column {name}", reason="PLAN_INCOMPLETE", resource=dataset.name
        )
    return column


def _with_digest(spec: TransformSpec, digests: Mapping[str, str]) -> TransformSpec:
    if not isinstance(spec, GeneralizeHierarchy):
        return spec
    digest = digests.get(spec.hierarchy)
    if digest is None or spec.table_digest not in (None, digest):
        state = "is not there" if digest is None else "is not the table that the policy names"
        raise FailedPrecondition(
            f"the hierarchy {spec.hierarchy} {state}: an officer provides it",
            reason="HIERARCHY_MISSING",
            hierarchy=spec.hierarchy,
        )
    return spec.but(table_digest=digest)


def _filters(
    conditions: tuple[Condition, ...], dataset: DataSet, scales: Mapping[str, Fraction]
) -> tuple[Condition, ...]:
    """All conditions by source name and in stored units, each once, in canonical order."""
    found: dict[bytes, Condition] = {}
    for condition in conditions:
        column = _column(dataset, condition.column)
        stored = in_stored_unit(condition, column, scales[column.name]).but(column=column.name)
        found[stored.canonical()] = stored
    return tuple(found[key] for key in sorted(found))


def _checks(decision: Decision) -> tuple[CheckSpec, ...]:
    checks: list[CheckSpec] = [SchemaCheck()]
    if decision.max_rows is not None:
        checks.append(MaxRowsCheck(rows=decision.max_rows))
    if decision.min_cell_size is not None:
        checks.append(
            MinCellCheck(
                size=decision.min_cell_size,
                columns=decision.cell_columns,
                small_cells=decision.small_cells,
            )
        )
    return tuple(checks)
