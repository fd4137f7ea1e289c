"""``gateway risk``: what people and programs get, the page for officers, and bad input."""

import json
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from typer.testing import CliRunner, Result

from gateway.cli.main import program
from gateway.errors import InvalidRequest, RecordsRejected

PEOPLE = """sex;age;city;illness
F;34;North;flu
F;34;North;cold
M;51;*;flu
M;51;South;flu
M;;South;burn
"""


def run(*arguments: object) -> Result:
    return CliRunner().invoke(program, ["risk", *map(str, arguments)])


def told(*arguments: object) -> Any:
    result = run(*arguments, "--no-classify", "--json")
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return json.loads(result.stdout)


@pytest.fixture
def people(tmp_path: Path) -> Path:
    file = tmp_path / "people.csv"
    file.write_text(PEOPLE)
    return file


def test_json_has_attackers_as_numbers(people: Path) -> None:
    found = told(people, "--qi", "sex,age,city", "--threshold", "0.5")
    assert (found["records"], found["classes"], found["smallest_class"]) == (5, 4, 1)
    assert found["prosecutor"] == {
        "highest": 1.0,
        "average": 0.8,
        "over_threshold": 0.6,
        "records_over": 3,
    }
    assert found["journalist"] is None
    # The star and the empty age may stand for anything: 51 and South.
    assert found["wildcard"]["records"] == 2
    assert found["wildcard"]["smallest"] == 2
    assert found["effect"]["level"] is None  # nobody looked for direct identifiers


def test_models_are_checked_and_decide_how_it_ends(people: Path) -> None:
    kept = run(people, "--qi", "sex", "--k", 2, "--no-classify")
    assert kept.exit_code == 0
    broken = run(people, "--qi", "sex", "--k", 3, "--l", "illness=2", "--no-classify", "--json")
    assert broken.exit_code == 1
    first, second = json.loads(broken.stdout)["models"]
    assert (first["holds"], first["figure"], first["limit"]) == (False, "2", "3")
    assert (second["kind"], second["holds"], second["figure"]) == ("l_diversity", True, "2")


def test_population_and_fraction_add_their_parts(people: Path, tmp_path: Path) -> None:
    everybody = tmp_path / "everybody.csv"
    everybody.write_text("sex\n" + "F\n" * 10 + "M\n" * 20)
    found = told(
        *(people, "--qi", "sex", "--population", everybody, "--sampling-fraction", "0.1"),
        *("--model", "k_map:k=10,population=population"),
    )
    assert found["journalist"]["highest"] == 0.1
    assert found["models"][0]["holds"]
    assert found["uniqueness"]["pitman"] == 0.0


def test_columns_are_classified_for_the_level_and_safe_harbor(tmp_path: Path) -> None:
    file = tmp_path / "named.csv"
    file.write_text("email,sex\n" + "".join(f"p{n}@example.org,F\n" for n in range(60)))
    result = run(file, "--qi", "sex", "--json")
    found = json.loads(result.stdout)
    assert found["effect"]["level"] == 1
    by = {finding["identifier"]: finding for finding in found["safe_harbor"]}
    assert (by["F"]["outcome"], by["F"]["columns"]) == ("found", ["email"])
    assert "p1@example.org" not in result.output


def test_parquet_in_many_batches(tmp_path: Path) -> None:
    file = tmp_path / "many.parquet"
    pq.write_table(pa.table({"q": [n % 7 for n in range(200_000)]}), file)
    assert told(file, "--qi", "q")["smallest_class"] == 200_000 // 7


