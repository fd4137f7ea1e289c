"""The verifier against the definitions, counted by brute force with exact fractions."""

from collections import Counter
from fractions import Fraction
from math import ceil

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.errors import CheckFailed, InvalidRequest
from gateway.model.anonymity import (
    AverageRisk,
    KAnonymity,
    LDiversity,
    PrivacyModel,
    SampleUniqueness,
    TCloseness,
)
from gateway.model.exact import from_millionths
from gateway.risk.privacy.definition import Verdict
from gateway.risk.privacy.verify import verify
from tests.property._drawn_tables import Drawn, tables

SHARES = st.integers(1, 20).map(lambda twentieth: from_millionths(twentieth * 50_000))


def verdict(drawn: Drawn, model: PrivacyModel) -> Verdict:
    [found] = verify(drawn.batches(), drawn.quasi_identifiers, [model])
    return found


@given(tables(least=1), st.integers(2, 5))
def test_k_anonymity(drawn: Drawn, k: int) -> None:
    smallest = min(map(len, drawn.classes().values()))
    found = verdict(drawn, KAnonymity(k=k))
    assert found.figure == str(smallest)
    assert found.holds == (smallest >= k)


@given(tables(least=1), st.sampled_from(["text", "number"]), st.integers(2, 4))
def test_distinct_diversity(drawn: Drawn, column: str, least: int) -> None:
    fewest = min(len(set(values)) for values in drawn.held(column))
    found = verdict(drawn, LDiversity(column=column, l=str(least)))
    assert found.figure == str(fewest)
    assert found.holds == (fewest >= least)


@given(tables(least=1), st.sampled_from(["text", "number"]), SHARES)
def test_equal_closeness(drawn: Drawn, column: str, t: str) -> None:
    everywhere = Counter(drawn.table.column(column).to_pylist())
    rows = drawn.table.num_rows
    worst = max(
        sum(
            abs(Fraction(values.count(value), len(values)) - Fraction(count, rows))
            for value, count in everywhere.items()
        )
        / 2
        for values in drawn.held(column)
    )
    found = verdict(drawn, TCloseness(column=column, t=t))
    assert found.holds == (worst <= Fraction(t))
    assert found.figure == from_millionths(ceil(worst * 10**6))


@given(tables(least=1), SHARES)
def test_risks_of_sizes(drawn: Drawn, limit: str) -> None:
    sizes = [len(rows) for rows in drawn.classes().values()]
    rows = drawn.table.num_rows
    assert verdict(drawn, AverageRisk(at_most=limit)).holds == (
        Fraction(len(sizes), rows) <= Fraction(limit)
    )
    assert verdict(drawn, SampleUniqueness(at_most=limit)).holds == (
        Fraction(sizes.count(1), rows) <= Fraction(limit)
    )


@given(tables(least=1), st.integers(1, 5))
def test_the_cut_into_batches_makes_no_difference(drawn: Drawn, size: int) -> None:
    models = [
        KAnonymity(k=2),
        LDiversity(column="text", l="2"),
        TCloseness(column="number", t="0.3"),
    ]
    whole = verify(drawn.table.to_reader(), drawn.quasi_identifiers, models)
    assert verify(drawn.batches(size), drawn.quasi_identifiers, models) == whole


def test_no_records_break_no_model() -> None:
    empty = pa.table({"q": pa.array([], pa.string()), "s": pa.array([], pa.string())})
    models = [
        KAnonymity(k=2),
        LDiversity(column="s", l="2"),
        TCloseness(column="s", t="0.1"),
        AverageRisk(at_most="0.1"),
        SampleUniqueness(at_most="0"),
    ]
    assert all(found.holds for found in verify(empty.to_reader(), ["q"], models))


def test_a_reader_of_floats_tells_minus_zero_from_zero() -> None:
    table = pa.table({"q": pa.array([0.0, -0.0])})
    [found] = verify(table.to_reader(), ["q"], [KAnonymity(k=2)])
    assert not found.holds


def test_what_cannot_be_counted_fails_and_says_what_to_do() -> None:
    many = pa.table({"q": pa.array(range(2_000_000))})
    with pytest.raises(CheckFailed, match="more memory"):
        verify(many.to_reader(), ["q"], [KAnonymity(k=2)], memory_mib=8)


def test_a_failing_stream_fails_with_its_own_error() -> None:
    def failing():
        yield pa.record_batch({"q": [1]})
        raise InvalidRequest("the source is gone")

    with pytest.raises(InvalidRequest, match="the source is gone"):
        verify(failing(), ["q"], [KAnonymity(k=2)])


@pytest.mark.parametrize(
    ("columns", "models", "said"),
    [
        (["q", "q"], [KAnonymity(k=2)], "named twice"),
        (["nobody"], [KAnonymity(k=2)], "nobody: is not a column"),
        ([], [KAnonymity(k=2)], "at least one column"),
        (["q"], [], "at least one privacy model"),
        (["q"], [LDiversity(column="gone", l="2")], "gone: is not a column"),
        (["q"], [LDiversity(column="q", l="2")], "quasi-identifier as well"),
        (["list"], [KAnonymity(k=2)], "lists or structures"),
        (["twice"], [KAnonymity(k=2)], "several columns of this name"),
    ],
)
def test_bad_input_is_named(columns: list[str], models: list[PrivacyModel], said: str) -> None:
    table = pa.Table.from_arrays(
        [pa.array([1]), pa.array([[1]]), pa.array([1]), pa.array([2])],
        names=["q", "list", "twice", "twice"],
    )
    with pytest.raises(InvalidRequest, match=said):
        verify(table.to_reader(), columns, models)
