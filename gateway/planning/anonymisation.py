"""Plans the anonymisation of a data set version, and says what cannot stand beside it.

Every quasi-identifier is recoded over the whole version, so a policy leaves it as it is (the
recoding then decides how much of it shows) or suppresses it: another transform would make classes
of its own. docs/adr/0012 has the reasons.
"""

from collections.abc import Mapping, Sequence
from typing import Final

from gateway.errors import FailedPrecondition
from gateway.model.access import ExtractRequest
from gateway.model.anonymity import AnonymityGoal, TCloseness
from gateway.model.catalog import Column, DataSet, SourceVersion
from gateway.model.decision import Decision
from gateway.model.names import ColumnRole
from gateway.model.plan import (
    Anonymisation,
    AttacksCheck,
    CheckSpec,
    ExtractsCheck,
    HierarchyRef,
    ModelsCheck,
    Step,
)
from gateway.model.schema import arrow_type
from gateway.model.terms import AnonymityTerms
from gateway.model.transforms import Keep, Suppress, TransformSpec
from gateway.planning.scaling import scale_of

RECODED_TYPE: Final = str(arrow_type("string"))
"""What a recoded column is published as: the texts of its hierarchy."""

MOST_ROWS: Final = 10_000_000
"""A search holds the quasi-identifiers of a whole version in memory."""


def anonymisation(
    request: ExtractRequest,
    decision: Decision,
    dataset: DataSet,
    version: SourceVersion,
    hierarchy_digests: Mapping[str, str],
) -> Anonymisation | None:
    """How the data set is recoded; None where no policy demands it.

    FailedPrecondition for a limit, filters of the request, a sample, a transform that cannot stand beside it, a direct
    identifier that would leave, too many records or too few, a unit that would have to be converted, and a missing hierarchy.
    """
    terms = decision.anonymity
    if terms is None:
        return None
    columns = {column.name: column for column in dataset.columns}
    if version.rows > MOST_ROWS:
        raise FailedPrecondition(
            f"{dataset.name} has more than {MOST_ROWS:,} records, which is too many to be "
            "anonymised at once: its holder offers it in parts",
            reason="ANONYMITY_TOO_LARGE",
        )
    _enough_records(terms, dataset, version)
    _whole_classes(request, decision)
    protected = {column for m in terms.models if (column := getattr(m, "column", None)) is not None}
    for decided in decision.columns:
        column = columns[decided.column]
        _fits(column, decided.transform, names_persons=column.name == dataset.privacy_unit)
        if column.name in protected:
            _whole_or_nothing(column, decided.transform)
    wanted = dict(terms.hierarchies)
    wanted |= {
        model.hierarchy: model.hierarchy
        for model in terms.models
        if isinstance(model, TCloseness) and model.hierarchy is not None
    }
    return Anonymisation(
        goal=AnonymityGoal(
            quasi_identifiers=terms.quasi_identifiers,
            models=terms.models,
            max_suppression=terms.max_suppression,
            metric=terms.metric,
            method=terms.method,
        ),
        hierarchies={key: _found(name, hierarchy_digests) for key, name in wanted.items()},
        person=dataset.privacy_unit,
        least=terms.least_class,
        on_attack=terms.on_attack,
    )


def recoded(column: Column, transform: TransformSpec, terms: AnonymityTerms | None) -> bool:
    """Whether the column is published as the recoding makes it."""
    return (
        terms is not None
        and column.name in terms.quasi_identifiers
        and not isinstance(transform, Suppress)
    )


def anonymity_checks(terms: AnonymityTerms | None, steps: Sequence[Step]) -> list[CheckSpec]:
    """What must hold of the staged records and of what the recipient already has."""
    if terms is None:
        return []
    published = {s.column: s.published for s in steps if not isinstance(s.transform, Suppress)}
    models = []
    for model in terms.models:
        column = getattr(model, "column", None)
        if column is None:
            models.append(model)
        elif column in published:
            models.append(model.but(column=published[column]))
    return [
        ModelsCheck(
            columns=tuple(step.published for step in steps if step.recoded),
            models=tuple(models),
        ),
        ExtractsCheck(least=terms.least_class),
        AttacksCheck(limits=terms.attacks),
    ]


