"""``gateway classify`` of a file here and of the data set that was registered from it."""

import json
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from typer.testing import CliRunner

from gateway.app.setup import initialise
from gateway.cli.demo_server import free_address, serving
from gateway.cli.main import program
from gateway.client import connect, load_profile
from gateway.model.catalog import ParquetSource
from gateway.testing import health_insurance

SAME = ("name", "entity", "element", "grade", "role", "confidence", "evidence", "coverage", "rules")


def classify(*arguments: object) -> str:
    result = CliRunner().invoke(program, ["classify", *map(str, arguments)])
    assert result.exit_code == 0, result.exception
    return result.stdout


def verdicts(told: str) -> list[dict[str, Any]]:
    return [{key: c[key] for key in SAME} for c in json.loads(told)["columns"]]


@pytest.mark.timeout(300)
def test_a_file_and_the_data_set_registered_from_it_are_told_alike(tmp_path: Path) -> None:
    folder = tmp_path / "g"
    initialise(folder, listen=free_address())
    file = folder / "data" / "holder" / "visits.parquet"
    pq.write_table(health_insurance(400, 3, style="pinyin"), file)
    with serving(folder) as address:
        profiles = {}
        for name in ("holder", "officer"):
            profiles[name] = folder / "clients" / name / "profile.yaml"
            with connect(load_profile(profiles[name]).at(address)) as client:
                if name == "holder":
                    # Not waited for: the command does that.
                    client.register(
                        "visits", ParquetSource(path=file.name), title="Visits", wait=False
                    )
        told = classify("visits", "--json", "--profile", profiles["officer"])
        here = classify(file, "--json")
        assert json.loads(told)["dataset"] == "datasets/visits"
        assert json.loads(told)["grade"] == json.loads(here)["grade"]
        assert verdicts(told) == verdicts(here)
        pages = {
            "told": ("visits", "--html", tmp_path / "a.html", "--profile", profiles["officer"]),
            "here": (file, "--html", tmp_path / "b.html"),
        }
        tables = {name: classify(*given, "--language", "en") for name, given in pages.items()}
        assert (
            tables["told"].replace("datasets/visits", "visits.parquet").splitlines()[:30]
            == (tables["here"].splitlines()[:30])
        )
        # The gateway shows nobody a value, masked or not.
        assert "examples, masked" not in (tmp_path / "a.html").read_text("utf-8")
        assert "examples, masked" in (tmp_path / "b.html").read_text("utf-8")
