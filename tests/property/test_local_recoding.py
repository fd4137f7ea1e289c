"""Local recoding: random tables with nulls under random goals, judged by code of another room."""

from collections import defaultdict
from collections.abc import Sequence
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pyarrow import csv

from gateway.errors import InvalidRequest
from gateway.model.anonymity import (
    AnonymityGoal,
    AverageRisk,
    BetaLikeness,
    DeltaDisclosure,
    KAnonymity,
    KMap,
    LDiversity,
    PopulationUniqueness,
    PrivacyModel,
    SampleUniqueness,
    TCloseness,
)
from gateway.risk.measures.uniqueness import estimate
from gateway.risk.privacy.verify import verify
from gateway.transform.anonymize.ladder import Ladder
from gateway.transform.anonymize.local_recoding import local_recoding
from gateway.transform.anonymize.problem import Problem, Watch
from gateway.transform.anonymize.recoding import Recoding
from gateway.transform.hierarchy import parse_hierarchy

ADULT = Path(__file__).parents[2] / "../shared/data/adult"

REGIONS = pa.table(
    {
        "0": ["aa", "ab", "ac", "ba", "bb", "c"],
        "1": ["a", "a", "a", "b", "b", "c"],
        "2": ["*"] * 6,
    }
)
AGES = pa.table(
    {
        "0": [str(age) for age in range(12)],
        "1": [f"{age // 4 * 4}-{age // 4 * 4 + 3}" for age in range(12)],
        "2": ["*"] * 12,
    }
)
# a forest: no value of the hierarchy covers both trees
TREES = pa.table({"0": ["oak", "elm", "fir", "yew"], "1": ["leaf", "leaf", "needle", "needle"]})
LADDERS = {
    "region": Ladder.of_table(REGIONS),
    "age": Ladder.of_table(AGES),
    "tree": Ladder.of_table(TREES),
}
NAMES = tuple(LADDERS)

ROWS = st.tuples(
    st.none() | st.sampled_from(REGIONS["0"].to_pylist()),
    st.none() | st.integers(0, 11),
    st.none() | st.sampled_from(TREES["0"].to_pylist()),
    st.none() | st.sampled_from(["flu", "gout", "mumps"]),
)
MODELS: st.SearchStrategy[PrivacyModel] = st.one_of(
    st.builds(KAnonymity, k=st.integers(2, 5)),
    st.builds(
        LDiversity,
        column=st.just("illness"),
        l=st.sampled_from(["2", "3"]),
        variant=st.sampled_from(["distinct", "entropy"]),
    ),
    st.builds(LDiversity, column=st.just("illness"), l=st.just("2"), variant=st.just("recursive"),
              c=st.sampled_from(["1", "2.5"])),
    st.builds(TCloseness, column=st.just("illness"), t=st.sampled_from(["0.1", "0.25", "0.5"])),
    st.builds(BetaLikeness, column=st.just("illness"), beta=st.sampled_from(["0.5", "2"])),
    st.builds(DeltaDisclosure, column=st.just("illness"), delta=st.sampled_from(["0.5", "2"])),
    st.builds(AverageRisk, at_most=st.sampled_from(["0.1", "0.3"])),
    st.builds(SampleUniqueness, at_most=st.sampled_from(["0", "0.2"])),
    st.builds(PopulationUniqueness, at_most=st.just("0.1"), sampling_fraction=st.just("0.2"),
              estimator=st.sampled_from(["pitman", "zayatz", "snb"])),
)  # fmt: skip


def table_of(rows: Sequence[tuple[object, ...]]) -> pa.Table:
    kinds = {"region": pa.string(), "age": pa.int32(), "tree": pa.string(), "illness": pa.string()}
    return pa.table(
        {
            name: pa.array([row[place] for row in rows], kind)
            for place, (name, kind) in enumerate(kinds.items())
        }
    )


def recoded(table: pa.Table, models: Sequence[PrivacyModel], **more: object) -> Recoding:
    goal = AnonymityGoal(quasi_identifiers=NAMES, models=tuple(models), method="local", **more)
    return local_recoding(Problem.of(table, goal, LADDERS, {}, estimate))


def tightest(name: str, values: Sequence[object]) -> object:
    """The published value of a class, from the hierarchy's own rows."""
    if len(set(values)) == 1:
        return None if values[0] is None else str(values[0])
    if None in values:
        return "*"
    if name == "age":
        return f"[{min(values)}, {max(values)}]"
    rows = {row["0"]: row for row in {"region": REGIONS, "tree": TREES}[name].to_pylist()}
    for level in range(1, len(rows[values[0]])):
        above = {rows[value][str(level)] for value in values}
        if len(above) == 1:
            return above.pop()
    return "*"


