"""The checks on worked examples: of the papers where they give one, else by hand."""

import os
import re
import signal
from collections.abc import Iterator
from decimal import Decimal
from typing import get_args

import pyarrow as pa
import pyarrow.compute as pc
import pytest

from gateway.errors import InvalidRequest
from gateway.model.anonymity import (
    BetaLikeness,
    DeltaDisclosure,
    DeltaPresence,
    KAnonymity,
    KMap,
    LDiversity,
    PopulationUniqueness,
    PrivacyModel,
    TCloseness,
)
from gateway.risk.privacy.checks import CLAIMS, claim
from gateway.risk.privacy.classes import Classes
from gateway.risk.privacy.definition import Verdict
from gateway.risk.privacy.verify import verify

# Li, Li and Venkatasubramanian 2007, table 5: the classes of its 3-diverse, 0.167-close version.
SALARIES = pa.table(
    {
        "class": ["a"] * 3 + ["b"] * 3 + ["c"] * 3,
        "salary": [3, 5, 9, 6, 11, 8, 4, 7, 10],
        "disease": [
            "gastric ulcer",
            "stomach cancer",
            "pneumonia",
            "gastritis",
            "flu",
            "bronchitis",
            "gastritis",
            "bronchitis",
            "stomach cancer",
        ],
    }
)
# Its figure 1.
DISEASES = pa.table(
    [
        [
            *("flu", "pneumonia", "bronchitis", "pulmonary edema", "pulmonary embolism"),
            *("gastric ulcer", "stomach cancer", "gastritis", "colitis", "colon cancer"),
        ],
        ["respiratory infection"] * 3 + ["vascular lung"] * 2 + ["stomach"] * 3 + ["colon"] * 2,
        ["respiratory"] * 5 + ["digestive"] * 5,
        ["*"] * 10,
    ],
    names=["leaf", "kind", "system", "all"],
)


def one(table: pa.Table, model: PrivacyModel, **more: object) -> Verdict:
    [verdict] = verify(table.to_reader(), ["class"], [model], **more)
    return verdict


def classes(**held: list[str]) -> pa.Table:
    """A table of the sensitive values of each class."""
    return pa.table(
        {
            "class": [name for name, values in held.items() for _ in values],
            "s": [value for values in held.values() for value in values],
        }
    )


def test_ordered_closeness_as_in_the_paper() -> None:
    verdict = one(SALARIES, TCloseness(column="salary", t="0.167", distance="ordered"))
    assert (verdict.holds, verdict.figure) == (True, "0.166667")


def test_ordered_closeness_of_the_skewed_table_of_the_paper() -> None:
    # Section 5.2: {3k, 4k, 5k} is at 0.375, {6k, 8k, 11k} at 0.167.
    skewed = pa.table(
        {"class": ["a"] * 3 + ["b"] * 3 + ["c"] * 3, "salary": [3, 4, 5, 6, 11, 8, 7, 9, 10]}
    )
    verdict = one(skewed, TCloseness(column="salary", t="0.374999", distance="ordered"))
    assert (verdict.holds, verdict.figure) == (False, "0.375")


@pytest.mark.parametrize(
    ("other", "half"),
    [("bronchitis", "0.166667"), ("pulmonary embolism", "0.333334"), ("stomach cancer", "0.5")],
)
def test_hierarchical_distances_as_in_the_paper(other: str, half: str) -> None:
    # Section 5.3: from flu they are 1/3, 2/3 and 1. The whole table is half way between the two.
    model = TCloseness(column="s", t=half, distance="hierarchical", hierarchy="diseases")
    verdict = one(classes(a=["flu"], b=[other]), model, hierarchies={"diseases": DISEASES})
    assert (verdict.holds, verdict.figure) == (True, half)


def test_hierarchical_closeness_by_hand() -> None:
    # Class b, in 27ths: among the stomach's 1, among infections 1, across the root 2 times 3.
    model = TCloseness(column="disease", t="0.296297", distance="hierarchical", hierarchy="d")
    verdict = one(SALARIES, model, hierarchies={"d": DISEASES})
    assert (verdict.holds, verdict.figure) == (True, "0.296297")
    assert not one(SALARIES, model.but(t="0.296296"), hierarchies={"d": DISEASES}).holds


def test_equal_closeness_by_hand() -> None:
    # a: 3/4 and 1/4 against 1/2 and 1/2 everywhere.
    table = classes(a=["x", "x", "x", "y"], b=["x", "y", "y", "y"])
    verdict = one(table, TCloseness(column="s", t="0.25"))
    assert (verdict.holds, verdict.figure) == (True, "0.25")
    assert not one(table, TCloseness(column="s", t="0.249999")).holds


def test_entropy_that_just_reaches_its_bound_holds() -> None:
    # 8^8 = 4^8 · 4^4: equal, which no floating point says.
    table = classes(a=["v"] * 4 + ["w", "x", "y", "z"])
    assert one(table, LDiversity(column="s", l="4", variant="entropy")).holds
    assert not one(table, LDiversity(column="s", l="4.000001", variant="entropy")).holds


