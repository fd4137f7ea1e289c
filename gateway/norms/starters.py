"""The policy starters that ship with the gateway, as text to copy from."""

from dataclasses import dataclass
from functools import cache
from importlib import resources


@dataclass(frozen=True, slots=True)
class Starter:
    """A starter: its identifier, the policy file's text, and the text of its cases."""

    name: str
    policy: str
    cases: str


@cache
def starters() -> tuple[Starter, ...]:
    """All starters, by name."""
    folder = resources.files("gateway.norms").joinpath("policies")
    names = sorted(
        item.name.removesuffix(".cases.yaml")
        for item in folder.iterdir()
        if item.name.endswith(".cases.yaml")
    )
    return tuple(
        Starter(
            name,
            folder.joinpath(f"{name}.yaml").read_text("utf-8"),
            folder.joinpath(f"{name}.cases.yaml").read_text("utf-8"),
        )
        for name in names
    )
