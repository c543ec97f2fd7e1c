"""`aggregate`: a live snapshot of the whole with each item."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rxllm.completion import accumulator
from rxllm.observable import Operator, Sink, lift

if TYPE_CHECKING:
    from reactivex import abc

__all__ = ["aggregate"]


def aggregate() -> Operator:
    """Give the `Completion` so far with each item, in constant time.

    Unlike `rx.scan(accumulate, Completion())`, which it equals, it costs no stage of reactivex; unlike `final` it does
    not wait for the end.

    >>> from reactivex import operators as rx
    >>> from rxllm.testing import play
    >>> play(lambda s: s.pipe(aggregate(), rx.map(lambda c: c.text)), "a-b|")
    "a-'ab'|"

    Returns:
        An operator from stream items to completions; an older one never changes.
    """

    def connect(down: Sink, _: abc.SchedulerBase | None) -> Sink:
        return Sink(accumulator(down.on_next), down.on_error, down.on_completed)

    return lift(connect)
