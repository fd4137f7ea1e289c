"""A command's connection: as which party, to which gateway."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from gateway.client import Client, connect, find_profile
from gateway.errors import InvalidRequest


@contextmanager
def connected(name: str | None, profile: Path | None) -> Iterator[Client]:
    """A connection as that party; without either, as GATEWAY_PROFILE says."""
    if name is not None and profile is not None:
        raise InvalidRequest.of("--as", "give either --as or --profile")
    with connect(profile or find_profile(name)) as client:
        yield client