class _Page(HTMLParser):
    """What a page holds, and what it would load or run."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.links: list[str] = []
        self.text = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.links += [name for name, _ in attrs if name in ("src", "href") or name[:2] == "on"]

    def handle_data(self, data: str) -> None:
        self.text += data


def test_the_page_speaks_both_languages_and_loads_nothing(tmp_path: Path) -> None:
    file, page = tmp_path / "<script>x.csv", tmp_path / "page.html"
    file.write_text('"<b>sex</b>",age\nF,34\nM,secretvalue\n')
    result = run(file, "--qi", "<b>sex</b>,age", "--sampling-fraction", 1, "--k", 2, "--html", page)
    assert result.exit_code == 1  # k does not hold
    found = _Page(page.read_text())
    assert not {"script", "img", "link", "iframe", "b"} & set(found.tags)
    assert not found.links
    for text in ("检察官", "Prosecutor", "重标识风险", "k_anonymity", "<script>x.csv", "HIPAA"):
        assert text in found.text
    assert "secretvalue" not in found.text + result.output


def test_a_page_is_not_overwritten(people: Path, tmp_path: Path) -> None:
    page = tmp_path / "page.html"
    page.write_text("mine")
    result = run(people, "--qi", "sex", "--html", page)
    assert "exists" in str(result.exception)
    assert page.read_text() == "mine"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--qi", "sex,sex"], "named twice: sex"),
        (["--qi", "sex,height"], "height: no such column; there are sex, age, city, illness"),
        (["--qi", " , "], "name at least one column"),
        (["--qi", "sex", "--l", "weight=2"], "weight: no such column"),
        (["--qi", "sex", "--l", "sex=2"], "quasi-identifier as well"),
        (["--qi", "sex", "--t", "illness=2"], "share"),
        (["--qi", "sex", "--threshold", "20%"], "--threshold: is a share"),
        (["--qi", "sex", "--threshold", "0"], "--threshold: is a share"),
        (["--qi", "sex", "--sampling-fraction", "2"], "at most 1"),
        (["--qi", "sex", "--model", "k_map:k=2,population=city"], "no population table city"),
    ],
)
def test_bad_input_is_named(people: Path, arguments: list[str], said: str) -> None:
    result = run(people, *arguments, "--no-classify")
    assert isinstance(result.exception, InvalidRequest)
    assert said in str(result.exception)


def test_an_empty_file_has_no_risk_to_report(tmp_path: Path) -> None:
    file = tmp_path / "empty.csv"
    file.write_text("sex,age\n")
    result = run(file, "--qi", "sex", "--no-classify")
    assert "no records" in str(result.exception)


def test_a_ragged_line_is_named_by_its_row(tmp_path: Path) -> None:
    file = tmp_path / "ragged.csv"
    file.write_text("sex,age\nF,1\nF,1,secretvalue\n")
    result = run(file, "--qi", "sex", "--no-classify")
    assert isinstance(result.exception, InvalidRequest | RecordsRejected)
    assert "secretvalue" not in str(result.exception)


def test_what_tells_nothing_is_remarked(tmp_path: Path) -> None:
    file = tmp_path / "one.csv"
    file.write_text("constant,number,none\nx,12,\n")
    result = run(file, "--qi", "constant,number,none", "--k", 5, "--no-classify")
    assert result.exit_code == 1
    assert "constant is the same in every record" in result.output
    assert "k 5 is larger than the table" in result.output


def test_numbers_as_text_and_three_hundred_columns(tmp_path: Path) -> None:
    file = tmp_path / "wide.parquet"
    pq.write_table(pa.table({f"c{n}": ["1", "1", "2", None] for n in range(300)}), file)
    found = told(file, "--qi", ",".join(f"c{n}" for n in range(300)))
    assert (found["classes"], found["prosecutor"]["highest"]) == (3, 1.0)


def test_columns_that_single_people_out_together_are_proposed(tmp_path: Path) -> None:
    file = tmp_path / "people.csv"
    lines = [f"P{row};{row % 40};{row % 7};{row % 2};CN" for row in range(280)]
    file.write_text("number;age;city;sex;country\n" + "\n".join(lines) + "\n")
    found = told(file, "--propose", "--sampling-fraction", "0.1")
    kinds = {one["column"]: one["kind"] for one in found["columns"]}
    assert kinds["number"] == "identifier"
    assert kinds["country"] == "constant"
    # 40 and 7 have no common divisor, so age and city name everybody; sex follows from age
    assert found["proposed"] == ["age", "city"]
    assert found["sets"][0]["columns"] == ["age", "city"]
    assert found["sets"][0]["minimal"] == 280
    assert found["dis"] == 1.0
    only = told(file, "--propose", "--qi", "city,sex", "--largest-set", 1)
    assert [one["column"] for one in only["columns"]] == ["city", "sex"]
    shown = run(file, "--propose").stdout
    assert "singles out 100.0% of all records by itself" in shown
    assert "age + city" in shown


def test_a_proposal_that_takes_too_long_is_of_smaller_sets_and_says_so(tmp_path: Path) -> None:
    """Twenty-five of these columns have 4.5 million sets of up to nine."""
    rng, file = np.random.default_rng(3), tmp_path / "wide.parquet"
    columns = {f"c{number}": pa.array(rng.integers(0, 3, 60)) for number in range(300)}
    pq.write_table(pa.table(columns), file)
    done = run(file, "--propose", "--largest-set", 9, "--seconds", 1, "--json")
    found = json.loads(done.stdout)
    assert found["complete"] is False
    assert 2 <= found["largest_set"] < 9
    assert found["sets_visited"] < 2_000_000
    assert "the time was over" in " ".join(done.stderr.split())


def test_without_columns_or_a_wish_for_some_the_remedy_is_said(people: Path) -> None:
    for arguments, field in (([], "--qi"), (["--propose", "--qi", "nothing"], "--qi")):
        error = run(people, *arguments).exception
        assert isinstance(error, InvalidRequest)
        assert error.violations[0].field == field
