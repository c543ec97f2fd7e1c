"""`pausable`: a gate in a pipe; what comes while it is closed waits."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from reactivex import Observable
from reactivex.disposable import SingleAssignmentDisposable
from reactivex.subject import BehaviorSubject

from rxllm.errors import ConfigurationError, MailboxOverflowError
from rxllm.observable import Operator, Sink, at_home
from rxllm.operators._ending import Exit, lift_ending
from rxllm.operators._waiting import Waiting

if TYPE_CHECKING:
    from collections.abc import Callable

    from reactivex import abc

    from rxllm.items import StreamItem

__all__ = ["Gate", "pausable"]


class Gate(BehaviorSubject[bool]):
    """A gate to hand to `pausable`; it may be used from any thread, for any number of pipes.

    Unlike an `asyncio.Event`, which it is named after, it tells at once when it is closed, too.

    >>> gate = Gate()
    >>> gate.clear()
    >>> gate.is_set()
    False

    Args:
        is_open: How it is at first.
    """

    def __init__(self, *, is_open: bool = True) -> None:
        super().__init__(is_open)

    def set(self) -> None:
        """Open the gate."""
        self.on_next(value=True)

    def clear(self) -> None:
        """Close the gate."""
        self.on_next(value=False)

    def is_set(self) -> bool:
        """Tell whether the gate is open."""
        return self.value


def pausable(gate: Observable[bool]) -> Operator:  # noqa: C901 - closures and no class, so that an item costs one call
    """Let items pass while a gate is open; while it is closed they wait, merged to a delta a part, and nothing is lost.

    Unlike `stream.pause()`, which stops the provider and everybody else, it holds back this pipe only. Structural
    items wait in their place, as in `conflate`; the end waits too, and so does an error. The gate is open until it says
    False, and stays open when it has ended.

    >>> from rxllm.testing import play
    >>> play(lambda gate, a: a.pipe(pausable(gate)), "--F--T", "abcdef|", F=False, T=True)
    "ab---('cde'f)|"

    Args:
        gate: A `Gate`, or any observable of True for open and False for closed.

    Returns:
        An operator over stream items; joined, each part is the same.

    Raises:
        ConfigurationError: The gate is no observable.
    """
    if not isinstance(cast("object", gate), Observable):
        raise ConfigurationError(
            f"pausable takes a Gate or an observable of True and False, not {type(gate).__name__}; an Event cannot "
            "tell when it is closed."
        )

    def connect(down: Sink, scheduler: abc.SchedulerBase | None, way_out: Exit) -> Sink:  # noqa: C901 - as above
        emit = down.on_next
        waiting = Waiting()
        gated = SingleAssignmentDisposable()
        is_open = free = True  # free: open, and nothing waits
        delivering = False
        last: Callable[[], None] | None = None  # the end, which waits too

        def deliver() -> None:
            nonlocal delivering, free
            if delivering:
                return
            delivering = True
            while is_open and len(waiting):
                emit(waiting.take())
            delivering = False
            free = is_open
            if free and last is not None:
                last()

        def turn(value: object) -> None:
            nonlocal is_open, free
            is_open = bool(value)
            if not is_open:
                free = False
            elif not free:
                deliver()

        def end(tell: Callable[[], None]) -> None:
            nonlocal last
            last = last or tell
            if free:
                last()

        def fail(error: Exception) -> None:
            end(lambda: way_out.fail(error))

        def break_off(error: Exception) -> None:
            fail(error)
            turn(value=True)

        def on_next(item: StreamItem) -> None:
            if way_out.taken:
                return
            if free:
                emit(item)
                return
            try:
                waiting.put(item)
            except MailboxOverflowError as error:
                break_off(error)

        gated.disposable = gate.subscribe(
            # Two threads that turned a Gate may tell it in another order than they did: what it says now is right.
            lambda value: at_home(scheduler, lambda: turn(gate.is_set() if isinstance(gate, Gate) else value)),
            lambda error: at_home(scheduler, lambda: break_off(error)),
            lambda: at_home(scheduler, lambda: turn(value=True)),
            scheduler=scheduler,
        )
        return Sink(on_next, fail, lambda: end(way_out.complete), gated.dispose)

    return lift_ending(connect)
