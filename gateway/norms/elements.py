"""The standard data elements: names under which mapped columns of any department are released."""

import csv
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources
from types import MappingProxyType


@dataclass(frozen=True, slots=True)
class Element:
    """One element. ``entity`` and ``role`` are what a column of it usually is, not a verdict.

    ``unit`` is the unit it is released in, empty where it has none; ``type`` an Arrow type name.
    """

    name: str
    chinese: str
    entity: str
    role: str
    type: str
    unit: str
    description: str
    source: str


@cache
def elements() -> Mapping[str, Element]:
    """The elements that ship with the gateway, by name."""
    text = resources.files("gateway.norms").joinpath("elements.csv").read_text("utf-8")
    rows = csv.DictReader(text.splitlines())
    found = (
        Element(
            name=row["element"],
            chinese=row["chinese"],
            entity=row["entity"],
            role=row["role"],
            type=row["type"],
            unit=row["unit"],
            description=row["description"],
            source=row["source"],
        )
        for row in rows
    )
    return MappingProxyType({element.name: element for element in found})


@cache
def first_elements() -> Mapping[str, Element]:
    """The element that stands for an entity where nothing else is known, by entity: the first of
    its elements in the file."""
    found: dict[str, Element] = {}
    for element in elements().values():
        found.setdefault(element.entity, element)
    return MappingProxyType(found)
