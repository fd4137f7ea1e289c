"""requirements.lock is what pyproject.toml asks for, exact, hashed, and tied to no host."""

import re
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

ROOT = Path(__file__).parents[2]
LOCK = (ROOT / "requirements.lock").read_text(encoding="utf-8")
NPM_LOCK = (ROOT / ".ci" / "package-lock.json").read_text(encoding="utf-8")
PIN = re.compile(r"^(?P<name>[A-Za-z0-9._-]+)(?:\[[^\]]*\])?==(?P<version>[^\s;]+)", re.MULTILINE)


def declared() -> list[Requirement]:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    return [
        Requirement(line)
        for line in [
            *project["build-system"]["requires"],
            *project["project"]["dependencies"],
            *project["project"]["optional-dependencies"]["pandas"],
            *project["dependency-groups"]["build"],
            *(line for line in project["dependency-groups"]["dev"] if isinstance(line, str)),
        ]
    ]


def pins() -> dict[str, list[Version]]:
    found: dict[str, list[Version]] = {}
    for match in PIN.finditer(LOCK):
        name = canonicalize_name(match["name"])
        found.setdefault(name, []).append(Version(match["version"]))
    return found


@pytest.mark.parametrize("requirement", declared(), ids=str)
def test_every_declared_requirement_is_pinned_within_its_bounds(requirement: Requirement) -> None:
    versions = pins().get(canonicalize_name(requirement.name), [])
    assert versions, f"{requirement.name} is not in requirements.lock: run `make lock`"
    outside = [version for version in versions if version not in requirement.specifier]
    assert not outside, f"{requirement.name} is pinned out of bounds: run `make lock`"


def test_every_pin_has_a_hash() -> None:
    blocks = re.split(r"\n(?=[A-Za-z0-9])", LOCK)
    unhashed = [block for block in blocks if PIN.match(block) and "--hash=sha256:" not in block]
    assert unhashed == []


@pytest.mark.parametrize("fault", ["://", "--index-url", "--find-links", "file:", " @ ", "-e "])
def test_lock_names_no_host_and_no_path(fault: str) -> None:
    assert fault not in LOCK


def test_npm_lock_names_no_registry() -> None:
    assert '"resolved"' not in NPM_LOCK


def test_no_package_that_brings_a_neural_runtime_is_pulled_in() -> None:
    assert not pins().keys() & {"torch", "tensorflow", "transformers", "jax"}
