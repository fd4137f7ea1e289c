"""Turns foreign exceptions into ours where they enter the data path."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from gateway.errors import GatewayError


@contextmanager
def translating(error: Callable[[], GatewayError]) -> Iterator[None]:
    """Raise ``error()`` for every exception that is not of our tree.

    Broad on purpose: whatever a library raises over a column stops the run. Not chained: the
    texts of Arrow, DuckDB and database drivers quote cell values, and a logged traceback prints
    the whole chain.
    """
    try:
        yield
    except GatewayError:
        raise
    except Exception:  # noqa: BLE001 - see above
        raise error() from None
