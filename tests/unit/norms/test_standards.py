"""Grading standards: complete, in order, and refused whole when anything in them is wrong."""

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from gateway.errors import ConfigurationError
from gateway.model.grades import Grade
from gateway.model.names import ENTITIES, ColumnRole
from gateway.norms.standard import GENERAL_ITEMS, Standard, item_name
from gateway.norms.standards import CROSSWALKS, DEFAULT, GRADING, load, standards

KEYS = {
    "gbt-43697-2024", "gbt-45574-2025", "gbt-35273-2020", "jrt-0197-2020", "hipaa", "gdpr",
}  # fmt: skip
JRT = "jrt-0197-2020"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return Path(shutil.copytree(GRADING, tmp_path / "grading"))


def change(folder: Path, file: str, how: Callable[[Any], object]) -> None:
    path = folder / file
    data = yaml.safe_load(path.read_text("utf-8"))
    how(data)
    path.write_text(yaml.safe_dump(data, allow_unicode=True, sort_keys=False), "utf-8")


def level(data: Any, name: str) -> Any:
    return next(level for level in data["levels"] if level["name"] == name)


def rule(standard: str, level: str, other: str, at_least: str) -> dict[str, str]:
    named = {"standard": standard, "level": level, "other": other, "at_least": at_least}
    return {**named, "source": "for the test"}


# ---- what ships -------------------------------------------------------------------------------


def test_six_standards_ship() -> None:
    assert set(standards()) == KEYS


@pytest.mark.parametrize("key", sorted(KEYS))
def test_every_entity_has_an_item_with_a_source_and_unknown_is_the_highest(key: str) -> None:
    standard = standards()[key]
    assert set(standard.entities) == ENTITIES - {"NONE"}
    assert set(standard.general) == GENERAL_ITEMS
    for item in (*standard.entities.values(), *standard.general.values()):
        assert item.source
        assert standard.at_least(item.level, item.own or "")
    assert standard.item("unknown").level == standard.highest
    assert standard.item(None).level == standard.highest
    assert standard.item("SOMETHING_NEW").level == standard.highest
    assert standard.highest_of([]) == standard.highest
    sources = [named.source for named in (*standard.combinations, *standard.thresholds)]
    assert all(sources + [rule.source for rule in standard.derived.values()])


def test_levels_are_in_the_order_of_the_norms() -> None:
    order = {key: [level.name for level in found.levels] for key, found in standards().items()}
    assert order[DEFAULT] == list(Grade)
    assert order[JRT] == ["1", "2", "3", "4", "5"]
    assert order["gbt-45574-2025"] == ["not-personal", "personal", "sensitive"]


@pytest.mark.parametrize(
    ("entity", "levels"),
    [
        # The number alone is no longer listed by 45574; annex B of 35273 has it.
        ("CN_RESIDENT_ID", ("general-4", "personal", "sensitive", "3", "identifier", "personal")),
        ("DIAGNOSIS", ("general-4", "sensitive", "sensitive", "3", "not-listed", "special")),
        ("ETHNICITY", ("general-3", "personal", "personal", "3", "not-listed", "special")),
        ("BIOMETRIC", ("general-4", "sensitive", "sensitive", "4", "identifier", "special")),
        ("BIRTH_DATE", ("general-2", "personal", "personal", "3", "limited", "personal")),
        ("CN_BANK_CARD", ("general-4", "sensitive", "sensitive", "3", "identifier", "personal")),
    ],
)
def test_what_an_entity_is_under_each(entity: str, levels: tuple[str, ...]) -> None:
    order = (DEFAULT, "gbt-45574-2025", "gbt-35273-2020", JRT, "hipaa", "gdpr")
    assert tuple(standards()[key].entities[entity].level for key in order) == levels


def test_the_rule_table_of_harm_is_that_of_the_norm() -> None:
    harm = standards()[DEFAULT].harm
    assert harm is not None
    table = {(rule.object, rule.degree): rule.level for rule in harm.rules}
    assert table["national-security", "general"] == "important"
    assert table["national-security", "serious"] == "core"
    assert table["public-interest", "serious"] == "important"
    assert table["public-interest", "especially-serious"] == "core"
    # Of a person or an organisation: always general data.
    assert table["person", "especially-serious"] == "general-4"
    assert table["organisation", "especially-serious"] == "general-4"


