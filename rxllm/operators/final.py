"""`final`: the one value at the end."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rxllm.completion import fold
from rxllm.observable import Operator, Sink, lift

if TYPE_CHECKING:
    from reactivex import abc

    from rxllm.items import StreamItem

__all__ = ["final"]


def final() -> Operator:
    """Give the whole `Completion` when the stream completes: exactly one value, also when nothing came.

    Unlike `rx.last()` it does not fail on an empty stream; a cancelled one gives its partial. A failed stream fails
    here too, with the same error, whose `.partial` is what there is.

    >>> from reactivex import operators as rx
    >>> from rxllm.testing import play
    >>> play(lambda s: s.pipe(final(), rx.map(lambda c: c.text)), "a-b-|")
    "----('ab'|)"

    Returns:
        An operator from stream items to one completion.
    """

    def connect(down: Sink, _: abc.SchedulerBase | None) -> Sink:
        items: list[StreamItem] = []

        def on_completed() -> None:
            down.on_next(fold(items))
            down.on_completed()

        return Sink(items.append, down.on_error, on_completed)

    return lift(connect)
