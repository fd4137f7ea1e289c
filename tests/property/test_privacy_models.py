"""The verifier against the definitions, counted by brute force with exact fractions."""

from collections import Counter, defaultdict
from collections.abc import Iterator
from decimal import Decimal, localcontext
from fractions import Fraction
from math import ceil, floor, prod
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.errors import CheckFailed, InvalidRequest
from gateway.model.anonymity import (
    AverageRisk,
    BetaLikeness,
    DeltaDisclosure,
    DeltaPresence,
    KAnonymity,
    KMap,
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


EXAMPLES = settings(max_examples=settings.default.max_examples // 2)  # each opens a database
COLUMNS = st.sampled_from(["text", "number"])
TENTHS = st.integers(1, 60).map(lambda tenths: from_millionths(tenths * 100_000))


def verdict(drawn: Drawn, model: PrivacyModel, **more: Any) -> Verdict:
    [found] = verify(drawn.batches(), drawn.quasi_identifiers, [model], **more)
    return found


def shares(values: list[Any]) -> dict[Any, Fraction]:
    return {value: Fraction(count, len(values)) for value, count in Counter(values).items()}


def in_all(drawn: Drawn, column: str) -> list[Any]:
    return [value if value != "" else None for value in drawn.table.column(column).to_pylist()]


def nulls_last(value: Any) -> tuple[bool, Any]:
    return (value is None, 0 if value is None else value)


@EXAMPLES
@given(tables(least=1), st.integers(2, 5))
def test_k_anonymity(drawn: Drawn, k: int) -> None:
    smallest = min(map(len, drawn.classes().values()))
    found = verdict(drawn, KAnonymity(k=k))
    assert found.figure == str(smallest)
    assert found.holds == (smallest >= k)


@EXAMPLES
@given(tables(least=1), st.sampled_from(["text", "number"]), st.integers(2, 4))
def test_distinct_diversity(drawn: Drawn, column: str, least: int) -> None:
    fewest = min(len(set(values)) for values in drawn.held(column))
    found = verdict(drawn, LDiversity(column=column, l=str(least)))
    assert found.figure == str(fewest)
    assert found.holds == (fewest >= least)


@EXAMPLES
@given(tables(least=1), st.sampled_from(["text", "number"]), SHARES)
def test_equal_closeness(drawn: Drawn, column: str, t: str) -> None:
    everywhere = Counter(in_all(drawn, column))
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


@EXAMPLES
@given(tables(least=1), COLUMNS, st.integers(101, 400))
def test_entropy_diversity(drawn: Drawn, column: str, hundredths: int) -> None:
    model = LDiversity(column=column, l=from_millionths(hundredths * 10_000), variant="entropy")

    def diverse(values: list[Any]) -> bool:
        # n^n >= l^n * product of c^c is the definition without logarithms
        counts, records = Counter(values).values(), len(values)
        return records**records >= Fraction(model.l) ** records * prod(c**c for c in counts)

    assert verdict(drawn, model).holds == all(map(diverse, drawn.held(column)))


@EXAMPLES
@given(tables(least=1), COLUMNS, st.integers(2, 4), TENTHS)
def test_recursive_diversity(drawn: Drawn, column: str, least: int, factor: str) -> None:
    model = LDiversity(column=column, l=str(least), variant="recursive", c=factor)

    def diverse(values: list[Any]) -> bool:
        counts = sorted(Counter(values).values(), reverse=True)
        return counts[0] < Fraction(factor) * sum(counts[least - 1 :])

    assert verdict(drawn, model).holds == all(map(diverse, drawn.held(column)))


@EXAMPLES
@given(tables(least=1), SHARES)
def test_ordered_closeness(drawn: Drawn, t: str) -> None:
    everywhere = shares(in_all(drawn, "number"))
    order = sorted(everywhere, key=nulls_last)

    def distance(values: list[Any]) -> Fraction:
        here, gap, moved = shares(values), Fraction(0), Fraction(0)
        for value in order:
            gap += here.get(value, Fraction(0)) - everywhere[value]
            moved += abs(gap)
        return moved / (len(order) - 1) if len(order) > 1 else Fraction(0)

    worst = max(map(distance, drawn.held("number")))
    found = verdict(drawn, TCloseness(column="number", t=t, distance="ordered"))
    assert found.figure == from_millionths(ceil(worst * 10**6))
    assert found.holds == (worst <= Fraction(t))


@EXAMPLES
@given(tables(least=1), SHARES, st.data())
def test_hierarchical_closeness(drawn: Drawn, t: str, data: st.DataObject) -> None:
    leaves = ["", "a", "b", "*", "男", "a\x00"]
    ladder = [leaves]
    for level in range(1, data.draw(st.integers(1, 3)) + 1):
        labels = {
            label: f"{level}.{data.draw(st.integers(0, 2))}" for label in dict.fromkeys(ladder[-1])
        }
        ladder.append([labels[label] for label in ladder[-1]])
    tree = pa.table(dict(zip("abcd", ladder, strict=False)))
    if len(set(ladder[-1])) > 1:
        ladder.append(["*"] * len(leaves))
    height = len(ladder) - 1
    nodes = {
        leaf: [(level, ladder[level][place]) for level in range(height)]
        for place, leaf in enumerate(leaves)
    } | {None: [(level, None) for level in range(height)]}

    def surplus(values: list[Any]) -> dict[Any, Fraction]:
        found: dict[Any, Fraction] = defaultdict(Fraction)
        for value, share in shares(values).items():
            for node in nodes[value]:
                found[node] += share
        return found

    # In a tree what passes an edge is the difference below it; each edge is half a step of height.
    everywhere = surplus(in_all(drawn, "text"))
    worst = max(
        sum(abs(here.get(node, 0) - share) for node, share in everywhere.items()) / (2 * height)
        for here in map(surplus, drawn.held("text"))
    )
    model = TCloseness(column="text", t=t, distance="hierarchical", hierarchy="tree")
    found = verdict(drawn, model, hierarchies={"tree": tree})
    assert found.figure == from_millionths(ceil(worst * 10**6))
    assert found.holds == (worst <= Fraction(t))


@EXAMPLES
@given(tables(least=1), COLUMNS, TENTHS, st.sampled_from(["basic", "enhanced"]))
def test_beta_likeness(drawn: Drawn, column: str, beta: str, variant: str) -> None:
    everywhere = shares(in_all(drawn, column))

    def permitted(value: Any, share: Fraction) -> bool:
        gain = (share - everywhere[value]) / everywhere[value]
        if gain <= 0 or variant == "basic":
            return gain <= Fraction(beta)
        p = everywhere[value]
        with localcontext(prec=60):
            logarithm = (Decimal(p.denominator) / p.numerator).ln()
            return (
                gain <= Fraction(beta) and Decimal(gain.numerator) / gain.denominator <= logarithm
            )

    expected = all(
        permitted(value, share)
        for values in drawn.held(column)
        for value, share in shares(values).items()
    )
    assert verdict(drawn, BetaLikeness(column=column, beta=beta, variant=variant)).holds == expected


@EXAMPLES
@given(tables(least=1), COLUMNS, TENTHS)
def test_delta_disclosure(drawn: Drawn, column: str, delta: str) -> None:
    everywhere = shares(in_all(drawn, column))

    def permitted(values: list[Any]) -> bool:
        here = shares(values)
        with localcontext(prec=60):
            return here.keys() == everywhere.keys() and all(
                abs((Decimal(ratio.numerator) / ratio.denominator).ln()) < Decimal(delta)
                for ratio in (here[value] / everywhere[value] for value in here)
            )

    expected = all(map(permitted, drawn.held(column)))
    assert verdict(drawn, DeltaDisclosure(column=column, delta=delta)).holds == expected


@st.composite
def sampled(draw: st.DrawFn) -> tuple[Drawn, Drawn]:
    """A population and a table: mostly a part of it, sometimes with strangers among them."""
    whole = draw(tables(least=1))
    rows = st.integers(0, whole.table.num_rows - 1)
    part = draw(st.lists(rows, min_size=1, unique=True))
    here = whole.table.take(pa.array(part, pa.int64()))
    outside = draw(st.sets(rows, max_size=1))
    inside = [row for row in range(whole.table.num_rows) if row not in outside]
    there = whole.table.take(pa.array(inside, pa.int64()))
    names = whole.quasi_identifiers
    return Drawn(there, names), Drawn(here, names)


@EXAMPLES
@given(sampled(), st.integers(2, 4))
def test_k_map(pair: tuple[Drawn, Drawn], k: int) -> None:
    population, drawn = pair
    sizes = {key: len(rows) for key, rows in population.classes().items()}
    smallest = min(sizes.get(key, 0) for key in drawn.classes())
    model = KMap(k=k, population="all")
    found = verdict(drawn, model, populations={"all": population.table.to_reader()})
    assert found.figure == str(smallest)
    assert found.holds == (smallest >= k)


@EXAMPLES
@given(sampled(), st.integers(0, 10), st.integers(0, 10))
def test_delta_presence(pair: tuple[Drawn, Drawn], one: int, other: int) -> None:
    population, drawn = pair
    low, high = sorted((Fraction(one, 10), Fraction(other, 10)))
    sizes = {key: len(rows) for key, rows in population.classes().items()}
    here = {key: len(rows) for key, rows in drawn.classes().items()}
    present = here.keys() <= sizes.keys() and all(
        low <= Fraction(here.get(key, 0), size) <= high for key, size in sizes.items()
    )
    model = DeltaPresence(
        minimum=from_millionths(floor(low * 10**6)),
        maximum=from_millionths(floor(high * 10**6)),
        population="all",
    )
    found = verdict(drawn, model, populations={"all": population.table.to_reader()})
    assert found.holds == present


@EXAMPLES
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


@EXAMPLES
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


def test_what_does_not_fit_goes_to_a_folder_only_if_one_is_given(tmp_path: Path) -> None:
    def many() -> Iterator[pa.RecordBatch]:
        for start in range(0, 1_200_000, 50_000):
            yield pa.record_batch({"q": pa.array(range(start, start + 50_000))})

    with pytest.raises(CheckFailed, match="64 MiB"):
        verify(many(), ["q"], [KAnonymity(k=2)], memory_mib=64)
    [found] = verify(many(), ["q"], [KAnonymity(k=2)], memory_mib=64, spill=tmp_path)
    assert found.figure == "1"
    assert not list(tmp_path.iterdir())


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
