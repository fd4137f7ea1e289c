"""Decides a question: denied unless rules permit statistics on every column that it names, and a
grant covers them for the purpose.

Pure and total like ``engine``. A column is named wherever it stands: to be added up, in WHERE or in
GROUP BY, for each of them tells of it. The column of the person need not be permitted to be counted
by: nothing of it is answered. A question that names no column at all counts persons or rows, and
needs statistics to be permitted on at least one column of the data set.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fractions import Fraction

from gateway.decide import grants, reasons
from gateway.decide.asked import Asked, found, unknown_purpose
from gateway.decide.engine import dataset_denials, policy_filter_denials, recipient_denials
from gateway.decide.facts import Facts
from gateway.decide.matching import Matched, RuleBook
from gateway.decide.strictest import Combined, combine, in_order
from gateway.errors import InvalidRequest
from gateway.model.access import ExtractRequest, Grant
from gateway.model.catalog import Column
from gateway.model.decision import Outcome, Reason
from gateway.model.names import Role
from gateway.model.policy import Effect, Statistics
from gateway.model.statistics import Question, StatisticsRequest
from gateway.model.statistics_decision import StatisticsDecision, TableFilters


@dataclass(frozen=True, slots=True)
class _Table:
    """What is decided about one data set of the question."""

    facts: Facts
    combined: Combined
    permits: tuple[Matched, ...]
    required: tuple[Role, ...]
    grant: Grant | None
    denials: tuple[Reason, ...]
    grounds: tuple[Reason, ...]


def decide_statistics(
    request: StatisticsRequest, question: Question, facts: Sequence[Facts]
) -> StatisticsDecision:
    """The decision over a question; ``facts`` of each of its data sets, in its order.

    InvalidRequest for a purpose that no policy defines. A limit on ε is no denial: whoever plans
    the question refuses what is above it.
    """
    if [one.dataset.name for one in facts] != [table.dataset for table in question.tables]:
        raise ValueError("the facts are about other data sets than the question")
    if wrong := list(unknown_purpose(request.purpose, facts[0])):
        raise InvalidRequest.collected(wrong)
    tables = [_decided(request, question.named(place), one) for place, one in enumerate(facts)]
    denials = tuple(reason for table in tables for reason in table.denials)
    permits = [matched for table in tables for matched in table.permits]
    everything = combine(permits)
    if denials:
        return StatisticsDecision(
            outcome=Outcome.DENIED, reasons=_once(denials), policies=everything.refs()
        )
    limits = [m.rule.statistics for m in permits if m.rule.statistics is not None]
    return StatisticsDecision(
        outcome=Outcome.PERMITTED_WITH_OBLIGATIONS,
        reasons=_once((*(r for t in tables for r in t.grounds), *_limit_reasons(limits))),
        row_filters=tuple(
            TableFilters(
                dataset=table.facts.dataset.name,
                conditions=tuple(
                    c.but(column=found(table.facts.dataset, c.column).name)
                    for c in table.combined.row_filters
                ),
            )
            for table in tables
            if table.combined.row_filters
        ),
        max_epsilon=_least_epsilon(limits),
        minimum_frequency=_frequency(limits),
        expires_after_days=everything.expires_after_days,
        approvals=in_order({role for table in tables for role in table.required}),
        policies=everything.refs(),
        grants=tuple(table.grant.name for table in tables if table.grant is not None),
    )


def _decided(request: StatisticsRequest, named: Iterable[str], facts: Facts) -> _Table:
    rules = RuleBook(request.purpose, facts, use="statistics")
    columns = tuple(found(facts.dataset, name) for name in named)
    about = {column.name: rules.about(column) for column in columns}
    denials: list[Reason] = [*recipient_denials(facts), *dataset_denials(facts.dataset)]
    if columns:
        for column in columns:
            denials += _column_denials(column, about[column.name])
    else:
        about = _opening(facts, rules)
        if not about:
            denials.append(reasons.no_statistics(facts.dataset))
    permits = tuple(m for all_of in about.values() for m in all_of if _permits(m))
    combined = combine(permits)
    required = grants.approvals_for(columns, permits)
    # Grants are chosen as for an extract of these columns.
    wish = ExtractRequest(
        dataset=facts.dataset.name,
        columns=tuple(c.name for c in columns) or (facts.dataset.columns[0].name,),
        purpose=request.purpose,
        project=request.project,
    )
    grant, missing = grants.choose(wish, Asked(columns, ()), facts, required)
    grounds = [reasons.statistics_permitted_by(facts.dataset, m, about) for m in _each(permits)]
    if grant is not None:
        grounds.append(Reason(code=reasons.GRANTED, text=f"covered by {grant.name}"))
    return _Table(
        facts,
        combined,
        permits,
        required,
        grant,
        (*denials, *policy_filter_denials(combined, facts.dataset), *missing),
        tuple(grounds),
    )


def _opening(facts: Facts, rules: RuleBook) -> dict[str, tuple[Matched, ...]]:
    """The columns on which statistics are permitted, with what is said about each."""
    about = {
        column.name: rules.about(column) for column in facts.dataset.columns if column.has_verdict
    }
    return {
        name: matched
        for name, matched in about.items()
        if any(map(_permits, matched)) and all(map(_permits, matched))
    }


def _column_denials(column: Column, matched: tuple[Matched, ...]) -> Iterable[Reason]:
    denies = [m for m in matched if not _permits(m)]
    yield from (reasons.denied_by(column, m) for m in denies)
    if not column.has_verdict:
        yield reasons.no_verdict(column)
    elif not matched:
        yield reasons.no_statistics_rule(column)


def _permits(matched: Matched) -> bool:
    return matched.rule.effect is Effect.PERMIT


def _each(permits: Iterable[Matched]) -> list[Matched]:
    return list({m.name: m for m in permits}.values())


def _least_epsilon(limits: Iterable[Statistics]) -> str | None:
    given = [limit.max_epsilon for limit in limits if limit.max_epsilon is not None]
    return min(given, key=Fraction, default=None)


def _frequency(limits: Iterable[Statistics]) -> int:
    return max((limit.minimum_frequency or 1 for limit in limits), default=1)


def _limit_reasons(limits: list[Statistics]) -> Iterable[Reason]:
    epsilon, frequency = _least_epsilon(limits), _frequency(limits)
    if epsilon is not None:
        text = f"a question spends at most an epsilon of {float(Fraction(epsilon)):g}"
        yield Reason(code=reasons.OBLIGATION, text=text)
    if frequency > 1:
        text = f"groups that are found are named from {frequency} persons on"
        yield Reason(code=reasons.OBLIGATION, text=text)


def _once(given: Iterable[Reason]) -> tuple[Reason, ...]:
    return tuple(dict.fromkeys(given))
