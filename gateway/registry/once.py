"""A creating call happens once: its retry gets the resource that the first one made."""

from gateway.errors import AlreadyExists
from gateway.model.catalog import Party
from gateway.model.requests import RequestKey
from gateway.ports import Transaction


def made_before(tx: Transaction, caller: Party, key: RequestKey) -> str | None:
    """The resource an earlier call with this key made, None when it is new.

    Raises AlreadyExists when the request id was used for a different request.
    """
    known = tx.remembered(caller.name, key.method, key.request_id)
    if known is None:
        return None
    digest, resource = known
    if digest != key.request_digest:
        raise AlreadyExists(
            "this request_id was used for a different request; use a new one",
            reason="REQUEST_ID_REUSED",
        )
    return resource


def remember(tx: Transaction, caller: Party, key: RequestKey, resource: str) -> None:
    """Keep what this call made, for its retries."""
    tx.remember(caller.name, key.method, key.request_id, key.request_digest, resource)
