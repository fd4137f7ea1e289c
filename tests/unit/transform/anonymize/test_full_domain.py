"""Full-domain search: the reference optima of Adult, an exhaustive walk beside it, time limits,
large lattices, and what is said before a search that cannot succeed."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.csv as pv
import pytest

from gateway.errors import InvalidRequest
from gateway.model.anonymity import AnonymityGoal, KAnonymity
from gateway.transform.anonymize.full_domain import full_domain
from gateway.transform.anonymize.ladder import Ladder
from gateway.transform.anonymize.problem import Problem, Watch
from gateway.transform.hierarchy import parse_hierarchy

ADULT = Path(__file__).parents[4] / "../shared/data/adult"
needs_adult = pytest.mark.skipif(
    not ADULT.is_dir(), reason="the Adult extract is not beside the checkout (../shared/data/adult)"
)


def adult() -> tuple[pa.Table, dict[str, Ladder]]:
    table = pv.read_csv(
        ADULT / "adult.csv",
        parse_options=pv.ParseOptions(delimiter=";"),
    )
    ladders = {
        name: Ladder.of_table(parse_hierarchy((ADULT / f"adult_hierarchy_{name}.csv").read_bytes()))
        for name in table.column_names
    }
    return table, ladders


def ages_divided_at_50() -> Ladder:
    """With these levels of age the references of the data folder come out, and with those of its
    own file only the ones that leave ages as they are: see the test below."""
    ages = [str(age) for age in range(1, 101)]
    return Ladder.of_levels(
        [
            pa.array(ages),
            pa.array(["<50" if int(age) < 50 else ">=50" for age in ages]),
            *[pa.array(["*"] * 100)] * 3,
        ],
        "test",
    )


def adult_goal(table: pa.Table, k: int, suppression: str, metric: str) -> AnonymityGoal:
    return AnonymityGoal(
        quasi_identifiers=tuple(table.column_names),
        models=(KAnonymity(k=k),),
        max_suppression=suppression,
        metric=metric,
    )


REFERENCES = [
    (5, "0.04", "discernibility", 7220555, "0,0,1,2,3,2,2,1,1", 105),
    (5, "0.04", "entropy", 267793.3498, "1,0,1,1,3,2,2,0,1", 906),
    (5, "0.04", "loss", 0.2665632042, "0,1,0,1,2,1,1,1,0", 1150),
    (100, "0.04", "discernibility", 38545780, "1,0,1,2,3,2,2,2,1", 618),
    (100, "0.04", "loss", 0.5460568778, "0,1,0,2,3,2,1,2,0", 999),
    (5, "0", "loss", 0.5787711823, "0,1,1,1,3,2,2,1,0", 0),
]
AGES_AS_THEY_ARE = [reference for reference in REFERENCES if reference[4][2] == "0"]


def check_reference(
    ladders: Mapping[str, Ladder], table: pa.Table, reference: tuple[object, ...]
) -> None:
    k, suppression, metric, value, levels, suppressed = reference
    found = full_domain(Problem.of(table, adult_goal(table, k, suppression, metric), ladders))
    assert found.value == pytest.approx(value, rel=1e-9)
    assert ",".join(str(level) for level in found.levels.values()) == levels
    assert int(found.suppressed.sum()) == suppressed
    assert found.proven_optimal


@needs_adult
@pytest.mark.parametrize("reference", REFERENCES)
def test_reference_optima_of_adult(reference: tuple[object, ...]) -> None:
    table, ladders = adult()
    check_reference({**ladders, "age": ages_divided_at_50()}, table, reference)


@needs_adult
@pytest.mark.parametrize("reference", AGES_AS_THEY_ARE)
def test_reference_optima_of_adult_with_the_hierarchy_file_of_age(
    reference: tuple[object, ...],
) -> None:
    table, ladders = adult()
    check_reference(ladders, table, reference)


@needs_adult
@pytest.mark.slow
def test_the_loss_of_adult_is_the_least_of_the_whole_lattice() -> None:
    table, ladders = adult()
    problem = Problem.of(table, adult_goal(table, 5, "0.04", "loss"), ladders)
    walked = min(_walk(problem, 5))
    found = full_domain(problem)
    assert (found.value, tuple(found.levels.values())) == (pytest.approx(walked[0]), walked[1])
    assert int(found.suppressed.sum()) == walked[2]


def _walk(problem: Problem, k: int) -> list[tuple[float, tuple[int, ...], int]]:
    """Every node counted from the records themselves, with no bound and no roll-up."""
    passing = []
    lost = [[ladder.loss(v)[c] for v, c in enumerate(ladder.codes)] for ladder in problem.ladders]
    at = [
        [codes[problem.tuples[:, place]].astype(np.int64) for codes in ladder.codes]
        for place, ladder in enumerate(problem.ladders)
    ]
    shape = [ladder.height + 1 for ladder in problem.ladders]
    for node in np.ndindex(*shape):
        key = np.zeros(len(problem.tuples), np.int64)
        for place, level in enumerate(node):
            key = key * len(problem.ladders[place].labels[level]) + at[place][level]
        _, classes = np.unique(key, return_inverse=True)
        sizes = np.bincount(classes, weights=problem.counts)
        out = (sizes < k)[classes]
        suppressed = int(problem.counts[out].sum())
        if suppressed > problem.limit:
            continue
        cells = np.stack(
            [lost[place][level][problem.tuples[:, place]] for place, level in enumerate(node)]
        )
        cells[:, out] = 1
        loss = float((cells.mean(axis=0) * problem.counts).sum() / problem.rows)
        passing.append((loss, node, suppressed))
    return passing


# ---- small tables -------------------------------------------------------------------------------


def flat(*leaves: str) -> Ladder:
    return Ladder.of_levels([pa.array(leaves), pa.array(["*"] * len(leaves))], "test")


def problem_of(
    columns: Mapping[str, list[object]], goal: dict[str, object], **more: object
) -> Problem:
    table = pa.table(columns)
    names = goal["quasi_identifiers"]
    ladders = {
        name: flat(*dict.fromkeys(str(v) for v in columns[name] if v is not None)) for name in names
    }
    return Problem.of(table, AnonymityGoal.model_validate(goal), ladders, **more)


def refusal(
    columns: Mapping[str, list[object]], models: list[dict[str, object]], **goal: object
) -> str:
    wanted = {"quasi_identifiers": ("city",), "models": models, **goal}
    with pytest.raises(InvalidRequest) as caught:
        full_domain(problem_of(columns, wanted))
    return caught.value.message


CITIES = {"city": ["A", "A", "B", "B"], "illness": ["flu", "flu", "flu", "gout"]}


@pytest.mark.parametrize(
    ("model", "said"),
    [
        ({"kind": "k_anonymity", "k": 9}, "k = 9 is more than the 4 records of the table"),
        ({"kind": "k_anonymity", "k": 9}, "nearest that can be reached is k = 4"),
        (
            {"kind": "l_diversity", "column": "illness", "l": "3"},
            "even with every column at its highest level; the nearest that can be reached is l = 2",
        ),
        (
            {"kind": "l_diversity", "column": "illness", "l": "2", "variant": "entropy"},
            "nearest that can be reached is l = 1.75",
        ),
        (
            {"kind": "average_risk", "at_most": "0.1"},
            "nearest that can be reached is at_most = 0.25",
        ),
    ],
)
def test_what_cannot_be_reached_is_said_with_the_nearest_setting(
    model: dict[str, object], said: str
) -> None:
    assert said in refusal(CITIES, [model])


def test_suppression_that_would_make_it_possible_is_told() -> None:
    # Without a root two cities stay apart, and one of them is too small.
    table = pa.table({"city": ["A", "A", "B"]})
    apart = Ladder.of_levels([pa.array(["A", "B"]), pa.array(["a", "b"])], "test")
    goal = AnonymityGoal(quasi_identifiers=("city",), models=(KAnonymity(k=2),))
    with pytest.raises(InvalidRequest, match=r"or permit a suppression of 0\.3334"):
        full_domain(Problem.of(table, goal, {"city": apart}))
    permitted = goal.but(max_suppression="0.3334")
    assert full_domain(Problem.of(table, permitted, {"city": apart})).suppressed.sum() == 1


def test_an_ordered_distance_of_texts_is_refused() -> None:
    model = {"kind": "t_closeness", "column": "illness", "t": "0.2", "distance": "ordered"}
    assert "needs numbers or dates" in refusal(CITIES, [model])


def test_a_single_record_and_constant_columns() -> None:
    wanted = {"quasi_identifiers": ("city",), "models": [{"kind": "k_anonymity", "k": 2}]}
    with pytest.raises(InvalidRequest, match="more than the 1 records"):
        full_domain(problem_of({"city": ["A"]}, wanted))
    found = full_domain(problem_of({"city": ["A", "A", "A"]}, wanted))
    assert (found.value, found.levels) == (0, {"city": 0})
    assert found.untouched == {"city"}


def test_columns_left_as_they_are_keep_their_type_and_others_become_text() -> None:
    columns = {"city": [7, 7, None, None], "age": [1, 2, 3, 4]}
    wanted = {"quasi_identifiers": ("city", "age"), "models": [{"kind": "k_anonymity", "k": 2}]}
    found = full_domain(problem_of(columns, wanted))
    released = found.apply(pa.table(columns))
    assert released.to_pydict() == {"city": [7, 7, None, None], "age": ["*"] * 4}


def test_300_columns_are_searched_until_the_time_is_over_and_not_called_optimal() -> None:
    rng = np.random.default_rng(3)
    columns = {f"q{n}": [str(v) for v in rng.integers(0, 3, 40)] for n in range(300)}
    wanted = {
        "quasi_identifiers": tuple(columns), "models": [{"kind": "k_anonymity", "k": 2}],
        "seconds": 1,
    }  # fmt: skip
    ticks = iter(range(10_000))
    found = full_domain(problem_of(columns, wanted), Watch(elapsed=lambda: next(ticks) / 4))
    assert not found.proven_optimal
    assert found.value < 1
    sizes = np.unique(found.class_of[~found.suppressed], return_counts=True)[1]
    assert sizes.min() >= 2


def test_a_search_that_runs_out_of_time_gives_its_best_and_says_so() -> None:
    columns = {f"q{n}": [str(v) for v in np.arange(64) >> n & 1] for n in range(6)}
    wanted = {
        "quasi_identifiers": tuple(columns), "models": [{"kind": "k_anonymity", "k": 2}],
        "seconds": 1,
    }  # fmt: skip
    told: list[tuple[str, int, int]] = []
    watch = Watch(elapsed=lambda: 9.0, tell=lambda *said: told.append(said))
    first = full_domain(problem_of(columns, wanted), watch)
    assert not first.proven_optimal
    assert first.value == pytest.approx(1)
    assert told[0][0] == "search"
    assert told[0][2] == 64
    found = full_domain(problem_of(columns, wanted))
    assert found.proven_optimal
    assert found.value == pytest.approx(1 / 6)


def test_whoever_watches_can_stop_the_search() -> None:
    class Stopped(Exception):
        pass

    def stop(*_: object) -> None:
        raise Stopped

    wanted = {"quasi_identifiers": ("city",), "models": [{"kind": "k_anonymity", "k": 2}]}
    with pytest.raises(Stopped):
        full_domain(problem_of(CITIES, wanted), Watch(tell=stop))
