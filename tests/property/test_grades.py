"""Grades only go up: with evidence, columns, rows, and less done to a column. Never down, never zero."""

from collections.abc import Mapping, Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.classify.grading import grade_set, level_of
from gateway.model.catalog import Column
from gateway.model.grades import Grade, effective
from gateway.model.names import ENTITIES, ColumnRole
from gateway.norms.crosswalks import Climbs, Crosswalk, applied, raised
from gateway.norms.set_grades import Held, set_grade, set_level
from gateway.norms.standard import RESIDUES, Residue, Standard
from gateway.norms.standards import DEFAULT, standards

ALL = standards()
every_standard = st.sampled_from(sorted(ALL)).map(lambda key: ALL[key])
row_counts = st.none() | st.integers(0, 20_000_000)
PRESENCES = ("gone", "reduced", "whole")


@st.composite
def columns(draw: st.DrawFn, name: str = "c") -> Column:
    """A column with a whole verdict, or with part or nothing of one."""
    known = draw(st.booleans()) or draw(st.booleans())
    return Column(
        name=name,
        type="string",
        entity=draw(st.sampled_from(sorted(ENTITIES))) if known else None,
        grade=draw(st.sampled_from(list(Grade))) if known or draw(st.booleans()) else None,
        role=draw(st.sampled_from(list(ColumnRole))) if known or draw(st.booleans()) else None,
    )


@st.composite
def together(draw: st.DrawFn, standard: Standard) -> list[str]:
    """Items that make a combination, or none: by chance they would hardly ever meet."""
    if not standard.combinations or draw(st.booleans()):
        return []
    parts = draw(st.sampled_from(standard.combinations)).of
    return [
        draw(st.sampled_from(standard.groups[part.group]))
        for part in parts
        for _ in range(part.at_least)
    ]


@st.composite
def tables(draw: st.DrawFn, prefix: str = "c", most: int = 6) -> list[Column]:
    found = [draw(columns(f"{prefix}{n}")) for n in range(draw(st.integers(0, most)))]
    roles = st.sampled_from(list(ColumnRole))
    grades = st.sampled_from([Grade.GENERAL_1, Grade.GENERAL_2])
    return found + [
        Column(
            name=f"{prefix}t{n}",
            type="string",
            entity=item if item in ENTITIES else "NONE",
            grade=draw(grades),
            role=draw(roles),
        )
        for n, item in enumerate(draw(together(ALL[DEFAULT])))
    ]


@st.composite
def held(draw: st.DrawFn, standard: Standard) -> list[Held]:
    items = st.sampled_from(sorted({*standard.entities, *standard.general}))
    levels = st.sampled_from([level.name for level in standard.levels])
    presences = st.sampled_from(PRESENCES)
    met = draw(together(standard))
    drawn = [(item, draw(st.just(standard.lowest) | levels)) for item in met]
    drawn += [(draw(items), draw(levels)) for _ in range(draw(st.integers(not met, 4)))]
    return [Held(f"c{n}", item, level, draw(presences)) for n, (item, level) in enumerate(drawn)]


def fewer(one: int | None, other: int | None) -> tuple[int | None, int | None]:
    """Both in order; unknown counts as more than every number."""
    low, high = sorted((one, other), key=lambda rows: float("inf") if rows is None else rows)
    return low, high


# ---- sets -------------------------------------------------------------------------------------


@given(st.data(), every_standard, tables(most=5), tables("d", most=3), row_counts, row_counts)
def test_more_columns_and_more_rows_never_lower_a_set(
    data: st.DataObject,
    standard: Standard,
    table: Sequence[Column],
    more: Sequence[Column],
    one: int | None,
    other: int | None,
) -> None:
    few, many = fewer(one, other)
    least = grade_set(table, few, standard)
    most = grade_set([*table, *more], many, standard)
    if table:  # of no column at all nothing is known, which is the highest
        assert standard.at_least(most.level, least.level)
        assert {c.name for c in least.combinations} <= {c.name for c in most.combinations}
    shuffled = data.draw(st.permutations(list(table)))
    assert grade_set(shuffled, few, standard).level == least.level


@given(every_standard, tables(most=4), tables("d", most=4), row_counts, row_counts)
def test_the_union_of_sets_is_no_lower_than_each(
    standard: Standard,
    left: Sequence[Column],
    right: Sequence[Column],
    one: int | None,
    other: int | None,
) -> None:
    rows = None if one is None or other is None else one + other
    both = grade_set([*left, *right], rows, standard).level
    for part, count in ((left, one), (right, other)):
        if part:
            assert standard.at_least(both, grade_set(part, count, standard).level)


