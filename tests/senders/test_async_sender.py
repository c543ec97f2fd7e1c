"""What all senders share that must wait: a mailbox, one task, and nothing of it left."""

from __future__ import annotations

import asyncio
import threading

import pytest
from loop_clock import turns
from scripted_origin import scripted, watch

from rxllm.errors import ConfigurationError, MailboxOverflowError
from rxllm.items import Ping, Rollback, TextDelta
from rxllm.senders import AsyncSender

STEPS = ("open", "write", "finish", "shut")
pytestmark = pytest.mark.usefixtures("nothing_left")


class Gated(AsyncSender):
    """Writes an item each time its gate is opened."""

    def __init__(self, **settings) -> None:
        super().__init__(**settings)
        self.gate = asyncio.Semaphore(0)
        self.written: list = []
        self.said: list[str] = []

    async def open(self) -> None:
        self.said.append("open")

    async def write(self) -> None:
        item = self.mailbox.take()
        await self.gate.acquire()
        self.written.append(item)

    async def finish(self, error) -> None:
        self.said.append(f"finish {error}")

    async def shut(self) -> None:
        self.said.append("shut")


def open_gate(sender: Gated) -> None:
    for _ in range(100):
        sender.gate.release()


async def test_a_writer_that_blocks_never_slows_the_stream():
    origin, stream = scripted()
    sender = Gated(capacity=2)
    stream.subscribe(sender)
    seen = watch(stream)
    origin.send(*"abcdefgh")
    await turns()
    origin.finish("i")
    assert (seen.text, seen.completed, sender.written) == ("abcdefghi", 1, [])
    open_gate(sender)
    await sender.wait_closed()
    assert [item.text for item in sender.written[:-1]] == ["a", "bcdefgh", "i"]
    assert sender.said == ["open", "finish None", "shut"]


@pytest.mark.parametrize("at", range(5))
async def test_a_writer_that_blocks_at_any_item_is_stopped_by_close(at):
    origin, stream = scripted()
    sender = Gated()
    stream.subscribe(sender)
    seen = watch(stream)
    for _ in range(at):
        sender.gate.release()
    for text in "abcd":
        origin.send(text)
        await turns()
    origin.finish()
    assert (seen.text, seen.completed, len(sender.written)) == ("abcd", 1, at)
    sender.close()
    await sender.wait_closed()
    assert sender.said[-1] == "shut"


async def test_a_context_that_is_left_closes_its_sender():
    async with Gated() as sender:
        sender.on_next(TextDelta("a"))
        await turns()
    assert (sender.closed, sender.said) == (True, ["open", "shut"])


async def test_a_rollback_keeps_its_place_in_the_mailbox():
    sender = Gated(capacity=1)
    for item in (TextDelta("a"), TextDelta("b"), Rollback(2), TextDelta("c"), TextDelta("d")):
        sender.on_next(item)
    sender.on_completed()
    open_gate(sender)
    await sender.wait_closed()
    assert sender.written == [TextDelta("ab"), Rollback(2), TextDelta("cd")]


async def test_close_stops_a_writer_that_blocks_and_counts_what_was_lost():
    sender = Gated()
    for text in "abc":
        sender.on_next(TextDelta(text))
    await turns()
    sender.close()
    await sender.wait_closed()
    assert (sender.written, sender.lost, sender.said) == ([], 2, ["open", "shut"])


async def test_close_before_the_task_began_shuts_too():
    sender = Gated()
    sender.on_next(TextDelta("a"))
    sender.close()
    await sender.wait_closed()
    assert (sender.said, sender.failure) == (["shut"], None)


async def test_close_stops_a_writer_that_waits_for_items():
    sender = Gated()
    open_gate(sender)
    sender.on_next(TextDelta("a"))
    await turns()
    sender.close()
    await sender.wait_closed()
    assert sender.said == ["open", "shut"]


async def test_close_from_another_thread_stops_the_task():
    sender = Gated()
    sender.on_next(TextDelta("a"))
    await turns()
    thread = threading.Thread(target=sender.close)
    thread.start()
    async with asyncio.timeout(5):
        await sender.wait_closed()
    thread.join()
    assert sender.said == ["open", "shut"]


GONE, CANCELLED = OSError("gone"), asyncio.CancelledError()


@pytest.mark.parametrize(
    ("step", "error"),
    [*((step, GONE) for step in STEPS), *((step, CANCELLED) for step in STEPS if step != "shut")],
)
async def test_a_failure_at_any_step_is_its_own(step, error):
    class Failing(Gated):
        pass

    async def fail(*_):
        raise error

    setattr(Failing, step, fail)
    sender = Failing()
    open_gate(sender)
    origin, stream = scripted()
    stream.subscribe(sender)
    seen = watch(stream)
    origin.send("a")
    await turns()
    origin.finish("b")
    await sender.wait_closed()
    assert (seen.text, seen.completed) == ("ab", 1)
    assert sender.failure.__cause__ is error


async def test_close_from_inside_a_write_ends_the_task():
    class Enough(Gated):
        async def write(self) -> None:
            self.written.append(self.mailbox.take())
            self.close()

    sender = Enough()
    for text in "abc":
        sender.on_next(TextDelta(text))
    await sender.wait_closed()
    assert (sender.written, sender.lost, sender.said) == ([TextDelta("a")], 2, ["open", "shut"])


async def test_a_mailbox_that_refuses_fails_the_sender_only():
    sender = Gated(capacity=1, overflow="error")
    for text in "abc":
        sender.on_next(TextDelta(text))
    assert isinstance(sender.failure.__cause__, MailboxOverflowError)
    await sender.wait_closed()


async def test_a_sender_cannot_pause_the_stream():
    with pytest.raises(ConfigurationError, match="never slows the stream"):
        Gated(overflow="pause")


def test_without_a_loop_it_fails_and_says_so():
    class Writer(AsyncSender):
        async def write(self) -> None:
            raise AssertionError

    sender = Writer()
    sender.on_next(Ping())
    assert "no running event loop" in str(sender.failure)


async def test_the_end_of_the_loop_is_no_failure():
    sender = Gated()
    sender.on_next(TextDelta("a"))
    await turns()
    (task,) = [task for task in asyncio.all_tasks() if task.get_name() == "rxllm Gated"]
    task.cancel()
    await sender.wait_closed()
    assert (sender.failure, sender.closed) == (None, True)
