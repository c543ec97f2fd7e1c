from __future__ import annotations

import asyncio
import queue

import pytest
from loop_clock import turns
from scripted_origin import Seen

from rxllm.errors import ConfigurationError, TransportError
from rxllm.items import TextDelta
from rxllm.senders import BroadcastSender, JsonlSender, MemorySender, as_sender

pytestmark = pytest.mark.usefixtures("nothing_left")


def test_a_sender_is_taken_as_it_is():
    sender = MemorySender()
    assert as_sender(sender) is sender


async def test_an_observer_gets_items_and_the_end():
    sender = as_sender(seen := Seen())
    sender.on_next(TextDelta("a"))
    sender.on_completed()
    assert (seen.text, seen.completed) == ("a", 1)


async def test_an_observer_need_not_be_complete():
    class Partial:
        def on_next(self, item):
            self.item = item

    sender = as_sender(partial := Partial())
    sender.on_next(TextDelta("a"))
    sender.on_error(TransportError("reset"))
    assert (partial.item, sender.failure) == (TextDelta("a"), None)


def test_of_a_class_of_senders_one_is_made_in_a_list_too():
    assert isinstance(as_sender(MemorySender), MemorySender)
    both = as_sender([MemorySender, MemorySender])
    assert isinstance(both, BroadcastSender)
    both.on_next(TextDelta("a"))
    assert [sender.text for sender in both.senders] == ["a", "a"]


@pytest.mark.parametrize(("kind", "said"), [(JsonlSender, "without arguments"), (queue.Queue, "give an object")])
def test_a_class_that_makes_no_sender_is_refused(kind, said):
    with pytest.raises(ConfigurationError, match=said):
        as_sender(kind)


async def test_a_list_becomes_one_sender():
    memory, seen = MemorySender(), Seen()
    sender = as_sender([memory, seen, [print]])
    assert isinstance(sender, BroadcastSender)
    sender.on_next(TextDelta("a"))
    assert memory.text == seen.text == "a"


async def test_an_asyncio_queue_gets_items_and_none():
    mine: asyncio.Queue = asyncio.Queue()
    sender = as_sender(mine)
    sender.on_next(TextDelta("a"))
    sender.on_completed()
    await sender.wait_closed()
    assert [mine.get_nowait() for _ in range(mine.qsize())] == [TextDelta("a"), None]


async def test_in_front_of_a_full_asyncio_queue_deltas_wait_and_none_is_lost():
    mine: asyncio.Queue = asyncio.Queue(maxsize=1)
    sender = as_sender(mine)
    for _ in range(3000):
        sender.on_next(TextDelta("a"))
    sender.on_completed()
    await turns()
    assert mine.qsize() == 1
    texts = []
    while (item := await mine.get()) is not None:
        texts.append(item.text)
    assert "".join(texts) == "a" * 3000
    assert len(texts) < 3000
    await sender.wait_closed()


@pytest.mark.parametrize("kind", [queue.Queue, queue.SimpleQueue])
async def test_a_queue_of_threads_gets_items_and_the_error(kind):
    sender = as_sender(mine := kind())
    sender.on_next(TextDelta("a"))
    sender.on_error(error := TransportError("reset"))
    assert [mine.get_nowait(), mine.get_nowait()] == [TextDelta("a"), error]


def test_a_queue_of_threads_with_a_bound_would_stop_the_loop():
    with pytest.raises(ConfigurationError, match="would stop the event loop"):
        as_sender(queue.Queue(maxsize=3))


@pytest.mark.parametrize("given", [None, 3, "stdout", [print, None]])
def test_anything_else_is_refused_with_what_is_possible(given):
    with pytest.raises(ConfigurationError, match="Give a sender"):
        as_sender(given)
