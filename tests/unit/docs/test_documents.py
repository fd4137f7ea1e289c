"""What the documents name is there: tests, files, links, settings."""

import re
from pathlib import Path

import pytest

from gateway.config import Keys, Reidentification, Server, Settings, Sources

ROOT = Path(__file__).parents[3]
DOCUMENTS = sorted(
    path.relative_to(ROOT).as_posix()
    for path in (*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"), *ROOT.glob("deploy/*.md"))
)


def text_of(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


@pytest.mark.parametrize("name", DOCUMENTS)
def test_links_lead_to_files(name: str) -> None:
    for target in re.findall(r"\]\((?!https?://|#)([^)#]+)", text_of(name)):
        assert (ROOT / name).parent.joinpath(target).exists(), target


def test_every_threat_is_tried_by_a_test_that_exists() -> None:
    tests = "\n".join(path.read_text("utf-8") for path in ROOT.glob("tests/**/test_*.py"))
    rows = [
        line
        for line in text_of("docs/threat-model.md").partition("## Threats")[2].splitlines()
        if line.startswith("| ") and not line.startswith(("| threat ", "| --- "))
    ]
    assert len(rows) > 20
    for row in rows:
        tried_by = re.findall(r"`([^`]+)`", row.rstrip("| ").rpartition("|")[2])
        assert tried_by, row
        for name in tried_by:
            if name.startswith("tests/"):
                assert (ROOT / name).is_file(), name
            else:
                assert f"def {name}(" in tests, name


def test_every_setting_is_explained() -> None:
    explained = text_of("docs/operating.md").partition("## Settings")[2].partition("## Parties")[0]
    sections = {
        "server": Server,
        "keys": Keys,
        "sources": Sources,
        "reidentification": Reidentification,
    }
    for name in Settings.model_fields:
        for inner in sections[name].model_fields if name in sections else (name,):
            assert re.search(rf"\b{inner}\b", explained), f"{name}.{inner}"
