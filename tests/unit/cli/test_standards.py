"""``gateway standards``: what an officer reads of them, without a server."""

import json

import pytest
from typer.testing import CliRunner

from gateway.cli.main import program
from gateway.norms.standards import standards

KEYS = sorted(standards())


def run(*arguments: str):
    return CliRunner().invoke(program, ["standards", *arguments])


def test_all_are_listed_with_their_levels():
    shown = run()
    assert shown.exit_code == 0
    assert all(key in shown.output for key in KEYS)
    listed = json.loads(run("--json").stdout)
    assert [one["key"] for one in listed] == KEYS
    by_key = {one["key"]: [level["name"] for level in one["levels"]] for one in listed}
    assert by_key["jrt-0197-2020"] == ["1", "2", "3", "4", "5"]


@pytest.mark.parametrize("key", KEYS)
def test_one_is_shown_with_every_entity_and_source(key):
    found = standards()[key]
    shown = " ".join(run(key).stdout.split())
    for name, item in found.entities.items():
        assert f"{name} {item.level}" in shown, name
    assert found.title.zh[:8] in shown
    assert "(check)" in shown
    told = json.loads(run(key, "--json").stdout)
    assert told["entities"]["PERSON"]["source"] == found.entities["PERSON"].source


def test_the_table_of_harm_is_shown():
    shown = run("gbt-43697-2024").stdout
    assert "国家安全" in shown
    assert "especially serious" in shown


def test_one_that_is_not_there_is_told_with_those_that_are():
    failed = run("ccpa")
    assert failed.exit_code != 0
    assert "gbt-43697-2024" in f"{failed.output}{failed.exception}"
