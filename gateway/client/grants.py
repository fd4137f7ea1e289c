"""Grants, seen from outside: ask, approve, refuse, revoke."""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta

from gateway.api.pb import grant_pb2, grant_pb2_grpc
from gateway.client.forms import full_name, moment
from gateway.client.link import Calls, Link
from gateway.client.plain import number, words
from gateway.errors import InvalidRequest

_STATE = grant_pb2.GrantState.DESCRIPTOR


class GrantCalls(Calls):
    """The grants' part of the client."""

    def __init__(self, link: Link) -> None:
        super().__init__(link)
        self._grants = grant_pb2_grpc.GrantServiceStub(link.channel)

    def request_grant(
        self,
        dataset: str,
        columns: Sequence[str],
        purpose: str,
        *,
        justification: str,
        expires: datetime | None = None,
        days: int = 30,
        not_before: datetime | None = None,
        project: str | None = None,
    ) -> grant_pb2.Grant:
        """Ask for the use of columns until ``expires``, or for ``days`` from now."""
        request = grant_pb2.RequestGrantRequest(
            dataset=full_name("datasets", dataset),
            columns=columns,
            purpose=purpose,
            project=project or "",
            justification=justification,
            not_before=moment(not_before) if not_before is not None else None,
            expires=moment(expires or datetime.now(UTC) + timedelta(days=days)),
        )
        return self._link.command(self._grants.RequestGrant, request)

    def grants(
        self, dataset: str = "", state: str | None = None, *, affected: bool = False
    ) -> Iterator[grant_pb2.Grant]:
        """Grants that the caller may see, newest first; ``affected``: only those that no longer
        carry what they carried, since verdicts changed."""
        request = grant_pb2.ListGrantsRequest(
            dataset=full_name("datasets", dataset),
            state=_state(state),  # type: ignore[arg-type]
            affected=affected,
        )
        return self._link.pages(self._grants.ListGrants, request, "grants")

    def grant(self, name: str) -> grant_pb2.Grant:
        """One grant."""
        request = grant_pb2.GetGrantRequest(name=full_name("grants", name))
        return self._link.call(self._grants.GetGrant, request)

    def approve(self, grant: str | grant_pb2.Grant, reason: str) -> grant_pb2.Grant:
        """Approve a grant. Given the grant itself, exactly what was read is approved: Conflict
        when it changed since. Given a name, what it is now."""
        seen = grant if isinstance(grant, grant_pb2.Grant) else self.grant(grant)
        request = grant_pb2.ApproveGrantRequest(name=seen.name, etag=seen.etag, reason=reason)
        return self._link.command(self._grants.ApproveGrant, request)

    def refuse(self, grant: str | grant_pb2.Grant, reason: str) -> grant_pb2.Grant:
        """Refuse a grant, as ``approve``; the consumer sees the reason."""
        seen = grant if isinstance(grant, grant_pb2.Grant) else self.grant(grant)
        request = grant_pb2.RefuseGrantRequest(name=seen.name, etag=seen.etag, reason=reason)
        return self._link.command(self._grants.RefuseGrant, request)

    def revoke(self, grant: str | grant_pb2.Grant, reason: str) -> grant_pb2.Grant:
        """End an active grant: reading what rests on it stops at once."""
        name = grant if isinstance(grant, str) else grant.name
        request = grant_pb2.RevokeGrantRequest(name=full_name("grants", name), reason=reason)
        return self._link.command(self._grants.RevokeGrant, request)


def _state(state: str | None) -> int:
    if state is None:
        return 0
    found = number(_STATE, state)
    if found is None:
        raise InvalidRequest.of("state", f"one of {', '.join(words(_STATE))}")
    return found
