from collections.abc import Callable

import numpy as np
import pyarrow as pa
import pytest

from gateway.risk.attacks.setting import AttackSpec

DISEASES = ("asthma", "diabetes", "flu", "gout", "migraine", "none", "stroke", "ulcer")
QUASI = ("age", "sex", "district", "year")


def residents(draw: np.random.Generator, rows: int) -> pa.Table:
    """People who do not exist, with an illness that has nothing to do with the rest."""
    return pa.table(
        {
            "age": draw.integers(0, 100, rows),
            "sex": draw.choice(["f", "m"], rows),
            "district": draw.choice([f"D{number:02}" for number in range(40)], rows),
            "year": draw.integers(1950, 2020, rows),
            "illness": draw.choice(DISEASES, rows),
        }
    )


def generalised(table: pa.Table) -> pa.Table:
    """Classes of many people each: decades of age, no district, twenty years."""
    tens = table["age"].to_numpy() // 50 * 50
    score = (table["year"].to_numpy() - 1950) // 35 * 35 + 1950
    return pa.table(
        {
            "age": [f"[{low}, {low + 50})" for low in tens],
            "sex": table["sex"],
            "district": ["*"] * len(table),
            "year": [f"{low}–{low + 34}" for low in score],
            "illness": table["illness"],
        }
    )


@pytest.fixture
def draw() -> np.random.Generator:
    return np.random.default_rng(20_260_726)


@pytest.fixture
def people(draw: np.random.Generator) -> pa.Table:
    return residents(draw, 2_000)


@pytest.fixture
def safe(people: pa.Table) -> pa.Table:
    return generalised(people)


@pytest.fixture
def fresh(draw: np.random.Generator) -> Callable[[int], pa.Table]:
    return lambda rows: residents(draw, rows)


@pytest.fixture
def generalise() -> Callable[[pa.Table], pa.Table]:
    return generalised


@pytest.fixture
def spec() -> AttackSpec:
    return AttackSpec(quasi_identifiers=QUASI, sensitive=("illness",), targets=400)
