"""`smooth`: few large deltas instead of many small ones, for a screen."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reactivex.disposable import SerialDisposable

from rxllm.errors import ConfigurationError
from rxllm.items import Ping, Rollback, StreamItem, TextDelta, Usage
from rxllm.observable import Operator, Sink, clock_of, lift

if TYPE_CHECKING:
    from reactivex import abc

__all__ = ["smooth"]


def smooth(window: float) -> Operator:  # noqa: C901 - closures and no class, so that a token costs one call
    """Gather text so that at most one delta leaves in each `window`.

    Unlike `buffer_with_time`, the first token leaves at once, an idle window emits nothing and costs nothing, an error
    flushes first, and everything but text keeps its place.

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
    if window <= 0:
        raise ConfigurationError(f"smooth(window) needs a positive number of seconds, e.g. 0.05; got {window!r}.")

    def connect(down: Sink, scheduler: abc.SchedulerBase | None) -> Sink:  # noqa: C901 - as above
        if scheduler is None:
            raise ConfigurationError("smooth needs a clock: subscribe with scheduler=…, or to a stream of rxllm.")
        emit = down.on_next
        clock = clock_of(scheduler)
        schedule = scheduler.schedule_relative
        timer = SerialDisposable()
        held: list[str] = []
        choice = 0
        due = float("-inf")  # when the next delta may leave

        def flush() -> None:
            nonlocal due
            if held:
                timer.disposable = None
                gathered = "".join(held)
                held.clear()
                due = clock() + window
                emit(TextDelta(gathered, choice))

        def flush_due(_scheduler: abc.SchedulerBase, _state: object = None) -> None:
            flush()

        def on_next(item: StreamItem) -> None:
            nonlocal choice, due
            if type(item) is TextDelta:
                if held:
                    if item.choice == choice:
                        held.append(item.text)
                        return
                    flush()
                choice = item.choice
                now = clock()
                if now >= due:
                    due = now + window
                    emit(item)
                else:
                    held.append(item.text)
                    timer.disposable = schedule(due - now, flush_due)
                return
            if type(item) is Rollback:
                held.clear()
                timer.disposable = None
            elif held and type(item) is not Ping and type(item) is not Usage:  # those two say nothing of a place
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
