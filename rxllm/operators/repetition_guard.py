"""`repetition_guard`: an answer that goes round in circles ends."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rxllm.items import Finish, Rollback, StreamItem, TextDelta, ToolCallDelta, part
from rxllm.kinds import BEGINNINGS
from rxllm.observable import Operator, Sink
from rxllm.operators._ending import Exit, lift_ending
from rxllm.operators._numbers import check_count
from rxllm.operators._tokens import DELTAS, TokenCount

if TYPE_CHECKING:
    from collections.abc import Hashable

    from reactivex import abc

    from rxllm.items import Delta

__all__ = ["repetition_guard"]


def repetition_guard(times: int = 4, *, min_chars: int = 256, max_period: int = 512) -> Operator:
    """End the pipe when the text goes round in circles: what came stays, and a `Finish("other", "repetition")` ends it.

    Unlike a `frequency_penalty` it costs the model nothing while it behaves. It watches the answer, the reasoning and
    tool calls' arguments, looks every `min_chars / 4` characters however they are cut, and costs the same a character
    whatever the length. In `through=` it closes the socket, for everybody.

    >>> from rxllm.testing import play
    >>> play(repetition_guard(3, min_chars=4), "abcbcbcbc|")
    'abcbcb(c{finish other repetition {usage output_tokens=7 estimated=True}}|)'

    Args:
        times: How often the same text must stand behind itself.
        min_chars: Characters that this must make up, so that a line of dashes or an empty table is none.
        max_period: Characters of the longest circle that is found.

    Returns:
        An operator over stream items.

    Raises:
        ConfigurationError: `times` is below 2, a number of characters below 1, or one is no whole number.
    """
    check_count("repetition_guard(times)", times, least=2)  # once is no repetition
    check_count("repetition_guard(min_chars=)", min_chars)
    check_count("repetition_guard(max_period=)", max_period)

    def connect(down: Sink, _: abc.SchedulerBase | None, way_out: Exit) -> Sink:
        emit = down.on_next
        count = TokenCount()
        add = count.add
        texts: dict[Hashable, _Text] = {}

        def goes_on(delta: Delta) -> bool:
            key = delta.choice if type(delta) is TextDelta else part(delta)  # part makes a tuple, and most is text
            text = texts.get(key)
            if text is None:
                texts[key] = text = _Text(times, min_chars, max_period)
            length = text.circles(delta.arguments if isinstance(delta, ToolCallDelta) else delta.text)
            if length is None:
                return True
            way_out.complete(_shortened(delta, length), Finish("other", "repetition", count.usage()))
            return False

        def on_next(item: StreamItem) -> None:
            if way_out.taken:
                return
            add(item)
            if isinstance(item, DELTAS):
                if not goes_on(item):
                    return
            elif type(item) in BEGINNINGS or type(item) is Rollback:
                texts.clear()
            emit(item)

        return Sink(on_next, way_out.fail, way_out.complete)

    return lift_ending(connect)


def _shortened(delta: Delta, length: int) -> Delta:
    if isinstance(delta, ToolCallDelta):
        return ToolCallDelta(delta.call, delta.name, delta.arguments[:length], delta.choice, delta.id)
    return type(delta)(delta.text[:length], delta.choice)


class _Text:
    """The end of one part's text, looked at every so many characters and not at every one."""

    __slots__ = ("_fresh", "_least", "_left", "_longest", "_step", "_tail", "_times")

    def __init__(self, times: int, least: int, longest: int) -> None:
        self._times = times
        self._least = least
        self._longest = longest
        self._step = self._left = max(1, least // 4)
        self._tail = ""
        self._fresh: list[str] = []  # since the last look

    def circles(self, text: str) -> int | None:
        """Take more text.

        Returns:
            How much of it there was when it was seen to go round in circles, or None.
        """
        if len(text) < self._left:
            self._left -= len(text)
            self._fresh.append(text)
            return None
        start = 0
        while len(text) - start >= self._left:
            start += self._left
            self._fresh.append(text[start - self._left : start])
            self._left = self._step
            if self._look():
                return start
        self._left -= len(text) - start
        self._fresh.append(text[start:])
        return None

    def _look(self) -> bool:
        """Look for the nearest place where the last characters stood before: as far back, the circle began."""
        text = self._tail + "".join(self._fresh)
        self._fresh.clear()
        self._tail = text = text[-max(self._times * self._longest, self._least) :]
        size = len(text)
        probe = text[-self._step :]
        at = size - len(probe)
        while (at := text.rfind(probe, max(0, size - len(probe) - self._longest), at + len(probe) - 1)) >= 0:
            period = size - len(probe) - at
            length = max(self._times * period, self._least)
            if length <= size and text[size - length : size - period] == text[size - length + period :]:
                return True
        return False
