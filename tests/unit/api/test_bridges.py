"""Bridges between the event loop and threads."""

import asyncio
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from gateway.api.bridges import Inbox, ReadAhead
from gateway.errors import Cancelled, DeadlineExceeded


@pytest.fixture
def executor():
    with ThreadPoolExecutor(2) as pool:
        yield pool


class Source:
    """Counts what was asked of it, and notes which threads asked and whether it was closed."""

    def __init__(self, count, fails_at=None):
        self.made = 0
        self.closed = False
        self.busy = threading.Lock()
        self._items = self._generate(count, fails_at)

    def _generate(self, count, fails_at):
        for number in range(count):
            if number == fails_at:
                raise ValueError("no more")
            yield number

    def __iter__(self):
        return self

    def __next__(self):
        assert self.busy.acquire(blocking=False), "two threads at once"
        try:
            item = next(self._items)
            self.made += 1
            return item
        finally:
            self.busy.release()

    def close(self):
        self.closed = True
        self._items.close()


@pytest.mark.parametrize("count", [0, 1, 2, 3, 7, 8, 9, 100])
@pytest.mark.parametrize("window", [1, 2, 5])
async def test_every_item_comes_once_and_in_order(executor, count, window):
    ahead = ReadAhead(executor, Source(count), window)
    assert [item async for item in ahead] == list(range(count))
    await ahead.close()


async def test_a_reader_that_waits_is_waited_for(executor):
    source = Source(100)
    ahead = ReadAhead(executor, source, 2)
    assert await anext(ahead) == 0
    await settled(ahead)
    assert source.made <= 3
    assert await anext(ahead) == 1
    await settled(ahead)
    assert source.made <= 4
    await ahead.close()
    assert source.closed


async def settled(ahead):
    while not ahead._idle:
        await asyncio.wait({ahead._job})


async def test_a_slow_reader_holds_no_thread(executor):
    streams = [ReadAhead(executor, Source(50)) for _ in range(10)]
    for stream in streams:  # more streams than threads, each read a little and left
        assert await anext(stream) == 0
    free = asyncio.get_running_loop().run_in_executor(executor, lambda: "done")
    assert await asyncio.wait_for(free, 5) == "done"
    for stream in streams:
        await stream.close()


async def test_a_fault_comes_after_what_was_made_before_it(executor):
    ahead = ReadAhead(executor, Source(5, fails_at=3))
    assert [await anext(ahead) for _ in range(3)] == [0, 1, 2]
    with pytest.raises(ValueError, match="no more"):
        await anext(ahead)


async def test_closing_runs_the_clean_up_of_a_generator(executor):
    cleaned = []

    def generate():
        try:
            yield from range(10)
        finally:
            cleaned.append(threading.current_thread().name)

    ahead = ReadAhead(executor, generate())
    await anext(ahead)
    await ahead.close()
    assert len(cleaned) == 1
    assert cleaned[0] != threading.main_thread().name


class Waiting:
    """A client that has sent some messages and says nothing more."""

    def __init__(self, *messages):
        self._messages = list(messages)
        self.asked = asyncio.Event()

    async def read(self):
        if self._messages:
            return self._messages.pop(0)
        self.asked.set()
        return await asyncio.Event().wait()


class Going:
    """A call that goes on."""

    def check(self):
        pass


async def test_messages_are_read_until_the_end(executor):
    async def read():
        return messages.pop(0)

    messages = [b"a", b"b", object()]  # what gRPC returns at the end is no message
    inbox = Inbox(Going(), read, bytes.decode, 5)
    taken = await asyncio.get_running_loop().run_in_executor(executor, list, inbox)
    assert taken == ["a", "b"]


async def test_abandoning_wakes_the_thread_that_waits(executor):
    client = Waiting(b"a")
    inbox = Inbox(Going(), client.read, bytes.decode, 60)
    loop = asyncio.get_running_loop()
    job = loop.run_in_executor(executor, list, inbox)
    await asyncio.wait_for(client.asked.wait(), 5)
    inbox.abandon()
    with pytest.raises(Cancelled):
        await asyncio.wait_for(job, 5)
    with pytest.raises(Cancelled):
        await asyncio.wait_for(loop.run_in_executor(executor, next, inbox), 5)


async def test_a_silent_client_is_waited_for_so_long_and_no_longer(executor):
    inbox = Inbox(Going(), Waiting(b"a").read, bytes.decode, 0.05)
    with pytest.raises(DeadlineExceeded) as caught:
        await asyncio.get_running_loop().run_in_executor(executor, list, inbox)
    assert caught.value.reason == "STREAM_IDLE"
