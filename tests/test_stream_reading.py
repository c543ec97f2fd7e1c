"""`await` and `async for` on a real loop."""

from __future__ import annotations

import asyncio
import gc
import inspect

import pytest
from reactivex import operators as rx
from scripted_origin import ScriptedOrigin, scripted, watch

from rxllm import operators as ops
from rxllm.bridge import loop_scheduler
from rxllm.errors import ConfigurationError, MailboxOverflowError, RxllmError, TransportError
from rxllm.items import Finish, Ping, Started, TextDelta, ToolCall, ToolCallDelta, Usage


def live(**settings):
    return scripted(scheduler=loop_scheduler(), **settings)


def soon(act) -> None:
    """Act when whoever is about to wait does wait, tasks that are not yet made included."""
    loop = asyncio.get_running_loop()
    loop.call_soon(loop.call_soon, act)


async def all_of(reader) -> list:
    return [item async for item in reader]


async def read_into(seen: list, reader) -> None:
    async for item in reader:
        seen.append(item)  # noqa: PERF401 - what came before an error is the point


def text_of(items) -> str:
    return "".join(item.text for item in items if isinstance(item, TextDelta))


async def test_await_sends_the_request_and_gives_the_completion():
    origin, stream = live()
    soon(lambda: origin.finish("a", "b"))
    assert (await stream).text == "ab"
    assert origin.calls == ["start"]


async def test_a_stream_may_be_awaited_many_times_and_gives_the_same_value():
    origin, stream = live()
    soon(lambda: origin.finish("a"))

    async def wait():
        return await stream

    first, second = await asyncio.gather(wait(), wait())
    assert first is second is await stream


async def test_await_after_the_end_gives_the_value_at_once():
    origin, stream = live()
    stream.start()
    origin.finish("a")
    waiting = stream.__await__()
    with pytest.raises(StopIteration) as stopped:
        next(waiting)
    assert stopped.value.value.text == "a"


async def test_async_for_sends_the_request_and_gives_all_items():
    origin, stream = live()
    soon(lambda: origin.finish(Started("1"), "a"))
    assert [type(item) for item in await all_of(stream)] == [Started, TextDelta, Finish]
    assert origin.calls == ["start"]


async def test_async_for_after_the_end_gives_what_has_been():
    origin, stream = live()
    stream.start()
    origin.finish("a", "b")
    assert text_of(await all_of(stream)) == "ab"


async def test_two_readers_each_get_all():
    origin, stream = live()
    soon(lambda: (origin.send("a"), origin.finish("b")))
    first, second = await asyncio.gather(all_of(stream), all_of(stream))
    assert text_of(first) == text_of(second) == "ab"


async def test_two_tasks_on_one_reader_are_told_to_take_one_each():
    _, stream = live()
    reader = stream.items()
    waiting = asyncio.create_task(anext(reader))
    await asyncio.sleep(0)
    with pytest.raises(ConfigurationError, match=r"stream\.items\(\)"):
        await anext(reader)
    stream.cancel()
    assert (await waiting).reason == "cancelled"


async def test_async_for_raises_the_streams_own_error_after_all_that_came():
    origin, stream = live()
    error = TransportError("reset")
    soon(lambda: (origin.send("a"), origin.fail(error)))
    seen = []
    with pytest.raises(TransportError) as raised:
        await read_into(seen, stream)
    assert (raised.value, text_of(seen), error.partial.text) == (error, "a", "a")


async def test_async_for_over_a_cancelled_stream_ends_with_its_finish():
    origin, stream = live()
    soon(lambda: (origin.send("a"), stream.cancel()))
    items = await all_of(stream)
    assert (text_of(items), items[-1].reason) == ("a", "cancelled")


async def test_a_reader_that_has_ended_stays_ended():
    origin, stream = live()
    soon(lambda: origin.finish("a"))
    reader = stream.items()
    await all_of(reader)
    with pytest.raises(StopAsyncIteration):
        await anext(reader)


async def test_a_reader_whose_wait_was_cancelled_does_not_pretend_that_the_stream_has_ended():
    origin, stream = live()
    stream.start()
    reader = stream.items()
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(anext(reader), 0.005)
    origin.send("a")
    with pytest.raises(RxllmError, match=r"stream\.items\(\)"):
        await anext(reader)
    origin.finish("b")
    assert text_of(await all_of(stream)) == "ab"


async def test_a_closed_reader_gives_nothing_more():
    origin, stream = live()
    stream.start()
    reader = stream.items()
    origin.send("a")
    await reader.aclose()
    with pytest.raises(StopAsyncIteration):
        await anext(reader)
    stream.cancel()


