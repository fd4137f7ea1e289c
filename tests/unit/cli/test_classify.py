"""``gateway classify``: the table, the JSON, both languages, the open questions."""

import json
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.csv as pa_csv
import pyarrow.parquet as pq
import pytest
from pyarrow import feather
from typer.testing import CliRunner, Result

from gateway.classify.grading import Said
from gateway.cli import main
from gateway.cli.classification import Classification, column_of, told, visible
from gateway.cli.main import program
from gateway.cli.questions import questions, remedy
from gateway.errors import AlreadyExists, InvalidRequest
from gateway.model.catalog import Column
from gateway.model.evidence import Coverage, Declaration, Evidence, Finding
from gateway.model.grades import Grade
from gateway.model.names import ColumnRole, Role
from gateway.norms.standards import standards
from gateway.testing import residents

GBT = standards()["gbt-43697-2024"]


def run(*arguments: object) -> Result:
    return CliRunner().invoke(program, ["classify", *map(str, arguments)])


def told_json(*arguments: object) -> dict[str, Any]:
    result = run(*arguments, "--json")
    assert result.exit_code == 0, result.output or result.exception
    return json.loads(result.stdout)


@pytest.fixture
def people(tmp_path: Path) -> Path:
    file = tmp_path / "people.parquet"
    pq.write_table(residents(500, 1, style="pinyin"), file)
    return file


def test_json_has_what_was_agreed(people: Path) -> None:
    found = told_json(people)
    assert (found["standard"], found["grade"]) == ("gbt-43697-2024", "general-4")
    assert (found["file"], found["rows"]) == ("people.parquet", 500)
    by_name = {column["name"]: column for column in found["columns"]}
    number = by_name["sfzh"]
    assert {"name", "entity", "element", "grade", "role", "confidence", "evidence"} <= set(number)
    assert (number["entity"], number["element"]) == ("CN_RESIDENT_ID", "resident_id")
    assert (number["grade"], number["role"]) == ("general-4", "direct_identifier")
    assert 90 <= number["confidence"] <= 100
    assert {"kind", "detail", "weight"} <= set(number["evidence"][0])
    assert number["coverage"] == {
        "rows": 500, "present": 500, "sampled": 500, "stopped": False,
    }  # fmt: skip


def test_the_same_records_in_any_form_give_the_same_verdicts(tmp_path: Path, people: Path) -> None:
    table = pq.read_table(people)
    pa_csv.write_csv(table, tmp_path / "people.csv")
    pa_csv.write_csv(table, tmp_path / "people.tsv", pa_csv.WriteOptions(delimiter="\t"))
    feather.write_feather(table, str(tmp_path / "people.arrow"), compression="lz4")
    with pa.ipc.new_stream(str(tmp_path / "people.arrows"), table.schema) as stream:
        stream.write_table(table)
    (tmp_path / "gb.csv").write_bytes(
        (tmp_path / "people.csv").read_bytes().decode().encode("gb18030")
    )
    (tmp_path / "folder").mkdir()
    pq.write_table(table, tmp_path / "folder" / "1.parquet")
    expected = [(c["name"], c["entity"], c["grade"]) for c in told_json(people)["columns"]]
    for name in ("people.csv", "people.tsv", "people.arrow", "people.arrows", "folder"):
        found = told_json(tmp_path / name)
        assert [(c["name"], c["entity"], c["grade"]) for c in found["columns"]] == expected, name
        assert found["rows"] == 500
    found = told_json(tmp_path / "gb.csv", "--encoding", "gb18030")
    assert [(c["name"], c["entity"], c["grade"]) for c in found["columns"]] == expected


@pytest.mark.parametrize("sign", [",", ";", "\t", "|"])
def test_the_delimiter_is_told_from_the_first_lines(tmp_path: Path, sign: str) -> None:
    (tmp_path / "x.csv").write_text(f'name{sign}paid{sign}"a,;|b"\nx{sign}"1,5"{sign}y\n', "utf-8")
    found = told_json(tmp_path / "x.csv")
    assert [column["name"] for column in found["columns"]] == ["name", "paid", "a,;|b"]


def test_what_divides_the_header_line_alone_divides_nothing(tmp_path: Path) -> None:
    (tmp_path / "x.csv").write_text("notes, in, short;b\n1;2\n3;4\n5,6;7\n", "utf-8")
    assert [c["name"] for c in told_json(tmp_path / "x.csv")["columns"]] == [
        "notes, in, short",
        "b",
    ]


def test_a_delimiter_that_cannot_be_told_is_asked_for(tmp_path: Path) -> None:
    (tmp_path / "x.csv").write_text("a,b;c,d;e\n1,2;3,4;5\n", "utf-8")
    error = run(tmp_path / "x.csv").exception
    assert isinstance(error, InvalidRequest)
    assert "could be divided by ',' or ';'" in error.message
    assert len(told_json(tmp_path / "x.csv", "--delimiter", ";")["columns"]) == 3


def test_one_column_needs_no_delimiter(tmp_path: Path) -> None:
    (tmp_path / "x.csv").write_text("sjh\n13812345678\n", "utf-8")
    assert [c["name"] for c in told_json(tmp_path / "x.csv")["columns"]] == ["sjh"]


