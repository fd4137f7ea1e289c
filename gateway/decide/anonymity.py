"""Joins what policies say about anonymity, and brings it to the columns of a data set.

Every join is commutative, associative and idempotent; docs/adr/0012 says what stricter means.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final, get_args

from gateway.decide import reasons
from gateway.model.anonymity import (
    AverageRisk,
    KAnonymity,
    LDiversity,
    Method,
    Metric,
    PrivacyModel,
    TCloseness,
)
from gateway.model.attacks import AttackLimits
from gateway.model.catalog import Column, DataSet, Party
from gateway.model.decision import Reason
from gateway.model.exact import millionths
from gateway.model.names import ColumnRole
from gateway.model.policy import StoredPolicy
from gateway.model.terms import (
    AnonymityObligations,
    AnonymityTerms,
    OnAttack,
    k_of_risk,
    least_class,
    strictest_models,
)

_METRICS: Final[tuple[Metric, ...]] = get_args(Metric)
_OFFICER: Final = "an officer must correct the policies"


@dataclass(frozen=True, slots=True)
class Wanted:
    """The strictest of all that is said, with columns named as policies name them.

    ``hierarchies``: every pair of column and hierarchy that somebody names.
    """

    models: tuple[PrivacyModel, ...]
    max_suppression: str
    method: Method
    metric: Metric
    hierarchies: tuple[tuple[str, str], ...]
    attacks: AttackLimits
    on_attack: OnAttack


def combine(demands: Sequence[AnonymityObligations]) -> Wanted | None:
    """What holds of all demands together; None where no privacy model is demanded."""
    if not any(demand.demands_anonymity for demand in demands):
        return None
    attacks = [demand.attacks for demand in demands if demand.attacks is not None]
    limits = AttackLimits()
    for given in attacks:
        limits = limits.stricter(given)
    # Who sets limits and does not say counts as refusing; who sets none has no opinion.
    on_attack = {d.on_attack or "refuse" for d in demands if d.attacks is not None}
    methods = {d.method for d in demands if d.method is not None}
    metrics = {d.metric for d in demands if d.metric is not None}
    return Wanted(
        models=strictest_models(model for demand in demands for model in _models(demand)),
        max_suppression=_suppression(demands),
        # Neither method and no metric is stricter than another: one fixed order decides.
        method="local" if methods == {"local"} else "full_domain",
        metric=min(metrics, key=_METRICS.index, default="loss"),
        hierarchies=tuple(sorted({pair for d in demands for pair in d.hierarchies.items()})),
        attacks=limits,
        on_attack="generalise" if on_attack == {"generalise"} else "refuse",
    )


def _suppression(demands: Sequence[AnonymityObligations]) -> str:
    # Who demands a model and does not say counts as permitting none: otherwise one more rule that
    # says something would loosen what was demanded before.
    said = [d.max_suppression or "0" for d in demands if d.demands_anonymity]
    said += [d.max_suppression for d in demands if d.max_suppression is not None]
    return min(said, key=millionths)


def _models(demand: AnonymityObligations) -> Iterable[PrivacyModel]:
    if demand.k is not None:
        yield KAnonymity(k=demand.k)
    if demand.max_risk is not None:
        yield KAnonymity(k=k_of_risk(demand.max_risk))
    if demand.max_average_risk is not None:
        yield AverageRisk(at_most=demand.max_average_risk)
    if demand.limits_attacks:
        yield KAnonymity(k=2)  # or the limit would be on what nobody anonymises and attacks
    yield from demand.models()


def denials(wanted: Wanted | None, dataset: DataSet) -> Iterable[Reason]:
    """Why the data set cannot be anonymised as the policies want."""
    if wanted is None:
        return
    if not quasi_identifiers(dataset):
        text = (
            f"the policies demand anonymity, and no column of {dataset.name} is known as a "
            "quasi-identifier: an officer says which are, or demands something else"
        )
        yield Reason(code=reasons.NO_QUASI_IDENTIFIER, text=text)
    for name in sorted(_sensitive(wanted)):
        column = dataset.find(name)
        if column is None:
            text = f"the policies protect {name}, which {dataset.name} has not: {_OFFICER}"
            yield Reason(code=reasons.POLICY_COLUMN_MISSING, text=text, column=name)
        elif column.role is ColumnRole.QUASI_IDENTIFIER:
            text = (
                f"the policies protect {name} as sensitive, and by its verdict it is a "
                "quasi-identifier, which is generalised instead: an officer corrects one of the two"
            )
            yield Reason(code=reasons.ANONYMITY_CONFLICT, text=text, column=name)
    named: dict[str, set[str]] = {}
    for name, hierarchy in wanted.hierarchies:
        column = dataset.find(name)
        named.setdefault(name if column is None else column.name, set()).add(hierarchy)
    for name, tables in sorted(named.items()):
        if len(tables) > 1:
            text = (
                f"the policies generalise {name} by {' and by '.join(sorted(tables))}, and one "
                f"recoding has one hierarchy a column: {_OFFICER}"
            )
            yield Reason(code=reasons.ANONYMITY_CONFLICT, text=text, column=name)


def coalitions(policies: Iterable[StoredPolicy]) -> frozenset[frozenset[str]]:
    """Every coalition that a policy declares, at its top or in any rule.

    Also in rules that say nothing about the request: a rule that matches one member alone would
    else count its extracts with those of the others, and not theirs with its own.
    """
    demands = [
        said
        for stored in policies
        for said in (stored.policy.obligations, *(r.obligations for r in stored.policy.rules))
    ]
    return frozenset(frozenset(said.coalition) for said in demands if said.coalition)


def terms(
    wanted: Wanted | None,
    dataset: DataSet,
    recipient: Party,
    declared: frozenset[frozenset[str]],
) -> AnonymityTerms | None:
    """What is wanted, of this data set's columns by source name, for this recipient, with the
    ``declared`` coalitions. Only where nothing is denied."""
    if wanted is None:
        return None
    identifying = quasi_identifiers(dataset)
    sources = {column.published_name: column.name for column in dataset.columns}
    sources |= {column.name: column.name for column in dataset.columns}
    models = [_renamed(model, sources) for model in wanted.models]
    return AnonymityTerms(
        quasi_identifiers=tuple(column.name for column in identifying),
        models=strictest_models((*models, KAnonymity(k=least_class(models)))),
        max_suppression=wanted.max_suppression,
        method=wanted.method,
        metric=wanted.metric,
        hierarchies={
            sources[name]: hierarchy
            for name, hierarchy in wanted.hierarchies
            if sources.get(name) in {column.name for column in identifying}
        },
        attacks=wanted.attacks,
        on_attack=wanted.on_attack,
        coalition=_joined(declared, recipient.name),
    )


def quasi_identifiers(dataset: DataSet) -> tuple[Column, ...]:
    """All columns of the data set that are quasi-identifiers by their verdict."""
    return tuple(c for c in dataset.columns if c.role is ColumnRole.QUASI_IDENTIFIER)


def _sensitive(wanted: Wanted) -> set[str]:
    return {m.column for m in wanted.models if isinstance(m, LDiversity | TCloseness)}


def _renamed(model: PrivacyModel, sources: dict[str, str]) -> PrivacyModel:
    if isinstance(model, LDiversity | TCloseness):
        return model.but(column=sources[model.column])
    return model


def _joined(declared: frozenset[frozenset[str]], recipient: str) -> tuple[str, ...]:
    """The recipient and everybody it shares a coalition with, or a coalition of one of those."""
    members = {recipient}
    while True:
        more = members.union(*(c for c in declared if c & members))
        if more == members:
            return tuple(sorted(members))
        members = set(more)


def told(wanted: Wanted) -> str:
    """What is wanted in a sentence for the requester."""
    parts = [_told(model) for model in wanted.models]
    share = wanted.max_suppression
    left_out = f"at most {share} of the records left out" if share != "0" else "no record left out"
    return (
        f"all quasi-identifiers of the data set are generalised together: {'; '.join(parts)}; "
        f"{left_out}; what an extract lets be told apart from earlier ones counts too"
    )


def _told(model: PrivacyModel) -> str:
    if isinstance(model, KAnonymity):
        return f"at least {model.k} records share each combination"
    if isinstance(model, LDiversity):
        return f"{model.column} has {model.variant} diversity {model.l} in each"
    if isinstance(model, TCloseness):
        return f"{model.column} is distributed as in the whole within {model.t} in each"
    if isinstance(model, AverageRisk):
        return f"the average risk is at most {model.at_most}"
    raise ValueError(f"{model.kind} is no demand of a policy")
