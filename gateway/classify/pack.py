"""Loads a rule pack: the dated data files that say what identifiers, names and words mean.

A pack is read once, checked whole, and refused with the file's name when anything in it is wrong:
an unknown entity, check or grade, a pattern that could back-track (anything RE2 does not take).
"""

import hashlib
from functools import cache
from pathlib import Path
from typing import Annotated, Literal, Self, TypeVar

import pyarrow as pa
import pyarrow.compute as pc
import yaml
from pydantic import Field, TypeAdapter, ValidationError, field_validator, model_validator

from gateway.classify import linear
from gateway.classify.calibration import Calibration
from gateway.classify.checks import CHECKS
from gateway.classify.grading import Grading, grading
from gateway.errors import ConfigurationError
from gateway.model.names import ENTITIES
from gateway.model.noun import Digest, Noun, ShortText
from gateway.norms import standards
from gateway.norms.standards import DEFAULT

Percent = Annotated[int, Field(ge=0, le=100)]
Strength = Literal["certain", "likely", "weak"]
T = TypeVar("T")

NORMS = Path(__file__).parent.parent / "norms"


class Identifier(Noun):
    """One form of an identifier, see norms/classification/identifiers.yaml."""

    entity: str
    pattern: Annotated[str, Field(min_length=1, max_length=2000)]
    check: str | None = None
    drop: str = ""
    weight: Percent
    chance: Percent
    score: Percent
    context: tuple[ShortText, ...] = ()
    needs_context: bool = False
    beside: Literal["signs", "letters", "one_side"] = "signs"
    text: Literal["pattern", "presidio", "address"] = "pattern"
    source: ShortText

    @field_validator("entity")
    @classmethod
    def _known(cls, entity: str) -> str:
        return _known_entity(entity)

    @field_validator("pattern")
    @classmethod
    def _linear(cls, pattern: str) -> str:
        return _linear(pattern)

    @field_validator("check")
    @classmethod
    def _has_check(cls, check: str | None) -> str | None:
        if check is not None and check not in CHECKS:
            raise ValueError(f"no such check; known are {', '.join(sorted(CHECKS))}")
        return check

    @model_validator(mode="after")
    def _linear_in_texts(self) -> Self:
        # In texts, addresses are searched by a pattern of the program's.
        if self.text != "address":
            linear.check(self.pattern, within_words=self.beside != "signs")
        return self


class Dictionary(Noun):
    """Words of an entity: `share` percent of the values must be among them."""

    entity: str
    words: tuple[str, ...]
    weight: Percent
    share: Percent
    most_distinct: Annotated[int, Field(ge=1)]

    _known = field_validator("entity")(classmethod(lambda _, entity: _known_entity(entity)))


class Shape(Noun):
    """How values of an entity are built that has no check digit, see pack.yaml."""

    entity: str
    pattern: Annotated[str, Field(min_length=1, max_length=2000)]
    weight: Percent
    share: Percent
    least_distinct: Annotated[int, Field(ge=1)]
    with_name: bool = False
    source: ShortText

    _known = field_validator("entity")(classmethod(lambda _, entity: _known_entity(entity)))
    _linear = field_validator("pattern")(classmethod(lambda _, pattern: _linear(pattern)))


class Disguise(Noun):
    """How an identifier looks that is written otherwise, cut short or partly hidden, see pack.yaml:
    enough to leave a column unknown, not enough to name the entity."""

    entity: str
    pattern: Annotated[str, Field(min_length=1, max_length=2000)]
    share: Percent
    among: Annotated[str, Field(min_length=1, max_length=2000)] | None = None
    least_distinct: Annotated[int, Field(ge=1)] = 1
    source: ShortText

    _known = field_validator("entity")(classmethod(lambda _, entity: _known_entity(entity)))
    _linear = field_validator("pattern", "among")(
        classmethod(lambda _, pattern: pattern and _linear(pattern))
    )


class NameWords(Noun):
    """Words of column names, see norms/classification/names.yaml."""

    entities: dict[str, dict[Strength, tuple[str, ...]]]
    keys: dict[Literal["person", "group"], tuple[str, ...]]
    transparent: tuple[str, ...]
    derived: tuple[str, ...]
    person_owners: tuple[str, ...]
    things: tuple[str, ...]
    technical: tuple[str, ...]
    attributes: tuple[str, ...]
    sensitive_attributes: tuple[str, ...]
    free_text: tuple[str, ...]
    placeholders: tuple[str, ...]
    abbreviations: dict[str, str]

    @field_validator("entities")
    @classmethod
    def _known(cls, entities: dict[str, object]) -> dict[str, object]:
        for entity in entities:
            _known_entity(entity)
        return entities


