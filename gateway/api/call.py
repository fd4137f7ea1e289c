"""One call on its way through the gateway: who makes it, what it is about, whether it is over."""

import threading
from collections.abc import Callable
from dataclasses import dataclass, field

from google.protobuf.message import Message

from gateway.api.convert.keys import request_key
from gateway.api.identity import ANONYMOUS, Peer
from gateway.api.roles import Method
from gateway.errors import Cancelled, GatewayFault
from gateway.model.catalog import Party
from gateway.model.requests import RequestKey


@dataclass(slots=True)
class Call:
    """What servicers are given beside the request.

    ``writes_entry``: the use case writes an audit entry of its own when it succeeds.
    ``ends_in_log``: it also writes one when it fails, so that the interceptor has nothing to add.
    """

    method: Method
    peer: Peer
    repeats: Callable[[Party, RequestKey], bool]
    admit: Callable[["Call"], None] = field(repr=False)
    known: Party | None = None
    resource: str = ""
    writes_entry: bool = False
    ends_in_log: bool = False
    _over: threading.Event = field(default_factory=threading.Event, repr=False)

    @property
    def party(self) -> Party:
        """The caller, recognised and allowed to make this call."""
        if self.known is None:
            raise GatewayFault("a call reached its handler without an identity")
        return self.known

    @property
    def actor(self) -> str:
        return self.known.name if self.known is not None else ANONYMOUS

    def key(self, request: Message) -> RequestKey:
        """What makes this command repeatable. Its request_id must have been checked.

        The first time, the use case logs what it did in its own transaction; a repetition finds
        everything done, so that the interceptor logs the call.
        """
        key = request_key(self.method.path, request)
        self.writes_entry = not self.repeats(self.party, key)
        return key

    @property
    def over(self) -> bool:
        """Whether nobody waits for the answer any more."""
        return self._over.is_set()

    def check(self) -> None:
        """Cancelled when it is over."""
        if self.over:
            raise Cancelled("the call is over")

    def check_identity(self) -> None:
        """For long calls: the certificate may have expired, the party been shut out since."""
        self.check()
        self.admit(self)

    def end(self) -> None:
        """No further work is done for it."""
        self._over.set()
