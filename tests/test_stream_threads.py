"""All controls from any thread; items on the loop's thread only; no thread of our own."""

from __future__ import annotations

import asyncio
import threading
from typing import TYPE_CHECKING

import pytest
from reactivex import operators as rx
from scripted_origin import Seen, scripted, watch

from rxllm import operators as ops
from rxllm.bridge import loop_scheduler
from rxllm.errors import ConfigurationError, RxllmError, TransportError
from rxllm.items import TextDelta

if TYPE_CHECKING:
    from collections.abc import Callable


def live(**settings):
    return scripted(scheduler=loop_scheduler(), **settings)


async def elsewhere(act: Callable[[], object]) -> object:
    """Run in another thread, and let the loop do what that posted."""
    result = await asyncio.to_thread(act)
    await asyncio.sleep(0)
    return result


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(5):
        while not condition():  # noqa: ASYNC110 - what it waits for happens in threads and timers
            await asyncio.sleep(0.001)


@pytest.mark.parametrize(
    "make",
    [lambda stream: stream, lambda stream: stream.pipe(ops.smooth(0.01)), lambda stream: stream.stamped()],
    ids=["stream", "pipe", "stamped"],
)
async def test_who_subscribes_from_another_thread_is_called_on_the_loops_thread(make):
    origin, stream = live()
    threads: list[int] = []
    await elsewhere(lambda: make(stream).subscribe(lambda _: threads.append(threading.get_ident())))
    assert origin.calls == ["start"]
    origin.finish("a", "b")
    assert threads
    assert set(threads) == {threading.get_ident()}


@pytest.mark.parametrize("make", [lambda stream: stream, lambda stream: stream.pipe(ops.text())])
async def test_a_subscription_is_disposed_of_from_another_thread(make):
    origin, stream = live()
    subscription = make(stream).subscribe()
    await elsewhere(subscription.dispose)
    assert origin.calls == ["start", "close"]


async def test_cancel_from_another_thread_closes_the_origin():
    origin, stream = live()
    seen = watch(stream)
    origin.send("a")
    await elsewhere(stream.cancel)
    assert (origin.calls, seen[-1].reason, seen.completed) == (["start", "close"], "cancelled", 1)


async def test_pause_and_resume_from_another_thread():
    origin, stream = live()
    seen = watch(stream)
    await elsewhere(stream.pause)
    origin.send("a")
    assert seen == []
    await elsewhere(stream.resume)
    assert (seen.cut, origin.calls) == (["a"], ["start", "pause", "resume"])
    stream.cancel()


async def test_start_from_another_thread():
    origin, stream = live()
    assert await elsewhere(stream.start) is stream
    assert origin.calls == ["start"]
    stream.cancel()


async def test_await_from_another_loop_in_another_thread():
    origin, stream = live()

    async def wait() -> str:
        return (await stream).text

    waiting = asyncio.create_task(asyncio.to_thread(asyncio.run, wait()))
    await until(lambda: origin.calls == ["start"])
    origin.finish("a")
    assert await waiting == "a"


async def test_many_threads_subscribing_at_once_all_get_all():
    origin, stream = live(on_abandon="keep")
    everyone = [Seen() for _ in range(40)]
    threads = [threading.Thread(target=stream.subscribe, args=(seen,)) for seen in everyone]
    for number, thread in enumerate(threads):
        thread.start()
        if number % 10 == 0:
            await asyncio.sleep(0)
            stream.start()
            origin.send(str(number))
    for thread in threads:
        await asyncio.to_thread(thread.join)
    origin.send("end")
    await until(lambda: all("end" in seen.text for seen in everyone))
    assert {seen.text for seen in everyone} == {"0102030end"}
    stream.cancel()


TIMED = {
    "buffer_with_time": rx.buffer_with_time(0.005),
    "buffer_with_time_or_count": rx.buffer_with_time_or_count(0.005, 100),
    "debounce": rx.debounce(0.005),
    "sample": rx.sample(0.005),
    "delay": rx.delay(0.005),
    "timeout": rx.timeout(5),
    "throttle_first": rx.throttle_first(0.005),
    "smooth": ops.smooth(0.005),
    "time_interval": rx.time_interval(),
}


@pytest.mark.parametrize("name", TIMED)
@pytest.mark.parametrize("where", ["last", "before a map", "before a do", "before share", "under to_future"])
async def test_time_operators_without_a_scheduler_start_no_thread(name, where):
    origin, stream = live()
    tails = {
        "last": [],
        "before a map": [rx.map(lambda value: value)],
        "before a do": [rx.do_action(lambda _: None)],
        "before share": [rx.share()],
        "under to_future": [rx.to_list(), rx.to_future()],
    }
    threads = threading.active_count()
    piped = stream.pipe(TIMED[name], *tails[where])
    ended = asyncio.get_running_loop().create_future()
    if where == "under to_future":
        piped.add_done_callback(lambda _: ended.set_result(None))
    else:
        piped.subscribe(None, ended.set_exception, lambda: ended.set_result(None))
    origin.send("a", "b")
    await asyncio.sleep(0.02)
    assert threading.active_count() == threads
    origin.finish("c")
    await asyncio.wait_for(ended, 5)
    assert threading.active_count() == threads


async def test_an_idle_stream_under_buffer_with_time_starts_no_thread_and_stops_with_its_subscription():
    origin, stream = live()
    threads = threading.active_count()
    batches: list[list[object]] = []
    subscription = stream.pipe(rx.buffer_with_time(0.005)).subscribe(batches.append)
    await until(lambda: len(batches) >= 3)
    assert threading.active_count() == threads
    subscription.dispose()
    count = len(batches)
    await asyncio.sleep(0.02)
    assert (len(batches), origin.calls) == (count, ["start", "close"])


