"""What README and guides tell people to type works as written, in order, on a real server."""

import os
import re
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from gateway.app.setup import initialise
from gateway.cli.demo_server import NotServing, free_address, serving

ROOT = Path(__file__).parents[2]
# One story: each guide goes on where the one before it ended.
STORY = ("README.md", "docs/holder.md", "docs/officer.md", "docs/consumer.md", "docs/auditor.md",
         "docs/reidentification.md", "docs/operating.md")  # fmt: skip

_BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_SAVED_AS = re.compile(r"save (?:this|it) as\s+`([\w.-]+)`", re.IGNORECASE)


def script_of(document: str) -> str:
    """The document's commands, and the files that it says to save, as one shell script.

    In a ``console`` block, lines that begin with ``$`` are typed, and lines after one that ends
    in a backslash go on with it; other lines are what is seen. Any other block is a file if the
    paragraph before it says under which name to save it.
    """
    lines, end = [], 0
    for block in _BLOCK.finditer(document):
        language, content = block.groups()
        named = _SAVED_AS.findall(document[end : block.start()].rpartition("```")[2])
        end = block.end()
        if language == "console":
            lines.append(_typed(content))
        elif named:
            lines.append(f"cat > {named[-1]} <<'END OF FILE'\n{content}END OF FILE")
    return "\n".join(lines)


def _typed(content: str) -> str:
    typed, going_on = [], False
    for line in content.splitlines():
        if line.startswith("$ ") or going_on:
            typed.append(line.removeprefix("$ "))
            going_on = line.endswith("\\")
    return "\n".join(typed)


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    """An environment in which ``gateway`` and ``python`` are ours, and nothing else is set."""
    tools = tmp_path / "tools"
    tools.mkdir()
    for name, command in (("gateway", "-m gateway"), ("python", "")):
        tool = tools / name
        tool.write_text(f'#!/bin/sh\nexec "{sys.executable}" {command} "$@"\n', encoding="utf-8")
        tool.chmod(0o755)
    return {
        "PATH": f"{tools}:{os.environ['PATH']}",
        "PYTHONPATH": str(ROOT),
        "HOME": str(tmp_path),
        "LANG": "C.UTF-8",
        "GATEWAY_LISTEN": free_address(),
    }


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_readme_and_guides_work_as_written(environment: dict[str, str], tmp_path: Path) -> None:
    folder = tmp_path / "story"
    folder.mkdir()
    told = "\n".join(
        f"echo '#### {name}' >&2\n" + script_of((ROOT / name).read_text("utf-8")) for name in STORY
    )
    # Whatever was started in the background ends with the story, also when it breaks off.
    script = f"set -euxo pipefail\ntrap 'kill $(jobs -p) 2> /dev/null; wait' EXIT\n{told}\n"
    done = subprocess.run(
        ["bash", "-c", script],
        check=False,
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        timeout=580,
    )
    assert done.returncode == 0, f"{done.stdout[-3000:]}\n{done.stderr[-5000:]}"


def run_demo(*arguments: str, folder: Path) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "gateway", "demo", *arguments],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(ROOT), "TMPDIR": str(folder)},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def test_the_demonstration_holds_what_it_claims_and_leaves_nothing(tmp_path: Path) -> None:
    demo = run_demo("--rows", "2000", folder=tmp_path)
    output, _ = demo.communicate(timeout=100)
    assert demo.returncode == 0, output
    assert "All as claimed" in output
    assert "the Adult census extract is not there" in output
    assert not list(tmp_path.iterdir())


ADULT = ROOT / "../shared/data/adult/adult.csv"


@pytest.mark.skipif(not ADULT.is_file(), reason=f"{ADULT} is not there (see its README)")
def test_the_demonstration_releases_adult(tmp_path: Path) -> None:
    demo = run_demo("--rows", "2000", "--adult", str(ADULT.resolve()), folder=tmp_path)
    output, _ = demo.communicate(timeout=100)
    assert demo.returncode == 0, output
    assert "adult: 30,162 rows, 9 columns, grade general-4" in output
    assert "CSV verified" in output


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_demonstration_that_is_stopped_ends_its_server_and_removes_its_folder(
    tmp_path: Path, number: signal.Signals
) -> None:
    with run_demo("--rows", "2000", folder=tmp_path) as demo:
        assert demo.stdout is not None
        told = next(line for line in demo.stdout if "serving at" in line)
        demo.send_signal(number)
        demo.communicate(timeout=60)
    assert demo.returncode != 0
    assert not list(tmp_path.iterdir())
    assert _closed(told.split()[2].rstrip(";"))


def test_an_address_that_is_taken_is_said_in_one_line(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        initialise(tmp_path / "g", listen=f"127.0.0.1:{taken.getsockname()[1]}")
        with pytest.raises(NotServing) as caught, serving(tmp_path / "g"):
            pass
    assert "CONFIGURATION: cannot listen on" in caught.value.message
    assert "Traceback" not in (tmp_path / "g" / "gateway.log").read_text("utf-8")


def _closed(address: str) -> bool:
    host, _, port = address.rpartition(":")
    with socket.socket() as probe:
        return probe.connect_ex((host, int(port))) != 0