def lost(name: str, label: str | None, *, with_null: bool) -> float:
    """Leaves below what is published, less one, over all leaves less one."""
    leaves = {"region": 6, "age": 12, "tree": 4}[name] + with_null
    if label is None:
        return 0
    if label == "*":
        return 1
    if label.startswith("["):
        low, high = (int(end) for end in label.strip("[]").split(", "))
        return (high - low) / (leaves - 1)
    rows = {"region": REGIONS, "age": AGES, "tree": TREES}[name].to_pylist()
    below = {row["0"] for row in rows if label in row.values()}
    return (len(below) - 1) / (leaves - 1)


@settings(max_examples=60)
@given(st.lists(ROWS, min_size=1, max_size=60), st.lists(MODELS, min_size=1, max_size=3))
def test_what_is_published_keeps_the_goal_or_it_is_refused_before(
    rows: list[tuple[object, ...]], models: list[PrivacyModel]
) -> None:
    table = table_of(rows)
    try:
        found = recoded(table, models)
    except InvalidRequest:
        one_class = table
        for name in NAMES:
            place = table.schema.get_field_index(name)
            one_class = one_class.set_column(place, name, pa.array(["*"] * len(rows)))
        # nothing that can be reached is refused
        verdicts = verify(one_class.to_batches(), NAMES, models)
        assert not all(verdict.holds for verdict in verdicts)
        return
    released = found.apply(table)
    assert released.num_rows == table.num_rows
    assert all(verdict.holds for verdict in verify(released.to_batches(), NAMES, models))


@given(st.lists(ROWS, min_size=3, max_size=60), st.integers(2, 3))
def test_each_class_publishes_the_tightest_value_and_the_loss_is_that_of_what_is_published(
    rows: list[tuple[object, ...]], k: int
) -> None:
    table = table_of(rows)
    found = recoded(table, [KAnonymity(k=k)])
    released = found.apply(table)
    members = defaultdict(list)
    for row, cls in enumerate(found.class_of.tolist()):
        members[cls].append(row)
    losses = []
    for name in NAMES:
        before, after = table[name].to_pylist(), released[name].to_pylist()
        for held in members.values():
            expected = tightest(name, [before[row] for row in held])
            published = {None if after[row] is None else str(after[row]) for row in held}
            assert published == {expected}
        texts = [None if value is None else str(value) for value in after]
        losses += [lost(name, text, with_null=None in before) for text in texts]
    assert found.value == pytest.approx(np.mean(losses))


@given(st.lists(ROWS, min_size=3, max_size=60), st.integers(2, 4), st.randoms())
def test_the_order_of_rows_changes_nothing_and_equal_records_stay_together(
    rows: list[tuple[object, ...]], k: int, chance: object
) -> None:
    if len(rows) < k:
        return
    table = table_of(rows)
    shuffled = list(rows)
    chance.shuffle(shuffled)
    found = recoded(table, [KAnonymity(k=k)])
    again = recoded(table_of(shuffled), [KAnonymity(k=k)])
    published = dict(zip(rows, found.apply(table).to_pylist(), strict=True))
    for row, other in zip(shuffled, again.apply(table_of(shuffled)).to_pylist(), strict=True):
        assert published[row] == other
    stored = Recoding.from_bytes(found.to_bytes())
    assert stored.apply(table).equals(found.apply(table))
    classes = defaultdict(set)
    for row, cls in zip(rows, found.class_of.tolist(), strict=True):
        classes[row[:3]].add(cls)
    assert all(len(held) == 1 for held in classes.values())


@given(st.lists(st.integers(0, 400), min_size=30, max_size=120))
def test_dates_are_published_as_ranges_of_days(days: list[int]) -> None:
    first = date(2020, 1, 1)
    born = [first + timedelta(days=day) for day in days]
    texts = pa.array(sorted({str(day) for day in born}))
    ladder = Ladder.of_levels([texts, pa.array(["*"] * len(texts))], "dates")
    goal = AnonymityGoal(quasi_identifiers=("born",), models=(KAnonymity(k=5),), method="local")
    table = pa.table({"born": born})
    found = local_recoding(Problem.of(table, goal, {"born": ladder}, {}))
    for value, label in zip(born, found.apply(table)["born"].to_pylist(), strict=True):
        ends = str(label).strip("[]").split(", ")
        assert date.fromisoformat(ends[0]) <= value <= date.fromisoformat(ends[-1])
    assert np.bincount(found.class_of).min() >= 5


