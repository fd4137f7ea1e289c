"""The labelled benchmark: as large and as hard as it says, the same each time, and fairly scored."""

import re
from collections import Counter
from dataclasses import replace

import pytest

from gateway.model.grades import Grade
from gateway.model.names import ENTITIES, ColumnRole
from gateway.testing.benchmark import DOMAINS, KINDS, NAMING_STYLES, tables
from gateway.testing.benchmark.hidden import CARRIERS, IDENTIFIERS, PER_CENT, hidden
from gateway.testing.benchmark.naming import names_of
from gateway.testing.benchmark.score import Answer, HiddenRated, Rated, score
from gateway.testing.benchmark.words import words

MADE = list(tables(7, split="held-out", rows=120))
COLUMNS = [column for table in MADE for column in table.columns]
HIDDEN = list(hidden(7, rows=(100,)))
RATED = [Rated(t.domain, c, Answer(c.entity, c.role, 1.0)) for t in MADE for c in t.columns]


def test_there_are_forty_tables_with_four_hundred_columns_of_every_sort():
    assert len(MADE) == 40
    assert len(COLUMNS) >= 400
    assert {table.domain for table in MADE} == set(DOMAINS)
    assert {column.style for column in COLUMNS} == set(NAMING_STYLES)
    assert {column.kind for column in COLUMNS} == set(KINDS)
    assert {column.entity for column in COLUMNS} - {None} <= ENTITIES
    assert len({column.entity for column in COLUMNS}) >= 40


