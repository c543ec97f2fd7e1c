"""`timeouts`: limits in seconds for one pipe."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from reactivex.disposable import SerialDisposable

from rxllm.completion import fold
from rxllm.errors import (
    ConfigurationError,
    FirstItemTimeout,
    ProgressTimeout,
    StreamTimeoutError,
    TotalTimeout,
)
from rxllm.items import Ping, StreamItem
from rxllm.kinds import WITHOUT_CONTENT
from rxllm.observable import Operator, Sink, clock_of
from rxllm.operators._ending import Exit, lift_ending
from rxllm.operators._numbers import check_seconds

if TYPE_CHECKING:
    from collections.abc import Callable

    from reactivex import abc

__all__ = ["timeouts"]

_SLACK: Final = 1e-6  # seconds that a timer may be early
_WORDS: Final[dict[type[StreamTimeoutError], str]] = {
    FirstItemTimeout: "No item came to this pipe within {:g} s. Raise timeouts(first=), or look at what is above it.",
    ProgressTimeout: "No content came to this pipe for {:g} s. Raise timeouts(progress=), or look at what is above it.",
    TotalTimeout: "This pipe had not ended after {:g} s. Raise timeouts(total=), or ask for less with max_tokens.",
}


def timeouts(*, first: float | None = None, progress: float | None = None, total: float | None = None) -> Operator:
    """Fail the pipe with a typed error when a limit is reached; what came is in its `partial`.

    Unlike `rx.timeout`, which takes a keep-alive for life and costs a timer an item, it knows what is content and has
    one timer. Unlike `Model(timeouts=…)` it also holds for what operators above make of the stream, goes on while the
    stream is paused, and in a subscriber's pipe ends that pipe only.

    >>> from rxllm.testing import play
    >>> play(timeouts(first=2), "----a|")
    '--#'
    >>> play(timeouts(progress=3), "a-{ping}-{ping}-|")
    'a-{ping}#'

    Args:
        first: Seconds from the subscription to the first item; a Ping is none.
        progress: Seconds without content: deltas, tool calls, whatever is not only a sign of life.
        total: Seconds from the subscription to the end.

    Returns:
        An operator over stream items.

    Raises:
        ConfigurationError: No limit is given, or one that is not positive; or nothing gives a clock: subscribe with
            `scheduler=`, or to a stream of ours.
    """
    limits = {"first": first, "progress": progress, "total": total}
    if all(limit is None for limit in limits.values()):
        raise ConfigurationError(
            "timeouts takes a positive number of seconds as first=, progress= or total=; got none."
        )
    for name, limit in limits.items():
        if limit is not None:
            check_seconds(f"timeouts({name}=)", limit)

    def connect(down: Sink, scheduler: abc.SchedulerBase | None, way_out: Exit) -> Sink:
        if scheduler is None:
            raise ConfigurationError("timeouts needs a clock: subscribe with scheduler=…, or to a stream of rxllm.")
        emit = down.on_next
        seen: list[StreamItem] = []
        keep = seen.append

        def expire(error: StreamTimeoutError) -> None:
            error.partial = fold(seen)
            way_out.fail(error)

        watch = _Watch(first, progress, total, scheduler, expire)
        note = watch.note

        def on_next(item: StreamItem) -> None:
            if not way_out.taken:
                keep(item)
                note(item)
                emit(item)

        return Sink(on_next, way_out.fail, way_out.complete, watch.stop)

    return lift_ending(connect)


class _Watch:
    """The clock of one subscription; one timer, whatever comes in between."""

    def __init__(
        self,
        first: float | None,
        progress: float | None,
        total: float | None,
        scheduler: abc.SchedulerBase,
        expire: Callable[[StreamTimeoutError], None],
    ) -> None:
        self._first = first
        self._progress = progress
        self._total = total
        self._scheduler = scheduler
        self._expire = expire
        self._clock = clock_of(scheduler)
        self._timer = SerialDisposable()
        self._began = self._progressed = self._clock()
        self._waiting = True  # for the first item
        self._arm()

    def note(self, item: StreamItem) -> None:
        if self._waiting and type(item) is not Ping:
            self._waiting = False
        if self._progress is not None and type(item) not in WITHOUT_CONTENT:
            self._progressed = self._clock()

    def stop(self) -> None:
        self._timer.dispose()

    def _running(self) -> list[tuple[float, float, type[StreamTimeoutError]]]:
        """Give each limit that runs: when it is due, its seconds, its error."""
        due: list[tuple[float, float, type[StreamTimeoutError]]] = []
        if self._first is not None and self._waiting:
            due.append((self._began + self._first, self._first, FirstItemTimeout))
        if self._progress is not None:
            due.append((self._progressed + self._progress, self._progress, ProgressTimeout))
        if self._total is not None:
            due.append((self._began + self._total, self._total, TotalTimeout))
        return due

    def _arm(self) -> None:
        running = self._running()
        if running:
            due = min(limit[0] for limit in running)
            self._timer.disposable = self._scheduler.schedule_relative(max(due - self._clock(), 0.0), self._look)

    def _look(self, _scheduler: abc.SchedulerBase, _state: object = None) -> None:
        now = self._clock() + _SLACK
        over = [limit for limit in self._running() if limit[0] <= now]
        if over:
            _, seconds, kind = min(over, key=lambda limit: limit[0])
            self._expire(kind(_WORDS[kind].format(seconds), seconds))
        else:
            self._arm()
