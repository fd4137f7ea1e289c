"""Watching what is in the store: soon after a change, rarely without one."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Final, TypeVar

T = TypeVar("T")

_FIRST_LOOK: Final = 0.05
_RARELY: Final = 1.0
"""Seconds between two looks."""


async def watched(look: Callable[[], Awaitable[T]], ended: Callable[[T], bool]) -> AsyncIterator[T]:
    """What is seen, each time it differs from what was seen before, until it ended."""
    pause, first = _FIRST_LOOK, True
    before: T | None = None
    while True:
        now = await look()
        if first or now != before:
            yield now
            before, pause, first = now, _FIRST_LOOK, False
        if ended(now):
            return
        await asyncio.sleep(pause)
        pause = min(pause * 1.5, _RARELY)
