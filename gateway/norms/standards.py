"""Reads the grading standards: one dated file each, and the crosswalks between them.

A file with anything wrong in it is refused whole, with its name, the place and the remedy.
"""

from collections.abc import Callable, Mapping, Sequence
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final, TypeVar

import yaml
from pydantic import TypeAdapter, ValidationError

from gateway.model.grades import Grade
from gateway.norms.crosswalks import Climbs, Crosswalk, Crosswalks, applied
from gateway.norms.soundness import refused, sound, unknown_level
from gateway.norms.standard import Standard

__all__ = ["CROSSWALKS", "DEFAULT", "GRADING", "Standard", "default_standard", "load", "standards"]

DEFAULT: Final = "gbt-43697-2024"
"""The standard whose levels are the grades of columns in the catalogue."""

GRADING: Final = Path(__file__).parent / "grading"
CROSSWALKS: Final = "crosswalks.yaml"

T = TypeVar("T")
Read = Callable[[str], str]
"""The text of a file of the folder by its name."""


@cache
def standards() -> Mapping[str, Standard]:
    """The standards that ship with the gateway, by key."""
    return load(GRADING)


def default_standard() -> Standard:
    """GB/T 43697-2024."""
    return standards()[DEFAULT]


def load(folder: Path, read: Read | None = None) -> Mapping[str, Standard]:
    """All standards of a folder by key, the file's name without its ending.

    ``read``: how a file's text is read, for those who keep a digest of it. ConfigurationError.
    """
    read = read or (lambda name: _text(folder, name))
    try:
        names = sorted(item.name for item in folder.iterdir() if item.name.endswith(".yaml"))
    except OSError as unreadable:
        raise refused(
            folder.name, "", "is no folder that can be read", "restore it"
        ) from unreadable
    found = {
        name.removesuffix(".yaml"): _standard(read(name), name)
        for name in names
        if name != CROSSWALKS
    }
    if DEFAULT not in found:
        raise refused(f"{DEFAULT}.yaml", "", "is missing", "restore it")
    table = _crosswalks(read(CROSSWALKS), found)
    try:
        return MappingProxyType(dict(applied(found, table)))
    except Climbs as climbs:
        raise refused(
            CROSSWALKS, "", f"would raise without end: {climbs}", "lower one of these floors"
        ) from climbs


def _text(folder: Path, name: str) -> str:
    try:
        return folder.joinpath(name).read_text("utf-8")
    except (OSError, UnicodeDecodeError) as unreadable:
        raise refused(name, "", "cannot be read as UTF-8", "restore it") from unreadable


# ---- one standard ---------------------------------------------------------------------------------


def _standard(text: str, file: str) -> Standard:
    data = _mapping(text, file)
    for given in ("key", "floors"):
        if given in data:
            raise refused(file, given, "is worked out, not given", "leave it out")
    standard = _parsed(Standard, {**data, "key": file.removesuffix(".yaml")}, file)
    standard = sound(standard, file)
    if standard.key == DEFAULT and [level.name for level in standard.levels] != list(Grade):
        raise refused(file, "levels", "are not the grades", f"give {', '.join(Grade)}")
    return standard


# ---- crosswalks -----------------------------------------------------------------------------------


def _crosswalks(text: str, found: Mapping[str, Standard]) -> Sequence[Crosswalk]:
    table = _parsed(Crosswalks, _mapping(text, CROSSWALKS), CROSSWALKS).crosswalks
    for position, rule in enumerate(table):
        place = f"crosswalks[{position}]"
        for field, key, level in (
            ("level", rule.standard, rule.level),
            ("at_least", rule.other, rule.at_least),
        ):
            if key not in found:
                known = ", ".join(sorted(found))
                raise refused(CROSSWALKS, place, f"no standard {key}", f"known are {known}")
            names = [known_level.name for known_level in found[key].levels]
            if level not in names:
                raise unknown_level(CROSSWALKS, f"{place}.{field}", level, names)
        if rule.standard == rule.other:
            raise refused(CROSSWALKS, place, "leads to its own standard", "name another one")
    return table


# ---- YAML -----------------------------------------------------------------------------------------


class _Strict(getattr(yaml, "CSafeLoader", yaml.SafeLoader)):  # type: ignore[misc]
    """Refuses a key that is given twice: the second would silently replace the first."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        keys = [self.construct_object(key, deep=deep) for key, _ in node.value]
        twice = [key for position, key in enumerate(keys) if key in keys[:position]]
        if twice:
            raise yaml.MarkedYAMLError(problem=f"{twice[0]} is given twice")
        found: dict[Any, Any] = super().construct_mapping(node, deep)
        return found


def _mapping(text: str, file: str) -> dict[str, Any]:
    try:
        data = yaml.load(text, _Strict)  # noqa: S506 - a safe loader with one more check
    except yaml.MarkedYAMLError as malformed:
        raise refused(file, "", malformed.problem or "is not YAML", "correct it") from malformed
    except yaml.YAMLError as malformed:
        raise refused(file, "", "is not YAML", "correct it") from malformed
    if not isinstance(data, dict):
        raise refused(file, "", "is not a mapping", "begin with the fields of the format")
    return data


def _parsed(kind: type[T], data: object, file: str) -> T:
    try:
        adapter: TypeAdapter[T] = TypeAdapter(kind)
        return adapter.validate_python(data)
    except ValidationError as wrong:
        first = wrong.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        raise refused(file, where, first["msg"], "correct it") from wrong
