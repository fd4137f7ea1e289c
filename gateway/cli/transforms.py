"""Transforms as people see them, on one line each."""

import json
from collections.abc import Mapping
from typing import Any


def transform_text(transform_json: str, *, recoded: bool = False) -> str:
    """``mask_form(form=phone)`` for the transform's canonical JSON."""
    return transform_told(json.loads(transform_json), recoded=recoded)


def transform_told(transform: Mapping[str, Any], *, recoded: bool = False) -> str:
    """The same for its parts. ``recoded``: the column is published as the data set's recoding made
    it, which the transform, a keep, does not show."""
    if recoded:
        return "recoded with the data set"
    told = ", ".join(
        f"{name}={_told(value)}"
        for name, value in transform.items()
        if name != "kind" and value not in (None, [], {}, "")
    )
    return f"{transform['kind']}({told})" if told else str(transform["kind"])


def _told(value: object) -> str:
    if isinstance(value, Mapping):
        # What happens to each entity in free text, without the parameters of each.
        acts = (f"{entity} {_kind(action)}" for entity, action in value.items())
        return "[" + ", ".join(acts) + "]"
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _kind(action: object) -> str:
    return str(action["kind"] if isinstance(action, Mapping) else action)
