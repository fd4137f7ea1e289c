"""What entities are called in Chinese and in English, for people who read verdicts."""

import csv
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources
from types import MappingProxyType


@dataclass(frozen=True, slots=True)
class EntityTitle:
    """The names of one entity."""

    chinese: str
    english: str


@cache
def entity_titles() -> Mapping[str, EntityTitle]:
    """The titles by entity; every one of the vocabulary has one."""
    text = resources.files("gateway.norms").joinpath("entities.csv").read_text("utf-8")
    rows = csv.DictReader(text.splitlines())
    return MappingProxyType(
        {row["entity"]: EntityTitle(row["chinese"], row["english"]) for row in rows}
    )
