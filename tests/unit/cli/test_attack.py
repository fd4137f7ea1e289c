"""``gateway attack``: the table, the JSON, limits, and what is wrong with files and options."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from pyarrow import csv
from typer.testing import CliRunner, Result

from gateway.cli.main import program
from gateway.errors import InvalidRequest


def run(*arguments: object) -> Result:
    return CliRunner().invoke(program, ["attack", *map(str, arguments)])


def told(*arguments: object) -> dict[str, Any]:
    result = run(*arguments, "--json")
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return json.loads(result.stdout)


@pytest.fixture
def people() -> pa.Table:
    draw = np.random.default_rng(1)
    return pa.table(
        {
            "number": [f"P{row}" for row in range(600)],
            "age": draw.integers(18, 90, 600),
            "town": draw.choice(["Bern", "Lyon", "Nice", "Oslo"], 600),
            "illness": draw.choice(["flu", "gout", "none"], 600),
        }
    )


@pytest.fixture
def original(people: pa.Table, tmp_path: Path) -> Path:
    csv.write_csv(people, tmp_path / "people.csv", csv.WriteOptions(delimiter=";"))
    return tmp_path / "people.csv"


@pytest.fixture
def released(people: pa.Table, tmp_path: Path) -> Path:
    lands = {"Bern": "CH", "Lyon": "FR", "Nice": "FR", "Oslo": "NO"}
    table = people.set_column(2, "town", pa.array([lands[t] for t in people["town"].to_pylist()]))
    ages = ["[18, 50)" if age < 50 else "[50, 90)" for age in people["age"].to_pylist()]
    table = table.set_column(1, "age", pa.array(ages)).take(np.arange(600)[::-1])
    csv.write_csv(table, tmp_path / "released.csv", csv.WriteOptions(delimiter=";"))
    return tmp_path / "released.csv"


@pytest.fixture
def lands(tmp_path: Path) -> Path:
    folder = tmp_path / "hierarchies"
    folder.mkdir()
    (folder / "people_hierarchy_town.csv").write_text(
        "Bern;CH;*\nLyon;FR;*\nNice;FR;*\nOslo;NO;*\n"
    )
    return folder


KNOWN = ("--qi", "age,town", "--sensitive", "illness")


def test_json_names_every_attack_and_its_figures(
    original: Path, released: Path, lands: Path
) -> None:
    found = told(original, released, *KNOWN, "--hierarchies", lands, "--id", "number")
    by_name = {attack["name"]: attack for attack in found["attacks"]}
    assert {"singling_out_univariate", "linkability", "inference", "record_linkage"} <= set(by_name)
    linked = by_name["record_linkage"]
    assert {"success", "low", "high", "rate", "baseline", "control", "attempts", "threat",
            "explanation", "limit", "column"} <= set(linked)  # fmt: skip
    # Six classes of 600 people
    assert 0.005 < linked["success"] < 0.02
    assert "true origin" in linked["explanation"]
    assert (by_name["inference"]["column"], found["exceeded"]) == ("illness", [])


def test_the_unprotected_file_fails_and_the_table_says_so(original: Path) -> None:
    result = run(original, original, *KNOWN, "--limit", "record_linkage=0.2")
    assert result.exit_code == 1
    assert "above its limit" in result.stdout
    # About two people for each age in each town
    found = told(original, original, *KNOWN, "--same-order", "--limit", "record_linkage=0.2")
    assert found["exceeded"] == ["record_linkage"]


def test_a_limit_that_holds_ends_with_0(original: Path, released: Path, lands: Path) -> None:
    within = ("--limit", "record_linkage=0.1", "--limit", "singling_out=0.05")
    result = run(original, released, *KNOWN, "--hierarchies", lands, *within)
    assert result.exit_code == 0, result.output
    assert "above its limit" not in result.stdout


def test_a_limit_on_what_was_not_attacked_is_a_failure(
    original: Path, released: Path, lands: Path
) -> None:
    result = run(
        original, released, "--qi", "age,town", "--hierarchies", lands, "--limit", "inference=0.5"
    )
    assert result.exit_code == 1
    assert "inference" in result.stderr


def test_the_same_seed_gives_the_same_figures(original: Path, released: Path, lands: Path) -> None:
    options = (original, released, *KNOWN, "--hierarchies", lands, "--targets", 50)
    assert told(*options, "--seed", 7) == told(*options, "--seed", 7)
    assert told(*options, "--seed", 7) != told(*options, "--seed", 8)


def test_a_control_is_used(original: Path, lands: Path) -> None:
    found = told(original, original, *KNOWN, "--control", original)
    inference = next(attack for attack in found["attacks"] if attack["name"] == "inference")
    # The same people as their own control: the release adds nothing
    assert inference["control"] == pytest.approx(inference["rate"], abs=0.02)
    assert inference["low"] == 0


def test_releases_that_are_held_already_are_laid_side_by_side(
    original: Path, released: Path, lands: Path, tmp_path: Path
) -> None:
    table = csv.read_csv(released, parse_options=csv.ParseOptions(delimiter=";"))
    fewer = tmp_path / "fewer.csv"
    csv.write_csv(table.slice(1), fewer, csv.WriteOptions(delimiter=";"))
    common = (original, released, *KNOWN, "--hierarchies", lands, "--k", 5)
    by_name = {
        attack["name"]: attack
        for attack in told(*common, "--held", fewer, "--id", "number")["attacks"]
    }
    # One person is in one of the two alone
    assert by_name["differencing"]["success"] == pytest.approx(1 / 600, abs=1e-6)
    assert "differencing" not in [attack["name"] for attack in told(*common)["attacks"]]


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--qi", "age,shoe"), "shoe: the original has no such column"),
        (("--qi", "age,town"), "town: the release holds values"),
        (("--qi", "age", "--id", "nobody"), "nobody must be one column"),
        (("--qi", "age", "--id", "town"), "town must be there in every record"),
        (("--qi", "age", "--limit", "linking=0.1"), "no attack linking"),
        (("--qi", "age", "--limit", "inference=2"), "a limit is a share"),
    ],
)
def test_what_is_wrong_is_named(
    original: Path, released: Path, options: tuple[str, ...], said: str
) -> None:
    result = run(original, released, *options)
    assert isinstance(result.exception, InvalidRequest)
    assert said in result.exception.message


def test_files_of_different_length_have_no_common_order(original: Path, tmp_path: Path) -> None:
    (tmp_path / "short.csv").write_text("number;age;town\nP1;20;Bern\n")
    result = run(original, tmp_path / "short.csv", "--qi", "age", "--same-order")
    assert isinstance(result.exception, InvalidRequest)
