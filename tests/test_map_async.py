"""`map_async` and `to_async_iterator`: async functions and async iterators of a pipe."""

from __future__ import annotations

import asyncio
import threading

import pytest
import reactivex
from reactivex import operators as rx
from reactivex.subject import Subject
from scripted_origin import Seen, scripted, watch

from rxllm.bridge import loop_scheduler
from rxllm.errors import ConfigurationError, MailboxOverflowError, RxllmError
from rxllm.items import TextDelta, Usage
from rxllm.map_async import map_async, to_async_iterator


class Calls:
    """An async function whose calls end when the test says so."""

    def __init__(self):
        self.open = {}
        self.running = self.most = 0
        self.cancelled = []

    async def __call__(self, value):
        self.running += 1
        self.most = max(self.most, self.running)
        self.open[value] = asyncio.get_running_loop().create_future()
        try:
            return await self.open[value]
        except asyncio.CancelledError:
            self.cancelled.append(value)
            raise
        finally:
            self.running -= 1

    async def answer(self, value, result=None):
        future = self.open[value]
        future.set_exception(result) if isinstance(result, Exception) else future.set_result(result or value)
        await settle()


async def settle():
    for _ in range(20):  # turns of the loop, more than any of these tests needs
        await asyncio.sleep(0)


async def mapped(**settings):
    calls, source = Calls(), Subject()
    seen = Seen()
    subscription = source.pipe(map_async(calls, **settings)).subscribe(seen)
    return calls, source, seen, subscription


async def send(source, values):
    for value in values:
        source.on_next(value)
    await settle()


async def test_results_come_in_the_order_of_their_values():
    calls, source, seen, _ = await mapped(concurrency=3)
    await send(source, "abc")
    await calls.answer("c")
    await calls.answer("b")
    assert seen == []
    await calls.answer("a")
    assert seen == ["a", "b", "c"]


async def test_unordered_they_come_as_they_are_ready():
    calls, source, seen, _ = await mapped(concurrency=3, ordered=False)
    await send(source, "abc")
    await calls.answer("c")
    await calls.answer("a")
    assert seen == ["c", "a"]


@pytest.mark.parametrize("ordered", [True, False])
async def test_no_more_calls_run_at_once_than_are_allowed(ordered):
    calls, source, seen, _ = await mapped(concurrency=2, ordered=ordered)
    await send(source, "abcde")
    source.on_completed()
    for value in "abcde":
        await calls.answer(value)
    assert (calls.most, seen, seen.completed) == (2, list("abcde"), 1)


async def test_one_at_a_time_is_the_default():
    calls, source, _, _ = await mapped()
    await send(source, "abc")
    assert list(calls.open) == ["a"]


@pytest.mark.parametrize("end", ["complete", "fail"])
async def test_the_end_comes_after_what_was_before_it(end):
    calls, source, seen, _ = await mapped()
    await send(source, "ab")
    error = ValueError("mine")
    source.on_completed() if end == "complete" else source.on_error(error)
    await calls.answer("a")
    assert seen.completed + len(seen.errors) == 0
    await calls.answer("b")
    assert (seen, seen.completed, seen.errors) == (["a", "b"], *((1, []) if end == "complete" else (0, [error])))


async def test_an_empty_source_ends_at_once():
    _, source, seen, _ = await mapped()
    source.on_completed()
    assert seen.completed == 1


async def test_a_call_that_raises_fails_the_pipe_and_cancels_the_others():
    calls, source, seen, _ = await mapped(concurrency=2)
    await send(source, "abc")
    error = ValueError("mine")
    await calls.answer("a", error)
    assert (seen.errors, calls.cancelled, calls.running, source.observers) == ([error], ["b"], 0, [])


async def test_a_function_that_raises_before_it_awaits_fails_the_pipe_too():
    def broken(_):
        raise ValueError("mine")

    seen = watch(reactivex.of("a").pipe(map_async(broken)))
    await settle()
    assert [str(error) for error in seen.errors] == ["mine"]


async def test_trap_20_a_call_that_is_cancelled_is_an_error_and_not_a_cancelled_task():
    async def cancelled(_):
        raise asyncio.CancelledError

    seen = watch(reactivex.of("a").pipe(map_async(cancelled)))
    await settle()
    assert [type(error) for error in seen.errors] == [RxllmError]


async def test_leaving_it_cancels_what_runs_and_leaves_the_source_at_once():
    calls, source, seen, subscription = await mapped(concurrency=2)
    await send(source, "abc")
    before = len(asyncio.all_tasks())
    subscription.dispose()
    assert source.observers == []
    await settle()
    assert (seen, calls.cancelled, len(asyncio.all_tasks())) == ([], ["a", "b"], before - 2)


async def test_enough_of_it_cancels_the_rest():
    calls, source = Calls(), Subject()
    seen = watch(source.pipe(map_async(calls, concurrency=3), rx.take(1)))
    await send(source, "abc")
    await calls.answer("a")
    assert (seen, seen.completed, calls.cancelled) == (["a"], 1, ["b", "c"])


