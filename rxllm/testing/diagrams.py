"""Operators played on virtual time, as pictures: `play`, `lifetimes`, `subscribers`.

Diagrams are those of `rxllm.marbles`. A frame is one second of virtual time, and nothing waits:

- Sources are hot: what they emit while nobody is subscribed is gone, but their end is told to whoever comes later.
- In one frame subscribers come and go first, then the sources emit in the order given, then timers fire. What a
  subscription schedules for now (so `rx.merge` subscribes to its sources) is part of it and done before they emit.
- Time stops when no work is left, and at the latest 100 frames after the last thing drawn, so that a timer that never
  ends does not run for ever.
- What happens between two frames is drawn in the earlier one.
"""

from __future__ import annotations

import math
from collections import deque
from typing import TYPE_CHECKING, Any, Final

from reactivex import Observable
from reactivex.disposable import CompositeDisposable, Disposable, SerialDisposable
from reactivex.scheduler import ScheduledItem, VirtualTimeScheduler
from reactivex.subject import Subject

from rxllm.errors import ConfigurationError, RxllmError
from rxllm.marbles import Mark, Timeline, parse, render

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from reactivex import abc, typing

__all__ = ["lifetimes", "play", "subscribers"]

_TAIL: Final = 100
_MOST_WORK: Final = 100_000
_ROUNDING: Final = 0.001


def play(
    operator: Callable[..., Observable[Any]],
    /,
    *diagrams: str,
    subscription: str | None = None,
    until: int | None = None,
    **values: Any,
) -> str:
    """Play diagrams through an operator and draw what comes out.

    Unlike reactivex's `marbles_testing`, it keeps frame 0 of a hot source and reads `ab` as two items.

    >>> from reactivex import operators as rx
    >>> play(rx.delay(2), "ab---c|")
    '--ab---c|'
    >>> play(lambda a, b: a.pipe(rx.merge(b)), "a--b--|", "-x--y|")
    'ax-by-|'
    >>> play(rx.take(2), "a-X-b|", X=42)
    'a-(X|)'
    >>> play(rx.delay(1), "abcd|", until=3)
    '-ab'

    Args:
        operator: Given one hot source a diagram, gives the observable to watch.
        diagrams: The sources; `#` fails them with an `RxllmError`.
        subscription: When to watch, as a lifetime diagram like `"--^---!"`; without it from frame 0 to the end.
        until: The frame in which to stop watching, in short for `subscription`.
        values: What single characters stand for, in and out.

    Returns:
        The diagram of what came; any error is `#`.

    Raises:
        ConfigurationError: A diagram cannot be read, or the operator never stops working within one frame.
    """
    _, (seen,) = _run(operator, diagrams, [_lifetime(subscription, until)], values)
    return render(seen, **values)


def lifetimes(
    operator: Callable[..., Observable[Any]],
    /,
    *diagrams: str,
    subscription: str | None = None,
    until: int | None = None,
    **values: Any,
) -> list[str]:
    """Draw when an operator subscribed to its sources and left them.

    Unlike `play`, it does not look at what comes out. A source that was never subscribed is `""`, one that was never
    left has no `!`, and one that was subscribed twice has two of each: `^--(!^)--!`.

    >>> from reactivex import operators as rx
    >>> lifetimes(lambda a, stop: a.pipe(rx.take_until(stop)), "abcdef|", "---x---|")
    ['^--!', '^--!']

    Args:
        operator: Given one hot source a diagram, gives the observable to subscribe.
        diagrams: The sources.
        subscription: When to be subscribed, as a lifetime diagram; without it from frame 0 to the end.
        until: The frame in which to unsubscribe, in short for `subscription`.
        values: What single characters stand for.

    Returns:
        One lifetime diagram a source.

    Raises:
        ConfigurationError: A diagram cannot be read, or the operator never stops working within one frame.
    """
    sources, _ = _run(operator, diagrams, [_lifetime(subscription, until)], values)
    return [render(source.lifetimes) for source in sources]


def subscribers(
    operator: Callable[..., Observable[Any]], diagram: str, /, *subscriptions: str, **values: Any
) -> list[str]:
    """Draw what each of several subscribers of one and the same observable sees.

    Unlike several calls of `play`, the operator is applied once, so that what it shares or keeps between subscriptions
    is seen.

    >>> from reactivex import operators as rx
    >>> subscribers(rx.scan(lambda text, item: text + item.text, ""), "a-b-c|", "^", "-^--!")
    ["a-'ab'-'abc'|", '--b']

    Args:
        operator: Given the one hot source, gives the observable to watch.
        diagram: The source.
        subscriptions: A lifetime diagram a subscriber.
        values: What single characters stand for, in and out.

    Returns:
        A diagram a subscriber.

    Raises:
        ConfigurationError: A diagram cannot be read, or the operator never stops working within one frame.
    """
    _, seen = _run(operator, [diagram], [_lifetime(each, None) for each in subscriptions], values)
    return [render(events, **values) for events in seen]


