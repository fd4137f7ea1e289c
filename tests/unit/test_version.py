"""The package and the changelog name the same version, so that a release cannot forget one."""

import re
from pathlib import Path

import gateway

CHANGELOG = Path(__file__).parents[2] / "CHANGELOG.md"


def test_newest_entry_of_the_changelog_is_this_version() -> None:
    headings = re.findall(r"^## (\S+)", CHANGELOG.read_text(encoding="utf-8"), re.MULTILINE)
    assert headings[0] == gateway.__version__
