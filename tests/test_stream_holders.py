"""Who keeps a stream running, and what happens when the last has let go."""

from __future__ import annotations

import asyncio
import gc

import pytest
from reactivex import operators as rx
from reactivex.scheduler import VirtualTimeScheduler
from scripted_origin import scripted, watch

from rxllm import operators as ops
from rxllm.bridge import loop_scheduler


def live(**settings):
    """A stream on the running loop."""
    return scripted(scheduler=loop_scheduler(), **settings)


async def turns(count: int = 3) -> None:
    for _ in range(count):
        await asyncio.sleep(0)


def test_the_last_subscriber_to_leave_closes_the_origin_in_the_same_turn():
    origin, stream = scripted()
    first, second = stream.subscribe(), stream.pipe(ops.text()).subscribe()
    first.dispose()
    assert origin.calls == ["start"]
    second.dispose()
    assert origin.calls == ["start", "close"]


def test_disposing_twice_counts_once():
    origin, stream = scripted()
    first = stream.subscribe()
    watch(stream)
    first.dispose()
    first.dispose()
    assert (origin.calls, stream._holders.count) == (["start"], 1)


def test_a_subscriber_that_raised_holds_no_more():
    origin, stream = scripted()

    def raising(_: object) -> None:
        raise ValueError

    stream.subscribe(raising)
    origin.send("a")
    assert origin.calls == ["start", "close"]


def test_an_operator_that_ends_early_in_a_subscribers_own_pipe_ends_only_that_pipe():
    origin, stream = scripted()
    other = watch(stream)
    short = watch(stream.pipe(rx.take(1)))
    origin.finish("a", "b")
    assert (short.cut, other.cut, origin.calls) == (["a"], ["a", "b"], ["start"])


def test_keep_lets_the_stream_run_to_its_end():
    origin, stream = scripted(on_abandon="keep")
    stream.subscribe().dispose()
    origin.finish("a")
    assert (origin.calls, watch(stream).text) == (["start"], "a")


def test_seconds_let_the_stream_run_that_long():
    clock = VirtualTimeScheduler()
    origin, stream = scripted(on_abandon=5.0, scheduler=clock)
    stream.subscribe().dispose()
    clock.advance_by(4.9)
    assert origin.calls == ["start"]
    clock.advance_by(0.2)
    assert origin.calls == ["start", "close"]


def test_who_comes_back_in_time_saves_the_stream():
    clock = VirtualTimeScheduler()
    origin, stream = scripted(on_abandon=5.0, scheduler=clock)
    stream.subscribe().dispose()
    clock.advance_by(4)
    back = stream.subscribe()
    clock.advance_by(10)
    assert origin.calls == ["start"]
    back.dispose()
    clock.advance_by(4)
    assert origin.calls == ["start"]
    clock.advance_by(2)
    assert origin.calls == ["start", "close"]


def test_start_holds_the_stream_until_its_end_even_if_nobody_listens():
    origin, stream = scripted()
    stream.start()
    stream.subscribe().dispose()
    assert origin.calls == ["start"]
    origin.finish("a")
    assert watch(stream).text == "a"


def test_starting_again_after_the_end_sends_nothing():
    origin, stream = scripted()
    stream.start()
    origin.finish("a")
    assert stream.start() is stream
    assert origin.calls == ["start"]


def test_the_observable_of_the_value_holds_and_lets_go():
    origin, stream = scripted()
    subscription = stream.completion.subscribe()
    assert origin.calls == ["start"]
    subscription.dispose()
    assert origin.calls == ["start", "close"]


async def test_async_with_sends_the_request_and_closes_the_origin_when_it_is_left():
    origin, stream = live()
    async with stream as same:
        assert same is stream
        assert origin.calls == ["start"]
    assert origin.calls == ["start", "close"]


async def test_async_with_left_by_an_exception_closes_the_origin():
    origin, stream = live()
    with pytest.raises(ValueError, match="mine"):
        async with stream:
            raise ValueError("mine")
    assert origin.calls == ["start", "close"]


async def test_async_with_leaves_a_stream_that_others_hold():
    origin, stream = live()
    watch(stream)
    async with stream:
        pass
    assert origin.calls == ["start"]
    stream.cancel()


async def test_an_awaiter_holds_and_a_cancelled_task_lets_go():
    origin, stream = live()

    async def wait() -> None:
        await stream

    task = asyncio.create_task(wait())
    await turns()
    assert origin.calls == ["start"]
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert origin.calls == ["start", "close"]


async def test_a_cancelled_awaiter_of_a_pipe_lets_go():
    origin, stream = live()

    async def wait() -> None:
        await stream.pipe(ops.final())

    task = asyncio.create_task(wait())
    await turns()
    assert origin.calls == ["start"]
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await turns()
    assert origin.calls == ["start", "close"]


async def test_one_awaiter_of_two_may_leave():
    origin, stream = live()

    async def wait() -> str:
        return (await stream).text

    leaving, staying = asyncio.create_task(wait()), asyncio.create_task(wait())
    await turns()
    leaving.cancel()
    await turns()
    origin.finish("a")
    assert await staying == "a"
    assert origin.calls == ["start"]


async def test_a_timeout_around_await_closes_the_origin():
    origin, stream = live()
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.01):
            await stream
    assert origin.calls == ["start", "close"]
    assert (await stream).finish_reason == "cancelled"


async def test_a_break_in_an_async_for_lets_go():
    origin, stream = live()
    stream.start()
    origin.send("a", "b")
    holders = stream._holders.count
    async for _ in stream:
        break
    assert stream._holders.count == holders
    stream.cancel()


async def test_a_break_by_the_only_holder_closes_the_origin_in_the_same_turn():
    origin, stream = live()
    asyncio.get_running_loop().call_soon(lambda: origin.send("a"))
    async for _ in stream:
        break
    assert origin.calls == ["start", "close"]


async def test_a_cancelled_task_in_an_async_for_lets_go():
    origin, stream = live()

    async def read() -> None:
        async for _ in stream:
            pass

    task = asyncio.create_task(read())
    await turns()
    origin.send("a")
    await turns()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert origin.calls == ["start", "close"]


async def test_an_exception_in_the_body_of_an_async_for_lets_go():
    origin, stream = live()

    async def read() -> None:
        async for _ in stream:
            raise ValueError("mine")

    task = asyncio.create_task(read())
    await turns()
    origin.send("a")
    with pytest.raises(ValueError, match="mine"):
        await task
    task = None
    assert origin.calls == ["start", "close"]


async def test_a_reader_that_is_never_read_lets_go_when_it_is_dropped():
    origin, stream = live()
    reader = stream.items()
    assert origin.calls == ["start"]
    del reader
    assert origin.calls == ["start", "close"]


async def test_a_stream_dropped_without_being_used_leaves_nothing():
    tasks = asyncio.all_tasks()
    origin, stream = live()
    stream.pipe(ops.smooth(1), ops.text())
    del stream
    gc.collect()
    assert origin.calls == []
    assert asyncio.all_tasks() == tasks


async def test_an_ended_stream_is_held_by_nobody_and_holds_nobody():
    origin, stream = live()
    watch(stream)
    watch(stream.pipe(ops.smooth(1), ops.text()))
    watch(stream.completion)
    reader = stream.items()
    origin.finish("a")
    assert [item async for item in reader] == list(watch(stream))
    assert (stream._holders.count, stream._hub._seats, stream._hub._on_end) == (0, (), [])