def test_no_entity_reaches_important_and_only_volume_does() -> None:
    standard = standards()[DEFAULT]
    levels = {item.level for item in standard.entities.values()}
    levels |= {combination.level for combination in standard.combinations}
    assert levels.isdisjoint({"important", "core"})
    assert {threshold.level for threshold in standard.thresholds} == {"important"}


def test_eighteen_identifiers() -> None:
    lettered = [c for c in standards()["hipaa"].categories.values() if c.en.startswith("(")]
    assert len(lettered) == 18


def test_what_a_column_without_an_entity_is_graded_as() -> None:
    names = [item_name("NONE", Grade.GENERAL_3, role) for role in ColumnRole]
    assert names == ["person_key", "group_key", "sensitive_attribute", "other_personal"]
    assert item_name("NONE", Grade.GENERAL_1, ColumnRole.OTHER) == "not_personal"
    assert item_name("PERSON", Grade.GENERAL_1, ColumnRole.OTHER) == "PERSON"
    for missing in (
        item_name(None, Grade.GENERAL_1, ColumnRole.OTHER),
        item_name("PERSON", None, ColumnRole.OTHER),
        item_name("PERSON", Grade.GENERAL_1, None),
    ):
        assert missing == "unknown"


# ---- crosswalks -------------------------------------------------------------------------------


def test_a_crosswalk_raises_an_item_and_says_why(folder: Path) -> None:
    add = rule("gdpr", "special", "gbt-43697-2024", "general-4")
    change(folder, CROSSWALKS, lambda data: data["crosswalks"].append(add))
    item = load(folder)[DEFAULT].entities["ETHNICITY"]
    assert (item.own, item.level) == ("general-3", "general-4")
    assert item.floor is not None
    assert (item.floor.standard, item.floor.level) == ("GDPR", "special")


def test_a_floor_goes_on_by_way_of_a_third_standard(folder: Path) -> None:
    def only(data: Any) -> None:
        data["crosswalks"] = [  # the last first: once through the table is not enough
            rule(JRT, "4", "hipaa", "identifier"),
            rule("gdpr", "special", JRT, "4"),
        ]

    change(folder, CROSSWALKS, only)
    hipaa = load(folder)["hipaa"]
    assert hipaa.floor("gdpr", "special") == "identifier"
    assert hipaa.floor("gdpr", "personal") == "not-listed"
    assert hipaa.entities["RELIGION"].level == "identifier"


# ---- refusals ---------------------------------------------------------------------------------

