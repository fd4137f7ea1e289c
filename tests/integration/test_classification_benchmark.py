"""The classification benchmark still measures what it says, on one seed."""

import json
import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_a_small_run_gives_every_figure_of_the_columns(tmp_path: Path) -> None:
    report = tmp_path / "report.json"
    program = ROOT / "tests" / "benchmarks" / "classification.py"
    done = subprocess.run(
        [sys.executable, program, "--quick", "--part", "columns", "--json", report],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    columns = json.loads(report.read_text())["columns"]
    fresh = columns["fresh"]
    assert fresh["columns"] >= 400
    assert fresh["direct"] > 100
    assert fresh["check_digit_claims"] > 10
    # No aim is held here: what a run reached, docs/classification.md says. A direct identifier of the
    # names that the rules know, called harmless, is another matter.
    assert columns["tuning"]["direct_missed"] == columns["second_half"]["direct_missed"] == 0
    assert set(columns["by_domain"]) == {"government", "health", "finance", "commerce"}
    assert len(columns["by_naming"]) == 6
    assert sum(part["columns"] for part in columns["by_naming"].values()) == fresh["columns"]
    assert 0 < columns["fresh_names_of_the_first_hand"] < 1
    assert 0 < columns["fresh_new_names"]["columns"] < fresh["columns"]
    hidden = columns["hidden"]
    assert hidden["columns"] > 700
    assert (
        sum(n for by in hidden["by_hiding"].values() for _, n in by.values()) == hidden["columns"]
    )
    assert hidden["released"] == sum(n for n, _ in hidden["by_carrier"].values())
    assert "macro F1" in done.stdout
    assert "released as harmless" in done.stdout
