"""Decides a request: denied unless rules permit every column and a grant covers them all.

Pure and total: the same request and facts give the same decision, whatever the order of
policies, rules and grants. A request whose shape is wrong raises InvalidRequest; everything else
is a decision, with all of its reasons and not only the first.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from gateway.decide import anonymity, grants, reasons
from gateway.decide.asked import Asked, read, readable
from gateway.decide.facts import Facts
from gateway.decide.matching import Matched, RuleBook
from gateway.decide.strictest import Combined, combine
from gateway.model.access import ExtractRequest, Grant
from gateway.model.catalog import Column, DataSet
from gateway.model.conditions import Condition
from gateway.model.decision import ColumnDecision, Decision, Outcome, Reason
from gateway.model.lifecycle import DataSetState
from gateway.model.names import ColumnRole, Role
from gateway.model.policy import Effect
from gateway.model.transforms import Keep, Suppress, TransformSpec, join_all


@dataclass(frozen=True, slots=True)
class Judged:
    """What the rules say about one column."""

    column: Column
    permits: tuple[Matched, ...]
    denies: tuple[Matched, ...]

    @property
    def transform(self) -> TransformSpec:
        """The strictest of all permits; SUPPRESS without any."""
        return join_all(m.rule.transform for m in self.permits if m.rule.transform is not None)

    def denials(self) -> Iterable[Reason]:
        """Why the column may not leave; none when it may."""
        yield from (reasons.denied_by(self.column, matched) for matched in self.denies)
        if not self.column.has_verdict:
            yield reasons.no_verdict(self.column)
        elif not self.permits and not self.denies:
            yield reasons.no_rule(self.column)

    def grounds(self) -> Iterable[Reason]:
        """Why it may leave, and how."""
        given = {m.rule.transform for m in self.permits if m.rule.transform is not None}
        for matched in self.permits:
            if matched.rule.transform is not None:
                yield reasons.permitted_by(self.column, matched, matched.rule.transform)
        if len(given) > 1:
            yield reasons.strictest(self.column, self.transform)


def decide(request: ExtractRequest, facts: Facts) -> Decision:
    """The decision over an extract request. InvalidRequest when its shape is wrong."""
    return _decide(request, facts, needs_grant=True)


def decide_own_records(request: ExtractRequest, facts: Facts) -> Decision:
    """The same for records that the caller brought along: policies rule, no grant is needed.

    Only for `protect`, where nothing leaves that the caller did not send.
    """
    return _decide(request, facts, needs_grant=False)


def _decide(request: ExtractRequest, facts: Facts, *, needs_grant: bool) -> Decision:
    asked = read(request, facts)
    rules = RuleBook(request.purpose, facts)
    judged = {column.name: judge(column, rules) for column in asked.all}
    taking_part = [matched for j in judged.values() for matched in j.permits]
    combined = combine(taking_part)
    required = grants.approvals_for(asked.all, taking_part)
    grant: Grant | None = None
    missing: tuple[Reason, ...] = ()
    if needs_grant:
        grant, missing = grants.choose(request, asked, facts, required)
    denials = (
        *recipient_denials(facts),
        *dataset_denials(facts.dataset),
        *(reason for j in judged.values() for reason in j.denials()),
        *policy_filter_denials(combined, facts.dataset),
        *anonymity.denials(combined.anonymity, facts.dataset),
        *_request_filter_denials(asked, judged),
        *missing,
    )
    if denials:
        everyone = combine(m for j in judged.values() for m in (*j.permits, *j.denies))
        return Decision(outcome=Outcome.DENIED, reasons=denials, policies=everyone.refs())
    chosen = [judged[column.name] for column in asked.columns]
    return _permitted(chosen, combined, facts, required, grant)


def judge(column: Column, rules: RuleBook) -> Judged:
    """All that the rules say about one column."""
    matched = rules.about(column)
    return Judged(
        column,
        tuple(m for m in matched if m.rule.effect is Effect.PERMIT),
        tuple(m for m in matched if m.rule.effect is Effect.DENY),
    )


def _permitted(
    chosen: list[Judged],
    combined: Combined,
    facts: Facts,
    required: tuple[Role, ...],
    grant: Grant | None,
) -> Decision:
    unchanged = all(isinstance(j.transform, Keep) for j in chosen)
    plain = unchanged and not combined.demanding
    return Decision(
        outcome=Outcome.PERMITTED if plain else Outcome.PERMITTED_WITH_OBLIGATIONS,
        reasons=(
            *(reason for j in chosen for reason in j.grounds()),
            *_obligation_reasons(combined),
            *([Reason(code=reasons.GRANTED, text=f"covered by {grant.name}")] if grant else []),
        ),
        columns=tuple(
            ColumnDecision(
                column=j.column.name,
                published=j.column.published_name,
                transform=j.transform,
                rules=tuple(matched.name for matched in j.permits),
            )
            for j in chosen
        ),
        row_filters=tuple(_by_source_name(c, facts.dataset) for c in combined.row_filters),
        sample_percent=combined.sample_percent,
        max_rows=combined.max_rows,
        max_grade=combined.max_grade,
        min_cell_size=combined.min_cell_size,
        small_cells=combined.small_cells,
        cell_columns=tuple(
            j.column.published_name
            for j in chosen
            if j.column.role is ColumnRole.QUASI_IDENTIFIER and _tells_people_apart(j.transform)
        ),
        anonymity=anonymity.terms(
            combined.anonymity,
            facts.dataset,
            facts.recipient,
            anonymity.coalitions(facts.policies),
        ),
        on_unhandled=combined.on_unhandled,
        expires_after_days=combined.expires_after_days,
        approvals=required,
        quotas=combined.quotas,
        policies=combined.refs(),
        grant=grant.name if grant else None,
    )


def _tells_people_apart(transform: TransformSpec) -> bool:
    # Nobody outside knows a token, and the tokens of households would make every cell small.
    return not isinstance(transform, Suppress) and not transform.opaque()


def recipient_denials(facts: Facts) -> Iterable[Reason]:
    """Why this recipient gets nothing, whatever is asked for."""
    recipient = facts.recipient
    if recipient.disabled:
        text = f"{recipient.name} is disabled: ask an administrator"
        yield Reason(code=reasons.RECIPIENT_DISABLED, text=text)
    if recipient.role is not Role.CONSUMER:
        text = f"{recipient.name} is no consumer: only consumers receive data"
        yield Reason(code=reasons.NOT_A_CONSUMER, text=text)


def dataset_denials(dataset: DataSet) -> Iterable[Reason]:
    """Why nothing of the data set leaves now."""
    if dataset.state is not DataSetState.ACTIVE:
        text = f"{dataset.name} is {dataset.state.value.replace('_', ' ')}: ask {dataset.holder}"
        yield Reason(code=reasons.DATASET_NOT_ACTIVE, text=text)
    if not dataset.current:
        text = f"what {dataset.name} holds now is not classified yet: ask again when that is done"
        yield Reason(code=reasons.NOT_CLASSIFIED, text=text)


def policy_filter_denials(combined: Combined, dataset: DataSet) -> Iterable[Reason]:
    """Why the policies' own row filters cannot be applied."""
    # A filter that cannot run would let rows out that the officer meant to hold back.
    officer = "an officer must correct the policy"
    for condition in combined.row_filters:
        column = dataset.find(condition.column)
        if column is None:
            text = f"a row filter of the policy needs {condition.column}, which {dataset.name} has not: {officer}"
            yield Reason(code=reasons.POLICY_COLUMN_MISSING, text=text, column=condition.column)
        elif not readable(condition, column):
            text = f"a row filter of the policy cannot be read as {column.type}, the type of {condition.column}: {officer}"
            yield Reason(code=reasons.POLICY_FILTER_UNREADABLE, text=text, column=condition.column)


