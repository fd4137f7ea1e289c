"""Bridges between the event loop and threads that block: messages in, messages out, bounded."""

import asyncio
import concurrent.futures
from collections import deque
from collections.abc import Awaitable, Callable, Iterator
from concurrent.futures import Executor
from typing import Generic, TypeVar

from google.protobuf.message import Message

from gateway.api.call import Call
from gateway.errors import Cancelled, DeadlineExceeded

Item = TypeVar("Item")
_TURN = 8
"""Items a stream makes before it lets other calls have the thread."""


class _End(Exception):
    """What stands after the last item."""


class ReadAhead(Generic[Item]):
    """Iterates a blocking iterator from the event loop, ``window`` items ahead.

    A thread is used only while there is room in the window, so that a slow reader holds none;
    a fast one is served by one job for several items, so that there is no change of threads for
    each. Items are made one after another, never by two threads at once.
    """

    def __init__(self, executor: Executor, source: Iterator[Item], window: int = 2) -> None:
        self._executor = executor
        self._source = source
        self._window = window
        self._loop = asyncio.get_running_loop()
        self._made: deque[Item | BaseException] = deque()
        self._changed = asyncio.Event()
        self._job: asyncio.Future[None] | None = None
        self._ended = False
        self._stopped = False

    def __aiter__(self) -> "ReadAhead[Item]":
        return self

    async def __anext__(self) -> Item:
        while not self._made:
            self._changed.clear()
            if self._idle:
                self._start()
            await self._changed.wait()
        item = self._made.popleft()
        if self._idle and not self._ended:
            self._start()
        if isinstance(item, _End):
            raise StopAsyncIteration
        if isinstance(item, BaseException):
            raise item
        return item

    async def close(self) -> None:
        """Let the source end where it is, in a thread; its own clean-up runs before this returns."""
        self._stopped = True
        if self._job is not None:
            await asyncio.wait({self._job})
        close = getattr(self._source, "close", None)
        if close is not None and not self._ended:
            await self._loop.run_in_executor(self._executor, close)

    @property
    def _idle(self) -> bool:
        return self._job is None or self._job.done()

    def _start(self) -> None:
        self._job = self._loop.run_in_executor(self._executor, self._fill)
        self._job.add_done_callback(lambda _: self._changed.set())

    def _fill(self) -> None:
        for _ in range(_TURN):
            if self._stopped or len(self._made) >= self._window:
                return
            try:
                self._made.append(next(self._source))
            except StopIteration:
                self._finish(_End())
                return
            except BaseException as error:  # noqa: BLE001 - handed to whoever iterates
                self._finish(error)
                return
            self._loop.call_soon_threadsafe(self._changed.set)

    def _finish(self, last: BaseException) -> None:
        self._ended = True
        self._made.append(last)


class Inbox:
    """The messages of a client stream for a thread that blocks, one read ahead.

    Raises DeadlineExceeded when the client is silent for ``idle_seconds``, Cancelled when the call
    is over; whoever iterates then stops, and nothing half-taken remains.
    """

    def __init__(
        self,
        call: Call,
        read: Callable[[], Awaitable[object]],
        parse: Callable[[bytes], Message],
        idle_seconds: float,
    ) -> None:
        self._call = call
        self._read = read
        self._parse = parse
        self._idle_seconds = idle_seconds
        self._loop = asyncio.get_running_loop()
        self._next: concurrent.futures.Future[bytes | None] | None = None
        self._reading: asyncio.Task[object] | None = None
        self._ended = False
        self._abandoned = False

    def __iter__(self) -> "Inbox":
        return self

    def __next__(self) -> Message:
        if self._ended:
            raise StopIteration
        self._call.check()
        waiting = self._next or self._ask()
        try:
            data = waiting.result()
        except concurrent.futures.CancelledError as error:
            raise Cancelled("the stream broke off") from error
        if data is None:
            self._ended = True
            raise StopIteration
        self._next = self._ask()
        return self._parse(data)

    def abandon(self) -> None:
        """Wake the thread that waits for a message; called in the event loop."""
        self._abandoned = True
        if self._reading is not None:
            self._reading.cancel()

    def _ask(self) -> "concurrent.futures.Future[bytes | None]":
        return asyncio.run_coroutine_threadsafe(self._receive(), self._loop)

    async def _receive(self) -> bytes | None:
        if self._abandoned:
            raise asyncio.CancelledError
        self._reading = asyncio.current_task()
        try:
            async with asyncio.timeout(self._idle_seconds):
                data = await self._read()
        except TimeoutError:
            raise DeadlineExceeded(
                f"no message for {self._idle_seconds:g} seconds", reason="STREAM_IDLE"
            ) from None
        return data if isinstance(data, bytes) else None