async def test_fluent_methods_stay_on_the_loop_too():
    origin, stream = live()
    threads = threading.active_count()
    seen = Seen()
    stream.map(lambda item: item).buffer_with_time(0.005).filter(bool).subscribe(seen)
    origin.send("a")
    await until(lambda: len(seen) == 1)
    assert threading.active_count() == threads
    origin.finish("b")
    assert seen.completed == 1


async def test_a_subscriber_behind_a_real_timer_that_raises_is_told_and_nobody_hangs():
    origin, stream = live()
    error = ValueError("mine")

    def raising(_: object) -> None:
        raise error

    told = Seen()
    stream.pipe(rx.buffer_with_time(0.005)).subscribe(raising, told.on_error)
    good = watch(stream)
    origin.send("a")
    await until(lambda: told.errors == [error])
    origin.finish("b")
    assert (good.text, good.completed) == ("ab", 1)
    assert (await stream).text == "ab"


# ---- another thread's own loop


def joined_text(items) -> str:
    return "".join(item.text for item in items if isinstance(item, TextDelta))


async def in_another_loop(make: Callable[[], object]) -> object:
    """Run a coroutine in a loop of its own, in a thread of its own."""
    return await asyncio.wait_for(asyncio.to_thread(lambda: asyncio.run(make())), 10)


async def test_async_for_in_another_threads_loop():
    origin, stream = live()

    async def read() -> list[str]:
        return [item.text async for item in stream if isinstance(item, TextDelta)]

    reading = asyncio.create_task(in_another_loop(read))
    await until(lambda: origin.calls == ["start"])
    for word in ("a", "b", "c"):
        origin.send(word)
        await asyncio.sleep(0)
    origin.finish("d")
    assert "".join(await reading) == "abcd"


async def test_an_error_reaches_async_for_in_another_threads_loop():
    origin, stream = live()

    async def read() -> str:
        with pytest.raises(TransportError, match="mine"):
            async for _ in stream:
                pass
        return "raised"

    reading = asyncio.create_task(in_another_loop(read))
    await until(lambda: origin.calls == ["start"])
    origin.send("a")
    origin.fail(TransportError("mine"))
    assert await reading == "raised"


async def test_a_cancelled_wait_in_another_threads_loop_lets_go_of_the_stream():
    origin, stream = live()

    async def read() -> None:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.01):
                await anext(stream.items())

    await in_another_loop(read)
    await until(lambda: origin.calls == ["start", "close"])


async def test_an_item_lost_by_a_cancelled_wait_in_another_threads_loop_is_not_passed_over_in_silence():
    origin, stream = live()
    stream.start()
    waiting, sent = threading.Event(), threading.Event()

    async def read() -> list[object]:
        reader = stream.items()
        wait = asyncio.create_task(anext(reader))
        await asyncio.sleep(0)
        waiting.set()
        assert sent.wait(5)  # on this loop's thread: the item is on its way, and nobody can take it
        wait.cancel()
        with pytest.raises(asyncio.CancelledError):
            await wait
        with pytest.raises(RxllmError, match="was cancelled"):
            await anext(reader)
        return [item async for item in stream.items()]

    reading = asyncio.create_task(in_another_loop(read))
    await until(waiting.is_set)
    await asyncio.sleep(0)
    origin.send("a")
    origin.finish("b")
    sent.set()
    assert joined_text(await reading) == "ab"


async def test_two_tasks_in_another_threads_loop_on_one_reader_are_told_and_nobody_hangs():
    origin, stream = live()
    ready, blocked, posted = threading.Event(), threading.Event(), threading.Event()

    async def read() -> list[object]:
        reader = stream.items()
        waits = [asyncio.create_task(anext(reader)) for _ in range(2)]
        ready.set()
        assert blocked.wait(5)  # from here to `posted` the stream's own loop runs nothing
        await asyncio.sleep(0)
        posted.set()
        return await asyncio.wait_for(asyncio.gather(*waits, return_exceptions=True), 5)

    reading = asyncio.create_task(in_another_loop(read))
    await until(ready.is_set)
    blocked.set()
    assert posted.wait(5)
    await until(lambda: origin.calls == ["start"])
    await asyncio.sleep(0)
    origin.send("a")
    got = await reading
    assert [type(each) for each in got] == [TextDelta, ConfigurationError]


def test_a_stream_that_ended_can_be_awaited_when_its_loop_is_closed():
    async def made() -> object:
        origin, stream = live()
        stream.start()
        origin.finish("a")
        return stream

    async def awaited(stream) -> tuple[str, str]:
        return (await stream).text, watch(stream).text

    stream = asyncio.run(made())
    assert asyncio.run(awaited(stream)) == ("a", "a")


@pytest.mark.parametrize("started", [True, False])
def test_a_stream_whose_loop_is_closed_fails_instead_of_waiting_for_ever(started):
    async def made() -> object:
        _, stream = live()
        return stream.start() if started else stream

    async def awaited(stream) -> None:
        async with asyncio.timeout(5):
            await stream

    stream = asyncio.run(made())
    with pytest.raises(TransportError, match="loop of this stream is closed"):
        asyncio.run(awaited(stream))


async def test_run_on_the_loops_own_thread_says_that_it_would_wait_for_itself():
    _, stream = live()
    with pytest.raises(ConfigurationError, match="use `await`"):
        stream.pipe(ops.text()).run()


async def test_run_blocks_another_thread_until_the_end():
    origin, stream = live()
    running = asyncio.create_task(asyncio.to_thread(stream.pipe(ops.text()).run))
    await until(lambda: origin.calls == ["start"])
    origin.finish("a", "b")
    assert await running == "b"
