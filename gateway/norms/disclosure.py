"""Reads what norms say of the risk left in a table: safe harbor, levels of effect, thresholds."""

from datetime import date
from functools import cache
from pathlib import Path
from typing import Final, Literal

import yaml

from gateway.model.exact import PositiveNumber
from gateway.model.noun import Noun, ShortText
from gateway.norms.standard import Named

Sharing = Literal["public", "controlled", "enclave"]
"""Kinds of sharing of GB/T 37964-2019."""

_FILE: Final = Path(__file__).parent / "disclosure.yaml"


class SafeHarborRules(Noun):
    """``oldest``: the highest age that may stand. ``small_areas``: three-digit ZIP areas in which
    too few people live."""

    source: ShortText
    oldest: int
    small_areas: tuple[str, ...]


class EffectLevels(Noun):
    """The four levels of GB/T 42460-2023, by number."""

    source: ShortText
    levels: dict[int, Named]


class KindOfSharing(Named):
    """``threshold``: the highest risk of a record that is acceptable, a share."""

    threshold: PositiveNumber
    source: ShortText


class Disclosure(Noun):
    """The data file."""

    version: date
    safe_harbor: SafeHarborRules
    effect: EffectLevels
    sharing: dict[Sharing, KindOfSharing]


@cache
def disclosure() -> Disclosure:
    """The rules that ship with the gateway."""
    return Disclosure.model_validate(yaml.safe_load(_FILE.read_text(encoding="utf-8")))