class _Clock(VirtualTimeScheduler):
    """Virtual time that counts its work, since work for the present frame may be scheduled without end."""

    def __init__(self) -> None:
        super().__init__()
        self._scheduled = 0
        self._urgent: deque[ScheduledItem] | None = None

    @property
    def frame(self) -> int:
        return math.floor(self.to_seconds(self.now) + _ROUNDING)

    def schedule_absolute(
        self, duetime: typing.AbsoluteTime, action: typing.ScheduledAction[Any], state: Any = None
    ) -> abc.DisposableBase:
        self._scheduled += 1
        if self._scheduled > _MOST_WORK:
            raise ConfigurationError(
                f"{_MOST_WORK} pieces of work were scheduled, and frame {self.frame} has not ended; "
                "an operator on virtual time must let time pass, so look for a timer of zero seconds."
            )
        if self._urgent is None or self.to_datetime(duetime) > self.now:
            return super().schedule_absolute(duetime, action, state)
        item = ScheduledItem(self, state, action, self.now)
        self._urgent.append(item)
        return item.disposable

    def at(self, frame: int, do: Callable[[], None]) -> None:
        def act(_scheduler: abc.SchedulerBase, _state: Any = None) -> None:
            do()

        self.schedule_absolute(float(frame), act)

    def settle(self, do: Callable[[], None]) -> None:
        """Do something, and what it schedules for now, before anything else that is due in this frame."""
        self._urgent = deque()
        do()
        while self._urgent:
            item = self._urgent.popleft()
            if not item.is_cancelled():
                item.invoke()
        self._urgent = None


class _Source:
    """A hot source that knows when somebody was subscribed to it."""

    def __init__(self, clock: _Clock, events: Timeline) -> None:
        self.lifetimes: Timeline = []
        self.events = events
        self._clock = clock
        self._subject = Subject[Any]()
        self.observable: Observable[Any] = Observable(self._subscribe)

    def _subscribe(
        self, observer: abc.ObserverBase[Any], scheduler: abc.SchedulerBase | None = None
    ) -> abc.DisposableBase:
        def left() -> None:
            self.lifetimes.append((self._clock.frame, Mark.UNSUBSCRIBED))

        self.lifetimes.append((self._clock.frame, Mark.SUBSCRIBED))
        return CompositeDisposable(self._subject.subscribe(observer, scheduler=scheduler), Disposable(left))

    def schedule(self) -> None:
        for frame, event in self.events:
            self._clock.at(frame, self._emission(event))

    def _emission(self, event: Any) -> Callable[[], None]:
        if event is Mark.COMPLETED:
            return self._subject.on_completed
        if event is Mark.FAILED:
            return lambda: self._subject.on_error(RxllmError("The diagram says '#' here."))
        return lambda: self._subject.on_next(event)


def _run(
    operator: Callable[..., Observable[Any]],
    diagrams: Sequence[str],
    watches: Sequence[tuple[int, int | None]],
    values: dict[str, Any],
) -> tuple[list[_Source], list[Timeline]]:
    """Play it all; what is scheduled first for a frame comes first in it."""
    clock = _Clock()
    sources = [_Source(clock, _source_events(diagram, values)) for diagram in diagrams]
    observable = operator(*[source.observable for source in sources])
    seen = [_watch(clock, observable, *watch) for watch in watches]
    for source in sources:
        source.schedule()
    drawn = [frame for source in sources for frame, _ in source.events]
    drawn += [frame for watch in watches for frame in watch if frame is not None]
    clock.advance_to(float(max(drawn, default=0) + _TAIL))
    return sources, seen


def _watch(clock: _Clock, observable: Observable[Any], start: int, stop: int | None) -> Timeline:
    seen: Timeline = []
    held = SerialDisposable()

    def saw(event: Any) -> None:
        seen.append((clock.frame, event))

    def subscribe() -> None:
        held.disposable = observable.subscribe(
            saw, lambda _: saw(Mark.FAILED), lambda: saw(Mark.COMPLETED), scheduler=clock
        )

    clock.at(start, lambda: clock.settle(subscribe))
    if stop is not None:
        clock.at(stop, held.dispose)
    return seen


def _source_events(diagram: str, values: dict[str, Any]) -> Timeline:
    events = parse(diagram, **values)
    if any(event in (Mark.SUBSCRIBED, Mark.UNSUBSCRIBED) for _, event in events):
        raise ConfigurationError(f"{diagram!r} is a source, and '^' or '!' a lifetime; use subscription='^--!'.")
    return events


def _lifetime(subscription: str | None, until: int | None) -> tuple[int, int | None]:
    """Give the frames of subscribing and unsubscribing."""
    if subscription is None:
        return 0, until
    if until is not None:
        raise ConfigurationError("Both `until` and `subscription` say when to unsubscribe; give one of them.")
    events = parse(subscription)
    if [event for _, event in events] not in ([Mark.SUBSCRIBED], [Mark.SUBSCRIBED, Mark.UNSUBSCRIBED]):
        raise ConfigurationError(
            f"{subscription!r} is no lifetime; draw one '^' and then at most one '!', as '--^--!'."
        )
    return events[0][0], events[1][0] if events[1:] else None
