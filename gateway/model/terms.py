"""What policies demand of an anonymisation: as a rule writes it, and all of it together.

A rule writes ``l: {diagnosis: 3}``, or ``l: {diagnosis: {l: 3, variant: entropy}}`` where another
variant than the usual is meant; ``t`` alike. What stricter means for each is docs/adr/0012.
"""

from collections.abc import Iterable
from typing import Annotated, Final, Literal, Self

from pydantic import Field, model_validator

from gateway.model.anonymity import (
    AverageRisk,
    KAnonymity,
    LDiversity,
    Method,
    Metric,
    PositiveShare,
    PrivacyModel,
    TCloseness,
)
from gateway.model.attacks import AttackLimits
from gateway.model.catalog import ColumnName
from gateway.model.exact import DECIMALS, Number, PositiveNumber, millionths
from gateway.model.names import identifier
from gateway.model.noun import Noun, ShortText

_ONE: Final = 10**DECIMALS

OnAttack = Literal["refuse", "generalise"]
"""What happens to a release that an attack succeeds on too often. ``refuse`` is the stricter."""


class Diversity(Noun):
    """How diverse a sensitive column is in every class; see ``anonymity.LDiversity``."""

    l: PositiveNumber  # noqa: E741 - the name of the model's parameter
    variant: Literal["distinct", "entropy", "recursive"] = "distinct"
    c: PositiveNumber | None = None

    def of(self, column: str) -> LDiversity:
        """The model about that column. ValueError when the parameters do not fit together."""
        return LDiversity(column=column, l=self.l, variant=self.variant, c=self.c)


class Closeness(Noun):
    """How close a sensitive column is in every class to the whole; see ``anonymity.TCloseness``."""

    t: PositiveShare
    distance: Literal["equal", "ordered", "hierarchical"] = "equal"
    hierarchy: ShortText | None = None

    def of(self, column: str) -> TCloseness:
        """The model about that column. ValueError when the parameters do not fit together."""
        return TCloseness(column=column, t=self.t, distance=self.distance, hierarchy=self.hierarchy)


class AnonymityObligations(Noun):
    """What a rule, or a whole policy, says about anonymity.

    ``k``: least records of an equivalence class. ``l``, ``t``: by sensitive column. ``max_risk``:
    the highest risk of any record, one divided by its class; ``max_average_risk``: classes divided
    by records. ``max_suppression``: the largest share of records left out. ``hierarchies``: by
    column, a table that the gateway has; a column without one gets a hierarchy proposed from its
    values. ``attacks``: the greatest success of each attack, and ``on_attack`` what follows above
    it; attacks are tried on anonymised records, so a limit demands that nobody is alone (k = 2). ``coalition``: recipients whose extracts are taken to lie in one hand.
    """

    k: Annotated[int, Field(ge=2)] | None = None
    l: dict[ColumnName, PositiveNumber | Diversity] = {}  # noqa: E741 - the model's own name
    t: dict[ColumnName, PositiveShare | Closeness] = {}
    max_suppression: Number | None = None
    max_risk: PositiveShare | None = None
    max_average_risk: PositiveShare | None = None
    method: Method | None = None
    metric: Metric | None = None
    hierarchies: dict[ColumnName, ShortText] = {}
    attacks: AttackLimits | None = None
    on_attack: OnAttack | None = None
    coalition: tuple[str, ...] = ()

    @model_validator(mode="after")
    def _anonymity_meaningful(self) -> Self:
        for name in ("max_suppression", "max_risk", "max_average_risk"):
            share = getattr(self, name)
            if share is not None and not 0 <= millionths(share) <= _ONE:
                raise ValueError(f"{name} is a share: from 0 to 1")
        self.models()  # their parameters fit together, or this is the place to say it
        if self.on_attack is not None and self.attacks is None:
            raise ValueError("on_attack says nothing without limits under attacks")
        for party in self.coalition:
            identifier(party, "parties")
        if len(set(self.coalition)) == 1:
            raise ValueError("a coalition has at least two parties")
        return self

    def models(self) -> tuple[LDiversity | TCloseness, ...]:
        """The demands on sensitive columns, with the names that the policy uses."""
        found: list[LDiversity | TCloseness] = []
        for column, diversity in self.l.items():
            spec = diversity if isinstance(diversity, Diversity) else Diversity(l=diversity)
            found.append(spec.of(column))
        for column, closeness in self.t.items():
            near = closeness if isinstance(closeness, Closeness) else Closeness(t=closeness)
            found.append(near.of(column))
        return tuple(found)

    @property
    def demands_anonymity(self) -> bool:
        """Whether a privacy model is demanded, and not only said how one is to be reached."""
        risks = (self.k, self.max_risk, self.max_average_risk)
        said = bool(self.l or self.t) or any(risk is not None for risk in risks)
        return said or self.limits_attacks

    @property
    def limits_attacks(self) -> bool:
        """Whether an attack may succeed so often and no more."""
        return self.attacks is not None and self.attacks != AttackLimits()

    @property
    def says_anonymity(self) -> bool:
        """Whether anything at all is said about it."""
        own = {name: getattr(self, name) for name in AnonymityObligations.model_fields}
        return AnonymityObligations(**own) != AnonymityObligations()