def test_names_alone_give_a_weaker_verdict_that_says_so(tmp_path: Path, people: Path) -> None:
    whole, names = told_json(people), told_json(people, "--metadata-only")
    for with_values, without in zip(whole["columns"], names["columns"], strict=True):
        assert without["coverage"]["sampled"] == 0
        if with_values["entity"] == without["entity"] is not None:
            assert without["confidence"] <= with_values["confidence"]
    assert "no value was looked at" in run(people, "--metadata-only", "--language", "en").output
    # Of a CSV file nothing but its first line is read.
    (tmp_path / "x.csv").write_bytes(b"sjh,xm\n" + b"\xff\xfe,\x00\n")
    found = told_json(tmp_path / "x.csv", "--metadata-only")
    assert [column["entity"] for column in found["columns"]] == ["CN_MOBILE", "PERSON"]
    assert found["rows"] is None


def test_fewer_values_are_looked_at_when_told(people: Path) -> None:
    found = told_json(people, "--sample", 50)
    assert {column["coverage"]["sampled"] for column in found["columns"]} == {50}


@pytest.mark.parametrize("standard", standards())
def test_any_standard_can_be_asked_for(people: Path, standard: str) -> None:
    found = told_json(people, "--standard", standard)
    levels = [level.name for level in standards()[standard].levels]
    assert found["standard"] == standard
    assert found["grade"] in levels
    assert all(column["grade"] in (None, *levels) for column in found["columns"])
    assert all(set(column["grade_reason"]) == {"en", "zh"} for column in found["columns"])
    assert run(people, "--standard", standard).exit_code == 0


def test_an_unknown_standard_is_told_with_those_there_are(people: Path) -> None:
    error = run(people, "--standard", "iso").exception
    assert isinstance(error, InvalidRequest)
    assert "standard: is one of" in error.message
    assert "jrt-0197-2020" in error.message


def test_the_table_is_read_in_chinese_in_english_and_in_both(people: Path) -> None:
    spoken = {
        language: run(people, "--language", language).output for language in ("zh", "en", "both")
    }
    assert "居民身份证号码" in spoken["zh"]
    assert "直接标识符" in spoken["zh"]
    assert "direct identifier" not in spoken["zh"]
    assert "Chinese resident identity number" in spoken["en"]
    assert "标识符" not in spoken["en"]
    for word in ("居民身份证号码", "direct identifier", "直接标识符", "confidence", "置信度"):
        assert word in spoken["both"]


