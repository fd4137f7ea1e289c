"""The officers' page on anonymity says what the program does: models, thresholds, class sizes."""

import re
from math import ceil
from pathlib import Path

import pytest

from gateway.model.exact import millionths
from gateway.norms.disclosure import Sharing, disclosure
from gateway.risk.privacy.checks import CLAIMS

PAGE = (Path(__file__).parents[3] / "docs" / "anonymity.md").read_text("utf-8")


@pytest.mark.parametrize(("kind", "variant"), sorted(CLAIMS, key=str))
def test_every_model_has_a_line_that_says_its_limits(kind: str, variant: str | None) -> None:
    lines = [line for line in PAGE.splitlines() if line.startswith("|") and f"`{kind}`" in line]
    assert lines
    if variant not in (None, "equal"):
        assert any(variant in line for line in lines), variant
    for line in lines:
        assert line.strip("| ").rpartition("|")[2].strip()


@pytest.mark.parametrize("kind", ["public", "controlled", "enclave"])
def test_thresholds_are_those_of_the_data_file(kind: Sharing) -> None:
    rules = disclosure().sharing[kind]
    [line] = [line for line in PAGE.splitlines() if line.startswith("|") and rules.zh in line]
    _, risk, k, begin = (cell.strip() for cell in line.strip("|").split("|"))
    assert risk == rules.threshold
    assert int(k) == ceil(10**6 / millionths(rules.threshold))
    assert f"k: {k}" in begin


def test_it_is_about_two_pages() -> None:
    assert len(re.findall(r"\w+", PAGE)) < 1_700
