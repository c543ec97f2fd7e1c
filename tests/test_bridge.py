from __future__ import annotations

import asyncio
import gc
import threading
import weakref

import pytest
from scripted_origin import Seen, watch

from rxllm.bridge import Pump, from_async_iterable, loop_scheduler
from rxllm.errors import ConfigurationError, TransportError
from rxllm.observable import LoopObservable


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


# ---- async iterables


async def count_to(number: int, closed: list[str] | None = None):
    try:
        for value in range(number):
            await asyncio.sleep(0)
            yield value
    finally:
        if closed is not None:
            closed.append("closed")


async def ended(seen: Seen) -> Seen:
    async with asyncio.timeout(5):
        while not seen.completed and not seen.errors:  # noqa: ASYNC110 - the observer is no coroutine
            await asyncio.sleep(0)
    return seen


async def test_an_async_iterable_becomes_an_observable():
    seen = await ended(watch(from_async_iterable(count_to(3))))
    assert (seen, seen.completed) == ([0, 1, 2], 1)


async def test_its_error_goes_to_on_error():
    error = ValueError("mine")

    async def failing():
        yield 1
        raise error

    seen = await ended(watch(from_async_iterable(failing())))
    assert (seen, seen.errors) == ([1], [error])


async def test_a_cancelled_error_of_its_own_is_told_too():
    async def failing():
        yield 1
        raise asyncio.CancelledError

    seen = await ended(watch(from_async_iterable(failing())))
    assert (seen, len(seen.errors)) == ([1], 1)


async def test_disposing_cancels_the_task_and_with_it_the_iterable():
    closed: list[str] = []
    before = asyncio.all_tasks()
    subscription = from_async_iterable(count_to(1000, closed)).subscribe()
    await turns()
    subscription.dispose()
    await turns()
    assert (closed, asyncio.all_tasks()) == (["closed"], before)


async def test_an_iterable_that_never_waits_stops_where_its_observer_leaves():
    produced: list[int] = []

    async def eager():
        for value in range(1000):
            produced.append(value)
            yield value

    seen: list[int] = []

    def leave(value: int) -> None:
        seen.append(value)
        subscription.dispose()

    subscription = from_async_iterable(eager()).subscribe(leave)
    await turns()
    assert (seen, len(produced) <= 2) == ([0], True)


async def test_an_async_iterable_reaches_a_looped_observer_that_raises():
    error = ValueError("mine")

    def raising(_: int) -> None:
        raise error

    told = Seen()
    LoopObservable(from_async_iterable(count_to(3)), loop_scheduler()).subscribe(raising, told.on_error)
    assert (await ended(told)).errors == [error]


# ---- the loop's scheduler


def test_without_a_loop_it_says_what_to_do():
    with pytest.raises(ConfigurationError, match="scheduler="):
        loop_scheduler()


async def test_it_knows_its_own_thread():
    scheduler = loop_scheduler()
    assert (scheduler.here(), await asyncio.to_thread(scheduler.here)) == (True, False)


async def test_what_is_posted_from_another_thread_runs_on_the_loops():
    scheduler = loop_scheduler()
    ran = asyncio.get_running_loop().create_future()
    await asyncio.to_thread(scheduler.post, lambda: ran.set_result(threading.get_ident()))
    assert await ran == threading.get_ident()


def test_what_is_posted_to_a_closed_loop_does_not_raise():
    async def make():
        return loop_scheduler()

    scheduler = asyncio.run(make())
    scheduler.post(lambda: None)


async def test_a_timer_runs_and_a_disposed_one_does_not():
    scheduler = loop_scheduler()
    ran: list[str] = []
    fired = asyncio.Event()
    scheduler.schedule_relative(0.005, lambda *_: ran.append("disposed")).dispose()
    scheduler.schedule_relative(0.01, lambda *_: (ran.append("ran"), fired.set()))
    async with asyncio.timeout(5):
        await fired.wait()
    assert ran == ["ran"]


async def test_a_timer_armed_from_another_thread_runs_on_the_loop():
    scheduler = loop_scheduler()
    ran = asyncio.get_running_loop().create_future()

    def arm() -> None:
        scheduler.schedule_relative(0.001, lambda *_: ran.set_result(threading.get_ident()))

    await asyncio.to_thread(arm)
    assert await asyncio.wait_for(ran, 5) == threading.get_ident()
