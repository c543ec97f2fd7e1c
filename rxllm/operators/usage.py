"""`usage`: what it costs, as often as it is told."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from rxllm.items import Finish, StreamItem, Usage
from rxllm.observable import Operator, Sink, lift

if TYPE_CHECKING:
    from reactivex import abc

__all__ = ["usage"]


def usage() -> Operator:
    """Give each `Usage`, also the one that only the `Finish` tells.

    Unlike `of_type(Usage)` it knows what was counted after a cancel, and does not tell the last one twice.

    >>> from rxllm.testing import play
    >>> play(usage(), "a{usage 3 1}-({finish stop usage={usage 3 2}}|)")
    '-{usage 3 1}-({usage 3 2}|)'

    Returns:
        An operator over stream items; a later `Usage` replaces an earlier one of the same turn.
    """

    def connect(down: Sink, _: abc.SchedulerBase | None) -> Sink:
        emit = down.on_next
        last: Usage | None = None

        def on_next(item: StreamItem) -> None:
            nonlocal last
            kind = type(item)
            if kind is Usage:
                last = cast("Usage", item)
                emit(item)
            elif kind is Finish:
                told = cast("Finish", item).usage
                if told is not None and told != last:
                    emit(told)

        return Sink(on_next, down.on_error, down.on_completed)

    return lift(connect)
