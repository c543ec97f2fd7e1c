"""`typewriter`: text that appears at a steady pace."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reactivex.disposable import SerialDisposable

from rxllm.errors import ConfigurationError
from rxllm.items import Rollback, StreamItem, TextDelta
from rxllm.observable import Operator, Sink, clock_of, lift
from rxllm.operators._by_choice import PLACELESS
from rxllm.operators._desk import Desk, cutting
from rxllm.operators._numbers import check_seconds

if TYPE_CHECKING:
    import re

    from reactivex import abc

__all__ = ["typewriter"]


def typewriter(chunk: str | re.Pattern[str] = "grapheme", *, max_lag: float = 0.4) -> Operator:  # noqa: C901, PLR0915 - closures and no class, so that a token costs one call
    """Let text appear at a steady pace, as fast as it arrives, and never more than `max_lag` behind.

    Unlike `smooth` it spreads a burst; unlike `rx.zip` with an interval its pace follows the provider's. A piece that
    may still go on (a letter before its accent, half of a word) waits for its rest, but not longer than that. At the
    end and before a structural item or another choice's text everything held leaves at once; of several choices, take
    one with `choice` first.

    >>> from rxllm.testing import play
    >>> play(typewriter("word", max_lag=4), "'one two three '-----|")
    "'one'' two'-' three'' '-|"

    Args:
        chunk: What appears at once: "grapheme" or "word" (both need `pip install 'rxllm[text]'`), "line", or a regular
            expression for one piece, which is cut at 1,000 characters.
        max_lag: Seconds.

    Returns:
        An operator over stream items; joined, the text is the same.

    Raises:
        ConfigurationError: `max_lag` is not positive, `chunk` no regular expression, the extra is missing; or nothing
            gives a clock: subscribe with `scheduler=`, or to a stream of ours.
    """
    check_seconds("typewriter(max_lag=)", max_lag)
    cut = cutting(chunk)

    def connect(down: Sink, scheduler: abc.SchedulerBase | None) -> Sink:  # noqa: C901 - as above
        if scheduler is None:
            raise ConfigurationError("typewriter needs a clock: subscribe with scheduler=…, or to a stream of rxllm.")
        emit = down.on_next
        clock = clock_of(scheduler)
        timer = SerialDisposable()
        desk = Desk(cut, max_lag)
        choice = 0
        armed = soon = False

        def show(text: str) -> None:
            if text:
                emit(TextDelta(text, choice))

        def type_on(*_: object) -> None:
            nonlocal armed, soon
            soon = False
            armed = True  # so that whoever answers an emission does not arm it, too
            now = clock()
            show(desk.take(now))
            rest = desk.pause(now)
            armed = rest is not None
            if rest is not None:
                timer.disposable = scheduler.schedule_relative(rest, type_on)

        def flush() -> None:
            nonlocal armed
            armed = False
            timer.disposable = None
            show(desk.clear())

        def on_next(item: StreamItem) -> None:
            nonlocal choice, soon
            if type(item) is TextDelta:
                if item.choice != choice:
                    flush()
                    choice = item.choice
                now = clock()
                desk.put(item.text, now)
                if not armed:
                    type_on()
                elif desk.starving and not soon:  # this may have brought a piece, but who looks at each token?
                    soon = True
                    timer.disposable = scheduler.schedule_relative(desk.frame_left(now), type_on)
                return
            if type(item) is Rollback:
                desk.clear()
            elif type(item) not in PLACELESS:
                flush()
            emit(item)

        def on_error(error: Exception) -> None:
            flush()
            down.on_error(error)

        def on_completed() -> None:
            flush()
            down.on_completed()

        return Sink(on_next, on_error, on_completed, timer.dispose)

    return lift(connect)
