"""`smooth`: few large deltas instead of many small ones, for a screen."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reactivex.disposable import SerialDisposable

from rxllm.errors import ConfigurationError
from rxllm.items import Rollback, StreamItem, TextDelta
from rxllm.observable import Operator, Sink, clock_of, lift
from rxllm.operators._by_choice import PLACELESS
from rxllm.operators._numbers import check_seconds

if TYPE_CHECKING:
    from reactivex import abc

__all__ = ["smooth"]


def smooth(window: float) -> Operator:  # noqa: C901 - closures and no class, so that a token costs one call
    """Gather text so that at most one delta leaves in each `window`.

    Unlike `buffer_with_time`, the first token leaves at once, an idle window emits nothing and costs nothing, an error
    flushes first, and everything but text keeps its place. Where there are several choices, it is one delta for each.

    >>> from rxllm.testing import play
    >>> play(smooth(3), "ab---c|")
    'a--b--(c|)'

    Args:
        window: Seconds between two emissions.

    Returns:
        An operator over stream items; joined, the text is the same.

    Raises:
        ConfigurationError: `window` is not positive, or nothing gives it a clock: subscribe with `scheduler=`, or to
            a stream of ours, which brings its own.
    """
    check_seconds("smooth(window)", window)

    def connect(down: Sink, scheduler: abc.SchedulerBase | None) -> Sink:  # noqa: C901 - as above
        if scheduler is None:
            raise ConfigurationError("smooth needs a clock: subscribe with scheduler=…, or to a stream of rxllm.")
        emit = down.on_next
        clock = clock_of(scheduler)
        schedule = scheduler.schedule_relative
        timer = SerialDisposable()
        held: dict[int, list[str]] = {}
        due = float("-inf")  # when the next delta may leave

        def flush() -> None:
            nonlocal due
            if held:
                timer.disposable = None
                gathered = [TextDelta("".join(texts), choice) for choice, texts in held.items()]
                held.clear()
                due = clock() + window
                for delta in gathered:
                    emit(delta)

        def flush_due(_scheduler: abc.SchedulerBase, _state: object = None) -> None:
            flush()

        def on_next(item: StreamItem) -> None:
            nonlocal due
            if type(item) is TextDelta:
                if held:
                    texts = held.get(item.choice)
                    if texts is None:
                        held[item.choice] = [item.text]
                    else:
                        texts.append(item.text)
                    return
                now = clock()
                if now >= due:
                    due = now + window
                    emit(item)
                else:
                    held[item.choice] = [item.text]
                    timer.disposable = schedule(due - now, flush_due)
                return
            if type(item) is Rollback:
                held.clear()
                timer.disposable = None
            elif held and type(item) not in PLACELESS:
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
