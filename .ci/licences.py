"""Writes docs/licences.md: every package that an installation carries, with its licence.

Read from what is installed, for the packages of deploy/container/requirements.lock. With --check,
ends with 1 when the page is not so, or a licence is none that may be carried.
"""

import re
import sys
from importlib.metadata import PackageNotFoundError, metadata
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parents[1]
LOCK: Final = ROOT / "deploy" / "container" / "requirements.lock"
PAGE: Final = ROOT / "docs" / "licences.md"

# Carried unchanged as packages of their own, these oblige to nothing but their notices. LGPL and MPL
# oblige for changes of their own files, of which there are none.
PERMITTED: Final = (
    "0BSD", "Apache-2.0", "BSD-2-Clause", "BSD-3-Clause", "CC0-1.0", "CNRI-Python", "ISC",
    "LGPL-3.0-only", "MIT", "MIT-0", "MPL-2.0", "PSF-2.0", "Zlib",
)  # fmt: skip
# What packages say that do not say it as an SPDX expression.
SPDX: Final = {
    "Apache 2.0": "Apache-2.0",
    "Apache Software License": "Apache-2.0",
    "3-Clause BSD License": "BSD-3-Clause",
    "BSD": "BSD-3-Clause",
    "BSD License": "BSD-3-Clause",
    "ISC License": "ISC",
    "MIT License": "MIT",
    "Mozilla Public License 2.0 (MPL 2.0)": "MPL-2.0",
}
WINDOWS_ONLY: Final = {"colorama": "BSD-3-Clause"}


def licence(package: str) -> str:
    """An SPDX expression; ValueError when the package tells none that is known."""
    try:
        told = metadata(package)
    except PackageNotFoundError:
        return WINDOWS_ONLY[package]
    classified = [
        c.split(" :: ")[-1] for c in told.get_all("Classifier") or () if c.startswith("License ::")
    ]
    for text in (told.get("License-Expression"), told.get("License"), *reversed(classified)):
        expression = SPDX.get(text or "", text or "")
        parts = re.split(r" (?:AND|OR) ", expression)
        if all(part in PERMITTED for part in parts):
            return expression
    raise ValueError(f"{package} has no licence that is known to be permitted")


def page() -> str:
    """The whole page."""
    pins = re.findall(
        r"^([A-Za-z0-9._-]+)(?:\[[^\]]*\])?==([^\s;\\]+)", LOCK.read_text(), re.MULTILINE
    )
    rows = [f"| {name} | {version} | {licence(name)} |" for name, version in dict(pins).items()]
    return "\n".join(
        [
            "# Licences",
            "",
            "The gateway is under Apache-2.0. An installation carries these packages, unchanged;",
            "tests and checks use others, which nobody is given. Made by `python .ci/licences.py`.",
            "",
            "| package | version | licence |",
            "| --- | --- | --- |",
            *rows,
            "",
        ]
    )


def main() -> None:
    """Write the page, or compare it."""
    if "--check" not in sys.argv:
        PAGE.write_text(page(), encoding="utf-8")
    elif not PAGE.is_file() or PAGE.read_text(encoding="utf-8") != page():
        sys.exit("docs/licences.md is not up to date: run python .ci/licences.py")


if __name__ == "__main__":
    main()
