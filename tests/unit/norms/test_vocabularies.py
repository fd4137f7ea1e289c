"""Elements and units are sound: legal names, known entities, exact ratios."""

import csv
from fractions import Fraction
from pathlib import Path

import pytest

from gateway.errors import InvalidRequest
from gateway.model.names import ENTITIES, ColumnRole
from gateway.model.schema import arrow_type
from gateway.norms.elements import elements
from gateway.norms.entities import entity_titles
from gateway.norms.sources import chinese_sources
from gateway.norms.standards import default_standard
from gateway.norms.units import units

NORMS = Path(__file__).parents[3] / "gateway" / "norms"


@pytest.mark.parametrize("element", elements().values(), ids=lambda element: element.name)
def test_an_element_is_sound(element):
    assert element.name.isidentifier()
    assert element.name == element.name.lower()
    assert element.entity in ENTITIES
    assert ColumnRole(element.role)
    assert arrow_type(element.type)
    assert element.chinese
    assert element.description
    assert element.source
    assert element.unit == "" or units().find(element.unit).name == element.unit


@pytest.mark.parametrize("name", ["elements", "entities", "sources", "units"])
def test_no_name_is_given_twice_and_every_line_is_whole(name):
    with (NORMS / f"{name}.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.reader(file))
    assert {len(row) for row in rows} == {len(rows[0])}
    names = [row[0] for row in rows]
    assert len(set(names)) == len(names)


def test_about_sixty_elements_and_the_registers_among_them():
    assert len(elements()) >= 60
    assert {"name", "resident_id", "birth_date", "mobile_phone", "income", "household_id"} <= set(
        elements()
    )


@pytest.mark.parametrize(
    ("stored", "wanted", "ratio"),
    [
        ("万元", "yuan", Fraction(10_000)),
        ("fen", "元", Fraction(1, 100)),
        ("亩", "hectare", Fraction(1, 15)),
        ("斤", "kg", Fraction(1, 2)),
        ("min", "h", Fraction(1, 60)),
        ("month", "岁", Fraction(1, 12)),
        ("mmHg", "mmHg", Fraction(1)),
        ("a unit of our own", "a unit of our own", Fraction(1)),
    ],
)
def test_ratios_are_exact(stored, wanted, ratio):
    assert units().scale(stored, wanted) == ratio


def test_what_cannot_be_converted_is_refused():
    with pytest.raises(InvalidRequest, match="cannot be converted"):
        units().scale("kg", "m")
    with pytest.raises(InvalidRequest, match="not a known unit"):
        units().scale("stone", "kg")


@pytest.mark.parametrize("unit", units().all, ids=lambda unit: unit.name)
def test_a_unit_and_its_inverse_cancel(unit):
    for other in units().all:
        if other.quantity == unit.quantity:
            there, back = units().scale(unit.name, other.name), units().scale(other.name, unit.name)
            assert there * back == 1


def test_every_entity_has_a_title_in_both_languages():
    assert set(entity_titles()) == ENTITIES
    for title in entity_titles().values():
        assert title.english.isascii()
        assert any("一" <= sign <= "鿿" for sign in title.chinese)
    titles = [title.chinese for title in entity_titles().values()]
    assert len(set(titles)) == len(titles)


def test_every_source_line_of_the_default_standard_is_there_in_chinese_and_no_other():
    items = [*default_standard().entities.values(), *default_standard().general.values()]
    assert set(chinese_sources()) == {item.source for item in items}
    for english, chinese in chinese_sources().items():
        assert chinese.count("（确定）") == english.count("(certain)"), english
        assert chinese.count("（待核）") == english.count("(check)"), english
