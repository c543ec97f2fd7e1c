"""`conflate`: what a slow downstream has missed, in few large items."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from reactivex import Observable
from reactivex.disposable import SerialDisposable

from rxllm.errors import ConfigurationError, MailboxOverflowError
from rxllm.observable import Operator, Sink, at_home, clock_of
from rxllm.operators._ending import Exit, lift_ending
from rxllm.operators._numbers import check_seconds
from rxllm.operators._waiting import Waiting

if TYPE_CHECKING:
    from collections.abc import Callable

    from reactivex import abc

    from rxllm.items import StreamItem

__all__ = ["conflate"]


def conflate(every: float | Observable[Any] | None = None) -> Operator:  # noqa: C901 - closures and no class, so that an item costs one call
    """Deliver at downstream's pace: whatever came in between is merged, a delta a part, and nothing is lost.

    Unlike `rx.sample` or `rx.throttle_first` it loses no character, and unlike `smooth` it merges all parts (reasoning
    and tool calls too) and lets structural items wait in their place: no delta is merged across one, but a Usage or a
    Ping, of which the newest counts. Where `every` is not given, downstream is busy while it handles
    an item; what arrives during that (re-entrantly) waits.

    >>> from rxllm.testing import play
    >>> play(conflate(3), "ab{reason c}de--|")
    "a--('bd'{reason c})--e|"

    Args:
        every: Seconds between two deliveries, the first at once; or an observable, each of whose values asks for all
            that waits.

    Returns:
        An operator over stream items; joined, each part is the same.

    Raises:
        ConfigurationError: The seconds are not positive, or nothing gives them a clock: subscribe with `scheduler=`,
            or to a stream of ours.
    """
    seconds = None if every is None or isinstance(every, Observable) else every
    if seconds is not None:
        check_seconds("conflate(every), if not given an observable,", seconds)
    ticker = every if isinstance(every, Observable) else None

    def connect(down: Sink, scheduler: abc.SchedulerBase | None, way_out: Exit) -> Sink:  # noqa: C901 - as above
        delivery = _Delivery(down.on_next)
        pacing = SerialDisposable()
        ask = delivery.deliver
        if seconds is not None:
            if scheduler is None:
                raise ConfigurationError("conflate(seconds) needs a clock: subscribe with scheduler=…, or to a stream.")
            ask = _paced(seconds, scheduler, delivery.deliver, pacing)

        def on_next(item: StreamItem) -> None:
            if way_out.taken:
                return
            if every is None and delivery.passed_on(item):
                return
            try:
                delivery.waiting.put(item)
            except MailboxOverflowError as error:
                fail(error)
            else:
                if ticker is None:
                    ask()

        def fail(error: Exception) -> None:
            delivery.end(lambda: way_out.fail(error))

        if ticker is not None:
            pacing.disposable = ticker.subscribe(
                lambda _: at_home(scheduler, delivery.deliver),
                lambda error: at_home(scheduler, lambda: fail(error)),
                scheduler=scheduler,
            )
        return Sink(on_next, fail, lambda: delivery.end(way_out.complete), pacing.dispose)

    return lift_ending(connect)


class _Delivery:
    """What waits, and whether downstream is busy with what it was given."""

    def __init__(self, emit: Callable[[StreamItem], None]) -> None:
        self.waiting = Waiting()
        self._emit = emit
        self._busy = False
        self._end: Callable[[], None] | None = None  # which came while downstream was busy

    def passed_on(self, item: StreamItem) -> bool:
        """Hand one item over past the queue, where downstream is free and nothing waits."""
        if self._busy or len(self.waiting):
            return False
        self._busy = True
        self._emit(item)
        self._busy = False
        if len(self.waiting) or self._end is not None:
            self.deliver()
        return True

    def deliver(self) -> None:
        """Hand over all that waits, also what comes during that, and then the end if it has come."""
        if self._busy:
            return
        self._busy = True
        self.waiting.take_all(self._emit)
        self._busy = False
        if self._end is not None:
            self._end()

    def end(self, tell: Callable[[], None]) -> None:
        """Deliver all and end; later, if downstream is busy."""
        self._end = self._end or tell
        self.deliver()


def _paced(
    seconds: float, scheduler: abc.SchedulerBase, deliver: Callable[[], None], timer: SerialDisposable
) -> Callable[[], None]:
    """Give a function that delivers at once where that was not done for so long, and else arms the timer."""
    clock = clock_of(scheduler)
    due = float("-inf")
    armed = False

    def deliver_due(*_: object) -> None:
        nonlocal armed, due
        armed = False
        due = clock() + seconds
        deliver()

    def ask() -> None:
        nonlocal armed
        if armed:
            return
        now = clock()
        if now >= due:
            deliver_due()
        else:
            armed = True
            timer.disposable = scheduler.schedule_relative(due - now, deliver_due)

    return ask
