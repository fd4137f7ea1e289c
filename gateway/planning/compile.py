"""Turns a permitted decision into a plan: complete, frozen, and the same for the same input."""

from collections.abc import Callable, Mapping, Sequence
from typing import Final

import pyarrow as pa

from gateway.errors import FailedPrecondition, GatewayFault, InvalidRequest, SourceChanged
from gateway.model.access import ExtractRequest
from gateway.model.catalog import Column, DataSet, Party, SourceVersion
from gateway.model.conditions import Condition
from gateway.model.decision import ColumnDecision, Decision
from gateway.model.grades import Grade
from gateway.model.keyed_specs import CipherName, CryptoProfile
from gateway.model.names import ColumnRole
from gateway.model.plan import (
    CheckSpec,
    FindKey,
    GradesCheck,
    MaxRowsCheck,
    MinCellCheck,
    Plan,
    Sample,
    SchemaCheck,
    Step,
)
from gateway.model.schema import arrow_type
from gateway.model.text_specs import FoundSpec
from gateway.model.transforms import (
    GeneralizeHierarchy,
    RedactText,
    ShiftDate,
    Token,
    TransformSpec,
)
from gateway.norms.standard import item_name
from gateway.planning.anonymisation import (
    RECODED_TYPE,
    anonymisation,
    anonymity_checks,
    recoded,
)
from gateway.planning.crypto_profile import in_profile
from gateway.planning.domains import find_domain, key_domain, sample_domain
from gateway.planning.price import price
from gateway.planning.scaling import in_stored_unit, read_type, scale_of

GradeLeft = Callable[[Sequence[Step], int], Grade]
"""The grade of what steps leave of at most so many rows."""

_IDENTIFYING_ROLES: Final = (ColumnRole.DIRECT_IDENTIFIER, ColumnRole.QUASI_IDENTIFIER)

OutputType = Callable[[TransformSpec, pa.DataType], pa.DataType]
"""The type that a transform leaves of a source type; InvalidRequest where it takes no such type."""


def compile_plan(
    request: ExtractRequest,
    decision: Decision,
    dataset: DataSet,
    version: SourceVersion,
    recipient: Party,
    *,
    output_type: OutputType,
    grade_left: GradeLeft,
    hierarchy_digests: Mapping[str, str],
    key_version: Callable[[str], int],
    profile: CryptoProfile,
    text_rules: str | None = None,
) -> Plan:
    """The plan of a permitted request against one version of its source.

    ``hierarchy_digests`` are content digests by hierarchy name; ``key_version`` tells the version
    that new results of a key domain are made under; ``text_rules`` are what finds identifiers in
    free text (ports.TextFinder.rules), None where nothing does. Raises SourceChanged when the
    source is no longer as registered, FailedPrecondition for a hierarchy that is not there, a
    transform that does not take the column's type or cannot stand beside an anonymisation, has too few tokens for the rows, or needs a
    privacy unit that the data set does not name, for dates that would not be shifted alike, and for
    a result graded above what the policies
    let leave, InvalidRequest for units that cannot be converted, and GatewayFault when the
    decision does not cover the request exactly.
    """
    _covers(request, decision, dataset)
    _as_registered(dataset, version)
    columns = {column.name: column for column in dataset.columns}
    anonymised = anonymisation(request, decision, dataset, version, hierarchy_digests)
    # More rows than the policies permit are then refused by a check: cut off, they would leave
    # parts of classes.
    bounds = (request.limit, decision.max_rows if anonymised is None else None)
    limit = min((n for n in bounds if n is not None), default=None)
    charge = price(version, limit)

    def step(decided: ColumnDecision) -> Step:
        column = columns[decided.column]
        pinned = _pinned(decided.transform, hierarchy_digests, text_rules)
        spec = in_profile(pinned, profile)
        _only_texts(spec, column)
        for inner in (spec, *_of_finds(spec).values()):
            _enough_tokens(inner, charge.rows, column)
        scale = scale_of(column)
        domain = key_domain(spec, decided.published, request, recipient)
        in_classes = recoded(column, spec, decision.anonymity)
        read = read_type(column, scale)
        return Step(
            column=column.name,
            published=decided.published,
            source_type=str(arrow_type(column.type)),
            output_type=RECODED_TYPE
            if in_classes
            else str(_output_type(output_type, spec, read, column)),
            recoded=in_classes,
            scale=str(scale),
            transform=spec,
            key_domain=domain,
            key_version=None if domain is None else key_version(domain),
            subject=_subject(spec, dataset, column),
            finds=tuple(
                FindKey(entity=entity, key_domain=domain, key_version=key_version(domain))
                for entity, inner in sorted(_of_finds(spec).items())
                if (domain := find_domain(inner, entity, request, recipient)) is not None
            ),
            on_unhandled=decision.on_unhandled,
            item=item_name(column.entity, column.grade, column.role),
            grade=column.effective_grade,
        )

    def sample() -> Sample | None:
        if decision.sample_percent is None:
            return None
        cipher: CipherName = "AES" if profile == "international" else "SM4"
        domain = sample_domain(cipher, request, recipient)
        return Sample(
            percent=decision.sample_percent,
            subject=_person(dataset, "a sample of persons"),
            cipher=cipher,
            key_domain=domain,
            key_version=key_version(domain),
        )

    steps = tuple(step(decided) for decided in decision.columns)
    _one_shift(steps)
    grade = grade_left(steps, charge.rows)
    _not_too_grave(grade, decision)

    return Plan(
        dataset=dataset.name,
        dataset_fingerprint=version.fingerprint,
        schema_digest=version.schema_digest,
        recipient=recipient.name,
        purpose=request.purpose,
        steps=steps,
        filters=_filters((*request.filters, *decision.row_filters), dataset),
        limit=limit,
        sample=sample(),
        anonymisation=anonymised,
        checks=(*_checks(decision, grade), *anonymity_checks(decision.anonymity, steps)),
        charge=charge,
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
            f"the columns of {dataset.name} are not as registered: its holder looks at them and "
            f"then runs gateway dataset refresh {dataset.name.removeprefix('datasets/')}",
            resource=dataset.name,
        )


