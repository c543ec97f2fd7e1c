"""`reasoning`: the characters of the reasoning, last in a pipe."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rxllm.items import ReasoningDelta, StreamItem
from rxllm.observable import Operator, Sink, lift
from rxllm.operators._numbers import check_count

if TYPE_CHECKING:
    from reactivex import abc

__all__ = ["reasoning"]


def reasoning(choice: int = 0) -> Operator:
    """Give the text of the reasoning as str, and nothing else.

    The sibling of `text`: it stands last in a pipe. A whole `Reasoning` block repeats its deltas and is left out.

    >>> from rxllm.testing import play
    >>> play(reasoning(), "{reason a}{reason b}-c|")
    'ab--|'

    Args:
        choice: Which of several answers, where `n` asked for more than one.

    Returns:
        An operator from stream items to str.

    Raises:
        ConfigurationError: `choice` is no number of an answer.
    """
    check_count("reasoning(choice)", choice, least=0)

    def connect(down: Sink, _: abc.SchedulerBase | None) -> Sink:
        emit = down.on_next

        def on_next(item: StreamItem) -> None:
            if type(item) is ReasoningDelta and item.choice == choice:
                emit(item.text)

        return Sink(on_next, down.on_error, down.on_completed)

    return lift(connect)
