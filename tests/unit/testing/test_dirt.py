"""Spoiling a table: how much, how, and what stays."""

import pyarrow as pa
import pyarrow.compute as pc
import pytest

from gateway.testing import dirty, residents

STRINGS = "name resident_id phone email address district sex ethnicity bank_card household_id"


def changed(before: pa.Table, after: pa.Table, column: str) -> float:
    known = before[column].is_valid()
    differs = pc.not_equal(before[column], after[column]).filter(known)
    return pc.mean(differs.cast(pa.int8())).as_py()


def test_nothing_is_spoilt_at_rate_zero():
    table = residents(500, 1)
    assert dirty(table, 1, 0.0).equals(table)


def test_every_cell_is_spoilt_at_rate_one():
    table = residents(3000, 1)
    spoilt = dirty(table, 9, 1.0)
    assert all(changed(table, spoilt, column) == 1 for column in STRINGS.split())


def test_the_rate_is_kept():
    table = residents(20_000, 1)
    spoilt = dirty(table, 9, 0.1)
    for column in STRINGS.split():
        # Six standard deviations of 14,000 cells or more.
        assert abs(changed(table, spoilt, column) - 0.1) < 0.016


def test_nulls_other_types_and_order_stay():
    table = residents(2000, 1)
    spoilt = dirty(table, 9, 1.0)
    assert spoilt.schema == table.schema
    for column in table.column_names:
        assert spoilt[column].is_null().equals(table[column].is_null())
    for column in ("birth_date", "income"):
        assert spoilt[column].equals(table[column])
    spoilt.validate(full=True)


def test_each_kind_of_dirt_turns_up():
    cells = dirty(residents(2000, 1), 9, 1.0)["resident_id"].to_pylist()
    clean = residents(2000, 1)["resident_id"].to_pylist()
    pairs = list(zip(cells, clean, strict=True))
    assert any("０" <= cell[0:1] <= "９" for cell in cells)
    assert any("-" in cell and " " in cell for cell in cells)
    assert any(len(cell) == 17 and was.startswith(cell) for cell, was in pairs)
    assert any(len(cell) == 19 and cell.startswith(was) for cell, was in pairs)
    assert "" in cells
    assert any(cell.endswith("😀") for cell in cells)
    assert any(cell.endswith("𠮷") for cell in cells)
    wrong = [cell for cell, was in pairs if cell[:17] == was[:17] and cell[17:].isdecimal()]
    assert any(len(cell) == 18 and cell.isascii() for cell in wrong)


def test_an_x_as_check_digit_is_made_wrong_too():
    table = pa.table({"resident_id": ["11010519491231002X"] * 400})
    assert "110105194912310020" in dirty(table, 3, 1.0)["resident_id"].to_pylist()


def test_the_same_seed_spoils_alike_and_another_does_not():
    table = residents(500, 1)
    assert dirty(table, 4, 0.5).equals(dirty(table, 4, 0.5))
    assert not dirty(table, 4, 0.5).equals(dirty(table, 5, 0.5))


def test_large_strings_and_empty_tables():
    table = pa.table({"a": pa.array(["", "12", None, "汉"], pa.large_string())})
    spoilt = dirty(table, 1, 1.0)
    assert spoilt.schema == table.schema
    assert spoilt["a"].null_count == 1
    assert changed(table, spoilt, "a") == 1
    assert dirty(table.slice(0, 0), 1, 1.0).num_rows == 0


@pytest.mark.parametrize("rate", [-0.1, 1.5, float("nan")])
def test_a_rate_outside_is_refused(rate):
    with pytest.raises(ValueError, match="rate"):
        dirty(residents(5, 1), 1, rate)
