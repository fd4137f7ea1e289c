"""Transforms as people see them, on one line each."""

import json
from collections.abc import Mapping
from typing import Any


def transform_text(transform_json: str) -> str:
    """``mask_form(form=phone)`` for the transform's canonical JSON."""
    return transform_told(json.loads(transform_json))


def transform_told(transform: Mapping[str, Any]) -> str:
    """The same for its parts."""
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
