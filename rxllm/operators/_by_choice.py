"""What the operators on text share: each choice's text has a state of its own, and some items end it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Protocol

from rxllm.items import (
    Logprobs,
    Ping,
    ProviderEvent,
    ReasoningDelta,
    RefusalDelta,
    Rollback,
    Source,
    StreamItem,
    TextDelta,
    ToolCallDelta,
    Usage,
)
from rxllm.kinds import BEGINNINGS
from rxllm.observable import Operator, Sink, lift

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from reactivex import abc

__all__ = ["BESIDE", "PLACELESS", "TextPart", "by_choice", "ends"]

PLACELESS: Final = frozenset({Ping, Usage, Logprobs})
"""They say nothing of a place in the text; log probabilities follow every token, and would cut every word."""

BESIDE: Final = PLACELESS | {ReasoningDelta, RefusalDelta, ToolCallDelta, Source, ProviderEvent}
"""What may come in the middle of a tag, a fence or a secret without ending it: letting go of a half would leak it."""


class TextPart(Protocol):
    """What becomes of the text of one choice."""

    def feed(self, delta: TextDelta) -> Iterable[StreamItem]:
        """Take a piece, and give what is certain now."""
        ...

    def flush(self) -> Iterable[StreamItem]:
        """Give what was held: nothing follows that could change it."""
        ...


def ends(item: StreamItem, choice: int) -> bool:
    """Tell whether an item that is not beside the text belongs to this choice, or to all of them."""
    return getattr(item, "choice", choice) == choice


def by_choice(begin: Callable[[int], TextPart], passing: frozenset[type[StreamItem]]) -> Operator:  # noqa: C901 - closures and no class, so that a token costs one call
    """Make an operator of what becomes of one choice's text.

    Unlike a bare `lift`, it flushes on both ends and before an item that ends the text of its choice, forgets what a
    rollback voids, and hands an exception of `feed` or `flush` to this pipe's `on_error`.

    Args:
        begin: Makes the state for a choice, when its first text comes.
        passing: The kinds of item that neither end nor interrupt a text.

    Returns:
        An operator over stream items.
    """

    def connect(down: Sink, _: abc.SchedulerBase | None) -> Sink:  # noqa: C901 - as above
        emit = down.on_next
        parts: dict[int, TextPart] = {}
        failed = False

        def fail(error: Exception) -> None:
            nonlocal failed
            failed = True
            parts.clear()
            down.on_error(error)

        def flush(item: StreamItem | None) -> bool:
            for choice, part in list(parts.items()):
                if item is None or ends(item, choice):
                    try:
                        made = part.flush()
                    except Exception as error:  # noqa: BLE001 - a user's function may raise anything
                        fail(error)
                        return False
                    for each in made:
                        emit(each)
            return True

        def on_next(item: StreamItem) -> None:
            if failed:
                return
            kind = type(item)
            if type(item) is TextDelta:
                part = parts.get(item.choice)
                if part is None:
                    part = parts[item.choice] = begin(item.choice)
                try:
                    made = part.feed(item)
                except Exception as error:  # noqa: BLE001 - as above
                    fail(error)
                    return
                for each in made:
                    emit(each)
                return
            if kind is Rollback:
                parts.clear()
            elif parts and kind not in passing:
                if not flush(item):
                    return
                if kind in BEGINNINGS:  # the text of another answer
                    parts.clear()
            emit(item)

        def on_error(error: Exception) -> None:
            if not failed and flush(None):
                down.on_error(error)

        def on_completed() -> None:
            if not failed and flush(None):
                down.on_completed()

        return Sink(on_next, on_error, on_completed)

    return lift(connect)
