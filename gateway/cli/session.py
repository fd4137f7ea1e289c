"""A command's connection: as which party, to which gateway."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from gateway.client import Client, connect, find_profile


@contextmanager
def connected(name: str | None, profile: Path | None) -> Iterator[Client]:
    """A connection as that party; without either, as GATEWAY_PROFILE says."""
    with connect(profile or find_profile(name)) as client:
        yield client
