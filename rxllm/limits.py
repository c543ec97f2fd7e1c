"""The three limits that a stream keeps itself: first item, progress, total. One timer, whatever comes in between."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from reactivex.disposable import SerialDisposable

from rxllm.errors import FirstItemTimeout, ProgressTimeout, TotalTimeout
from rxllm.items import Ping, StreamItem
from rxllm.kinds import WITHOUT_CONTENT
from rxllm.observable import clock_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from reactivex import abc

    from rxllm.messages import Timeouts

__all__ = ["Limits", "has_content", "of_attempt", "of_stream"]

_SLACK: Final = 1e-6  # seconds that a timer may be early
_WORDS: Final = {
    FirstItemTimeout: "No item came within {:g} s. Raise timeouts.first_item, or look at the provider's load.",
    ProgressTimeout: "No content came for {:g} s, though the connection was alive. Raise timeouts.progress, or retry.",
    TotalTimeout: "The answer was not complete after {:g} s. Raise timeouts.total, or ask for less with max_tokens.",
}


def has_content(items: list[StreamItem]) -> bool:
    """Tell whether anything of an answer is among the items: an end alone is none, nor is what comes before."""
    return any(type(item) not in WITHOUT_CONTENT for item in items)


def of_stream(timeouts: Timeouts) -> Timeouts:
    """Give the limits that are the whole stream's, where each of its attempts keeps the others."""
    return timeouts.model_copy(update={"first_item": None, "progress": None})


def of_attempt(timeouts: Timeouts) -> Timeouts:
    """Give the limits that are one attempt's, whose expiry leads to the next."""
    return timeouts.model_copy(update={"total": None})


class Limits:
    """Watches the clock of one request, and takes down when the first item and the first content came.

    Args:
        timeouts: The limits in seconds, or None for no limit.
        scheduler: Arms the one timer.
        expire: Called with the typed error when a limit is reached.
    """

    __slots__ = (
        "_begun",
        "_expire",
        "_paused",
        "_progressed",
        "_scheduler",
        "_timeouts",
        "_timer",
        "clock",
        "first_content",
        "first_item",
        "since",
        "watchful",
    )

    def __init__(
        self,
        timeouts: Timeouts | None,
        scheduler: abc.SchedulerBase,
        expire: Callable[[FirstItemTimeout | ProgressTimeout | TotalTimeout], None],
    ) -> None:
        self._timeouts = timeouts
        self._scheduler = scheduler
        self._expire = expire
        self._timer = SerialDisposable()
        self._begun = self._paused = False
        self._progressed = 0.0
        self.clock = clock_of(scheduler)
        self.since = self.clock()
        self.first_item: float | None = None
        self.first_content: float | None = None
        self.watchful = True  # whether items must be shown to `note`

    def begin(self) -> None:
        """Start the clock."""
        self._begun = True
        self.since = self._progressed = self.clock()
        self._arm()

    def note(self, items: list[StreamItem]) -> None:
        """Take down when something, and when content, came."""
        now = self.clock()
        if self.first_item is None and any(type(i) is not Ping for i in items):
            self.first_item = now - self.since
        if has_content(items):
            self._progressed = now
            if self.first_content is None:
                self.first_content = now - self.since
                self.watchful = self._timeouts is not None and self._timeouts.progress is not None

    def pause(self) -> None:
        """Stop all but the total limit."""
        self._paused = True

    def resume(self) -> None:
        """Go on; the time in between does not count."""
        self._paused = False
        self._progressed = self.clock()
        if self._begun:
            self._arm()

    def stop(self) -> None:
        """Watch no more."""
        self._begun = False
        self._timer.dispose()

    def _running(self) -> list[tuple[float, float, type[FirstItemTimeout | ProgressTimeout | TotalTimeout]]]:
        """Give each limit that runs: when it is due, its seconds, its error."""
        timeouts = self._timeouts
        if timeouts is None:
            return []
        limits: list[tuple[float, float, type[FirstItemTimeout | ProgressTimeout | TotalTimeout]]] = []
        if timeouts.total is not None:
            limits.append((self.since + timeouts.total, timeouts.total, TotalTimeout))
        if timeouts.first_item is not None and self.first_item is None and not self._paused:
            limits.append((self._progressed + timeouts.first_item, timeouts.first_item, FirstItemTimeout))
        if timeouts.progress is not None and not self._paused:
            limits.append((self._progressed + timeouts.progress, timeouts.progress, ProgressTimeout))
        return limits

    def _arm(self) -> None:
        limits = self._running()
        if limits:
            due = max(min(limit[0] for limit in limits) - self.clock(), 0.0)
            self._timer.disposable = self._scheduler.schedule_relative(due, self._look)

    def _look(self, _scheduler: abc.SchedulerBase, _state: object = None) -> None:
        now = self.clock() + _SLACK
        over = [limit for limit in self._running() if limit[0] <= now]
        if over:
            _, seconds, kind = min(over, key=lambda limit: limit[0])
            self._expire(kind(_WORDS[kind].format(seconds), seconds))
        else:
            self._arm()
