"""Privacy models in a search where floats do not decide: ties, and classes of one value."""

import pyarrow as pa
import pytest

from gateway.errors import FailedPrecondition, InvalidRequest
from gateway.model.anonymity import AnonymityGoal
from gateway.transform.anonymize.full_domain import full_domain
from gateway.transform.anonymize.ladder import Ladder
from gateway.transform.anonymize.problem import Problem
from gateway.transform.anonymize.recoding import Recoding

CITY = Ladder.of_levels([pa.array(["A", "B"]), pa.array(["*", "*"])], "test")


def found(cities: str, secrets: list[object], **model: object) -> Recoding:
    goal = {
        "quasi_identifiers": ("city",),
        "models": [{"column": "secret", **model}],
        "max_suppression": model.pop("suppression", "0"),
    }
    goal["models"] = [{"column": "secret", **model}]
    table = pa.table({"city": list(cities), "secret": secrets})
    return full_domain(Problem.of(table, AnonymityGoal.model_validate(goal), {"city": CITY}))


@pytest.mark.parametrize("size", [2, 3, 6, 7, 30, 49])
def test_an_entropy_that_is_just_the_bound_reaches_it(size: int) -> None:
    # Each class holds two (three) values equally often: e to the entropy is 2 (3), whatever the
    # floats say.
    for values in (2, 3):
        secrets = [str(v) for _ in range(size) for v in range(values)]
        cities = "A" * len(secrets) + "B" * len(secrets)
        kept = found(cities, secrets * 2, kind="l_diversity", l=str(values), variant="entropy")
        assert kept.levels == {"city": 0}


def test_an_entropy_just_below_the_bound_does_not() -> None:
    secrets = ["x"] * 501 + ["y"] * 499
    with pytest.raises(InvalidRequest, match="nearest that can be reached is l = 1"):
        found("A" * 1000, secrets, kind="l_diversity", l="2", variant="entropy")


@pytest.mark.parametrize(("most", "t", "less"), [(6, "0.1", "0.099999"), (8, "0.3", "0.299999")])
def test_a_distance_that_is_just_the_threshold_passes(most: int, t: str, less: str) -> None:
    # Of ten records in class A `most` are x, of the whole one half. In floats 0.8 - 0.5 > 0.3.
    secrets = ["x"] * most + ["y"] * 10 + ["x"] * (10 - most)
    assert found("A" * 10 + "B" * 10, secrets, kind="t_closeness", t=t).levels == {"city": 0}
    assert found("A" * 10 + "B" * 10, secrets, kind="t_closeness", t=less).levels == {"city": 1}


def test_a_column_of_one_value_has_no_distance() -> None:
    for distance in ("equal", "ordered"):
        kept = found("AB", [1, 1], kind="t_closeness", t="0.000001", distance=distance)
        assert kept.levels == {"city": 0}


def test_distributions_are_those_of_what_is_kept() -> None:
    # B has one record too many of "y" for the whole table, and is the whole once A is gone.
    kept = found(
        "A" * 2 + "B" * 8, ["x"] * 2 + ["y"] * 8, kind="t_closeness", t="0.3", suppression="0.2"
    )
    assert kept.levels == {"city": 0}
    assert kept.suppressed.tolist() == [True] * 2 + [False] * 8


def test_what_only_a_search_can_tell_is_refused_after_it() -> None:
    # Half may be left out, so the root says nothing of the nodes below; none of them passes.
    with pytest.raises(FailedPrecondition) as caught:
        found(
            "AAAABBBB", ["x", "x", "x", "y"] * 2, kind="l_diversity", l="2", variant="entropy",
            suppression="0.4",
        )  # fmt: skip
    assert caught.value.reason == "INFEASIBLE"
