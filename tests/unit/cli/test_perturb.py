"""``gateway perturb``: what it writes and tells, and how it refuses what it cannot do."""

import json
from collections import Counter
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from typer.testing import CliRunner, Result

from gateway.cli.main import program
from gateway.errors import AlreadyExists, InvalidRequest

ROWS = 600


@pytest.fixture
def people(tmp_path: Path) -> Path:
    chance = np.random.default_rng(3)
    table = pa.table(
        {
            "age": chance.integers(18, 90, ROWS),
            "income": chance.integers(0, 9_000, ROWS),
            "work": chance.choice(["state", "private", "none"], ROWS),
            "school": chance.choice(["low", "middle", "high"], ROWS),
            "note": ["left alone"] * ROWS,
        }
    )
    pq.write_table(table, tmp_path / "people.parquet")
    return tmp_path / "people.parquet"


def run(*arguments: object) -> Result:
    return CliRunner().invoke(program, ["perturb", *(str(argument) for argument in arguments)])


def test_each_kind_does_what_it_says_and_leaves_other_columns(people: Path) -> None:
    output = people.with_name("out.parquet")
    done = run(
        people, "--mean", "age,income", "--k", 5, "--pram", "work=0.7", "--swap", "school=0.1",
        "--order", "school=low,middle,high", "-o", output, "--json",
    )  # fmt: skip
    assert done.exit_code == 0, done.output
    told = json.loads(done.stdout)
    before, after = pq.read_table(people), pq.read_table(output)
    pairs = Counter(zip(after["age"].to_pylist(), after["income"].to_pylist(), strict=True))
    assert min(pairs.values()) >= 5
    assert after["note"] == before["note"]
    assert Counter(after["school"].to_pylist()) == Counter(before["school"].to_pylist())
    assert 0 < told["means"]["information_loss"] < 0.2
    assert told["swapped"] == {"school": {"share": 0.1, "ranks": 60}}
    work = told["pram"]["work"]
    assert work["categories"] == ["none", "private", "state"]
    assert [sum(row) for row in work["matrix"]] == pytest.approx([1, 1, 1])
    counts = np.array([before["work"].to_pylist().count(name) for name in work["categories"]])
    assert counts @ np.array(work["matrix"]) == pytest.approx(counts, abs=1e-4)
    assert set(after["work"].to_pylist()) <= set(work["categories"])
    assert after["work"] != before["work"]


def test_two_runs_draw_otherwise(people: Path) -> None:
    for name in ("one.parquet", "two.parquet"):
        shown = run(people, "--pram", "work=0.5", "-o", people.with_name(name))
        assert "chances of what is published" in shown.stdout
    one, two = (pq.read_table(people.with_name(f"{name}.parquet")) for name in ("one", "two"))
    assert one != two


@pytest.mark.parametrize(
    ("arguments", "field"),
    [
        ([], "--mean"),
        (["--mean", "age", "--swap", "age=0.1"], "columns"),
        (["--mean", "nothing"], "columns"),
        (["--pram", "work"], "--pram"),
        (["--pram", "work=much"], "--pram"),
        (["--pram", "work=0.5", "--pram", "work=0.6"], "--pram"),
        (["--pram", "work=1.5"], "keep"),
        (["--swap", "school=0.1"], "order"),
        (["--mean", "age", "--order", "school=low,high"], "--order"),
        (["--mean", "work"], "work"),
    ],
)
def test_what_cannot_be_done_is_refused_and_nothing_written(
    people: Path, arguments: list[str], field: str
) -> None:
    output = people.with_name("out.csv")
    error = run(people, *arguments, "-o", output).exception
    assert isinstance(error, InvalidRequest)
    assert error.violations[0].field == field
    assert not output.exists()


def test_nothing_is_overwritten(people: Path) -> None:
    assert isinstance(run(people, "--mean", "age", "-o", people).exception, AlreadyExists)
