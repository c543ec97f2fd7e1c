from __future__ import annotations

import asyncio
import threading

import pytest
from scripted_origin import Seen, watch

from rxllm.bridge import from_async_iterable, loop_scheduler
from rxllm.errors import ConfigurationError
from rxllm.observable import LoopObservable


async def turns(count: int = 5) -> None:
    for _ in range(count):
        await asyncio.sleep(0)


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


def test_it_needs_a_running_loop():
    seen = watch(from_async_iterable(count_to(3)))
    assert [type(error) for error in seen.errors] == [ConfigurationError]


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
    assert not scheduler.post(lambda: None)


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
