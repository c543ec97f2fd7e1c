"""`cancel_on`: end a pipe when something else happens."""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias, cast

from reactivex import Observable
from reactivex.disposable import Disposable, SingleAssignmentDisposable

from rxllm.errors import ConfigurationError
from rxllm.items import Finish, StreamItem
from rxllm.observable import Operator, Sink, at_home
from rxllm.operators._ending import Exit, lift_ending
from rxllm.operators._tokens import TokenCount

if TYPE_CHECKING:
    from collections.abc import Callable

    from reactivex import abc

__all__ = ["Trigger", "cancel_on"]


class _Future(Protocol):
    def add_done_callback(self, fn: Callable[[Any], object], /) -> object: ...
    def cancelled(self) -> bool: ...
    def done(self) -> bool: ...
    def exception(self) -> BaseException | None: ...


class _Event(Protocol):
    async def wait(self) -> Any: ...
    def is_set(self) -> bool: ...


Trigger: TypeAlias = "Observable[Any] | _Future | _Event"
"""An observable, a future or task of asyncio or of a pool, or an `asyncio.Event`."""


def cancel_on(trigger: Trigger) -> Operator:
    """End the pipe when a trigger fires: what came stays, and a `Finish("cancelled")` with the estimated usage ends it.

    Unlike `rx.take_until`, a trigger that has fired already ends it before the source is subscribed (before `through=`
    no request is sent), an observable fires also when it completes empty, and a future is never cancelled by the end
    of a pipe that watches it. A trigger that fails fails the pipe. A plain Subject remembers nothing: what it fired
    before is gone.

    >>> from rxllm.testing import play
    >>> play(lambda stop, a: a.pipe(cancel_on(stop)), "---x", "ab-cd|")
    'ab-({finish cancelled usage={usage output_tokens=2 estimated=True}}|)'

    Args:
        trigger: An observable, a future or task, or an `asyncio.Event`.

    Returns:
        An operator over stream items.

    Raises:
        ConfigurationError: The trigger is none of these.
    """
    watch = _watching(trigger)

    def connect(down: Sink, scheduler: abc.SchedulerBase | None, way_out: Exit) -> Sink:
        emit = down.on_next
        count = TokenCount()
        add = count.add
        finished = False
        watched = SingleAssignmentDisposable()

        def fire(error: Exception | None) -> None:
            if error is not None:
                way_out.fail(error)
            elif finished:
                way_out.complete()
            else:
                way_out.complete(Finish("cancelled", None, count.usage()))

        def on_next(item: StreamItem) -> None:
            nonlocal finished
            if not way_out.taken:
                add(item)
                finished = type(item) is Finish
                emit(item)

        watched.disposable = watch(lambda error: at_home(scheduler, lambda: fire(error)), scheduler)
        return Sink(on_next, way_out.fail, way_out.complete, watched.dispose)

    return lift_ending(connect)


_Fire: TypeAlias = "Callable[[Exception | None], None]"
_Watch: TypeAlias = "Callable[[_Fire, abc.SchedulerBase | None], abc.DisposableBase]"


def _watching(trigger: Any) -> _Watch:
    """Give a function that watches the trigger for one subscription."""
    if isinstance(trigger, Observable):
        return lambda fire, scheduler: _watch_observable(cast("Observable[Any]", trigger), fire, scheduler)
    if hasattr(trigger, "add_done_callback"):
        return lambda fire, _: _watch_future(trigger, fire)
    if hasattr(trigger, "is_set") and inspect.iscoroutinefunction(trigger.wait):
        return lambda fire, _: _watch_event(trigger, fire)
    raise ConfigurationError(
        f"cancel_on takes an Observable, a future or task, or an asyncio.Event, not {type(trigger).__name__}. For a "
        "coroutine make a task of it; a thread calls stream.cancel(), or completes a concurrent.futures.Future."
    )


def _watch_observable(trigger: Observable[Any], fire: _Fire, scheduler: abc.SchedulerBase | None) -> abc.DisposableBase:
    return trigger.subscribe(lambda _: fire(None), fire, lambda: fire(None), scheduler=scheduler)


def _watch_future(future: _Future, fire: _Fire) -> abc.DisposableBase:
    def done(_: object = None) -> None:
        fire(None if future.cancelled() else _as_exception(future.exception()))

    if future.done():  # asyncio would tell only in the next turn of the loop
        done()
        return Disposable()
    future.add_done_callback(done)
    forget: Callable[[Any], None] = getattr(future, "remove_done_callback", _keep)  # a pool's future has none
    return Disposable(lambda: forget(done))


def _keep(_: object) -> None:
    """Leave a callback where it is; it finds nothing left to end."""


def _as_exception(error: BaseException | None) -> Exception | None:
    return error if error is None or isinstance(error, Exception) else RuntimeError(repr(error))


def _watch_event(event: _Event, fire: _Fire) -> abc.DisposableBase:
    """Take one step of `event.wait()`: what it yields is the future that it waits for, and no task is needed."""
    if event.is_set():
        fire(None)
        return Disposable()
    waiting: Any = event.wait()
    try:
        future = waiting.send(None)
    except (RuntimeError, AttributeError) as error:  # AttributeError: Python 3.11 and 3.12 ask None for a future
        raise ConfigurationError("An asyncio.Event can be watched only where its loop runs.") from error

    def woken(future: _Future) -> None:
        if not future.cancelled():
            fire(None)

    future.add_done_callback(woken)
    return Disposable(waiting.close)
