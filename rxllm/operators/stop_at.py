"""`stop_at`: the end of the answer at a sequence of characters."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from rxllm.errors import ConfigurationError
from rxllm.items import Finish, Rollback, StreamItem, TextDelta
from rxllm.observable import Operator, Sink
from rxllm.operators._by_choice import BESIDE, ends
from rxllm.operators._ending import Exit, lift_ending
from rxllm.operators._numbers import check_count
from rxllm.operators._tokens import TokenCount

if TYPE_CHECKING:
    from collections.abc import Sequence

    from reactivex import abc

__all__ = ["stop_at"]


def stop_at(*sequences: str, choice: int = 0) -> Operator:  # noqa: C901 - closures, so that a token costs one call
    """End the stream where one of the sequences stands in the text: what is before it stays, and a `Finish("stop")`.

    Unlike the providers' own `stop` it knows any number of sequences of any length, and it works on any model; unlike
    `rx.take_while` it sees a sequence that is cut into several deltas, and never shows the beginning of one. In
    `through=` it ends the stream for everybody, and the provider stops; in a subscriber's pipe only that pipe.

    It watches one choice and passes the others, since the end of a stream is the end of all of them.

    >>> from rxllm.testing import play
    >>> play(stop_at("END"), "a-'bE'-N-c-'.EN'-Dx--|")
    "a-b---'ENc'-.-({finish stop stop_at {usage output_tokens=6 estimated=True}}|)"

    Args:
        sequences: At least one; whichever is complete first.
        choice: Whose text is watched.

    Returns:
        An operator over stream items that completes at the sequence; the usage in its `Finish` is estimated.

    Raises:
        ConfigurationError: There is no sequence, or an empty one; or `choice` is no number of an answer.
    """
    if not sequences or not all(isinstance(each, str) and each for each in sequences):  # pyright: ignore[reportUnnecessaryIsInstance] - untyped callers exist
        raise ConfigurationError(f"stop_at needs sequences of at least one character, e.g. '###'; got {sequences!r}.")
    check_count("stop_at(choice=)", choice, least=0)
    beginning = re.compile("|".join(sorted({re.escape(each[0]) for each in sequences})))

    def connect(down: Sink, _: abc.SchedulerBase | None, way_out: Exit) -> Sink:  # noqa: C901 - as above
        emit = down.on_next
        count = TokenCount()
        add = count.add
        watch = _Watch(sequences, beginning)

        def show(text: str) -> None:
            if text:
                emit(TextDelta(text, choice))

        def on_next(item: StreamItem) -> None:
            if way_out.taken:
                return
            add(item)
            if type(item) is TextDelta:
                if item.choice == choice and (watch.held or beginning.search(item.text)):
                    show(watch.feed(item.text))
                    if watch.stopped:
                        way_out.complete(Finish("stop", "stop_at", count.usage()))
                    return
            elif type(item) is Rollback:
                watch.held = ""
            elif watch.held and type(item) not in BESIDE and ends(item, choice):
                show(watch.flush())
            emit(item)

        def on_error(error: Exception) -> None:
            show(watch.flush())
            way_out.fail(error)

        def on_completed() -> None:
            show(watch.flush())
            way_out.complete()

        return Sink(on_next, on_error, on_completed)

    return lift_ending(connect)


class _Watch:
    """Waits for the sequence that is complete first, and holds what may become one."""

    __slots__ = ("_beginning", "_longest", "_sequences", "held", "stopped")

    def __init__(self, sequences: Sequence[str], beginning: re.Pattern[str]) -> None:
        self._sequences: Sequence[str] = sequences
        self._beginning = beginning
        self._longest = max(map(len, sequences))
        self.held: str = ""
        self.stopped: bool = False

    def feed(self, text: str) -> str:
        """Take a piece, and give what is certain to stand before any sequence."""
        text = self.held + text
        found = [(at + len(each), at) for each in self._sequences if (at := text.find(each)) >= 0]
        if found:
            self.stopped = True
            end = min(found)[1]
        else:
            end = self._undecided(text)
        self.held = "" if found else text[end:]
        return text[:end]

    def flush(self) -> str:
        """Give what was held: it became none."""
        rest, self.held = self.held, ""
        return rest

    def _undecided(self, text: str) -> int:
        for begun in self._beginning.finditer(text, max(0, len(text) - self._longest + 1)):
            rest = text[begun.start() :]
            if any(each.startswith(rest) for each in self._sequences):
                return begun.start()
        return len(text)