def _request_filter_denials(asked: Asked, judged: dict[str, Judged]) -> Iterable[Reason]:
    for column in dict.fromkeys(asked.filtered):
        transform = judged[column.name].transform
        if not isinstance(transform, Keep):
            # Counting the rows that come back would tell the values the transform hides.
            name = column.published_name
            text = (
                f"{name} does not leave unchanged, so rows cannot be chosen by it: drop the filter"
            )
            yield Reason(code=reasons.FILTER_ON_PROTECTED_COLUMN, text=text, column=name)


def _obligation_reasons(combined: Combined) -> Iterable[Reason]:
    said = []
    if combined.row_filters:
        said.append("only rows that the policies' row filters let through")
    if combined.sample_percent is not None:
        said.append(f"only a sample of about {combined.sample_percent} % of the persons")
    if combined.max_rows is not None:
        said.append(f"at most {combined.max_rows} rows")
    if combined.max_grade is not None:
        said.append(f"what leaves is graded {combined.max_grade} at most, or it is not planned")
    if combined.min_cell_size is not None:
        effect = "left out" if combined.small_cells == "drop" else "a reason to refuse"
        said.append(
            f"combinations of quasi-identifiers that fewer than {combined.min_cell_size} records "
            f"share are {effect}"
        )
    if combined.anonymity is not None:
        said.append(anonymity.told(combined.anonymity))
    said += [
        f"within {quota.period_days} days at most "
        + " and ".join(
            f"{count} {unit}"
            for count, unit in ((quota.rows, "rows"), (quota.releases, "releases"))
            if count is not None
        )
        for quota in combined.quotas
    ]
    said.append(f"readable for {combined.expires_after_days} days")
    yield from (Reason(code=reasons.OBLIGATION, text=text) for text in said)


def _by_source_name(condition: Condition, dataset: DataSet) -> Condition:
    column = dataset.find(condition.column)
    return condition.but(column=column.name) if column else condition