@pytest.mark.parametrize(
    ("variable", "value", "seen", "unseen"),
    [
        ("LC_ALL", "zh_CN.UTF-8", "角色", "role"),
        ("LANG", "en_GB.UTF-8", "role", "角色"),
        ("LC_MESSAGES", "C", "角色", None),
    ],
)
def test_the_language_is_that_of_the_terminal(
    people: Path, monkeypatch: pytest.MonkeyPatch, variable: str, value: str, seen: str, unseen: str
) -> None:
    for name in ("LC_ALL", "LC_MESSAGES", "LANG"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv(variable, value)
    output = run(people).output
    assert seen in output
    assert unseen is None or unseen not in output


def test_what_is_there_is_not_overwritten(tmp_path: Path, people: Path) -> None:
    page = tmp_path / "page.html"
    page.write_text("mine", "utf-8")
    assert isinstance(run(people, "--html", page).exception, AlreadyExists)
    nowhere = run(people, "--html", tmp_path / "nowhere" / "page.html")
    assert isinstance(nowhere.exception, InvalidRequest)
    assert not nowhere.stdout
    assert page.read_text("utf-8") == "mine"


def test_options_of_files_are_refused_for_data_sets() -> None:
    error = run("people", "--metadata-only").exception
    assert isinstance(error, InvalidRequest)
    assert "are for files" in error.message


def test_what_is_neither_file_nor_data_set_is_told_so(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", ["gateway", "classify", "none/x.parquet", "--json"])
    with pytest.raises(SystemExit) as ended:
        main.app()
    assert ended.value.code == 2
    error = json.loads(capsys.readouterr().err)["error"]
    assert "none/x.parquet does not exist" in error["message"]


def test_signs_that_show_nothing_or_turn_the_text_are_named() -> None:
    assert visible("a\u202eb\x1b[31m\x9b\u200f\ud800") == (
        "a⟨U+202E⟩b⟨U+001B⟩[31m⟨U+009B⟩⟨U+200F⟩⟨U+D800⟩"
    )
    assert visible("姓名 אבג é 😀") == "姓名 אבג é 😀"
    assert told(Said(en="a\u202e", zh="一"), "both") == "一 · a⟨U+202E⟩"


# ---- what is open ---------------------------------------------------------------------------

SEEN = Coverage(rows=100, present=100, sampled=100)


def column(name: str, entity: str | None, grade: Grade | None = None, **given: Any) -> Column:
    role = None if entity is None else ColumnRole.DIRECT_IDENTIFIER
    fields = {"confidence_percent": 90, "coverage": SEEN, "rules": "r"} | given
    return Column(name=name, type="string", entity=entity, grade=grade, role=role, **fields)


def value(entity: str, weight: int) -> Evidence:
    return Evidence(kind="value", entity=entity, detail="seen", weight=weight)


def asked(*columns: Column, rows: int = 100) -> list[tuple[str, str | None]]:
    found = Classification.of("x", columns, rows, GBT, registered=True)
    return [(question.kind, question.column) for question in questions(found)]


SURE = column("p", "PERSON", Grade.GENERAL_3)
OFFICER = Declaration(
    party="parties/officer", role=Role.OFFICER, at=datetime(2025, 1, 1, tzinfo=UTC), reason="seen"
)


def finding(entity: str, grade: Grade) -> Finding:
    return Finding(entity=entity, grade=grade, role=ColumnRole.DIRECT_IDENTIFIER)


@pytest.mark.parametrize(
    ("open_column", "kind"),
    [
        (column("u", None), "unknown"),
        (column("u", "PERSON", Grade.GENERAL_3, confidence_percent=55), "unsure"),
        (column("u", "PERSON", Grade.GENERAL_4, evidence=(value("DIAGNOSIS", 40),)), "conflict"),
        (column("u", "PERSON", Grade.GENERAL_3, evidence=(value("PERSON", -40),)), "conflict"),
        (column("u", "PERSON", Grade.GENERAL_3, coverage=None), "metadata"),
        (
            column("u", "PERSON", Grade.GENERAL_3, found=finding("SEX", Grade.GENERAL_2)),
            "milder",
        ),
        (
            column(
                "u", "AGE", Grade.GENERAL_2, declaration=OFFICER,
                found=finding("CN_RESIDENT_ID", Grade.GENERAL_4),
            ),
            "stricter",
        ),
    ],
    ids=lambda given: given if isinstance(given, str) else "",
)  # fmt: skip
def test_what_is_open_is_asked(open_column: Column, kind: str) -> None:
    assert asked(open_column, SURE) == [(kind, "u")]


def test_what_is_settled_is_not_asked() -> None:
    assert asked(SURE) == []
    same = finding("AGE", Grade.GENERAL_2)
    declared = column("u", "AGE", Grade.GENERAL_2, declaration=OFFICER, found=same)
    assert asked(declared) == []
    # Another kind of telephone number is no conflict.
    evidence = (value("CN_MOBILE", 69), value("CN_LANDLINE", 40))
    assert asked(column("u", "CN_MOBILE", Grade.GENERAL_3, evidence=evidence)) == []
    # Nor is it one that a birth date is a date.
    dated = (value("BIRTH_DATE", 90), value("DATE", 70))
    assert asked(column("u", "BIRTH_DATE", Grade.GENERAL_2, evidence=dated)) == []


def test_what_is_unknown_is_not_said_to_be_core_data() -> None:
    (said, *_) = Classification.of(
        "d.csv", [SURE, column("u", None)], 1, GBT, registered=False
    ).graded.reasons
    assert said.en.startswith("not known, which counts as the highest")
    assert said.zh.startswith("未知")


def test_a_set_that_is_graver_than_its_columns_is_asked_about() -> None:
    together = [
        column(name, name, grade)
        for name, grade in (("PERSON", Grade.GENERAL_3), ("CN_RESIDENT_ID", Grade.GENERAL_4))
    ]
    assert ("combination", None) in asked(*together, rows=200_000_000)


def test_the_remedy_is_a_command_for_data_sets_and_a_file_for_files() -> None:
    data = Classification.of("datasets/d", [SURE], 1, GBT, registered=True)
    assert "gateway dataset override d COLUMN" in remedy(data).en
    file = Classification.of("d.csv", [SURE], 1, GBT, registered=False)
    assert "--describe" in remedy(file).en


def test_a_column_comes_back_from_the_api_as_it_was_sent() -> None:
    sent = {
        "name": "a", "type": "string", "nullable": True, "description": "", "element": "",
        "unit": "", "entity": "PERSON", "grade": "general-3", "role": "direct_identifier",
        "evidence": [{"kind": "name", "entity": "PERSON", "detail": "x", "detail_zh": "",
                      "weight": 90}],
        "confidence_percent": 90, "declared": True,
        "coverage": {"rows": 1, "present": 1, "sampled": 1, "stopped": False}, "rules": "r",
        "declaration": {"party": "parties/officer", "role": "officer", "reason": "y",
                        "time": "2025-01-01T00:00:00+00:00", "until": None},
        "found": {"entity": "", "grade": "", "role": None, "confidence_percent": 10,
                  "evidence": [], "coverage": None, "rules": "r"},
    }  # fmt: skip
    found = column_of(sent)
    assert found.verdict == ("PERSON", Grade.GENERAL_3, ColumnRole.DIRECT_IDENTIFIER)
    assert found.declaration is not None
    assert found.declaration.until is None
    assert found.found == Finding(confidence_percent=10, rules="r")
    unknown = column_of({"name": "b", "type": "string", "entity": "", "grade": "", "role": None})
    assert not unknown.has_verdict
