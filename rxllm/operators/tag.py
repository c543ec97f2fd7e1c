"""`tag`: items that say whose they are."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rxllm.items import StreamItem
from rxllm.observable import Operator, Sink, lift

if TYPE_CHECKING:
    from reactivex import abc

__all__ = ["Tagged", "tag"]


class Tagged(StreamItem, frozen=True):
    """An item and the name of the stream that it comes from."""

    name: str
    item: Any


def tag(name: str) -> Operator:
    """Give each item with the name of its stream, so that merged streams can be told apart.

    Equals `rx.map(lambda item: Tagged(name, item))`, which costs a stage of reactivex; for several streams at once see
    `merge_tagged`.

    >>> from rxllm.testing import play
    >>> from rxllm import TextDelta
    >>> play(tag("calm"), "a|", X=Tagged("calm", TextDelta("a")))
    'X|'

    Args:
        name: Whatever the items shall be told apart by.

    Returns:
        An operator from items to `Tagged`.
    """

    def connect(down: Sink, _: abc.SchedulerBase | None) -> Sink:
        emit = down.on_next
        return Sink(lambda item: emit(Tagged(name, item)), down.on_error, down.on_completed)

    return lift(connect)
