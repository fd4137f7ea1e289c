"""Every test that docs/mechanisms.md names exists, and each mechanism that there is has its place."""

import re
from pathlib import Path
from typing import get_args

from gateway.model.mechanisms import Mechanism, ModelKind

ROOT = Path(__file__).parents[3]
TEXT = (ROOT / "docs" / "mechanisms.md").read_text(encoding="utf-8")


def test_the_tests_of_every_claim_exist() -> None:
    named = set(re.findall(r"`(test_\w+)`", TEXT))
    there = {
        name
        for path in (ROOT / "tests").rglob("test_*.py")
        for name in re.findall(r"^def (test_\w+)", path.read_text(encoding="utf-8"), re.MULTILINE)
    }
    assert len(named) > 30
    assert named <= there


def test_every_mechanism_has_a_claim() -> None:
    sections = {
        "discrete_laplace": "discrete Laplace:",
        "discrete_gaussian": "discrete Gaussian:",
        "exponential_quantile": "## Quantiles",
        "partition_selection": "## Which groups are named",
        "model_fit": "## Models",
    }
    kinds = {one.model_fields["kind"].default for one in get_args(get_args(Mechanism)[0])}
    assert kinds == set(sections)
    assert all(section in TEXT for section in sections.values())
    for kind in get_args(ModelKind):
        assert kind.split("_")[-1].rstrip("s") in TEXT.lower()
