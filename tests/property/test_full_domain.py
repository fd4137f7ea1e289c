"""The search against brute force on small tables: the same optimum for every metric and model, and
nothing that the independent verifier would refuse."""

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.errors import FailedPrecondition, InvalidRequest
from gateway.model.anonymity import AnonymityGoal
from gateway.risk.privacy.verify import verify
from gateway.transform.anonymize.full_domain import full_domain
from gateway.transform.anonymize.ladder import Ladder
from gateway.transform.anonymize.problem import Problem
from tests.property._brute_force import BruteForce

METRICS = (
    "loss",
    "entropy",
    "discernibility",
    "average_class_size",
    "precision",
    "height",
)
LETTERS = (("a", "ab", "*"), ("b", "ab", "*"), ("c", "cd", "*"), ("d", "cd", "*"))
DIGITS = (("1", "low", "low", "*"), ("2", "low", "low", "*"), ("3", "mid", "low", "*"),
          ("4", "high", "high", "*"))  # fmt: skip
FORKS = (("x", "x or y"), ("y", "x or y"), ("z", "z"))
HIERARCHIES = {"letter": LETTERS, "digit": DIGITS, "fork": FORKS}
TREE = ((1, "small", "*"), (2, "small", "*"), (3, "large", "*"))


def with_null(hierarchy: tuple[tuple[object, ...], ...]) -> tuple[tuple[object, ...], ...]:
    """A null stays null up to a level that is one value."""
    rooted = len({line[-1] for line in hierarchy}) == 1
    inner = (None,) * (len(hierarchy[0]) - 1)
    return (*hierarchy, (*inner, hierarchy[0][-1] if rooted else None))


shares = st.sampled_from(["0", "0.1", "0.25", "0.4", "0.5", "0.6", "1"])
positive = st.sampled_from(["0.1", "0.25", "0.4", "0.5", "0.6", "1"])


KINDS = ("k_anonymity", "k_map", "l_diversity", "entropy", "recursive", "t_closeness", "tree",
         "beta_likeness", "delta_disclosure", "delta_presence", "average_risk",
         "sample_uniqueness")  # fmt: skip


def models(*kinds: str) -> st.SearchStrategy[dict[str, object]]:
    secret = {"column": st.just("secret")}
    every = {
        "k_anonymity": {"k": st.integers(2, 5)},
        "k_map": {"k": st.integers(2, 8), "population": st.just("people")},
        "l_diversity": {"l": st.sampled_from(["2", "3"]), **secret},
        "entropy": {"l": st.sampled_from(["1.5", "2", "2.5"]), "variant": st.just("entropy"), **secret},
        "recursive": {
            "l": st.sampled_from(["2", "3"]), "variant": st.just("recursive"),
            "c": st.sampled_from(["0.5", "1", "2", "3"]), **secret,
        },
        "t_closeness": {"t": positive, "distance": st.sampled_from(["equal", "ordered"]), **secret},
        "tree": {"t": positive, "distance": st.just("hierarchical"), "hierarchy": st.just("tree"), **secret},
        "beta_likeness": {
            "beta": st.sampled_from(["0.5", "1", "2"]), "variant": st.sampled_from(["basic", "enhanced"]),
            **secret,
        },
        "delta_disclosure": {"delta": st.sampled_from(["0.5", "1", "2"]), **secret},
        "delta_presence": {
            "minimum": st.sampled_from(["0", "0.1"]), "maximum": positive, "population": st.just("people"),
        },
        "average_risk": {"at_most": positive},
        "sample_uniqueness": {"at_most": shares},
    }  # fmt: skip
    names = {"entropy": "l_diversity", "recursive": "l_diversity", "tree": "t_closeness"}
    return st.one_of(
        [
            st.fixed_dictionaries({"kind": st.just(names.get(kind, kind)), **every[kind]})
            for kind in kinds or every
        ]
    )


rows = st.lists(
    st.tuples(
        st.sampled_from(["a", "a", "b", "c", "d", None]),
        st.sampled_from(["1", "2", "3", "4"]),
        st.sampled_from(["x", "y", "z"]),
        st.sampled_from([1, 1, 2, 3, None]),
    ),
    min_size=1,
    max_size=24,
)


