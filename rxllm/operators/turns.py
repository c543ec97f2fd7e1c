"""`turns`: each turn of a conversation as a whole."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rxllm.completion import Completion
from rxllm.items import ReasoningDelta, RefusalDelta, Rollback, Started, StreamItem, TextDelta, ToolCall, ToolCallDelta
from rxllm.kinds import BEGINNINGS
from rxllm.observable import Operator, Sink, lift
from rxllm.turn_items import TurnCompleted

if TYPE_CHECKING:
    from reactivex import abc

__all__ = ["turns"]

_BEGINS = (Started, TextDelta, ReasoningDelta, RefusalDelta, ToolCallDelta, ToolCall)
_ENDS = BEGINNINGS | {TurnCompleted}


def turns() -> Operator:
    """Give the `Completion` of each turn as it ends: at an agent's `TurnCompleted`, the next `Started`, or the end.

    Unlike `final`, which tells the last turn, it tells all, and on an empty stream none; unlike `completion.turns` it
    does not wait, and takes the stages of a pipeline apart too. A turn that fails is not given: the error has it as
    `.partial`. A rolled back attempt is forgotten, but not what it cost.

    >>> from reactivex import operators as rx
    >>> from rxllm.testing import play
    >>> play(lambda s: s.pipe(turns(), rx.map(lambda c: c.text)), "{started one}ab{started two}-c|")
    "---'ab'--(c|)"

    Returns:
        An operator from stream items to completions.
    """

    def connect(down: Sink, _: abc.SchedulerBase | None) -> Sink:
        completion = Completion()
        begun = False  # a Ping or a cost alone is no turn

        def on_next(item: StreamItem) -> None:
            nonlocal completion, begun
            if begun:
                if type(item) in _ENDS:
                    ended, completion = completion, Completion().plus(item)
                    begun = type(item) is Started
                    down.on_next(ended)
                    return
                begun = type(item) is not Rollback
            else:
                begun = isinstance(item, _BEGINS)
            completion = completion.plus(item)

        def on_completed() -> None:
            if begun:
                down.on_next(completion)
            down.on_completed()

        return Sink(on_next, down.on_error, on_completed)

    return lift(connect)