@given(every_standard, tables(), row_counts)
def test_a_set_is_at_least_its_highest_column_and_says_why(
    standard: Standard, table: Sequence[Column], rows: int | None
) -> None:
    found = grade_set(table, rows, standard)
    for column in found.columns:
        assert standard.at_least(found.level, column.level)
        assert column.why.en
        assert column.why.zh
    assert all(reason.en and reason.zh for reason in found.reasons)
    assert standard.level(found.level).en in found.reasons[-1].en
    assert standard.level(found.level).zh in found.reasons[-1].zh


@given(every_standard, tables(), st.booleans(), row_counts)
def test_what_is_unknown_is_the_highest(
    standard: Standard, table: Sequence[Column], partly: bool, rows: int | None
) -> None:
    unknown = Column(name="u", type="string", entity="SEX" if partly else None)
    assert level_of(unknown, standard) == standard.highest
    assert grade_set([*table, unknown], rows, standard).level == standard.highest
    assert grade_set([], rows, standard).level == standard.highest


@given(every_standard, columns(), st.sampled_from(list(Grade)))
def test_a_higher_grade_is_no_lower_under_any_standard(
    standard: Standard, column: Column, grade: Grade
) -> None:
    if column.entity is None or column.role is None:
        return
    low, high = sorted((effective(column.grade), grade), key=lambda g: g.rank)
    # A general-1 that says nothing of persons may be of another item than a general-2.
    before, after = (level_of(column.but(grade=g), standard) for g in (low, high))
    assert standard.at_least(after, before)
    if standard.key != DEFAULT:
        assert standard.at_least(before, standard.floor(DEFAULT, low))


@given(st.data(), every_standard, row_counts)
def test_a_graver_or_less_hidden_column_never_lowers_a_set(
    data: st.DataObject, standard: Standard, rows: int | None
) -> None:
    before = data.draw(held(standard))
    place = data.draw(st.integers(0, len(before) - 1))
    column = before[place]
    higher = [n.name for n in standard.levels if standard.at_least(n.name, column.level)]
    shown = PRESENCES[PRESENCES.index(column.presence) :]
    graver = Held(
        column.column,
        data.draw(st.sampled_from([column.item, "unknown"])),
        data.draw(st.sampled_from(higher)),
        data.draw(st.sampled_from(shown)),
    )
    if graver.item == "unknown":
        graver = Held(graver.column, "unknown", standard.highest, graver.presence)
    after = [*before[:place], graver, *before[place + 1 :]]
    low, high = set_grade(standard, before, rows), set_grade(standard, after, rows)
    assert standard.at_least(high.level, low.level)


@given(every_standard, tables(most=4), row_counts)
def test_no_rows_and_few_columns_still_have_the_grade_of_the_columns(
    standard: Standard, table: Sequence[Column], rows: int | None
) -> None:
    empty = grade_set(table, 0, standard)
    assert not empty.volumes
    unknown = {found.name for found in grade_set(table, None, standard).volumes}
    assert {found.name for found in grade_set(table, rows, standard).volumes} <= unknown


@given(st.data(), every_standard, row_counts)
def test_the_level_alone_is_that_of_the_grade_with_its_reasons(
    data: st.DataObject, standard: Standard, rows: int | None
) -> None:
    columns = data.draw(held(standard))
    assert set_level(standard, columns, rows) == set_grade(standard, columns, rows).level


# ---- what transforms leave --------------------------------------------------------------------


@given(every_standard, st.sampled_from(sorted(RESIDUES)), st.data())
def test_nothing_left_is_above_what_came_in_and_higher_stays_higher(
    standard: Standard, residue: Residue, data: st.DataObject
) -> None:
    names = [level.name for level in standard.levels]
    one, other = data.draw(st.sampled_from(names)), data.draw(st.sampled_from(names))
    low, high = sorted((one, other), key=standard.rank)
    assert standard.at_least(low, standard.after(low, residue))
    assert standard.at_least(standard.after(high, residue), standard.after(low, residue))
    assert standard.after(low, "constant") == standard.lowest


# ---- crosswalks -------------------------------------------------------------------------------


@given(st.sampled_from(sorted(ALL)), st.sampled_from(sorted(ALL)), st.data())
def test_floors_are_monotone_and_items_are_never_below_their_own(
    here: str, there: str, data: st.DataObject
) -> None:
    standard, other = ALL[here], ALL[there]
    names = [level.name for level in other.levels]
    low, high = sorted((data.draw(st.sampled_from(names)) for _ in "ab"), key=other.rank)
    assert standard.at_least(standard.floor(there, high), standard.floor(there, low))
    for name, item in {**standard.entities, **standard.general}.items():
        assert standard.at_least(item.level, item.own or "")
        if here != there:
            assert standard.at_least(item.level, standard.floor(there, other.item(name).level))


