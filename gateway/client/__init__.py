"""The Python client: everything that a party can do over the network.

    with gateway.client.connect("clients/consumer/profile.yaml") as client:
        release = client.wait(client.request("residents", ["district", "income"], "research"))
        table = client.read(release)

Methods return the API's own messages; ``plain`` turns one into a dictionary. Failures are the
errors of ``gateway.errors``, with a reason, violations and metadata; ``Denied`` carries the
reasons of a decision. Every call has a deadline, and is tried again a bounded number of times
when the connection fails; what changes something is never done twice.
"""

from pathlib import Path
from types import TracebackType
from typing import Self

from gateway.client.catalog import CatalogCalls
from gateway.client.failures import ClassificationFailed, Denied, DeniedRecords, Unreachable
from gateway.client.forms import condition
from gateway.client.grants import GrantCalls
from gateway.client.keys import KeyCalls
from gateway.client.link import Link
from gateway.client.oversight import AuditCalls, PartyCalls
from gateway.client.plain import plain
from gateway.client.policies import PolicyCalls
from gateway.client.profile import Profile, find_profile, load_profile
from gateway.client.protecting import ProtectCalls
from gateway.client.reidentifications import ReidentificationCalls, answer_key
from gateway.client.releases import ReleaseCalls
from gateway.client.statistics import StatisticsCalls

__all__ = [
    "ClassificationFailed",
    "Client",
    "Denied",
    "DeniedRecords",
    "Profile",
    "Unreachable",
    "answer_key",
    "condition",
    "connect",
    "find_profile",
    "load_profile",
    "plain",
]


class Client(
    CatalogCalls,
    PolicyCalls,
    GrantCalls,
    ReleaseCalls,
    StatisticsCalls,
    ReidentificationCalls,
    ProtectCalls,
    PartyCalls,
    KeyCalls,
    AuditCalls,
):
    """One party's connection to one gateway. Safe to use from several threads."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Give the connection up; calls that are under way are cancelled."""
        self._link.close()


def connect(
    profile: str | Path | Profile | None = None,
    *,
    address: str | None = None,
    authority: str | Path | None = None,
    certificate: str | Path | None = None,
    private_key: str | Path | None = None,
    token_file: str | Path | None = None,
) -> Client:
    """A client with the identity of a profile, or with one put together here.

    Without any argument, the profile that the variable GATEWAY_PROFILE names; with a profile,
    ``address`` takes the place of its own. ConfigurationError when an identity is incomplete.
    """
    if address is not None and authority is not None:
        chosen = Profile(
            address=address,
            authority=Path(authority),
            certificate=_path(certificate),
            private_key=_path(private_key),
            token_file=_path(token_file),
        )
    elif isinstance(profile, Profile):
        chosen = profile
    else:
        chosen = load_profile(find_profile(None) if profile is None else Path(profile))
    if address is not None:
        chosen = chosen.at(address)
    return Client(Link.open(chosen))


def _path(given: str | Path | None) -> Path | None:
    return None if given is None else Path(given)
