"""Classes rolled up from other nodes are those counted from the records, in any order of asking."""

from collections import Counter

import numpy as np
import pyarrow as pa
import pytest

from gateway.model.anonymity import AnonymityGoal
from gateway.transform.anonymize import classes as module
from gateway.transform.anonymize.classes import RollUp
from gateway.transform.anonymize.ladder import Ladder
from gateway.transform.anonymize.problem import Problem

HALVES = 200


def ladder(values: int) -> Ladder:
    leaves = [str(value) for value in range(values)]
    return Ladder.of_levels(
        [
            pa.array(leaves),
            pa.array([str(value // 10) for value in range(values)]),
            pa.array([str(value // HALVES) for value in range(values)]),
            pa.array(["*"] * values),
        ],
        "test",
    )


def problem(columns: int, values: int, rows: int) -> tuple[Problem, list[list[int]], list[str]]:
    rng = np.random.default_rng(columns)
    data = [[int(v) for v in rng.integers(0, values, rows)] for _ in range(columns)]
    secret = [str(v) for v in rng.integers(0, 4, rows)]
    names = tuple(f"q{n}" for n in range(columns))
    table = pa.table(dict(zip(names, data, strict=True)) | {"secret": secret})
    people = pa.table({name: rng.integers(0, values, rows // 2) for name in names})
    goal = AnonymityGoal.model_validate(
        {
            "quasi_identifiers": names,
            "models": [
                {"kind": "k_map", "k": 2, "population": "people"},
                {"kind": "l_diversity", "column": "secret", "l": 2},
            ],
        }
    )
    ladders = dict.fromkeys(names, ladder(values))
    return Problem.of(table, goal, ladders, {"people": people}), data, secret


@pytest.mark.parametrize(
    ("columns", "values", "rows"),
    # 30 columns of 1,000 values need 300 bits: far beyond a key.
    [(3, 400, 300), (9, 30, 2500), (30, 1000, 200)],
)
@pytest.mark.parametrize("room", [12_000_000, 50])
def test_any_node_is_what_its_records_say(
    columns: int, values: int, rows: int, room: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_CACHED", room)
    given, data, secret = problem(columns, values, rows)
    rolled = RollUp(given)
    rng = np.random.default_rng(9)
    for _ in range(25):
        node = tuple(int(level) for level in rng.integers(0, 4, columns))
        found = rolled.classes(node)
        labels = [
            [
                given.ladders[0].labels[level][int(given.ladders[0].codes[level][v])].as_py()
                for v in column
            ]
            for column, level in zip(data, node, strict=True)
        ]
        records = list(zip(*labels, strict=True))
        expected = Counter(records)
        assert sorted(found.counts[found.counts > 0].tolist()) == sorted(expected.values())
        # The class of each record, by its combination, holds that record's labels.
        again, where = rolled.combination(node)
        assert again is found or np.array_equal(again.counts, found.counts)
        cls = where[given.row_tuple]
        assert [int(found.counts[c]) for c in cls] == [expected[record] for record in records]
        pairs = Counter(zip(records, secret, strict=True))
        held = found.held["secret"]
        assert sorted(held.count.tolist()) == sorted(pairs.values())
        per_class = Counter(record for record, _ in pairs)
        several = np.bincount(held.cls, minlength=len(found))
        assert [int(several[c]) for c in cls] == [per_class[record] for record in records]
        assert int(found.people["people"].sum()) == rows // 2
