"""What an anonymisation is to reach, as options of a command say it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from pydantic import TypeAdapter, ValidationError
from pydantic_core import ErrorDetails

from gateway.errors import InvalidRequest, Violation
from gateway.model.anonymity import AnonymityGoal, Method, Metric, PrivacyModel

_OPTIONS: Final = {
    "max_suppression": "--suppression",
    "weights": "--weight",
    "metric": "--metric",
    "seconds": "--seconds",
}


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
        raise _invalid(None, error) from None


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


def _invalid(option: str | None, error: ValidationError) -> InvalidRequest:
    return InvalidRequest.collected(
        [
            Violation(option or _option(fault), _plain(fault))
            for fault in error.errors(include_input=False, include_url=False)
        ]
    )


def _option(fault: ErrorDetails) -> str:
    """The option that a field of the goal is from; what fields say together begins with one."""
    field = str(fault["loc"][0]) if fault["loc"] else _said(fault).split(" ", 1)[0]
    return _OPTIONS.get(field, "--qi")


def _plain(fault: ErrorDetails) -> str:
    """One sentence on what the option takes."""
    name = str(fault["loc"][-1]) if fault["loc"] else ""
    context = fault.get("ctx", {})
    match fault["type"]:
        case "union_tag_invalid":
            return f"there is no such model; there are {context['expected_tags']}".replace("'", "")
        case "greater_than_equal":
            return f"{name} is at least {context['ge']}"
        case "int_parsing" | "int_from_float" | "int_type":
            return f"{name} is a whole number, such as 5"
        case "missing":
            return f"{name} is missing: write {name}=VALUE"
        case "extra_forbidden":
            return f"the model has no {name}"
        case "literal_error":
            return f"{name} is one of {context['expected']}".replace("'", "")
    if name == "max_suppression" or _said(fault).startswith("max_suppression"):
        return "a share such as 0.04"
    if _said(fault).startswith("a number has"):
        return f"{name} is a number, such as 2 or 0.2"
    return _said(fault)


def _said(fault: ErrorDetails) -> str:
    return fault["msg"].removeprefix("Value error, ")
