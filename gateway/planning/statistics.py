"""Turns a decided question into a plan: what is measured, with which noise, for which charge.

Pure: the same question, catalogue and shares give the same plan. Sensitivities follow from the
contribution bounds and clamps alone (docs/statistics.md has the arithmetic).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Final

from gateway.errors import GatewayFault, InvalidRequest, SourceChanged
from gateway.model.catalog import DataSet, SourceVersion
from gateway.model.mechanisms import Sensitivity
from gateway.model.statistics import (
    UNITS_MOST,
    Aggregate,
    Asked,
    Claim,
    ContributionBounds,
    Expected,
    Measure,
    Part,
    QuantileMeasure,
    Question,
    StatisticsPlan,
    StatisticsRequest,
)
from gateway.model.statistics_decision import StatisticsDecision
from gateway.planning.accounting.calibration import (
    Calibration,
    QuantileNeed,
    SelectionNeed,
    calibrate,
)
from gateway.planning.accounting.errors import half_width, rank_error
from gateway.planning.questions.filters import with_filters
from gateway.planning.training import training_plan

_BINS: Final = 2048
_ROW_WEIGHT: Final = 1 << 12
_USELESS_EPSILON: Final = Fraction(1, 1000)


@dataclass(slots=True)
class _Wanted:
    """Measures without noise, each once, and what they are for."""

    additive: list[dict[str, object]] = field(default_factory=list)
    needs: list[Sensitivity] = field(default_factory=list)

    def place(self, need: Sensitivity, **fields: object) -> int:
        if fields not in self.additive:
            self.additive.append(fields)
            self.needs.append(need)
        return self.additive.index(fields)


def compile_statistics(
    request: StatisticsRequest,
    question: Question,
    datasets: Mapping[str, DataSet],
    versions: Mapping[str, SourceVersion],
    recipient: str,
    decision: StatisticsDecision,
) -> StatisticsPlan:
    """The plan of a permitted question against one version of each of its data sets.

    Rows that the policies leave out count nowhere. Raises SourceChanged when a source is no longer
    as registered, InvalidRequest when δ is needed and not given, or the noise would be larger than
    can be drawn.
    """
    if not decision.permitted:
        raise GatewayFault("a question that was denied is not planned")
    _within_limit(request, decision)
    question = with_filters(question, datasets, decision.row_filters)
    frequency = max(request.minimum_frequency, decision.minimum_frequency)
    asked = tuple(
        _asked(datasets[table.dataset], table.person, versions[table.dataset])
        for table in question.tables
    )
    if request.model is not None:
        return training_plan(request, question, asked, recipient, decision)
    bounds = _bounds(request, question, [datasets[t.dataset] for t in question.tables], asked)
    wanted, quantiles, parts = _measures(question, bounds)
    selects = not question.public_groups
    epsilon = Fraction(request.epsilon)
    plain = all(a.one_row_per_person for a in asked)
    ranked = [_quantile(a, bounds, one_row=plain) for a in quantiles]
    chosen = calibrate(
        epsilon,
        Fraction(request.delta or 0),
        wanted.needs,
        [need for _, need in ranked],
        SelectionNeed(bounds.groups, frequency) if selects else None,
    )
    measures: list[Measure | QuantileMeasure] = [
        Measure.model_validate({**fields, "mechanism": mechanism})
        for fields, mechanism in zip(wanted.additive, chosen.additive, strict=True)
    ]
    measures += [
        QuantileMeasure.model_validate({**fields, "mechanism": mechanism})
        for (fields, _), mechanism in zip(ranked, chosen.quantiles, strict=True)
    ]
    shares = len(measures) + selects
    expected = tuple(
        _expected(a, p, measures) for a, p in zip(question.aggregates, parts, strict=True)
    )
    return StatisticsPlan(
        question=question,
        datasets=asked,
        recipient=recipient,
        purpose=request.purpose,
        project=request.project,
        bounds=bounds,
        measures=tuple(measures),
        parts=parts,
        selection=chosen.selection,
        events=chosen.events,
        expected=expected,
        why=(
            *_warnings(request, question, epsilon / shares, measures),
            *_ignored(request, bounds, single=plain, public=question.public_groups),
            *chosen.why,
        ),
        claim=_claim(question, asked, bounds, request, chosen, measures),
        policies=decision.policies,
        grants=decision.grants,
        expires_after_days=decision.expires_after_days,
    )


def _within_limit(request: StatisticsRequest, decision: StatisticsDecision) -> None:
    limit = decision.max_epsilon
    if limit is not None and Fraction(request.epsilon) > Fraction(limit):
        raise InvalidRequest.of(
            "epsilon", f"at most {float(Fraction(limit)):g} by the policies: ask with less"
        )


# ---- bounds --------------------------------------------------------------------------------------


def _asked(dataset: DataSet, person: str, version: SourceVersion) -> Asked:
    known = dataset.version
    if known is not None and known.schema_digest != version.schema_digest:
        raise SourceChanged(
            f"the columns of {dataset.name} are no longer those that were registered: its holder "
            "refreshes it",
            dataset=dataset.name,
        )
    contributions = dataset.contributions
    return Asked(
        dataset=dataset.name,
        holder=dataset.holder,
        person=person,
        fingerprint=version.fingerprint,
        schema_digest=version.schema_digest,
        one_row_per_person=contributions is not None and contributions.one_row_per_person,
    )


def _bounds(
    request: StatisticsRequest,
    question: Question,
    datasets: Sequence[DataSet],
    asked: Sequence[Asked],
) -> ContributionBounds:
    if all(a.one_row_per_person for a in asked):
        return ContributionBounds(groups=1, rows=1)
    # Joined to several rows of another data set, a declared single row is as many.
    said = [
        d.contributions for d, a in zip(datasets, asked, strict=True) if not a.one_row_per_person
    ]
    declared = [contributions for contributions in said if contributions is not None]
    groups = request.groups or max((c.groups for c in declared), default=1)
    rows = request.rows or max((c.rows for c in declared), default=1)
    if len(declared) == len(said):  # the question's own are within the catalogue's
        groups = min(groups, max(c.groups for c in declared))
        rows = min(rows, max(c.rows for c in declared))
    sizes = 1
    for key in question.group_by:
        sizes *= key.size or groups
    return ContributionBounds(groups=min(groups, sizes), rows=rows)


# ---- measures ------------------------------------------------------------------------------------


def _measures(
    question: Question, bounds: ContributionBounds
) -> tuple[_Wanted, list[Aggregate], tuple[Part, ...]]:
    wanted = _Wanted()
    quantiles: list[Aggregate] = []
    places: list[list[int]] = []
    for aggregate in question.aggregates:
        if aggregate.kind == "quantile":
            quantiles.append(aggregate)
            places.append([-len(quantiles)])
        else:
            places.append(_additive(aggregate, bounds, wanted))
    # Quantiles come after all the others.
    first = len(wanted.additive)
    parts = tuple(
        Part(
            aggregate=aggregate.name,
            measures=tuple(first - 1 - at if at < 0 else at for at in found),
        )
        for aggregate, found in zip(question.aggregates, places, strict=True)
    )
    return wanted, quantiles, parts


def _additive(aggregate: Aggregate, bounds: ContributionBounds, wanted: _Wanted) -> list[int]:
    cells, rows = bounds.groups, bounds.rows
    if aggregate.kind == "persons":
        return [wanted.place(Sensitivity(cell=1, cells=cells), kind="persons")]
    if aggregate.kind == "count":
        need = Sensitivity(cell=rows, cells=cells)
        return [wanted.place(need, kind="count", expression=aggregate.expression)]
    lower, upper = aggregate.units
    fields: dict[str, object] = {
        "expression": aggregate.expression,
        "decimals": aggregate.decimals,
        "lower": lower,
        "upper": upper,
    }
    if aggregate.kind == "sum":
        cell = rows * max(abs(lower), abs(upper), 1)
        return [wanted.place(Sensitivity(cell=cell, cells=cells), kind="sum", **fields)]
    # About the middle of the range a value adds half as much as about its end.
    centre = (lower + upper) // 2
    most = max(upper - centre, centre - lower, 1)
    fields["centre"] = centre
    count = wanted.place(
        Sensitivity(cell=rows, cells=cells), kind="count", expression=aggregate.expression
    )
    total = wanted.place(Sensitivity(cell=rows * most, cells=cells), kind="sum", **fields)
    if aggregate.kind == "average":
        return [count, total]
    divisor = max(1, -(-most * most // UNITS_MOST))
    cell = rows * max(1, most * most // divisor)
    squares = wanted.place(
        Sensitivity(cell=cell, cells=cells), kind="squares", divisor=divisor, **fields
    )
    return [count, total, squares]


def _quantile(
    aggregate: Aggregate, bounds: ContributionBounds, *, one_row: bool
) -> tuple[dict[str, object], QuantileNeed]:
    lower, upper = aggregate.units
    weight = 1 if one_row or bounds.rows == 1 else _ROW_WEIGHT
    fields: dict[str, object] = {
        "expression": aggregate.expression,
        "decimals": aggregate.decimals,
        "lower": lower,
        "upper": upper,
        "weight": weight,
    }
    need = QuantileNeed(
        quantile=Fraction(aggregate.quantile or 0),
        bins=max(2, min(_BINS, upper - lower + 1)),
        sensitivity=bounds.rows * weight,
        cells=bounds.groups,
    )
    return fields, need


# ---- what is said before the data is seen --------------------------------------------------------


def _expected(
    aggregate: Aggregate,
    part: Part,
    measures: Sequence[Measure | QuantileMeasure],
) -> Expected:
    first = measures[part.measures[0]]
    if isinstance(first, Measure) and len(part.measures) == 1:
        units = half_width(first.mechanism)
        return Expected(output=aggregate.name, half_width=str(Fraction(units, 10**first.decimals)))
    if isinstance(first, QuantileMeasure):
        width = Fraction(first.upper - first.lower + 1, first.mechanism.bins * 10**first.decimals)
        rows = Fraction(rank_error(first.mechanism), first.weight)
        return Expected(
            output=aggregate.name,
            note=f"in {first.mechanism.bins} steps of {float(width):.6g}; with 95 % it is less than "
            f"{float(rows):.3g} rows away from the place that was asked for. There is no interval of "
            "values: two more quantiles, one on each side, enclose it",
        )
    return Expected(
        output=aggregate.name,
        note="the interval comes with the answer: the more is counted in a group, the narrower; it "
        "holds at least 95 times in 100, for averages and spreads nearly always",
    )


def _warnings(
    request: StatisticsRequest,
    question: Question,
    share: Fraction,
    measures: Sequence[Measure | QuantileMeasure],
) -> list[str]:
    found = []
    shares = int(Fraction(request.epsilon) / share)
    if share < _USELESS_EPSILON:
        found.append(
            f"epsilon is {float(share):.3g} for each part of the answer, which is too small for "
            f"most uses: with 95 % the noise is within {_reach(measures)}"
        )
    if shares > 1:
        found.append(f"epsilon is shared alike by {shares} parts of the answer")
    if request.minimum_frequency > 1 and question.public_groups:
        found.append("minimum_frequency does nothing: all groups are listed, and all are answered")
    unlisted = [key.name for key in question.group_by if key.public and key.values]
    if unlisted:
        found.append(f"rows whose {', '.join(unlisted)} is not listed count in no group")
    return found


def _reach(measures: Sequence[Measure | QuantileMeasure]) -> str:
    """How far the noise of each kind of number reaches, the widest of each kind."""
    reach: dict[str, Fraction] = {}
    for measure in measures:
        if isinstance(measure, QuantileMeasure):
            kind = "rows about the place of a quantile"
            far = Fraction(rank_error(measure.mechanism), measure.weight)
        else:
            kind = {"persons": "persons", "count": "rows"}.get(measure.kind, "in a sum")
            far = Fraction(half_width(measure.mechanism), 10**measure.decimals)
        if measure.kind != "squares":
            reach[kind] = max(far, reach.get(kind, far))
    return ", ".join(f"±{float(far):,.6g} {kind}" for kind, far in reach.items())


def _ignored(
    request: StatisticsRequest, bounds: ContributionBounds, *, single: bool, public: bool
) -> list[str]:
    """Bounds of the question that are not those it is answered with."""
    wanted = {"groups": request.groups, "rows": request.rows}
    used = {"groups": bounds.groups, "rows": bounds.rows}
    larger = [name for name, most in wanted.items() if most is not None and most > used[name]]
    if not larger:
        return []
    named = " and ".join(larger)
    if single:
        return [f"{named} of the question: ignored, for a person is declared to have one row"]
    said = " and ".join(f"{used[name]} {name}" for name in larger)
    by = "the catalogue or the list of groups" if public else "the catalogue"
    return [f"{named} of the question: more than {by} allows, which is {said}"]


def _claim(
    question: Question,
    asked: Sequence[Asked],
    bounds: ContributionBounds,
    request: StatisticsRequest,
    chosen: Calibration,
    measures: Sequence[Measure | QuantileMeasure],
) -> Claim:
    persons = " and ".join(f"{a.person} of {a.dataset}" for a in asked)
    origins = sorted({a.clamp.origin for a in question.aggregates if a.clamp is not None})
    if all(a.one_row_per_person for a in asked):
        contributions = (
            "a person counts in one group with one row, as its holder declared to be all there is; "
            "of more groups one is drawn, more rows weigh less"
        )
    else:
        contributions = (
            f"a person counts in at most {bounds.groups} groups with at most {bounds.rows} rows in "
            "each, by the catalogue or the question; of more groups some are drawn, more rows weigh "
            "less"
        )
    clamps = f"; values are clamped to ranges of the {' and the '.join(origins)}" if origins else ""
    kinds = sorted({m.mechanism.kind.replace("_", " ") for m in measures})
    return Claim(
        epsilon=request.epsilon,
        delta="0"
        if chosen.loss.within(Fraction(request.epsilon), Fraction(0))
        else request.delta or "0",
        unit=f"the person named by {persons}; rows that name nobody are not counted",
        neighbours="all rows of one person are there, or none of them (add or remove)",
        composition="shares of epsilon and delta are added up for this answer; the ledger composes "
        "answers by their privacy loss distributions",
        bounds=contributions + clamps + "; none of them was taken from the data",
        groups="all groups are public and each is answered"
        if chosen.selection is None
        else f"groups are found by optimal partition selection; none of fewer than "
        f"{chosen.selection.minimum_frequency} persons is named",
        mechanisms=", ".join(kinds) + "; entropy of the operating system",
        rounding="whole numbers of the stated unit; every rounding of the loss is upward",
        side_channels="errors do not depend on the data; the time that answering takes is not "
        "bounded by this claim",
    )