async def test_a_slow_reader_gets_larger_deltas_and_never_fewer_characters():
    origin, stream = live()
    reader = stream.items(capacity=2)
    for number in range(1000):
        origin.send(str(number % 10))
    origin.finish()
    items = await all_of(reader)
    assert len(items) == 3
    assert text_of(items) == "0123456789" * 100


async def test_pause_lets_the_provider_wait_until_half_is_read():
    origin, stream = live()
    reader = stream.items(overflow="pause", capacity=4)
    origin.send(*"abcdef")
    assert origin.calls == ["start", "pause"]
    assert [(await anext(reader)).text for _ in range(2)] == ["a", "b"]
    assert origin.calls == ["start", "pause", "resume", "pause"]
    assert [(await anext(reader)).text for _ in range(4)] == ["c", "d", "e", "f"]
    assert origin.calls == ["start", "pause", "resume", "pause", "resume"]
    stream.cancel()


async def test_a_pausing_reader_reads_to_the_end_of_a_stream_that_ended_meanwhile():
    origin, stream = live()
    reader = stream.items(overflow="pause", capacity=2)
    origin.finish(*"abcdefgh")
    assert text_of(await all_of(reader)) == "abcdefgh"


async def test_a_pausing_reader_that_is_dropped_lets_the_others_go_on():
    origin, stream = live()
    other = watch(stream)
    reader = stream.items(overflow="pause", capacity=1)
    origin.send("a", "b", "c")
    assert other.cut == ["a"]
    del reader
    assert (other.cut, stream.is_paused) == (["a", "b", "c"], False)
    stream.cancel()


async def test_a_pausing_reader_that_is_the_only_holder_leaves_what_it_did_not_get_out_of_the_value():
    origin, stream = live()
    reader = stream.items(overflow="pause", capacity=1)
    origin.send("a", "b", "c")
    del reader
    assert (await stream).text == "a"


async def test_drop_newest_loses_the_newest_deltas_but_nothing_structural():
    origin, stream = live()
    reader = stream.items(overflow="drop_newest", capacity=2)
    origin.finish("a", "b", "c", ToolCall(0))
    items = await all_of(reader)
    assert (text_of(items), [type(item) for item in items[-2:]]) == ("ab", [ToolCall, Finish])


async def test_drop_oldest_loses_the_oldest_deltas_but_nothing_structural():
    origin, stream = live()
    reader = stream.items(overflow="drop_oldest", capacity=2)
    origin.finish(Started("1"), "a", "b", "c", ToolCall(0))
    items = await all_of(reader)
    assert text_of(items) == "bc"
    assert [type(item) for item in items] == [Started, TextDelta, TextDelta, ToolCall, Finish]


async def test_error_tells_this_reader_only_and_gives_what_was_queued_first():
    origin, stream = live()
    other = watch(stream)
    reader = stream.items(overflow="error", capacity=2)
    origin.finish("a", "b", "c")
    seen = [await anext(reader), await anext(reader)]
    with pytest.raises(MailboxOverflowError):
        await anext(reader)
    assert (text_of(seen), other.text, other.completed) == ("ab", "abc", 1)


async def test_an_unknown_policy_is_refused_before_anything_is_sent():
    origin, stream = live()
    with pytest.raises(ConfigurationError, match="merge, pause"):
        stream.items(overflow="ignore")
    assert origin.calls == []


async def test_a_reader_over_a_stream_that_gives_all_at_once():
    _, stream = live(origin=ScriptedOrigin(at_once=lambda origin: origin.finish("a", "b")))
    assert text_of(await all_of(stream)) == "ab"


async def test_a_reader_gets_tool_calls_whole_behind_their_deltas():
    origin, stream = live()
    reader = stream.items(capacity=1)
    origin.send(ToolCallDelta(0, "f", "{"), ToolCallDelta(0, None, "}"), ToolCall(0, "i", "f", {}, "{}"))
    origin.finish(Usage(1), Ping())
    assert [type(item) for item in await all_of(reader)] == [ToolCallDelta, ToolCall, Usage, Ping, Finish]


async def test_await_on_a_pipe_gives_its_last_value():
    origin, stream = live()
    soon(lambda: origin.finish("a", "b"))
    assert await stream.pipe(ops.text(), rx.to_list()) == ["a", "b"]


async def test_reading_leaves_no_task_behind():
    before = asyncio.all_tasks()
    origin, stream = live()
    soon(lambda: origin.send("a"))
    async for _ in stream:
        break
    stream.cancel()
    gc.collect()
    await asyncio.sleep(0)
    assert asyncio.all_tasks() == before


def test_a_reader_is_no_generator_since_a_dropped_generator_lets_go_late():
    assert not inspect.isasyncgen(scripted()[1].items())