BAD: dict[str, tuple[str, Callable[[Any], object], str]] = {
    "an unknown level": (
        "gdpr.yaml",
        lambda d: d["entities"]["PERSON"].update(level="secret"),
        r"gdpr\.yaml: entities\.PERSON\.level: secret is not one of the levels; known are",
    ),
    "an unknown entity": (
        "hipaa.yaml",
        lambda d: d["entities"].update(CN_TAX_NUMBER=d["entities"]["PERSON"]),
        r"entities\.CN_TAX_NUMBER: is not in the gateway's vocabulary",
    ),
    "a missing entity": (
        "jrt-0197-2020.yaml",
        lambda d: d["entities"].pop("DIAGNOSIS"),
        r"jrt-0197-2020\.yaml: entities: no item for DIAGNOSIS; add one for each",
    ),
    "a missing general item": (
        "gdpr.yaml",
        lambda d: d["general"].pop("unknown"),
        "general: no item for unknown",
    ),
    "unknown that is not the highest": (
        "gdpr.yaml",
        lambda d: d["general"]["unknown"].update(level="personal"),
        "unknown must have the highest level; give it special",
    ),
    "levels in a circle": (
        "gdpr.yaml",
        lambda d: level(d, "not-personal").update(above="special"),
        "not-personal, personal, special are above each other in a circle",
    ),
    "a circle beside the line": (
        "jrt-0197-2020.yaml",
        lambda d: level(d, "3").update(above="5"),
        "levels: 3, 4, 5 are above each other in a circle",
    ),
    "two levels at one place": (
        "jrt-0197-2020.yaml",
        lambda d: level(d, "5").update(above="3"),
        "are both right above 3; order the levels in one line",
    ),
    "a level above nothing known": (
        "gdpr.yaml",
        lambda d: level(d, "special").update(above="secret"),
        r"levels\.special\.above: secret is not one",
    ),
    "a level twice": (
        "gdpr.yaml",
        lambda d: d["levels"].append(d["levels"][0]),
        "a level is given twice",
    ),
    "grades that are not the catalogue's": (
        "gbt-43697-2024.yaml",
        lambda d: d["levels"].insert(0, {**d["levels"][0], "name": "top", "above": "core"})
        or d["general"]["unknown"].update(level="top"),
        "levels: are not the grades; give general-1",
    ),
    "an unknown category": (
        "gdpr.yaml",
        lambda d: d["entities"]["PERSON"].update(category="nice"),
        r"entities\.PERSON\.category: nice is not one of the categories",
    ),
    "an item without a source": (
        "gdpr.yaml",
        lambda d: d["entities"]["PERSON"].pop("source"),
        r"entities\.PERSON\.source: Field required",
    ),
    "a group with an unknown member": (
        "hipaa.yaml",
        lambda d: d["groups"]["health"].append("MOOD"),
        r"groups\.health: MOOD is not in the gateway's vocabulary",
    ),
    "a combination of an unknown group": (
        "hipaa.yaml",
        lambda d: d["combinations"][0]["of"][0].update(group="all"),
        "no group all; add it to groups",
    ),
    "one column in two parts": (
        "hipaa.yaml",
        lambda d: d["groups"]["health"].append("PERSON"),
        "PERSON is in two parts",
    ),
    "a combination of one column": (
        "hipaa.yaml",
        lambda d: d["combinations"][0].update(of=[{"group": "health"}]),
        "at least two columns",
    ),
    "a combination of an unknown level": (
        "hipaa.yaml",
        lambda d: d["combinations"][0].update(level="secret"),
        r"combinations\.identifier-and-health\.level: secret is not one",
    ),
    "a threshold of an unknown level": (
        "jrt-0197-2020.yaml",
        lambda d: d["thresholds"][0].update(holding="9"),
        r"thresholds\.customers\.holding: 9 is not one",
    ),
    "a threshold of no rows": (
        "jrt-0197-2020.yaml",
        lambda d: d["thresholds"][0].update(rows=0),
        r"thresholds\.0\.rows",
    ),
    "a stricter transform that leaves more": (
        "gbt-43697-2024.yaml",
        lambda d: d["derived"]["aggregated"].update(down=0),
        r"derived\.aggregated: leaves more of general-3 than reduced",
    ),
    "keeping that lowers": (
        "gbt-43697-2024.yaml",
        lambda d: d["derived"]["whole"].update(down=1),
        r"derived\.whole: lowers what stays as it is",
    ),
    "a transform forgotten": (
        "gbt-43697-2024.yaml",
        lambda d: d["derived"].pop("redacted"),
        "derived: no item for redacted",
    ),
    "a graver degree of harm with a lower level": (
        "gbt-43697-2024.yaml",
        lambda d: d["harm"]["rules"][2].update(level="general-1"),
        r"harm\.national-security: a graver degree has a lower level",
    ),
    "a degree of harm forgotten": (
        "gbt-43697-2024.yaml",
        lambda d: d["harm"]["rules"].pop(),
        r"harm\.rules: are not one for each object and degree",
    ),
    "floors that nobody gives": (
        "gdpr.yaml",
        lambda d: d.update(floors={}),
        "floors: is worked out, not given",
    ),
    "a field of another format": ("gdpr.yaml", lambda d: d.update(colour="red"), "colour"),
    "a crosswalk from an unknown standard": (
        CROSSWALKS,
        lambda d: d["crosswalks"].append(rule("ccpa", "x", "gdpr", "special")),
        r"crosswalks\.yaml: crosswalks\[\d+\]: no standard ccpa; known are",
    ),
    "a crosswalk to an unknown level": (
        CROSSWALKS,
        lambda d: d["crosswalks"].append(rule("gdpr", "special", JRT, "6")),
        r"at_least: 6 is not one of the levels; known are 1, 2, 3, 4, 5",
    ),
    "a crosswalk to itself": (
        CROSSWALKS,
        lambda d: d["crosswalks"].append(rule("gdpr", "personal", "gdpr", "special")),
        "leads to its own standard",
    ),
    "a way round that climbs": (
        CROSSWALKS,
        lambda d: d["crosswalks"].append(rule(JRT, "3", DEFAULT, "important")),
        r"crosswalks\.yaml: would raise without end: .* comes to .*; lower one of these floors",
    ),
    "a way round that climbs over three": (
        CROSSWALKS,
        lambda d: d.update(
            crosswalks=[
                rule("gdpr", "personal", "hipaa", "limited"),
                rule("hipaa", "limited", JRT, "2"),
                rule(JRT, "2", "gdpr", "special"),
            ]
        ),
        "would raise without end",
    ),
}  # fmt: skip


