"""The statistical auditor on whole questions: from SQL to the noisy answer, as consumers get it.

Every neighbour is real: rows of a table, read, bounded and added up by the executor. The person
who is there or not is a heavy contributor with a hundred rows in every group, an outlier, the only
member of a group, or one of few. What is broken on purpose is the plan, so that everything behind
it runs as it does for a sound one.
"""

from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from gateway.execute.statistics.answer import answer
from gateway.model.catalog import Contributions
from gateway.model.mechanisms import DiscreteLaplace
from gateway.model.statistics import ContributionBounds, Measure, StatisticsPlan
from tests.property._asked import Asking, SystemEntropy, described
from tests.property._audit import Audit, audit

TIMES = 2500
EPSILON = 1.0

Rows = list[tuple[int, str, int]]

CROWD: Rows = [(person, "ab"[person % 2], 10 * (person % 5)) for person in range(20)]
HEAVY: Rows = [(99, group, 10**6) for group in ("a", "b") for _ in range(100)]
OUTLIER: Rows = [(99, "a", -(10**9))]
ALONE: Rows = [(99, "only", 7)]


def asked(sql: str, rows: Rows, folder: Path, epsilon: object = "1", **options: object) -> Asking:
    persons, groups, values = zip(*rows, strict=True)
    table = pa.table(
        {
            "person": pa.array(persons, pa.int64()),
            "g": pa.array(groups, pa.string()),
            "v": pa.array(values, pa.int64()),
        }
    )
    listed = {} if options.pop("found", False) else {"g": ("a", "b")}
    dataset = described(
        "tab",
        table,
        bounds={"v": options.pop("range", (0, 100))},
        groups=listed,
        contributions=Contributions(groups=2, rows=3),
    )
    return Asking(sql, {"t": (dataset, table)}, folder, epsilon=epsilon, **options)


Break = Callable[[StatisticsPlan], StatisticsPlan]


def sound(plan: StatisticsPlan) -> StatisticsPlan:
    return plan


def answers(asking: Asking, broken: Break = sound) -> np.ndarray:
    """Every number of many answers, a row each; groups that are not there are nine thousand off.

    The exact result is the same each time, as no group had to be drawn."""
    asking.plan = broken(asking.plan)
    exact = asking.exact()
    found = np.full((TIMES, 9), -9000.0)
    for row in found:
        table = answer(asking.plan, exact, SystemEntropy())
        names = [n for n in table.column_names if not n.endswith(("_lower", "_upper"))]
        for place, values in enumerate(table.select(names).to_pylist()):
            for at, value in enumerate(v for v in values.values() if not isinstance(v, str)):
                row[place * 3 + at] = value
    return found


def audited(
    sql: str,
    person: Rows,
    folder: Path,
    *,
    broken: Break = sound,
    **options: object,
) -> Audit:
    one = answers(asked(sql, CROWD, folder, **options), broken)
    other = answers(asked(sql, CROWD + person, folder, **options), broken)
    return audit(one, other, EPSILON, float(Fraction(str(options.get("delta", 0)))))


GROUPED = "SELECT g, COUNT(*) AS n, SUM(v) AS s FROM tab GROUP BY g"
QUESTIONS = {
    "counts and sums by group": (GROUPED, HEAVY, {}),
    "an average and an outlier": ("SELECT AVG(v) AS a FROM tab", OUTLIER, {}),
    "persons under a condition": (
        "SELECT COUNT(DISTINCT person) AS p FROM tab WHERE v > 50",
        [(99, "a", 51)],
        {},
    ),
    "a median and a heavy contributor": ("SELECT MEDIAN(v) AS m FROM tab", HEAVY, {}),
    "the only member of a group that is found": (
        "SELECT g, COUNT(*) AS n FROM tab GROUP BY g",
        ALONE,
        {"found": True, "delta": "1/200"},
    ),
    "a noisy answer that is filtered": (
        "SELECT g, COUNT(*) AS n FROM tab GROUP BY g HAVING n > 12 ORDER BY n LIMIT 1",
        HEAVY,
        {},
    ),
}


@pytest.mark.parametrize("name", QUESTIONS)
def test_no_question_tells_more_of_a_person_than_it_was_charged_for(
    name: str, tmp_path: Path
) -> None:
    sql, person, options = QUESTIONS[name]
    assert not audited(sql, person, tmp_path, **options).refuted


# ---- broken ones ---------------------------------------------------------------------------------


