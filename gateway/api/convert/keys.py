"""The key by which a repeated command is recognised, and etags."""

import hashlib

from google.protobuf.message import Message

from gateway.api.convert.shape import Shape
from gateway.model.requests import RequestKey

_LONGEST = 100
_SHORTEST = 8


def request_key(path: str, request: Message) -> RequestKey:
    """The key of a command whose request_id has been checked.

    Its digest is over all the rest of the request, unknown fields included, so that the same id
    with anything different in it is noticed.
    """
    rest = type(request)()
    rest.CopyFrom(request)
    rest.ClearField("request_id")
    return RequestKey(
        method=path,
        request_id=request.request_id,  # type: ignore[attr-defined] # every command has one
        request_digest=hashlib.sha256(rest.SerializeToString(deterministic=True)).hexdigest(),
    )


def check_request_id(shape: Shape, request_id: str) -> None:
    """8 to 100 characters."""
    if not _SHORTEST <= len(request_id) <= _LONGEST:
        shape.fault("request_id", f"{_SHORTEST} to {_LONGEST} characters, new for each command")


def etag(revision: int) -> str:
    """What a caller sends back to change what it read."""
    return f"r{revision}"


def revision(shape: Shape, field: str, text: str) -> int:
    """Inverse of ``etag``."""
    digits = text.removeprefix("r")
    if text.startswith("r") and digits.isdecimal() and digits.isascii() and len(digits) < 20:
        return int(digits)
    shape.fault(field, "required: the etag of the resource as you read it")
    return 0
