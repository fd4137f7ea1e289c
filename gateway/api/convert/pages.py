"""Pages of lists: sizes, and tokens that are good for the list they were given for and no other."""

import base64
import binascii
import hashlib
import hmac
from collections.abc import Callable, Iterable, Sequence
from typing import TypeVar

from google.protobuf.message import Message

from gateway.api.call import Call
from gateway.api.convert.shape import Shape
from gateway.api.limits import MESSAGE_OUT_BYTES
from gateway.ports import Page

Item = TypeVar("Item")
M = TypeVar("M", bound=Message)

_MAC_BYTES = 16
_PAGE_BYTES = MESSAGE_OUT_BYTES * 3 // 4
"""A page of very large items holds fewer of them, rather than more than a client will take."""


class Pages:
    """Reads and writes page tokens.

    A token is a position with a MAC over the position, the method, the caller and everything in
    the request that selects items: nobody makes one up, takes another's, or changes the filter
    halfway. ``key`` must be the same in all processes of one gateway.
    """

    def __init__(self, key: bytes) -> None:
        self._key = key

    def page(self, shape: Shape, call: Call, request: Message, *, usual: int, most: int) -> Page:
        """Which part of the list is wanted."""
        size: int = request.page_size  # type: ignore[attr-defined] # every list request has both
        token: str = request.page_token  # type: ignore[attr-defined]
        if not 0 <= size <= most:
            shape.fault("page_size", f"1 to {most}; 0 means {usual}")
        return Page(size=size or usual, after=self._position(shape, call, request, token))

    def fill(
        self,
        call: Call,
        request: Message,
        page: Page,
        items: Sequence[Item],
        position: Callable[[Item], str],
        convert: Callable[[Item], M],
    ) -> tuple[list[M], str]:
        """The converted items that fit into an answer, and the token of the next page.

        The token is empty when fewer items were found than asked for: then the list has ended.
        """
        messages: list[M] = []
        size = 0
        for item in items:
            message = convert(item)
            size += message.ByteSize()
            if messages and size > _PAGE_BYTES:
                break
            messages.append(message)
        ended = len(messages) == len(items) < page.size
        if ended or not messages:
            return messages, ""
        return messages, self._token(call, request, position(items[len(messages) - 1]))

    def _token(self, call: Call, request: Message, position: str) -> str:
        raw = self._mac(call, request, position.encode()) + position.encode()
        return base64.urlsafe_b64encode(raw).decode().rstrip("=")

    def _position(self, shape: Shape, call: Call, request: Message, token: str) -> str | None:
        if not token:
            return None
        try:
            raw = base64.b64decode(token + "=" * (-len(token) % 4), altchars=b"-_", validate=True)
        except (ValueError, binascii.Error):
            raw = b""
        mac, position = raw[:_MAC_BYTES], raw[_MAC_BYTES:]
        if not hmac.compare_digest(mac, self._mac(call, request, position)):
            shape.fault("page_token", "not a token of this list; begin again without one")
            return None
        return position.decode()

    def _mac(self, call: Call, request: Message, position: bytes) -> bytes:
        filters = type(request)()
        filters.CopyFrom(request)
        filters.ClearField("page_token")
        filters.ClearField("page_size")
        bound: Iterable[bytes] = (
            call.method.path.encode(),
            call.party.name.encode(),
            filters.SerializeToString(deterministic=True),
            position,
        )
        # Each part is hashed first, so that no two lists of parts are the same bytes.
        joined = b"".join(hashlib.sha256(part).digest() for part in bound)
        return hmac.digest(self._key, joined, "sha256")[:_MAC_BYTES]