def _enough_records(terms: AnonymityTerms, dataset: DataSet, version: SourceVersion) -> None:
    # The one demand that is known to be out of reach without reading a record; a dry run, which
    # reads them, tells of the others.
    if terms.least_class > version.rows:
        raise FailedPrecondition(
            f"{dataset.name} cannot be anonymised as the policies demand: classes of {terms.least_class} "
            f"records are wanted, and possible are {version.rows} at most, the records there are: an "
            "officer demands less",
            reason="ANONYMITY_INFEASIBLE",
            resource=dataset.name,
        )


def _whole_classes(request: ExtractRequest, decision: Decision) -> None:
    if request.limit is not None:
        raise FailedPrecondition(
            "the policies demand anonymity, and a limit would cut classes of records apart: ask "
            "without one",
            reason="ANONYMITY_LIMIT",
        )
    if request.filters:
        # Two recipients' filters may differ by one person whom no class tells apart, and whether
        # one is refused tells whether somebody is there.
        raise FailedPrecondition(
            "the policies demand anonymity, and a filter of a request would leave parts of classes: "
            "ask without a filter and filter the extract, whose classes are whole",
            reason="ANONYMITY_FILTER",
        )
    if decision.sample_percent is not None:
        raise FailedPrecondition(
            "the policies demand anonymity and a sample of persons, which would leave parts of "
            "classes: an officer demands one of the two",
            reason="ANONYMITY_SAMPLE",
        )


def _whole_or_nothing(column: Column, transform: TransformSpec) -> None:
    # Values that differ may look alike afterwards, and the classes were made by what they were.
    if not isinstance(transform, Keep | Suppress):
        name = column.published_name
        raise FailedPrecondition(
            f"the policies demand that {name} is diverse in every class and {transform.kind} of it, "
            "of which nobody knows how diverse it leaves a class: an officer permits it with keep, "
            "or suppresses it; or leave the column out",
            reason="ANONYMITY_TRANSFORM",
            column=name,
        )


def _fits(column: Column, transform: TransformSpec, *, names_persons: bool) -> None:
    name = column.published_name
    if column.role is ColumnRole.DIRECT_IDENTIFIER or (
        # Whatever its verdict says: a quasi-identifier is recoded, anything else would leave as it is.
        names_persons and column.role is not ColumnRole.QUASI_IDENTIFIER
    ):
        if not isinstance(transform, Suppress) and not transform.opaque():
            raise FailedPrecondition(
                f"the policies demand anonymity, and {name} would name the persons: leave it out, "
                "or an officer suppresses it or gives it tokens",
                reason="ANONYMITY_TRANSFORM",
                column=name,
            )
        return
    if column.role is not ColumnRole.QUASI_IDENTIFIER:
        return
    if not isinstance(transform, Keep | Suppress):
        raise FailedPrecondition(
            f"the policies demand anonymity and {transform.kind} of {name}, which would part "
            "classes in its own way: an officer permits quasi-identifiers with keep, and the "
            "recoding generalises them, or suppresses them; or leave the column out",
            reason="ANONYMITY_TRANSFORM",
            column=name,
        )
    if isinstance(transform, Keep) and scale_of(column) != 1:
        raise FailedPrecondition(
            f"{name} would have to be converted between units and generalised: its holder stores "
            "it in the unit of its element, or leave the column out",
            reason="ANONYMITY_TRANSFORM",
            column=name,
        )


def _found(name: str, digests: Mapping[str, str]) -> HierarchyRef:
    if name not in digests:
        raise FailedPrecondition(
            f"the hierarchy {name} is not there: an officer provides it",
            reason="HIERARCHY_MISSING",
            hierarchy=name,
        )
    return HierarchyRef(name=name, table_digest=digests[name])
