"""`choice`: one of several answers, as if it had been the only one."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from rxllm.items import ChoiceFinished, Finish, Rollback, StreamItem
from rxllm.kinds import BEGINNINGS
from rxllm.observable import Operator, Sink, lift
from rxllm.operators._numbers import check_count

if TYPE_CHECKING:
    from reactivex import abc

__all__ = ["choice"]


def choice(index: int) -> Operator:
    """Give one of several answers, as if it had been the only one.

    Unlike `rx.filter(lambda item: item.choice == index)` it keeps what belongs to all (Started, Usage, Finish,
    Rollback), and renumbers what it gives to 0, so that every operator may follow and `final` tells its `text`.

    >>> from rxllm.operators.text import text
    >>> from rxllm.testing import play
    >>> play(lambda source: source.pipe(choice(1), text()), "a{text b choice=1}-c{text d choice=1}|")
    '-b--d|'

    Args:
        index: Which, from 0 on, where `n` asked for more than one.

    Returns:
        An operator over stream items. The `Finish` bears this answer's reason; the provider's own blocks (`native`)
        are those of answer 0 and stay with it. The usage is that of all answers.

    Raises:
        ConfigurationError: `index` is no number of an answer.
    """
    check_count("choice(index)", index, least=0)

    def connect(down: Sink, _: abc.SchedulerBase | None) -> Sink:
        emit = down.on_next
        finished: ChoiceFinished | None = None

        def on_next(item: StreamItem) -> None:
            nonlocal finished
            number: int | None = getattr(item, "choice", None)
            if number is not None:
                if number != index:
                    return
                if index:
                    item = msgspec.structs.replace(item, choice=0)
                if type(item) is ChoiceFinished:
                    finished = item
            elif index and type(item) is Finish:
                item = _of_other(item, finished)
            elif type(item) in BEGINNINGS or type(item) is Rollback:
                finished = None
            emit(item)

        return Sink(on_next, down.on_error, down.on_completed)

    return lift(connect)


def _of_other(finish: Finish, finished: ChoiceFinished | None) -> Finish:
    """Give the end of an answer that is not answer 0; a cancelled stream is cancelled for all."""
    if finished is None or finish.reason == "cancelled":
        return msgspec.structs.replace(finish, native=None)
    return msgspec.structs.replace(finish, reason=finished.reason, raw_reason=finished.raw_reason, native=None)
