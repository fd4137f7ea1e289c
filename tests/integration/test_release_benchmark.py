"""The release benchmark still measures what it says, on a small table."""

import json
import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_a_small_run_gives_every_figure_and_leaves_nothing_behind(tmp_path: Path) -> None:
    report, scratch = tmp_path / "report.json", tmp_path / "scratch"
    scratch.mkdir()
    program = ROOT / "tests" / "benchmarks" / "release.py"
    options = ["--rows", "20000", "--quick", "--no-presidio", "--json", report]
    done = subprocess.run(
        [sys.executable, program, *options],
        env={**os.environ, "PYTHONPATH": str(ROOT), "TMPDIR": str(scratch)},
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    figures = json.loads(report.read_text())
    assert figures["rows"] == 2_000
    assert figures["large"]["rows"] == 8_000
    assert set(figures["release_seconds"]) == {"open", "wait", "run", "read", "whole"}
    assert set(figures["unary_ms"]) == {"GetDataSet", "GetRelease"}
    measured = {aim: found["measured"] for aim, found in figures["aims"].items()}
    assert measured.pop("release_over_presidio") is None
    if sys.platform != "linux":  # where nothing tells the peak of another process
        assert measured.pop("memory_growth") is None
    assert all(value > 0 for value in measured.values())
    assert "request to last batch" in done.stdout
    assert list(scratch.iterdir()) == []