@st.composite
def crosswalks(draw: st.DrawFn) -> list[Crosswalk]:
    keys = draw(st.lists(st.sampled_from(sorted(ALL)), min_size=2, max_size=4, unique=True))
    found = []
    for _ in range(draw(st.integers(1, 6))):
        key, other = draw(st.permutations(keys))[:2]
        found.append(
            Crosswalk(
                standard=key,
                level=draw(st.sampled_from([n.name for n in ALL[key].levels])),
                other=other,
                at_least=draw(st.sampled_from([n.name for n in ALL[other].levels])),
                source="generated",
            )
        )
    return found


@settings(max_examples=60)  # each applies the table to every item of every standard
@given(crosswalks())
def test_any_table_is_refused_or_comes_to_rest_without_lowering(table: list[Crosswalk]) -> None:
    try:
        found = applied(ALL, table)
    except Climbs:
        # Only then: some level alone comes to a higher one of its own standard.
        assert any(
            raised(ALL, table, {key: level.name})[key] != level.name
            for key, standard in ALL.items()
            for level in standard.levels
        )
        return
    for key, standard in ALL.items():
        for name, item in standard.entities.items():
            assert standard.at_least(found[key].entities[name].level, item.level)
    for rule in table:
        assert found[rule.other].at_least(
            found[rule.other].floor(rule.standard, rule.level), rule.at_least
        )
    # What is raised already is at rest: once more changes nothing.
    again: Mapping[str, Standard] = applied(found, table)
    for key in ALL:
        assert {n: i.level for n, i in again[key].entities.items()} == {
            n: i.level for n, i in found[key].entities.items()
        }


# ---- real examples ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("key", "entities", "alone", "together", "name"),
    [
        (DEFAULT, "PERSON CN_MOBILE ADDRESS", "general-3", "general-4", "name-contact-home"),
        (DEFAULT, "PERSON LOCATION DATE_TIME", "general-3", "general-4", "track"),
        (DEFAULT, "PERSON ETHNICITY", "general-3", "general-4", "identity-and-origin"),
        (DEFAULT, "SEX AGE REGION", "general-2", "general-3", "quasi-identifiers"),
        (
            "gbt-45574-2025",
            "PERSON CN_MOBILE ADDRESS",
            "personal",
            "sensitive",
            "name-contact-home",
        ),
        ("gbt-35273-2020", "CN_MOBILE IP_ADDRESS DATE", "personal", "sensitive", "track"),
        ("jrt-0197-2020", "CN_RESIDENT_ID CN_BANK_CARD CN_MOBILE", "3", "4", "payment-factors"),
        ("hipaa", "PERSON DIAGNOSIS", "identifier", "protected", "identifier-and-health"),
    ],
)
def test_columns_together_are_graver_than_each(
    key: str, entities: str, alone: str, together: str, name: str
) -> None:
    standard = ALL[key]
    held = [Held(e.lower(), e, standard.item(e).level) for e in entities.split()]
    found = set_grade(standard, held, 100)
    assert standard.highest_of(column.level for column in held) == alone
    assert found.level == together
    assert name in {combination.name for combination in found.combinations}
    assert set(found.combinations[0].columns) == {column.column for column in held}
    for left_out in held:
        fewer = [column for column in held if column is not left_out]
        assert name not in {c.name for c in set_grade(standard, fewer, 100).combinations}


@pytest.mark.parametrize(
    ("entities", "rows", "level"),
    [
        ("SEX AGE", 9_999_999, "general-2"),
        ("SEX AGE", 10_000_000, "important"),
        ("SEX AGE", None, "important"),
        ("DIAGNOSIS", 999_999, "general-4"),
        ("DIAGNOSIS", 1_000_000, "important"),
        ("DIAGNOSIS CN_BANK_CARD", 100_000, "general-4"),
        ("DIAGNOSIS CN_BANK_CARD RELIGION", 99_999, "general-4"),
        ("DIAGNOSIS CN_BANK_CARD RELIGION", 100_000, "important"),
        ("not_personal", 10_000_000, "general-1"),
        ("not_personal", None, "general-1"),
    ],
)
def test_volume_and_aggregation(entities: str, rows: int | None, level: str) -> None:
    standard = ALL[DEFAULT]
    held = [Held(e.lower(), e, standard.item(e).level) for e in entities.split()]
    assert set_grade(standard, held, rows).level == level
