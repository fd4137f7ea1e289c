"""The rule pack: complete, refused whole when anything in it is wrong, known by its digest."""

import shutil
from pathlib import Path

import pyarrow as pa
import pytest
import yaml

from gateway.classify.distinct import accepts
from gateway.classify.folding import fold
from gateway.classify.pack import NORMS, load, standard
from gateway.errors import ConfigurationError
from gateway.model.grades import Grade
from gateway.model.names import ENTITIES, ColumnRole
from gateway.norms.elements import elements


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for part in ("classification", "grading"):
        shutil.copytree(NORMS / part, tmp_path / part)
    return tmp_path


def test_every_entity_has_a_grade_and_every_entry_a_source() -> None:
    pack = standard()
    assert set(pack.grading.entities) == ENTITIES - {"NONE"}
    assert all(graded.source for graded in pack.grading.entities.values())
    assert all(form.source for form in pack.identifiers)


def test_what_the_norms_call_sensitive_is_level_four_and_the_rest_not_below_two() -> None:
    entities = standard().grading.entities
    for entity in "CN_BANK_CARD DIAGNOSIS BIOMETRIC RELIGION COORDINATES ACCOUNT_BALANCE".split():
        assert entities[entity].grade == Grade.GENERAL_4
    assert all(graded.grade.at_least(Grade.GENERAL_2) for graded in entities.values())
    direct = [g for g in entities.values() if g.role is ColumnRole.DIRECT_IDENTIFIER]
    assert len(direct) > 20


def test_every_proposed_element_exists_and_is_of_the_entity() -> None:
    for entity, element in standard().elements.items():
        assert elements()[element].entity == entity


def test_a_changed_rule_is_another_pack(folder: Path) -> None:
    before = load(folder)
    assert before.sha256 == standard().sha256
    names = folder / "classification" / "words" / "surnames.txt"
    names.write_text(names.read_text("utf-8") + "佚\n", "utf-8")
    assert load(folder).sha256 != before.sha256


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"pattern": r"(a+)+(?=b)"}, "RE2"),
        ({"pattern": r"(.)\1"}, "RE2"),
        ({"pattern": "(" * 3}, "RE2"),
        ({"check": "guess"}, "no such check"),
        ({"entity": "CN_UNKNOWN"}, "vocabulary"),
        ({"weight": 101}, "weight"),
        ({"colour": "red"}, "colour"),
    ],
)
def test_a_wrong_identifier_is_refused(folder: Path, change: dict[str, object], told: str) -> None:
    path = folder / "classification" / "identifiers.yaml"
    forms = yaml.safe_load(path.read_text("utf-8"))
    forms[0].update(change)
    path.write_text(yaml.safe_dump(forms, allow_unicode=True), "utf-8")
    with pytest.raises(ConfigurationError, match=told) as refused:
        load(folder)
    assert "identifiers.yaml" in refused.value.message


def test_an_unknown_grade_a_missing_grade_and_a_missing_file_are_refused(folder: Path) -> None:
    path = folder / "grading" / "gbt-43697-2024.yaml"
    text = path.read_text("utf-8")
    path.write_text(text.replace("general-4", "general-5", 1), "utf-8")
    with pytest.raises(ConfigurationError, match="gbt-43697"):
        load(folder)
    path.write_text(
        "\n".join(line for line in text.splitlines() if "DIAGNOSIS:" not in line), "utf-8"
    )
    with pytest.raises(ConfigurationError, match="no item for DIAGNOSIS"):
        load(folder)
    path.unlink()
    with pytest.raises(ConfigurationError, match=r"gbt-43697-2024\.yaml: is missing"):
        load(folder)


FORMS = {
    "CN_RESIDENT_ID": (["11010519491231002x", "１１０１０５１９４９１２３１００２Ｘ", "110105 19491231 002X"],
                       ["110105194912310021", "A11010519491231002X"]),
    "CN_MOBILE": (["13800138000", "+86 138-0013-8000", "008613800138000", "１３８００１３８０００"],
                  ["12800138000", "1380013800", "138001380001"]),
    "CN_LANDLINE": (["010-82345678", "0571-8234567", "(021) 62345678", "+86 10 82345678"],
                    ["12345678", "20240101", "1082345678"]),
    "CN_LICENSE_PLATE": (["京A12345", "沪AD12345", "粤B·D1234", "京A12345F"], ["京I12345", "A12345"]),
    "CN_PASSPORT": (["E12345678", "G12345678", "EA1234567"], ["Z12345678", "E1234567"]),
    "CN_HK_MACAU_PERMIT": (["H12345678", "M1234567890", "C12345678"], ["H123456789"]),
    "CN_TAIWAN_PERMIT": (["12345678"], ["123456789"]),
    "CN_POSTAL_CODE": (["100080", "510000"], ["990000", "10008"]),
    "EMAIL_ADDRESS": (["a@b.cn", "zhang.san+x@mail.example.com"], ["a@b", "@b.cn", "a..@b@c.cn"]),
    "IP_ADDRESS": (["10.0.0.1", "2001:db8::1"], ["256.1.1.1", "1.2.3"]),
    "MAC_ADDRESS": (["00:1A:2b:3c:4d:5e"], ["00:1A:2b:3c:4d"]),
    "URL": (["https://example.com/a?b=c", "www.example.com"], ["example", "a.b"]),
    "IMEI": (["490154203237518"], ["490154203237519"]),
    "VIN": (["1M8GDM9AXKP042788"], ["1M8GDM9AXKP042789X"]),
    "COORDINATES": (["39.9042, 116.4074", "116.4074，39.9042"], ["39.9, 116.4", "39"]),
    "CN_BANK_CARD": (["6228 4800 0000 0000 001"[:-1] + "7", "6222020200112230"], ["6228480000000000"]),
}  # fmt: skip


@pytest.mark.parametrize("entity", sorted(FORMS))
def test_forms_accept_what_people_write_and_nothing_else(entity: str) -> None:
    good, bad = FORMS[entity]
    if entity == "CN_BANK_CARD":
        good = [_with_luhn(number[:-1]) for number in good]

    def passes(values: list[str]) -> list[bool]:
        folded = fold(pa.array(values))
        forms = [form for form in standard().identifiers if form.entity == entity]
        results = [accepts(form, folded)[1] for form in forms]
        return [any(result[i] for result in results) for i in range(len(values))]

    assert all(passes(good)), [g for g, ok in zip(good, passes(good), strict=True) if not ok]
    assert not any(passes(bad)), [b for b, ok in zip(bad, passes(bad), strict=True) if ok]


def _with_luhn(body: str) -> str:
    digits = [int(d) for d in reversed(body.replace(" ", ""))]
    total = sum(sum(divmod(d * 2, 10)) if i % 2 == 0 else d for i, d in enumerate(digits))
    return body + str(-total % 10)