def test_entropy_of_large_even_classes_is_exact() -> None:
    table = classes(a=["x", "y", "z"] * 50_000)
    assert one(table, LDiversity(column="s", l="3", variant="entropy")).holds
    assert not one(table, LDiversity(column="s", l="3.000001", variant="entropy")).holds


def test_recursive_diversity_by_hand() -> None:
    # r = 3, 2, 1: the first against the second and third is 3 / 3.
    table = classes(a=["x"] * 3 + ["y"] * 2 + ["z"])
    assert one(table, LDiversity(column="s", l="2", variant="recursive", c="1.000001")).holds
    assert not one(table, LDiversity(column="s", l="2", variant="recursive", c="1")).holds
    lacking = one(table, LDiversity(column="s", l="4", variant="recursive", c="100"))
    assert (lacking.holds, lacking.figure) == (False, "fewer than l values")


def test_likeness_by_hand() -> None:
    # z: 1/2 in b against 1/6 everywhere, a gain of 2; −ln(1/6) is 1.79.
    table = classes(a=["x", "x", "y", "y"], b=["y", "z"])
    basic = BetaLikeness(column="s", beta="2", variant="basic")
    assert (one(table, basic).holds, one(table, basic).figure) == (True, "2")
    assert not one(table, BetaLikeness(column="s", beta="1.999999", variant="basic")).holds
    assert not one(table, BetaLikeness(column="s", beta="2", variant="enhanced")).holds


def test_a_value_that_everybody_has_is_no_gain() -> None:
    table = classes(a=["x", "x"], b=["x", "x"])
    assert one(table, BetaLikeness(column="s", beta="0.000001")).holds


def test_disclosure_by_hand() -> None:
    # 3/4 against 1/2 is ln 1.5 = 0.405; 1/4 against 1/2 is ln 2 = 0.693.
    table = classes(a=["x", "x", "x", "y"], b=["x", "y", "y", "y"])
    assert one(table, DeltaDisclosure(column="s", delta="0.693148")).holds
    assert not one(table, DeltaDisclosure(column="s", delta="0.693147")).holds
    lacking = one(classes(a=["x", "y"], b=["x"]), DeltaDisclosure(column="s", delta="30"))
    assert (lacking.holds, lacking.figure) == (False, "a value is missing in a class")


def test_population_models_by_hand() -> None:
    # Nergiz et al. 2007: of 6 people in a class 3 are in the table, of 4 in another 1.
    everybody = pa.table({"class": ["a"] * 6 + ["b"] * 4})
    table = pa.table({"class": ["a"] * 3 + ["b"]})

    def found(model: PrivacyModel) -> Verdict:
        return one(table, model, populations={"city": everybody.to_reader()})

    presence = found(DeltaPresence(minimum="0.25", maximum="0.5", population="city"))
    assert (presence.holds, presence.figure) == (True, "0.25 to 0.5")
    assert not found(DeltaPresence(minimum="0.250001", maximum="0.5", population="city")).holds
    assert not found(DeltaPresence(minimum="0", maximum="0.499999", population="city")).holds
    assert found(KMap(k=4, population="city")).holds
    assert not found(KMap(k=5, population="city")).holds


def test_who_is_not_in_the_population_breaks_presence() -> None:
    table = pa.table({"class": ["a", "z"]})
    everybody = pa.table({"class": ["a", "a"]})
    verdict = one(
        table,
        DeltaPresence(maximum="1", population="city"),
        populations={"city": everybody.to_reader()},
    )
    assert (verdict.holds, verdict.figure) == (
        False,
        "records that are not in the population table",
    )


def test_without_an_estimate_population_uniqueness_does_not_hold() -> None:
    # Classes of one and none of two: the slide negative binomial has nothing to fit.
    table = pa.table({"class": ["a", "b", "c", "c", "c"]})
    model = PopulationUniqueness(at_most="1", sampling_fraction="0.5", estimator="snb")
    assert (one(table, model).holds, one(table, model).figure) == (False, "no estimate")


def test_population_uniqueness_of_a_census_is_that_of_its_records() -> None:
    table = pa.table({"class": ["a", "b", "b", "c", "c"]})
    for estimator in ("pitman", "zayatz", "snb"):
        model = PopulationUniqueness(at_most="0.2", sampling_fraction="1", estimator=estimator)
        assert (one(table, model).holds, one(table, model).figure) == (True, "0.2")


def test_counting_writes_nothing_among_the_output_of_a_command() -> None:
    with Classes(["class"]) as opened:
        assert opened.run("SELECT current_setting('enable_progress_bar')") == [(False,)]


def test_counting_can_be_interrupted() -> None:
    def long() -> Iterator[pa.RecordBatch]:
        for number in range(10_000):
            yield pa.record_batch({"class": pa.array([number] * 1000)})
            if number == 5:
                os.kill(os.getpid(), signal.SIGINT)

    # A process that a shell started in the background ignores Ctrl-C, and so would the test.
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        with pytest.raises(KeyboardInterrupt):
            verify(long(), ["class"], [KAnonymity(k=2)])
    finally:
        signal.signal(signal.SIGINT, before)