class _Contents(Noun):
    version: ShortText
    name_weights: dict[Strength, Percent]
    dictionaries: tuple[Dictionary, ...]
    shapes: tuple[Shape, ...]
    disguises: tuple[Disguise, ...]
    nothing: tuple[str, ...]
    mobile_prefixes: tuple[int, ...]
    surnames: ShortText
    rare_surnames: ShortText
    not_names: ShortText


class Pack(Noun):
    """A whole rule pack; verdicts carry its version and digest and are redone when they change."""

    version: ShortText
    sha256: Digest
    identifiers: tuple[Identifier, ...]
    names: NameWords
    readings: dict[str, tuple[str, ...]]  # of Chinese characters, as pinyin without tones
    name_weights: dict[Strength, Percent]
    dictionaries: tuple[Dictionary, ...]
    shapes: tuple[Shape, ...]
    disguises: tuple[Disguise, ...]
    nothing: tuple[str, ...]
    mobile_prefixes: tuple[int, ...]
    surnames: tuple[str, ...]
    rare_surnames: tuple[str, ...]
    not_names: tuple[str, ...]
    grading: Grading
    elements: dict[str, str]
    calibration: Calibration

    @property
    def reference(self) -> str:
        """How a verdict names the pack: its day and the beginning of its digest."""
        return f"{self.version}, sha256 {self.sha256[:12]}"


@cache
def standard() -> Pack:
    """The pack that ships with the gateway."""
    return load(NORMS)


def load(folder: Path) -> Pack:
    """Read a pack from `folder`/classification and `folder`/grading. ConfigurationError."""
    digest = hashlib.sha256()

    def read(*names: str) -> str:
        path = folder.joinpath(*names)
        try:
            text = path.read_text("utf-8")
        except (OSError, UnicodeDecodeError) as unreadable:
            raise ConfigurationError(
                f"the rule pack's file {path.name} cannot be read: restore it or name another pack"
            ) from unreadable
        digest.update(f"{'/'.join(names)}\n{len(text)}\n{text}".encode())
        return text

    def words(name: str) -> tuple[str, ...]:
        lines = read("classification", "words", name).splitlines()
        return tuple(dict.fromkeys(line for line in lines if line and not line.startswith("#")))

    contents = _parse(_Contents, read("classification", "pack.yaml"), "pack.yaml")
    graded = standards.load(folder / "grading", lambda name: read("grading", name))
    pack = {
        "version": contents.version,
        "identifiers": _parse(
            tuple[Identifier, ...], read("classification", "identifiers.yaml"), "identifiers.yaml"
        ),
        "names": _parse(NameWords, read("classification", "names.yaml"), "names.yaml"),
        "calibration": _parse(
            Calibration, read("classification", "calibration.yaml"), "calibration.yaml"
        ),
        "readings": _readings(read("classification", "pinyin.txt")),
        "name_weights": contents.name_weights,
        "dictionaries": tuple(
            d.but(words=tuple(word for name in d.words for word in words(name)))
            for d in contents.dictionaries
        ),
        "shapes": contents.shapes,
        "disguises": contents.disguises,
        "nothing": contents.nothing,
        "mobile_prefixes": contents.mobile_prefixes,
        "surnames": words(contents.surnames),
        "rare_surnames": words(contents.rare_surnames),
        "not_names": words(contents.not_names),
        "grading": grading(graded[DEFAULT]),
        "elements": _parse(
            dict[str, str], read("classification", "elements.yaml"), "elements.yaml"
        ),
    }
    return Pack.model_validate({**pack, "sha256": digest.hexdigest()})


def _readings(text: str) -> dict[str, tuple[str, ...]]:
    """Character → its readings, from lines of a syllable and the characters read so."""
    readings: dict[str, tuple[str, ...]] = {}
    for line in text.splitlines():
        if line and not line.startswith("#"):
            syllable, _, characters = line.partition(" ")
            for character in characters:
                readings[character] = (*readings.get(character, ()), syllable)
    return readings


def _parse(kind: type[T], text: str, name: str) -> T:
    try:
        data = yaml.safe_load(text)
        adapter: TypeAdapter[T] = TypeAdapter(kind)
        return adapter.validate_python(data)
    except yaml.YAMLError as malformed:
        raise ConfigurationError(f"the rule pack's file {name} is not YAML") from malformed
    except ValidationError as wrong:
        first = wrong.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        raise ConfigurationError(f"the rule pack's file {name}: {where}: {first['msg']}") from wrong


def _linear(pattern: str) -> str:
    try:
        pc.match_substring_regex(pa.array([""]), pattern)
    except pa.ArrowInvalid as refused:
        raise ValueError("not a pattern that RE2 runs in linear time") from refused
    return pattern


def _known_entity(entity: str) -> str:
    if entity not in ENTITIES:
        raise ValueError(f"{entity} is not an entity of the gateway's vocabulary")
    return entity