def measures(plan: StatisticsPlan, change: Callable[[Measure], Measure]) -> StatisticsPlan:
    changed = [change(m) if isinstance(m, Measure) else m for m in plan.measures]
    return plan.model_copy(update={"measures": tuple(changed)})


def less_noise(plan: StatisticsPlan, part: Fraction = Fraction(1, 5)) -> StatisticsPlan:
    def quieter(measure: Measure) -> Measure:
        assert isinstance(measure.mechanism, DiscreteLaplace)
        scale = str(Fraction(measure.mechanism.scale) * part)
        return measure.but(mechanism=measure.mechanism.but(scale=scale))

    return measures(plan, quieter)


def unclamped(plan: StatisticsPlan) -> StatisticsPlan:
    return measures(plan, lambda m: m.but(upper=10**7) if m.kind == "sum" else m)


def unbounded(plan: StatisticsPlan) -> StatisticsPlan:
    return plan.model_copy(update={"bounds": ContributionBounds(groups=100, rows=1000)})


BROKEN: dict[str, tuple[str, Rows, Break]] = {
    "a part of the noise": (GROUPED, HEAVY, less_noise),
    "sums that are not clamped": (GROUPED, HEAVY, unclamped),
    "rows and groups that are not bounded": (GROUPED, HEAVY, unbounded),
}


@pytest.mark.parametrize("fault", BROKEN)
def test_a_question_is_refuted_with(fault: str, tmp_path: Path) -> None:
    sql, person, broken = BROKEN[fault]
    assert audited(sql, person, tmp_path, broken=broken).refuted


def test_bounds_that_were_taken_from_the_data_are_refuted(tmp_path: Path) -> None:
    # each neighbour is asked with the range of its own values, as if they were declared
    sql = "SELECT SUM(v) AS s FROM tab"
    person = [(99, "a", 100_000)]
    one, other = (
        answers(asked(sql, rows, tmp_path, range=(0, max(v for _, _, v in rows))))
        for rows in (CROWD, CROWD + person)
    )
    assert audit(one, other, EPSILON).refuted


def test_groups_that_are_shown_because_they_are_there_are_refuted(tmp_path: Path) -> None:
    def all_shown(plan: StatisticsPlan) -> StatisticsPlan:
        assert plan.selection is not None
        shown = plan.selection.but(epsilon="50", delta="1")
        return plan.model_copy(update={"selection": shown})

    sql, person, options = QUESTIONS["the only member of a group that is found"]
    assert audited(sql, person, tmp_path, broken=all_shown, **options).refuted


# ---- joins ---------------------------------------------------------------------------------------

JOINED = (
    "SELECT g, COUNT(DISTINCT a.person) n FROM aaa a JOIN bbb b ON a.person = b.person GROUP BY g"
)


def joined(folder: Path, *, person: bool) -> Asking:
    """Two persons with a row in a rare group and one in another, of which one row each is joined."""
    rows = [(p, g) for p in (0, 1) for g in ("rare", "other")] + [(99, "rare")] * person
    persons = sorted({p for p, _ in rows})
    one = pa.table({"person": pa.array([p for p, _ in rows]), "g": [g for _, g in rows]})
    two = pa.table({"person": pa.array(persons), "z": [1.0] * len(persons)})
    tables = {"aaa": (described("aaa", one), one), "bbb": (described("bbb", two), two)}
    return Asking(JOINED, tables, folder, epsilon="10", delta="1e-5")


def test_one_person_brings_a_joined_group_no_more_than_itself(tmp_path: Path) -> None:
    """The rows that are drawn of a person are the same where groups are looked for and where they
    are counted: else a person who is in a rare group for sure has it found for all the others."""
    asking = {person: joined(tmp_path, person=person) for person in (False, True)}
    counted = {person: np.zeros(4) for person in asking}
    for person, question in asking.items():
        for _ in range(150):
            exact = question.exact()
            names = exact.keys.column("g").to_pylist()
            # every row that was drawn is counted in a group that was found
            assert exact.persons.sum() == 2 + person
            counted[person][exact.persons[names.index("rare")] if "rare" in names else 0] += 1
    # one more person in the group, and each of the two in it half of the time, as without
    assert not counted[True][0]
    without, with_person = counted[False][:3] / 150, counted[True][1:] / 150
    assert abs(without - [0.25, 0.5, 0.25]).max() < 0.2
    assert abs(with_person - [0.25, 0.5, 0.25]).max() < 0.2
