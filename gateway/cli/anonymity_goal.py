"""What an anonymisation is to reach, as options of a command say it."""

from collections.abc import Sequence
from dataclasses import dataclass

from pydantic import TypeAdapter, ValidationError

from gateway.errors import InvalidRequest, Violation
from gateway.model.anonymity import AnonymityGoal, Method, Metric, PrivacyModel


@dataclass(frozen=True, slots=True)
class Wanted:
    """The options, as they were given."""

    k: int | None
    l: Sequence[str]  # noqa: E741 - the name of the model's parameter
    t: Sequence[str]
    models: Sequence[str]
    metric: Metric
    suppression: str
    method: Method
    weights: Sequence[str]
    seconds: int


def read_goal(quasi_identifiers: tuple[str, ...], wanted: Wanted) -> AnonymityGoal:
    """The goal of these options; InvalidRequest names the option that is wrong."""
    models = read_models(wanted.k, wanted.l, wanted.t, wanted.models)
    try:
        return AnonymityGoal.model_validate(
            {
                "quasi_identifiers": quasi_identifiers,
                "models": models,
                "max_suppression": wanted.suppression,
                "metric": wanted.metric,
                "method": wanted.method,
                "weights": dict(_pair("--weight", text) for text in wanted.weights),
                "seconds": wanted.seconds,
            }
        )
    except ValidationError as error:
        raise _invalid("goal", error) from None


def read_models(
    k: int | None,
    l: Sequence[str],  # noqa: E741
    t: Sequence[str],
    others: Sequence[str],
) -> tuple[PrivacyModel, ...]:
    """``--k 5 --l diagnosis=3 --t diagnosis=0.2 --model average_risk:at_most=0.1`` as models."""
    given: list[tuple[str, dict[str, object]]] = []
    if k is not None:
        given.append(("--k", {"kind": "k_anonymity", "k": k}))
    for text in l:
        column, value = _pair("--l", text)
        given.append(("--l", {"kind": "l_diversity", "column": column, "l": value}))
    for text in t:
        column, value = _pair("--t", text)
        given.append(("--t", {"kind": "t_closeness", "column": column, "t": value}))
    for text in others:
        kind, _, settings = text.partition(":")
        pairs = [_pair("--model", part) for part in settings.split(",") if part]
        given.append(("--model", {"kind": kind, **dict(pairs)}))
    if not given:
        raise InvalidRequest.of("--k", "name at least one privacy model, such as --k 5")
    return tuple(_model(option, settings) for option, settings in given)


def _model(option: str, settings: dict[str, object]) -> PrivacyModel:
    adapter: TypeAdapter[PrivacyModel] = TypeAdapter(PrivacyModel)
    try:
        return adapter.validate_python(settings)
    except ValidationError as error:
        raise _invalid(option, error) from None


def _pair(option: str, text: str) -> tuple[str, str]:
    name, sign, value = text.rpartition("=")
    if not sign or not name or not value:
        raise InvalidRequest.of(option, "write NAME=VALUE")
    return name, value


def _invalid(at: str, error: ValidationError) -> InvalidRequest:
    return InvalidRequest.collected(
        [
            Violation(
                ".".join((at, *(str(part) for part in fault["loc"][-1:]))),
                fault["msg"].removeprefix("Value error, "),
            )
            for fault in error.errors(include_input=False, include_url=False)
        ]
    )
