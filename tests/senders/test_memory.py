from __future__ import annotations

from rxllm.errors import TransportError
from rxllm.items import Rollback, Stamped, Started, TextDelta
from rxllm.senders import MemorySender
from rxllm.turn_items import TurnStarted


def remembered(*items) -> MemorySender:
    sender = MemorySender()
    for item in items:
        sender.on_next(item)
    return sender


def test_a_rollback_takes_out_the_void_attempt_only():
    first = Started("1"), TextDelta("kept "), Started("2")
    sender = remembered(*first, TextDelta("void"), Rollback(2), Started("3"), TextDelta("new"))
    assert (sender.text, sender.rollbacks) == ("kept new", 1)
    assert sender.items == [Started("1"), TextDelta("kept "), Started("3"), TextDelta("new")]


def test_two_rollbacks_take_out_both_attempts():
    sender = remembered(Started(), TextDelta("a"), Rollback(2), Started(), TextDelta("b"), Rollback(3))
    assert (sender.items, sender.rollbacks) == ([], 2)


def test_stamped_items_are_kept_as_they_are():
    sender = remembered(Stamped(0, 0.0, Started()), Stamped(1, 0.1, TextDelta("a")), Stamped(2, 0.2, Rollback(2)))
    assert sender.items == []


def test_its_text_is_that_of_the_first_choice():
    assert remembered(TextDelta("a"), TextDelta("b", 1), TextDelta("c")).text == "ac"


def test_it_knows_how_the_stream_ended():
    sender = remembered(TextDelta("a"))
    sender.on_error(error := TransportError("reset"))
    assert (sender.error, sender.ended, sender.closed) == (error, True, True)


def test_a_rollback_takes_out_nothing_of_the_turn_before():
    sender = remembered(
        TurnStarted(1), TextDelta("kept "), TurnStarted(2), TextDelta("void"), Rollback(2), TextDelta("new")
    )
    assert sender.text == "kept new"
