"""A sender's failure is nobody else's: every kind, at every item."""

from __future__ import annotations

import asyncio

import pytest
from scripted_origin import Seen, scripted, watch

from rxllm.errors import SenderError, TransportError
from rxllm.items import Finish, Rollback, Started, TextDelta
from rxllm.senders import CallbackSender, Sender

ITEMS = [Started("1", "m"), TextDelta("a"), TextDelta("b"), Rollback(2), Started("2", "m"), TextDelta("c")]


class FailsAt(Sender):
    """Raises at one value, or at the end."""

    def __init__(self, at: int, error: BaseException) -> None:
        super().__init__()
        self.at = at
        self.error = error
        self.got = 0
        self.released = 0

    def send(self, value) -> None:
        if self.got == self.at:
            raise self.error
        self.got += 1

    def end(self, error) -> None:
        if self.at >= self.got:
            raise self.error
        super().end(error)

    def release(self) -> None:
        self.released += 1


def run(*senders):
    """One answer with these senders and a plain observer beside them."""
    origin, stream = scripted()
    for sender in senders:
        stream.subscribe(sender)
    seen = watch(stream)
    origin.send(*ITEMS)
    origin.finish("d")
    return seen


@pytest.mark.parametrize("at", range(len(ITEMS) + 3))
@pytest.mark.parametrize("error", [ValueError("mine"), asyncio.CancelledError()], ids=["error", "cancelled"])
def test_a_sender_that_raises_at_any_item_disturbs_nobody(at, error):
    sender = FailsAt(at, error)
    seen = run(sender)
    assert (len(seen), seen.completed, seen.errors) == (len(ITEMS) + 2, 1, [])
    assert isinstance(sender.failure, SenderError)
    assert sender.failure.__cause__ is error
    assert (sender.got, sender.lost) == (min(at, len(ITEMS) + 2), max(len(ITEMS) + 2 - at, 0))
    assert (sender.closed, sender.released) == (True, 1)


def test_a_failure_is_logged_once(logged):
    run(FailsAt(1, ValueError("mine")))
    (said,) = logged
    assert said.startswith("FailsAt failed with ValueError: mine. It takes nothing more, and the stream goes on")


async def test_a_failing_sender_that_is_the_only_holder_does_not_cancel_the_answer():
    origin, stream = scripted()
    stream.subscribe(FailsAt(0, ValueError("mine")))
    origin.send("a")
    assert origin.calls == ["start"]
    origin.finish("b")
    assert (await stream).text == "ab"


def test_a_failing_release_is_a_failure_too():
    class Clings(FailsAt):
        def release(self) -> None:
            raise OSError("disk full")

    sender = Clings(99, ValueError("mine"))
    sender.close()
    assert isinstance(sender.failure.__cause__, OSError)


def test_of_two_failures_the_first_is_kept_and_logged(logged):
    class Clings(FailsAt):
        def release(self) -> None:
            raise OSError("disk full")

    run(sender := Clings(0, error := ValueError("mine")))
    assert (sender.failure.__cause__, len(logged)) == (error, 1)


def test_a_keyboard_interrupt_is_not_kept_back():
    with pytest.raises(KeyboardInterrupt):
        FailsAt(0, KeyboardInterrupt()).on_next(TextDelta("a"))


def test_close_takes_nothing_more_and_may_be_called_again():
    sender = FailsAt(99, ValueError("mine"))
    sender.on_next(TextDelta("a"))
    sender.close()
    sender.close()
    sender.on_next(TextDelta("b"))
    sender.on_completed()
    assert (sender.got, sender.lost, sender.released, sender.ended) == (1, 1, 1, False)


def test_a_sender_that_is_given_a_second_stream_says_so_once(logged):
    sender = CallbackSender(lambda item: None)
    run(sender)
    run(sender)
    assert sender.lost == len(ITEMS) + 2
    assert logged == ["A CallbackSender was given to a second stream and takes nothing of it; make one a stream"]


def test_a_failed_stream_tells_its_error():
    told = Seen()
    sender = CallbackSender(told.on_next, told.on_error, told.on_completed)
    origin, stream = scripted()
    stream.subscribe(sender)
    origin.send("a")
    origin.fail(error := TransportError("reset"))
    assert (told.errors, told.completed, sender.failure) == ([error], 0, None)


def test_its_repr_tells_its_state():
    sender = FailsAt(1, ValueError("mine"))
    assert repr(sender) == "<FailsAt open, 0 lost>"
    sender.on_next(TextDelta("a"))
    sender.on_next(Finish("stop"))
    assert repr(sender) == "<FailsAt failed, 1 lost>"
