"""Work that is found in the store: how long one process may hold it, and how it tells how far it is.

A lease says which process works on a release or on a data set; it is prolonged with the progress
and asked for once more in the transaction that writes the outcome. It lapses with time and spares
work that is done twice; what may not happen twice is compared in that transaction.
"""

from collections.abc import Callable
from datetime import datetime, timedelta
from threading import Event

from gateway.errors import GatewayFault, StoreUnavailable
from gateway.ports import Clock

LEASE = timedelta(seconds=60)
HOLD_EVERY = LEASE / 12
"""Further leases of long work are prolonged so often: each time takes the writers' lock."""

PROGRESS_EVERY = timedelta(milliseconds=500)
MOST_ATTEMPTS = 3


class ShuttingDown(GatewayFault):
    """This process ends; the work is left for another one."""

    code = "UNAVAILABLE"
    reason = "SHUTTING_DOWN"


class Pulse:
    """Told how much is done, as often as one likes; notes it at most twice a second.

    ``note(done, now)`` writes it to the store, prolongs the lease, and raises Cancelled when the
    work is somebody else's by now. ShuttingDown is raised once ``stopping`` is set.
    """

    def __init__(
        self, clock: Clock, stopping: Event, note: Callable[[int, datetime], None]
    ) -> None:
        self._clock = clock
        self._stopping = stopping
        self._note = note
        self._last = clock.now()

    def __call__(self, done: int) -> None:
        if self._stopping.is_set():
            raise ShuttingDown("the gateway is shutting down")
        now = self._clock.now()
        if now - self._last < PROGRESS_EVERY:
            return
        try:
            self._note(done, now)
        except StoreUnavailable:
            # The lease still covers a short absence of the store; ending the work checks it.
            if now - self._last >= LEASE:
                raise
            return
        self._last = now
