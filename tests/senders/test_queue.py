from __future__ import annotations

import asyncio

import pytest
from loop_clock import turns
from scripted_origin import scripted, watch

from rxllm.errors import ConfigurationError, SenderError, TransportError
from rxllm.items import Rollback, TextDelta
from rxllm.senders import QueueSender

pytestmark = pytest.mark.usefixtures("nothing_left")


def texts(sender: QueueSender) -> list:
    return [getattr(sender.queue.get_nowait(), "text", None) for _ in range(sender.queue.qsize())]


def filled(**settings) -> QueueSender:
    sender = QueueSender(2, **settings)
    for text in "abcd":
        sender.on_next(TextDelta(text))
    return sender


@pytest.mark.parametrize(
    ("overflow", "left", "dropped"),
    [("merge", ["a", "bcd"], 0), ("drop_oldest", ["c", "d"], 2), ("drop_newest", ["a", "b"], 2)],
)
async def test_each_policy_keeps_its_bound(overflow, left, dropped):
    sender = filled(overflow=overflow)
    assert (texts(sender), sender.dropped) == (left, dropped)


async def test_a_queue_that_refuses_fails_the_sender_and_tells_its_reader():
    sender = filled(overflow="error")
    with pytest.raises(SenderError, match="refuses more"):
        _ = [item async for item in sender]


async def test_a_queue_that_nobody_reads_does_not_slow_the_stream():
    origin, stream = scripted()
    sender = QueueSender(maxsize=1)
    stream.subscribe(sender)
    seen = watch(stream)
    origin.finish(*"abcdef")
    assert (seen.text, seen.completed, sender.queue.qsize()) == ("abcdef", 1, 3)


async def test_a_reader_that_waits_is_woken_by_each_item_and_by_the_end():
    origin, stream = scripted()
    sender = QueueSender()
    stream.subscribe(sender)
    got = []

    async def read():
        async for item in sender:
            got.append(getattr(item, "text", type(item).__name__))  # noqa: PERF401 - looked at in between

    task = asyncio.create_task(read())
    await turns()
    origin.send("a")
    await turns()
    assert got == ["a"]
    origin.finish(Rollback(2), "b")
    await task
    assert got == ["a", "Rollback", "b", "Finish"]


async def test_a_failed_stream_raises_in_its_reader():
    sender = QueueSender()
    sender.on_next(TextDelta("a"))
    sender.on_error(TransportError("reset"))
    assert await anext(sender) == TextDelta("a")
    with pytest.raises(TransportError, match="reset"):
        await anext(sender)


async def test_close_ends_a_reader_that_waits():
    sender = QueueSender()

    async def read():
        return [item async for item in sender]

    task = asyncio.create_task(read())
    await turns()
    sender.close()
    assert await task == []


async def test_after_the_end_there_is_nothing_to_wait_for():
    sender = QueueSender()
    sender.on_completed()
    assert [item async for item in sender] == []
    assert [item async for item in sender] == []


async def test_a_queue_full_of_structural_items_ends_its_reader_too():
    sender = QueueSender()
    for _ in range(10_001):
        sender.on_next(Rollback(2))
    assert len([item async for item in sender]) == 10_000
    assert "10000 structural items" in str(sender.failure)


async def test_values_of_a_pipe_may_be_anything():
    sender = QueueSender()
    for value in ("a", {"b": 1}, 3):
        sender.on_next(value)
    sender.on_completed()
    assert [value async for value in sender] == ["a", {"b": 1}, 3]


async def test_a_sender_cannot_pause_the_stream():
    with pytest.raises(ConfigurationError, match="never slows the stream"):
        QueueSender(overflow="pause")
