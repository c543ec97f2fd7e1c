"""`text`: the characters themselves, last in a pipe."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rxllm.items import StreamItem, TextDelta
from rxllm.observable import Operator, Sink, lift
from rxllm.operators._numbers import check_count

if TYPE_CHECKING:
    from reactivex import abc

__all__ = ["text"]


def text(choice: int = 0) -> Operator:
    """Give the text of the answer as str, and nothing else.

    Unlike every other operator it leaves the world of items, so it stands last in a pipe; unlike
    `rx.map(lambda item: item.text)` it takes the answer only, not the reasoning.

    >>> from rxllm.testing import play
    >>> play(text(), "a{reason:b}-c|")
    'a--c|'

    Args:
        choice: Which of several answers, where `n` asked for more than one.

    Returns:
        An operator from stream items to str.

    Raises:
        ConfigurationError: `choice` is no number of an answer.
    """
    check_count("text(choice)", choice, least=0)

    def connect(down: Sink, _: abc.SchedulerBase | None) -> Sink:
        emit = down.on_next

        def on_next(item: StreamItem) -> None:
            if type(item) is TextDelta and item.choice == choice:
                emit(item.text)

        return Sink(on_next, down.on_error, down.on_completed)

    return lift(connect)
