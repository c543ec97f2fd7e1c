from __future__ import annotations

import asyncio
import gc
import weakref

from rxllm.errors import TransportError
from rxllm.pump import Pump


async def turns(count: int = 5) -> None:
    for _ in range(count):
        await asyncio.sleep(0)


class Body:
    """A response whose bytes come when the test says so."""

    def __init__(self) -> None:
        self.headers: dict[str, str] = {}
        self.calls: list[str] = []
        self.bytes: asyncio.Queue[bytes | Exception] = asyncio.Queue()

    async def read(self) -> bytes:
        data = await self.bytes.get()
        if isinstance(data, Exception):
            raise data
        return data

    def pause(self) -> None:
        self.calls.append("pause")

    def resume(self) -> None:
        self.calls.append("resume")

    def close(self) -> None:
        self.calls.append("close")


class Pumped:
    """A pump, and what it handed over."""

    def __init__(self, *, opened: bool = True, last: bytes = b"!") -> None:
        self.body = Body()
        self.told: list[object] = []
        self.opened = asyncio.Event()
        if opened:
            self.opened.set()

        async def open_body() -> Body:
            self.told.append("open")
            await self.opened.wait()
            return self.body

        def take(data: bytes) -> bool:
            self.told.append(data)
            return data == last

        self.pump = Pump(open_body, take, lambda: self.told.append("end"), self.told.append)
        self.pump.start()

    def feed(self, *data: bytes | Exception) -> None:
        for each in data:
            self.body.bytes.put_nowait(each)


async def test_a_pump_hands_over_what_each_read_brought_and_the_end():
    pumped = Pumped()
    pumped.feed(b"a", b"b", b"")
    await pumped.pump._task
    assert (pumped.told, pumped.body.calls) == (["open", b"a", b"b", "end"], ["close"])


async def test_a_pump_reads_what_follows_the_last_that_matters_so_that_the_connection_can_be_used_again():
    pumped = Pumped()
    pumped.feed(b"a", b"!", b"trailer", b"")
    await pumped.pump._task
    assert (pumped.told, pumped.body.bytes.empty()) == (["open", b"a", b"!"], True)


async def test_a_server_that_does_not_end_after_the_last_is_not_waited_for():
    pumped = Pumped()
    pumped.feed(b"!")
    async with asyncio.timeout(5):
        await pumped.pump._task
    assert pumped.body.calls == ["close"]


async def test_an_error_of_the_body_is_handed_over():
    pumped = Pumped()
    error = TransportError("reset")
    pumped.feed(b"a", error)
    await pumped.pump._task
    assert (pumped.told, pumped.body.calls) == (["open", b"a", error], ["close"])


async def test_closing_closes_the_socket_before_it_returns_and_hands_over_nothing_more():
    pumped = Pumped()
    await turns()
    pumped.feed(b"a", TransportError("our own doing"))
    pumped.pump.close()
    assert pumped.body.calls == ["close"]
    await turns()
    assert (pumped.told, pumped.pump._task.cancelled()) == (["open"], True)


async def test_closing_while_the_request_is_being_sent_opens_nothing():
    pumped = Pumped(opened=False)
    await turns()
    pumped.pump.close()
    pumped.opened.set()
    await turns()
    assert (pumped.told, pumped.body.calls, pumped.pump._task.cancelled()) == (["open"], [], True)


async def test_closing_before_the_first_turn_sends_nothing():
    pumped = Pumped()
    pumped.pump.close()
    await turns()
    assert (pumped.told, pumped.pump._task.cancelled()) == ([], True)


async def test_closing_from_inside_take_ends_the_task_without_cancelling_it():
    body = Body()
    taken: list[bytes] = []

    async def open_body() -> Body:
        return body

    def take(data: bytes) -> bool:
        taken.append(data)
        pump.close()
        return False

    pump = Pump(open_body, take, lambda: None, taken.append)
    pump.start()
    body.bytes.put_nowait(b"a")
    body.bytes.put_nowait(b"b")
    await pump._task
    assert (taken, body.calls) == ([b"a"], ["close", "close"])


async def test_a_paused_pump_reads_nothing_and_goes_on_after():
    pumped = Pumped()
    await turns()
    pumped.pump.pause()
    pumped.feed(b"a", b"b", b"c", b"")
    await turns()
    read_ahead = len(pumped.told) - 1
    assert read_ahead <= 1  # the read that was already under way
    pumped.pump.resume()
    await pumped.pump._task
    assert pumped.told == ["open", b"a", b"b", b"c", "end"]
    assert pumped.body.calls == ["pause", "resume", "close"]


async def test_a_paused_pump_that_nobody_holds_is_not_destroyed_in_its_wait():
    pumped = Pumped()
    await turns()
    pumped.pump.pause()
    pumped.feed(b"a")
    await turns()
    task = weakref.ref(pumped.pump._task)
    del pumped
    gc.collect()
    assert task() is not None
    task().cancel()
    await turns()
    gc.collect()
    assert task() is None


async def test_a_loop_that_ends_tells_so():
    pumped = Pumped()
    await turns()
    pumped.pump._task.cancel()
    await turns()
    assert isinstance(pumped.told[-1], TransportError)
    assert "shut down" in str(pumped.told[-1])