def test_the_dirt_is_as_much_as_each_label_says():
    assert {column.dirt_per_mille // 50 for column in COLUMNS} >= {1, 2, 3, 4, 5}
    clean = spoilt = 0
    for table in MADE:
        for column in table.columns:
            if column.kind == "mobile":
                values = table.data[column.name].to_pylist()
                clean += sum(v is not None and len(v) == 11 and v.isascii() for v in values)
                spoilt += sum(v is None for v in values)
    assert clean
    assert spoilt


def test_the_same_seed_makes_the_same_tables_and_another_makes_others():
    again = list(tables(7, split="held-out", rows=120))
    assert again == MADE
    assert next(tables(8, split="held-out", rows=120)).data != MADE[0].data


def test_the_splits_share_no_name_but_the_first_and_no_word():
    for kind in KINDS:
        for style in NAMING_STYLES[:-1]:
            tuning, held = names_of(kind, style, "tuning"), names_of(kind, style, "held-out")
            assert set(tuning) & set(held) == {tuning[0]}
    for name in ("surnames", "given", "diseases", "occupations", "products", "districts"):
        assert set(words(name, "tuning")).isdisjoint(words(name, "held-out"))


def test_another_hand_named_every_kind_in_every_style():
    for kind in KINDS:
        named = [n for style in NAMING_STYLES[:-1] for n in names_of(kind, style, "fresh")]
        assert len(set(named)) >= 10, kind
        assert all(names_of(kind, style, "fresh") for style in NAMING_STYLES[:-1])


def test_a_name_is_made_from_the_entry_that_it_says():
    for table in tables(7, split="fresh", rows=5):
        for column in table.columns:
            assert (column.entry == "") == (column.style == "meaningless")
            plain = re.sub(r"[_-]", "", column.name).lower()
            assert re.sub(r"_", "", column.entry).lower() in plain


def test_the_words_of_the_other_hand_are_its_own():
    for name in ("districts", "departments", "products", "diseases"):
        ours, theirs = set(words(name, "fresh")), set(words(name, "all"))
        assert len(ours - theirs) > len(ours) / 2


def test_names_within_a_table_are_unique():
    for table in MADE:
        assert len(set(table.data.column_names)) == len(table.columns)


def test_a_meaningless_name_keeps_its_label_only_where_the_values_tell():
    hidden = [column for column in COLUMNS if column.style == "meaningless"]
    assert any(c.entity is None for c in hidden)
    assert any(c.entity is not None for c in hidden)
    assert all((c.entity is not None) == KINDS[c.kind].shows for c in hidden)


@pytest.mark.parametrize(("split", "rows"), [("half", 10), ("all", 0)])
def test_what_cannot_be_made_is_refused(split, rows):
    with pytest.raises(ValueError, match=r"split|rows"):
        tables(1, split=split, rows=rows)


def test_right_answers_score_all():
    scored = score(RATED)
    assert scored.macro_f1 == scored.check_digit_precision == scored.role_right == 1
    assert (scored.direct_missed, scored.direct_unknown, scored.confusions) == (0, 0, ())
    assert scored.calibration_error == 0


def answered(entity: str | None, role: ColumnRole | None, confidence: float = 1.0):
    return score([Rated(r.domain, r.column, Answer(entity, role, confidence)) for r in RATED])


def test_knowing_nothing_misses_no_direct_identifier_and_scores_nothing():
    scored = answered(None, None)
    assert scored.macro_f1 == 0
    assert scored.direct_missed == 0
    assert scored.direct_unknown == scored.direct > 100


def test_calling_all_harmless_misses_every_direct_identifier():
    scored = answered("NONE", ColumnRole.OTHER, 0.9)
    assert scored.direct_missed == scored.direct
    assert scored.role_milder > scored.direct
    assert scored.unknown_right == 0
    assert scored.calibration_error == pytest.approx(
        0.9 - sum(c.entity == "NONE" for c in COLUMNS) / len(COLUMNS)
    )


def test_a_claim_on_what_nobody_could_tell_counts_against_the_claimed_entity():
    unknown = next(r for r in RATED if r.column.entity is None)
    claimed = Rated(unknown.domain, unknown.column, Answer("VIN", ColumnRole.DIRECT_IDENTIFIER, 1))
    scored = score([claimed if r is unknown else r for r in RATED])
    assert scored.f1["VIN"] < 1
    assert scored.check_digit_precision < 1


def test_a_grade_below_that_of_what_the_column_is_is_a_miss():
    plate = next(r for r in RATED if r.column.kind == "plate")
    said = Answer("URL", ColumnRole.DIRECT_IDENTIFIER, 1, Grade.GENERAL_2)
    assert replace(plate, answer=said, floor=Grade.GENERAL_3).missed
    assert not replace(plate, answer=said, floor=Grade.GENERAL_2).missed
    assert not replace(plate, answer=Answer(None, None, 0), floor=Grade.GENERAL_3).missed


def test_a_direct_identifier_called_nothing_is_a_miss_unless_it_has_no_entity():
    nothing = Answer("NONE", ColumnRole.DIRECT_IDENTIFIER, 1, Grade.GENERAL_3)
    plate, key = (next(r for r in RATED if r.column.kind == k) for k in ("plate", "username"))
    assert replace(plate, answer=nothing).missed
    assert not replace(key, answer=nothing, floor=Grade.GENERAL_3).missed


def test_as_many_values_of_a_hidden_column_are_identifiers_as_it_says():
    assert {h.per_cent for h in HIDDEN} == {0, 100, *PER_CENT}
    mobile = re.compile(r"1[3-9]\d{9}")
    for one in HIDDEN:
        found = sum(mobile.fullmatch(v) is not None for v in one.values.to_pylist())
        if one.identifier == "mobile":
            assert found == one.per_cent, one
        elif one.hiding == "clean":
            assert found == 0, one


def test_hidden_columns_are_the_same_each_time_and_of_every_sort():
    assert list(hidden(7, rows=(100,))) == HIDDEN
    assert {h.carrier for h in HIDDEN} == set(CARRIERS)
    assert {h.identifier.partition(", ")[0] for h in HIDDEN} == {"", *IDENTIFIERS}
    repeated = [h for h in HIDDEN if h.hiding == "repeated" and h.per_cent == 100]
    assert all(len(h.values.unique()) < 60 for h in repeated)


def test_a_hidden_column_is_released_unless_it_is_unknown_or_a_direct_identifier():
    def outcomes(entity, role):
        rated = [
            HiddenRated(h.hiding, h.carrier, h.identifier, h.per_cent, h.rows,
                        Answer(entity, role, 1))
            for h in HIDDEN
        ]  # fmt: skip
        return Counter((r.hiding == "clean", r.released, r.held_back) for r in rated)

    hiding = sum(h.hiding != "clean" for h in HIDDEN)
    clean = len(HIDDEN) - hiding
    assert outcomes(None, None) == {(False, False, True): hiding, (True, False, True): clean}
    for entity, role in (("NONE", ColumnRole.OTHER), ("SEX", ColumnRole.QUASI_IDENTIFIER),
                         ("INCOME", ColumnRole.SENSITIVE)):  # fmt: skip
        assert outcomes(entity, role) == {(False, True, False): hiding, (True, False, False): clean}
    assert outcomes("PERSON", ColumnRole.DIRECT_IDENTIFIER)[False, False, False] == hiding