def _column(dataset: DataSet, name: str) -> Column:
    column = dataset.find(name)
    if column is None:
        raise GatewayFault(
            f"{dataset.name} has no column {name}", reason="PLAN_INCOMPLETE", resource=dataset.name
        )
    return column


def _output_type(
    output_type: OutputType, spec: TransformSpec, read: pa.DataType, column: Column
) -> pa.DataType:
    try:
        return output_type(spec, read)
    except InvalidRequest as unfit:
        # The requester did not choose the transform, so this is no fault of the request's shape.
        raise FailedPrecondition(
            f"the policies ask for {spec.kind} of {column.published_name}, which is {read}: "
            "an officer corrects the policy, or the holder the column's type",
            reason="TRANSFORM_UNFIT",
            column=column.published_name,
        ) from unfit


def _only_texts(spec: TransformSpec, column: Column) -> None:
    """A search misses what is not formed as it should be; of a column of identifiers that would be
    left as it is."""
    if isinstance(spec, RedactText) and column.role in _IDENTIFYING_ROLES:
        raise FailedPrecondition(
            f"the policies ask for {spec.kind} of {column.published_name}, which holds identifiers "
            "and no free text: an officer gives such columns a transform that hides every value",
            reason="TRANSFORM_UNFIT",
            column=column.published_name,
        )


def _enough_tokens(spec: TransformSpec, rows: int, column: Column) -> None:
    if isinstance(spec, Token) and rows > spec.rows:
        raise FailedPrecondition(
            f"the tokens of {column.published_name} are for {spec.rows} rows at most: ask with a "
            "smaller limit, or an officer gives the policy more rows",
            reason="TRANSFORM_UNFIT",
            column=column.published_name,
        )


def _not_too_grave(grade: Grade, decision: Decision) -> None:
    most = decision.max_grade
    if most is not None and not most.at_least(grade):
        raise FailedPrecondition(
            f"what is left would be graded {grade}, and the policies let leave {most} at most: ask "
            "for fewer columns or rows, or an officer hides more of them",
            reason="GRADE_TOO_HIGH",
            grade=grade,
        )


def _subject(spec: TransformSpec, dataset: DataSet, column: Column) -> str | None:
    if not spec.per_subject:
        return None
    return _person(dataset, f"{spec.kind} of {column.published_name}", column.published_name)


def _one_shift(steps: Sequence[Step]) -> None:
    """All dates of a person move by the same days, or their order and intervals would not stay."""
    shifted = [step for step in steps if isinstance(step.transform, ShiftDate)]
    for step in shifted[1:]:
        if step.transform != shifted[0].transform:
            raise FailedPrecondition(
                f"the policies shift {shifted[0].published} and {step.published} by other days, so "
                "that a person's dates would change their order: ask for one of them, or an officer "
                "gives shift_date the same most_days, scope and cipher in both",
                reason="SHIFTS_DIFFER",
                column=step.published,
            )


def _person(dataset: DataSet, what: str, column: str = "") -> str:
    """The source column that names the person of each row."""
    unit = None if dataset.privacy_unit is None else _column(dataset, dataset.privacy_unit)
    kind = None if unit is None else arrow_type(unit.type)
    if unit is None or not (pa.types.is_string(kind) or pa.types.is_integer(kind)):
        raise FailedPrecondition(
            f"the policies ask for {what}, by the person of each row: the holder of "
            f"{dataset.name} names as its privacy unit a column of text or whole numbers",
            reason="PRIVACY_UNIT_MISSING",
            column=column,
        )
    return unit.name


def _of_finds(spec: TransformSpec) -> Mapping[str, FoundSpec]:
    return spec.transforms if isinstance(spec, RedactText) else {}


def _pinned(
    spec: TransformSpec, digests: Mapping[str, str], text_rules: str | None
) -> TransformSpec:
    """The spec with the tables and rules that it rests on written into it."""
    if not isinstance(spec, RedactText):
        return _with_digest(spec, digests)
    if text_rules is None or spec.rules not in (None, text_rules):
        state = "none are there" if text_rules is None else "they are not those the policy names"
        raise FailedPrecondition(
            f"free text needs rules that find identifiers, and {state}: an officer provides them",
            reason="TEXT_RULES_MISSING",
        )
    inner = {e: _with_digest(found, digests) for e, found in spec.transforms.items()}
    return spec.but(entities={**spec.entities, **inner}, rules=text_rules)


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


def _filters(conditions: tuple[Condition, ...], dataset: DataSet) -> tuple[Condition, ...]:
    """All conditions by source name and in stored units, each once, in canonical order."""
    found: dict[bytes, Condition] = {}
    for condition in conditions:
        column = _column(dataset, condition.column)
        stored = in_stored_unit(condition, column, scale_of(column)).but(column=column.name)
        found[stored.canonical()] = stored
    return tuple(found[key] for key in sorted(found))


def _checks(decision: Decision, grade: Grade) -> tuple[CheckSpec, ...]:
    checks: list[CheckSpec] = [SchemaCheck(), GradesCheck(highest=grade)]
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