@pytest.mark.parametrize("fault", sorted(BAD))
def test_a_faulty_file_is_refused_with_its_name_place_and_remedy(folder: Path, fault: str) -> None:
    file, how, told = BAD[fault]
    change(folder, file, how)
    with pytest.raises(ConfigurationError, match=told) as refused:
        load(folder)
    assert file in refused.value.message
    assert ";" in refused.value.message  # what to do follows


def test_a_line_given_twice_is_refused(folder: Path) -> None:
    path = folder / "gdpr.yaml"
    lines = path.read_text("utf-8").splitlines()
    place = next(i for i, line in enumerate(lines) if line.startswith("  PERSON:"))
    lines.insert(place + 1, lines[place].replace("level: personal", "level: not-personal"))
    path.write_text("\n".join(lines), "utf-8")
    with pytest.raises(ConfigurationError, match=r"gdpr\.yaml: PERSON is given twice"):
        load(folder)


@pytest.mark.parametrize("text", ["", "[]", "{", "a: b: c", "- 1"])
def test_what_is_no_mapping_is_refused(folder: Path, text: str) -> None:
    (folder / "gdpr.yaml").write_text(text, "utf-8")
    with pytest.raises(ConfigurationError, match=r"gdpr\.yaml"):
        load(folder)


def test_missing_and_unreadable_files_are_refused(folder: Path) -> None:
    (folder / "gdpr.yaml").write_bytes("标准".encode("gb18030"))
    with pytest.raises(ConfigurationError, match=r"gdpr\.yaml: cannot be read as UTF-8"):
        load(folder)
    (folder / "gdpr.yaml").unlink()
    with pytest.raises(ConfigurationError, match="no standard gdpr"):
        load(folder)
    (folder / CROSSWALKS).unlink()
    with pytest.raises(ConfigurationError, match=r"crosswalks\.yaml: cannot be read"):
        load(folder)
    (folder / "gbt-43697-2024.yaml").unlink()
    with pytest.raises(ConfigurationError, match=r"gbt-43697-2024\.yaml: is missing"):
        load(folder)
    shutil.rmtree(folder)
    with pytest.raises(ConfigurationError, match="no folder that can be read"):
        load(folder)


def test_a_standard_of_ones_own_joins_the_others(folder: Path) -> None:
    shutil.copy(folder / "gdpr.yaml", folder / "our-own.yaml")
    change(folder, "our-own.yaml", lambda d: d["entities"]["SEX"].update(level="special"))
    add = rule("our-own", "special", DEFAULT, "general-4")
    change(folder, CROSSWALKS, lambda data: data["crosswalks"].append(add))
    found = load(folder)
    assert isinstance(found["our-own"], Standard)
    assert found[DEFAULT].entities["SEX"].level == "general-4"