class AnonymityTerms(Noun):
    """What a release's records must reach together, and how.

    ``quasi_identifiers``: those of the whole data set, by source name, asked for or not.
    ``coalition``: every party whose extracts count as the recipient's own, that one included.
    """

    quasi_identifiers: Annotated[tuple[ColumnName, ...], Field(min_length=1)]
    models: Annotated[tuple[PrivacyModel, ...], Field(min_length=1)]
    max_suppression: Number = "0"
    method: Method = "full_domain"
    metric: Metric = "loss"
    hierarchies: dict[ColumnName, ShortText] = {}
    attacks: AttackLimits = AttackLimits()
    on_attack: OnAttack = "refuse"
    coalition: tuple[str, ...] = ()

    @property
    def least_class(self) -> int:
        """Records that whatever can be told apart has at least."""
        return least_class(self.models)


def least_class(models: Iterable[PrivacyModel]) -> int:
    """Records that a class must have for these models to hold of it: at least 2."""
    sizes = [2]
    for model in models:
        if isinstance(model, KAnonymity):
            sizes.append(model.k)
        elif isinstance(model, LDiversity):
            sizes.append(-(-millionths(model.l) // _ONE))
    return max(sizes)


def strictest_models(models: Iterable[PrivacyModel]) -> tuple[PrivacyModel, ...]:
    """The same demands without those that others include, in one order.

    Of models that differ in one number only, the stricter number; everything else stands side by
    side, since all of them must hold.
    """
    kept: dict[bytes, PrivacyModel] = {}
    for model in models:
        kind = _without_number(model)
        other = kept.get(kind)
        kept[kind] = model if other is None else _stricter(model, other)
    return tuple(kept[key] for key in sorted(kept))


def _without_number(model: PrivacyModel) -> bytes:
    name = _NUMBERS.get(model.kind)
    if isinstance(model, LDiversity) and model.variant == "recursive":
        name = "c"  # (c, l) with the same l: a smaller c demands more
    told = {key: value for key, value in model.model_dump(mode="json").items() if key != name}
    return repr(sorted(told.items())).encode()


def _stricter(one: PrivacyModel, other: PrivacyModel) -> PrivacyModel:
    return max(one, other, key=_strictness)


def _strictness(model: PrivacyModel) -> int:
    if isinstance(model, KAnonymity):
        return model.k
    if isinstance(model, LDiversity):
        return -millionths(model.c) if model.c is not None else millionths(model.l)
    if isinstance(model, TCloseness):
        return -millionths(model.t)
    if isinstance(model, AverageRisk):
        return -millionths(model.at_most)
    raise ValueError(f"{model.kind} is no demand of a policy")


_NUMBERS: Final = {
    "k_anonymity": "k",
    "l_diversity": "l",
    "t_closeness": "t",
    "average_risk": "at_most",
}


def k_of_risk(share: str) -> int:
    """The least class size at which no record's risk is above ``share``, rounded up."""
    return max(2, -(-_ONE // millionths(share)))
