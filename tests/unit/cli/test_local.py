"""``gateway local``: answers that may be sent, and what they say together."""

import json
from pathlib import Path

import pyarrow as pa
import pytest
from pyarrow import csv
from typer.testing import CliRunner, Result

from gateway.cli.main import program
from gateway.errors import InvalidRequest


def run(*arguments: object) -> Result:
    return CliRunner().invoke(program, ["local", *map(str, arguments)])


@pytest.fixture
def truth(tmp_path: Path) -> Path:
    answers = ["yes"] * 3000 + ["no"] * 6000 + ["unsure"] * 1000
    table = pa.table({"name": [f"N{n}" for n in range(10_000)], "used": answers})
    csv.write_csv(table, tmp_path / "truth.csv")
    return tmp_path / "truth.csv"


OPTIONS = ("--column", "used", "--answers", "yes,no,unsure", "--epsilon", "1")


def test_answers_are_randomised_alone_and_counted_with_intervals(truth: Path) -> None:
    sent = truth.with_name("sent.csv")
    assert run("respond", truth, *OPTIONS, "-o", sent).exit_code == 0
    table = csv.read_csv(sent)
    assert table.column_names == ["used"]
    true = csv.read_csv(truth)["used"].to_pylist()
    kept = sum(a == b for a, b in zip(true, table["used"].to_pylist(), strict=True))
    assert 5000 < kept < 6500  # e / (e + 2) of ten thousand is 5761
    rows = json.loads(run("estimate", sent, *OPTIONS, "--json").stdout)
    for row, persons in zip(rows, (3000, 6000, 1000), strict=True):
        width = row["upper"] - row["lower"]
        assert abs(row["persons"] - persons) < width * 2
        assert 100 < width < 2000
    assert "yes" in run("estimate", sent, *OPTIONS).stdout


def test_answers_are_not_drawn_a_second_time_by_accident(truth: Path) -> None:
    sent = truth.with_name("sent.parquet")
    assert run("respond", truth, *OPTIONS, "-o", sent).exit_code == 0
    before = sent.read_bytes()
    result = run("respond", truth, *OPTIONS, "-o", sent)
    assert isinstance(result.exception, InvalidRequest)
    assert "drawn once" in str(result.exception)
    assert sent.read_bytes() == before


@pytest.mark.parametrize(
    ("options", "named"),
    [
        (("--epsilon", "0"), "above 0"),
        (("--epsilon", "-1"), "above 0"),
        (("--epsilon", "nan"), "above 0"),
        (("--epsilon", "21"), "at most 20"),
        (("--answers", "yes,no"), "other values"),
        (("--answers", "yes,yes,no"), "each once"),
        (("--column", "age"), "no column age"),
    ],
)
def test_what_would_tell_the_truth_is_refused(
    truth: Path, options: tuple[str, str], named: str
) -> None:
    sent = truth.with_name("sent.csv")
    result = run("respond", truth, *OPTIONS, *options, "-o", sent)
    assert isinstance(result.exception, InvalidRequest)
    assert named in str(result.exception)
    assert "unsure" not in str(result.exception)
    assert not sent.exists()