def check(
    records: list[tuple[object, ...]], others: list[tuple[object, ...]], goal: AnonymityGoal
) -> None:
    table = pa.table(
        {
            "letter": pa.array([r[0] for r in records], pa.string()),
            "digit": pa.array([r[1] for r in records], pa.string()),
            "fork": pa.array([r[2] for r in records], pa.string()),
            "secret": pa.array([r[3] for r in records], pa.int64()),
        }
    )
    everybody = [*records, *others]
    population = pa.table(
        {
            name: pa.array([r[place] for r in everybody], pa.string())
            for place, name in enumerate(HIERARCHIES)
        }
    )
    needs = any(hasattr(model, "population") for model in goal.models)
    populations = {"people": population} if needs else {}
    ladders = {name: _ladder(lines) for name, lines in (*HIERARCHIES.items(), ("tree", TREE))}
    known = everybody if needs else records
    simple = BruteForce(
        [r[:3] for r in records],
        {"secret": [r[3] for r in records]},
        [
            with_null(lines) if any(r[place] is None for r in known) else lines
            for place, lines in enumerate(HIERARCHIES.values())
        ],
        goal,
        {"people": [r[:3] for r in everybody]} if needs else {},
        (*TREE, (None, None, "*")),
    )
    best = simple.optimum()
    if best is None:
        with pytest.raises((InvalidRequest, FailedPrecondition)):
            full_domain(Problem.of(table, goal, ladders, populations))
        return
    found = full_domain(Problem.of(table, goal, ladders, populations))
    assert found.proven_optimal
    assert found.value == pytest.approx(best[0])
    assert found.levels is not None
    kept = simple.kept(tuple(found.levels.values()))
    assert kept is not None
    assert sorted(n for members in kept.values() for n in members) == [
        n for n, out in enumerate(found.suppressed) if not out
    ]
    released = found.apply(table)
    general = {
        name: [simple.general(r[:3], tuple(found.levels.values()))[place] for r in records]
        for place, name in enumerate(HIERARCHIES)
    }
    for name in HIERARCHIES:
        assert released.column(name).to_pylist() == [
            value for value, out in zip(general[name], found.suppressed, strict=True) if not out
        ]
    general_population = pa.table(
        {
            name: pa.array(
                [simple.general(r[:3], tuple(found.levels.values()))[place] for r in known],
                pa.string(),
            )
            for place, name in enumerate(HIERARCHIES)
        }
    )
    trees = {"tree": pa.table({f"l{n}": [str(line[n]) for line in TREE] for n in range(3)})}
    verdicts = verify(
        released.to_batches(),
        list(HIERARCHIES),
        goal.models,
        populations={"people": general_population.to_batches()},
        hierarchies=trees,
    )
    assert all(verdict.holds for verdict in verdicts), verdicts


def _ladder(lines: tuple[tuple[object, ...], ...]) -> Ladder:
    return Ladder.of_levels(
        [pa.array([str(line[level]) for line in lines]) for level in range(len(lines[0]))], "test"
    )


others = st.lists(rows.map(lambda found: found[0]), max_size=6)
tolerant = st.sampled_from(["0", "0.1", "0.25", "0.4"])


@pytest.mark.parametrize("metric", METRICS)
@settings(max_examples=40, deadline=None)
@given(
    records=rows,
    others=others,
    wanted=st.lists(models(), min_size=1, max_size=3),
    suppression=shares,
    weights=st.dictionaries(st.sampled_from(list(HIERARCHIES)), st.sampled_from(["0.5", "3"])),
)
def test_the_optimum_is_that_of_brute_force_for_any_models_together(
    metric, records, others, wanted, suppression, weights
) -> None:
    if metric in ("discernibility", "average_class_size"):
        weights = {}
    goal = AnonymityGoal(
        quasi_identifiers=tuple(HIERARCHIES),
        models=tuple(wanted),
        max_suppression=suppression,
        metric=metric,
        weights=weights,
    )
    check(records, others, goal)


@pytest.mark.parametrize("kind", KINDS)
@settings(max_examples=25, deadline=None)
@given(
    records=rows,
    others=others,
    data=st.data(),
    suppression=tolerant,
    metric=st.sampled_from(METRICS),
)
def test_the_optimum_is_that_of_brute_force_for_each_model(
    kind, records, others, data, suppression, metric
) -> None:
    goal = AnonymityGoal(
        quasi_identifiers=tuple(HIERARCHIES),
        models=(data.draw(models(kind)),),
        max_suppression=suppression,
        metric=metric,
    )
    check(records, others, goal)


@pytest.mark.parametrize("metric", METRICS)
@settings(max_examples=40, deadline=None)
@given(
    records=st.lists(rows, min_size=2, max_size=2).map(lambda two: two[0] + two[1]),
    k=st.integers(2, 4),
)
def test_the_optimum_is_that_of_brute_force_where_records_are_left_out(metric, records, k) -> None:
    goal = AnonymityGoal(
        quasi_identifiers=tuple(HIERARCHIES),
        models=({"kind": "k_anonymity", "k": k},),
        max_suppression="0.4",
        metric=metric,
    )
    check(records, [], goal)
