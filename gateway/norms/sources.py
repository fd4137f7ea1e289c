"""Where grades come from, in Chinese: the source lines of the default standard for officers."""

import csv
from collections.abc import Mapping
from functools import cache
from importlib import resources
from types import MappingProxyType


@cache
def chinese_sources() -> Mapping[str, str]:
    """Source lines as the grading data has them, to the same in Chinese."""
    text = resources.files("gateway.norms").joinpath("sources.csv").read_text("utf-8")
    rows = csv.DictReader(text.splitlines())
    return MappingProxyType({row["english"]: row["chinese"] for row in rows})
