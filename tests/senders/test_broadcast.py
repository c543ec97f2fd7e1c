from __future__ import annotations

import asyncio

import pytest
from scripted_origin import Seen, scripted

from rxllm.errors import TransportError
from rxllm.items import TextDelta
from rxllm.senders import BroadcastSender, CallbackSender, MemorySender

pytestmark = pytest.mark.usefixtures("nothing_left")


async def test_one_that_fails_is_not_missed_by_the_others_and_is_counted():
    def failing(item):
        raise ValueError("mine")

    first, last = MemorySender(), MemorySender()
    sender = BroadcastSender(first, failing, last)
    origin, stream = scripted()
    stream.subscribe(sender)
    origin.finish("a", "b")
    assert (first.text, last.text, sender.failures, sender.senders[1].lost) == ("ab", "ab", 1, 3)


async def test_who_joins_late_gets_what_comes_from_then_on():
    sender = BroadcastSender()
    sender.on_next(TextDelta("a"))
    late = sender.add(MemorySender())
    sender.on_next(TextDelta("b"))
    assert late.text == "b"


async def test_who_joins_after_the_end_is_told_the_end():
    sender = BroadcastSender()
    sender.on_error(error := TransportError("reset"))
    late = Seen()
    sender.add(late)
    assert late.errors == [error]


async def test_who_is_removed_gets_nothing_more():
    sender = BroadcastSender(memory := MemorySender())
    sender.on_next(TextDelta("a"))
    sender.remove(memory)
    sender.remove(memory)
    sender.on_next(TextDelta("b"))
    assert (memory.text, memory.closed, sender.senders) == ("a", True, ())


async def test_several_readers_have_a_queue_each():
    sender = BroadcastSender()
    small, large = sender.queue(maxsize=1), sender.queue()
    for text in "abc":
        sender.on_next(TextDelta(text))
    sender.on_completed()
    assert [[item.text async for item in queue] for queue in (small, large)] == [["abc"], ["a", "b", "c"]]


async def test_the_end_lets_a_slow_one_write_what_it_has():
    got = []

    async def slowly(item):
        await asyncio.sleep(0)
        got.append(item)

    sender = BroadcastSender(slowly)
    for text in "abc":
        sender.on_next(TextDelta(text))
    sender.on_completed()
    await sender.wait_closed()
    assert [item.text for item in got] == ["a", "b", "c"]


async def test_close_closes_each():
    async def never(item):
        await asyncio.Event().wait()

    sender = BroadcastSender(CallbackSender(never), memory := MemorySender())
    sender.on_next(TextDelta("a"))
    await asyncio.sleep(0)
    sender.close()
    await sender.wait_closed()
    assert memory.closed