@pytest.mark.parametrize(
    ("model", "more", "said"),
    [
        (KMap(k=2, population="city"), {}, "no population table city"),
        (DeltaPresence(maximum="1", population="city"), {}, "no population table city"),
        (
            KMap(k=2, population="city"),
            {"populations": {"city": pa.table({"other": ["a"]}).to_reader()}},
            "class: is not a column",
        ),
        (
            KMap(k=2, population="city"),
            {"populations": {"city": pa.table({"class": [1]}).to_reader()}},
            "another type in the population",
        ),
        (TCloseness(column="s", t="0.1", distance="ordered"), {}, "numbers or dates"),
        (
            TCloseness(column="s", t="0.1", distance="hierarchical", hierarchy="tree"),
            {},
            "no hierarchy tree",
        ),
        (
            TCloseness(column="s", t="0.1", distance="hierarchical", hierarchy="tree"),
            {"hierarchies": {"tree": pa.table({"leaf": ["x"], "all": ["*"]})}},
            "lacks a value of s",
        ),
        (
            TCloseness(column="s", t="0.1", distance="hierarchical", hierarchy="tree"),
            {"hierarchies": {"tree": pa.table({"leaf": ["x", "x"], "all": ["*", "*"]})}},
            "a leaf stands in two lines",
        ),
        (
            TCloseness(column="s", t="0.1", distance="hierarchical", hierarchy="tree"),
            {
                "hierarchies": {
                    "tree": pa.table({"l": ["x", "y"], "m": ["n", "n"], "r": ["o", "p"]})
                }
            },
            "not a tree",
        ),
    ],
)
def test_what_a_model_needs_is_named(model: PrivacyModel, more: dict, said: str) -> None:
    with pytest.raises(InvalidRequest, match=re.escape(said)) as raised:
        one(classes(a=["x", "secretvalue"]), model, **more)
    assert "secretvalue" not in str(raised.value)


def test_every_model_has_a_claim_with_its_source() -> None:
    kinds = {model.model_fields["kind"].default for model in get_args(get_args(PrivacyModel)[0])}
    assert {kind for kind, _ in CLAIMS} == kinds
    for stated in CLAIMS.values():
        assert stated.guarantee
        assert stated.nulls
        assert stated.leaves
        assert re.search(r"(19|20)\d\d", stated.source)


def test_the_claim_is_that_of_the_variant() -> None:
    recursive = claim(LDiversity(column="s", l="2", variant="recursive", c="3"))
    assert "l - 2" in recursive.guarantee
    assert claim(TCloseness(column="s", t="0.1", distance="ordered")) != claim(
        TCloseness(column="s", t="0.1")
    )
    assert Decimal("0.1") == Decimal(TCloseness(column="s", t="0.1").t)


COMPARED = [
    TCloseness(column="disease", t="0.5"),
    TCloseness(column="salary", t="0.5", distance="ordered"),
    TCloseness(column="disease", t="0.5", distance="hierarchical", hierarchy="d"),
    BetaLikeness(column="disease", beta="9", variant="basic"),
    BetaLikeness(column="disease", beta="9", variant="enhanced"),
]


@pytest.mark.parametrize("model", COMPARED, ids=lambda m: f"{m.kind}-{m.column}")
def test_a_part_of_a_table_is_compared_with_the_whole(model: PrivacyModel) -> None:
    more = {"hierarchies": {"d": DISEASES}}
    whole = one(SALARIES, model, **more)
    parts = [
        one(
            SALARIES.filter(pc.equal(SALARIES["class"], name)),
            model,
            reference=SALARIES.to_reader(),
            **more,
        )
        for name in "abc"
    ]
    assert max(Decimal(part.figure) for part in parts) == Decimal(whole.figure) > 0
    assert "whole version" in parts[0].name or isinstance(model, BetaLikeness)


def test_a_value_that_a_part_lacks_is_missing_in_it() -> None:
    table = classes(a=["x", "y"], b=["x", "x"])
    part = one(table.slice(2), DeltaDisclosure(column="s", delta="1"), reference=table.to_reader())
    assert (part.holds, part.figure) == (False, "a value is missing in a class")


@pytest.mark.parametrize(
    ("whole", "said"),
    [
        (classes(a=["x", "y"]), "values that the whole does not have"),
        (pa.table({"s": [1, 2, 3]}), "another type in the whole"),
        (pa.table({"other": ["x"]}), "not a column"),
    ],
)
def test_a_reference_that_is_not_the_whole_is_refused(whole: pa.Table, said: str) -> None:
    with pytest.raises(InvalidRequest, match=said):
        one(
            classes(a=["x", "x"]),
            TCloseness(column="s", t="0.1"),
            reference=whole.to_reader(),
        )