@pytest.mark.parametrize(
    ("models", "more", "named"),
    [
        ([KAnonymity(k=4)], {}, "k_anonymity"),
        ([KMap(k=2, population="people")], {}, "method"),
        ([KAnonymity(k=2)], {"metric": "height"}, "metric"),
        ([LDiversity(column="illness", l="2")], {}, "l_diversity of illness"),
    ],
)
def test_goals_that_cannot_be_reached_are_refused_by_name(
    models: list[PrivacyModel], more: dict[str, object], named: str
) -> None:
    table = table_of([("aa", 1, "oak", "flu"), ("ab", 1, "elm", "flu"), ("c", 9, "fir", "flu")])
    goal = AnonymityGoal(quasi_identifiers=NAMES, models=tuple(models), method="local", **more)
    with pytest.raises(InvalidRequest) as refused:
        local_recoding(Problem.of(table, goal, LADDERS, {"people": table}))
    assert refused.value.violations[0].field == named


def random_table(rows: int) -> pa.Table:
    chance = np.random.default_rng(4)
    draws = zip(
        chance.choice(REGIONS["0"].to_pylist(), rows).tolist(),
        chance.integers(0, 12, rows).tolist(),
        chance.choice(TREES["0"].to_pylist(), rows).tolist(),
        chance.choice(["flu", "gout", "mumps"], rows).tolist(),
        strict=True,
    )
    return table_of(list(draws))


@pytest.mark.parametrize("metric", ["entropy", "discernibility", "average_class_size"])
def test_other_metrics_are_told_of_what_is_published(metric: str) -> None:
    table = random_table(300)
    found = recoded(table, [KAnonymity(k=3)], metric=metric)
    released = found.apply(table)
    sizes = np.array([len(held) for held in _classes(released).values()])
    if metric == "entropy":
        expected = sum(_bits(table[name].to_pylist(), released[name].to_pylist(), name)
                       for name in NAMES)  # fmt: skip
    else:
        expected = (sizes**2).sum() if metric == "discernibility" else 300 / len(sizes)
    assert found.value == pytest.approx(expected)


def _classes(released: pa.Table) -> dict[tuple[object, ...], list[int]]:
    found = defaultdict(list)
    for number, row in enumerate(released.select(NAMES).to_pylist()):
        found[tuple(row.values())].append(number)
    return found


def _bits(before: list[object], after: list[object], name: str) -> float:
    total = 0.0
    for value, label in zip(before, after, strict=True):
        covered = [other for other in before if lies_in(name, other, label)]
        total += np.log2(len(covered) / before.count(value))
    return total


def lies_in(name: str, value: object, label: object) -> bool:
    if str(label).startswith("["):
        low, high = (int(end) for end in str(label).strip("[]").split(", "))
        return low <= value <= high
    rows = {"region": REGIONS, "age": AGES, "tree": TREES}[name].to_pylist()
    return label == "*" or any(
        row["0"] == str(value) and str(label) in row.values() for row in rows
    )


def test_exchanges_only_better_it_and_are_left_out_when_time_is_up() -> None:
    table = random_table(400)
    goal = AnonymityGoal(quasi_identifiers=NAMES, models=(KAnonymity(k=4),), method="local")
    problem = Problem.of(table, goal, LADDERS, {})
    told: list[str] = []
    late = Watch(elapsed=lambda: 10**6, tell=lambda stage, _done, _of: told.append(stage))
    hasty = local_recoding(problem, late)
    assert told.count("exchange") == 1
    assert local_recoding(problem).value < hasty.value
    assert np.bincount(hasty.class_of).min() >= 4


def test_whoever_watches_can_stop_it() -> None:
    class StoppedError(Exception):
        pass

    def stop(*_told: object) -> None:
        raise StoppedError

    goal = AnonymityGoal(quasi_identifiers=NAMES, models=(KAnonymity(k=4),), method="local")
    problem = Problem.of(random_table(400), goal, LADDERS, {})
    with pytest.raises(StoppedError):
        local_recoding(problem, Watch(tell=stop))


@pytest.mark.skipif(not ADULT.is_dir(), reason=f"{ADULT} is not there (see its README)")
@pytest.mark.parametrize(("k", "most"), [(5, 0.050), (100, 0.30)])
def test_adult_loses_less_than_the_reference_tool_did(k: int, most: float) -> None:
    table = csv.read_csv(ADULT / "adult.csv", parse_options=csv.ParseOptions(delimiter=";"))
    names = table.column_names
    ladders = {
        name: Ladder.of_table(parse_hierarchy((ADULT / f"adult_hierarchy_{name}.csv").read_bytes()))
        for name in names
    }
    goal = AnonymityGoal(quasi_identifiers=names, models=(KAnonymity(k=k),), method="local")
    found = local_recoding(Problem.of(table, goal, ladders, {}))
    released = found.apply(table)
    assert released.num_rows == 30_162
    [verdict] = verify(released.to_batches(), names, goal.models)
    assert verdict.holds
    assert found.value < most