async def test_one_operator_value_serves_two_subscribers():
    async def twice(value):
        return value * 2

    pipe = reactivex.of(1, 2).pipe(map_async(twice))
    one, two = watch(pipe), watch(pipe)
    await settle()
    assert one == two == [2, 4]


async def test_trap_15_an_async_function_in_flat_map_reorders_and_here_does_not():
    async def slowly(seconds):
        await asyncio.sleep(seconds)
        return seconds

    def task(seconds):
        return reactivex.from_future(asyncio.ensure_future(slowly(seconds)))

    source = reactivex.of(0.02, 0.0)
    assert await source.pipe(rx.flat_map(task), rx.to_list()) == [0.0, 0.02]
    assert await source.pipe(map_async(slowly, concurrency=2), rx.to_list()) == [0.02, 0.0]


async def test_it_works_in_a_streams_pipe():
    async def shout(item):
        await asyncio.sleep(0)
        return item.text.upper() if isinstance(item, TextDelta) else None

    origin, stream = scripted(scheduler=loop_scheduler())
    seen = watch(stream.pipe(map_async(shout), rx.filter(bool)))
    origin.finish("a", "b")
    await stream
    await settle()
    assert seen == ["A", "B"]


def test_it_needs_a_running_loop():
    seen = watch(Subject().pipe(map_async(Calls())))
    assert isinstance(seen.errors[0], ConfigurationError)


# ---- to_async_iterator


async def test_any_observable_can_be_read():
    assert [value async for value in to_async_iterator(reactivex.of(1, 2, 3))] == [1, 2, 3]


async def test_deltas_that_wait_are_merged_and_nothing_is_lost():
    source = Subject()
    iterator = to_async_iterator(source, capacity=2)
    for item in (*map(TextDelta, "abcdef"), Usage(1)):
        source.on_next(item)
    source.on_completed()
    read = [item async for item in iterator]
    assert read == [TextDelta("a"), TextDelta("bcdef"), Usage(1)]


async def test_the_error_is_raised_after_what_came_before_it():
    source = Subject()
    iterator = to_async_iterator(source)
    source.on_next(1)
    source.on_error(ValueError("mine"))
    read = []
    with pytest.raises(ValueError, match="mine"):
        read.extend([value async for value in iterator])
    assert read == []


@pytest.mark.parametrize("kind", [StopAsyncIteration, StopIteration])
async def test_a_function_that_fails_with_the_word_for_an_end_does_not_look_like_one(kind):
    source = Subject()
    iterator = to_async_iterator(source)
    source.on_next(1)
    source.on_error(error := kind("mine"))
    read = [await anext(iterator)]
    with pytest.raises(RxllmError, match=kind.__name__) as raised:
        await anext(iterator)
    assert (read, raised.value.__cause__) == ([1], error)
    with pytest.raises(StopAsyncIteration):
        await anext(iterator)


async def test_a_mapped_function_that_raises_stop_async_iteration_does_not_end_the_loop():
    async def stopping(_):
        raise StopAsyncIteration

    with pytest.raises(RxllmError, match="StopAsyncIteration"):
        [_ async for _ in to_async_iterator(reactivex.of(1, 2).pipe(map_async(stopping)))]


async def test_leaving_the_loop_unsubscribes():
    source = Subject()
    iterator = to_async_iterator(source)
    source.on_next(1)
    async for _ in iterator:
        break
    del iterator
    assert source.observers == []


async def test_a_pipe_of_a_stream_lets_the_stream_go_when_it_is_left():
    origin, stream = scripted(scheduler=loop_scheduler())
    iterator = to_async_iterator(stream.pipe(rx.filter(bool)))
    origin.send("a")
    async for _ in iterator:
        break
    await iterator.aclose()
    assert origin.calls == ["start", "close"]


async def test_an_observable_may_emit_on_another_thread():
    source = Subject()
    iterator = to_async_iterator(source)

    def emit():
        for number in range(100):
            source.on_next(number)
        source.on_completed()

    thread = threading.Thread(target=emit)
    thread.start()
    assert [value async for value in iterator] == list(range(100))
    thread.join()


async def test_time_operators_above_it_run_on_the_loop():
    threads = set()
    ticks = reactivex.interval(0.001).pipe(rx.take(3), rx.do_action(lambda _: threads.add(threading.get_ident())))
    assert [value async for value in to_async_iterator(ticks)] == [0, 1, 2]
    assert threads == {threading.get_ident()}


async def test_a_reader_that_is_too_slow_and_refuses_more_is_told():
    source = Subject()
    iterator = to_async_iterator(source, overflow="error", capacity=1)
    source.on_next(TextDelta("a"))
    source.on_next(TextDelta("b"))  # and the source is none the wiser
    read = [await anext(iterator)]
    with pytest.raises(MailboxOverflowError):
        await anext(iterator)
    assert (read, source.observers) == ([TextDelta("a")], [])


async def test_only_a_stream_can_be_paused():
    with pytest.raises(ConfigurationError, match="needs a stream"):
        to_async_iterator(reactivex.of(1), overflow="pause")
