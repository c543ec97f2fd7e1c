"""Observables that stay on one loop: `LoopObservable` for those who subscribe, `lift` for those who write operators.

Reactivex subscribes each stage through an AutoDetachObserver, which costs more than a token's whole way through ours.
Our operators hand a bare `Sink` from stage to stage instead; the guard stands once, at the end of the pipe, where the
user's own code begins.
"""

from __future__ import annotations

from abc import abstractmethod
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any, Final, Generic, TypeAlias, TypeVar, cast

from reactivex import ConnectableObservable, Observable, abc
from reactivex import operators as ops
from reactivex.disposable import Disposable, SingleAssignmentDisposable
from reactivex.internal import noop

from rxllm.errors import ConfigurationError
from rxllm.guard import Guard, callbacks

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["FINAL_ON_ERROR", "HomeScheduler", "LoopObservable", "Operator", "Sink", "at_home", "clock_of", "lift"]

T = TypeVar("T")
Operator: TypeAlias = "Callable[[Observable[Any]], Observable[Any]]"

FINAL_ON_ERROR: Final[ContextVar[Callable[[Exception], None] | None]] = ContextVar("FINAL_ON_ERROR", default=None)
"""Who stands at the end of the pipe that is being subscribed to: a stage of reactivex that lets an exception escape, as
`rx.map` does with a CancelledError, has let go of its observer by then and cannot tell it any more."""


class HomeScheduler(abc.SchedulerBase):
    """What a scheduler of an event loop has beyond reactivex's: virtual time has none of it and needs none."""

    @abstractmethod
    def here(self) -> bool:
        """Tell whether this is the loop's own thread."""

    @abstractmethod
    def post(self, action: Callable[[], object]) -> bool:
        """Run something on the loop's thread, from any other; False where the loop is closed and runs nothing more."""

    @property
    @abstractmethod
    def closed(self) -> bool:
        """Whether the loop is closed."""

    @abstractmethod
    def time(self) -> float:
        """Give the loop's clock, in seconds."""


def at_home(scheduler: abc.SchedulerBase | None, action: Callable[[], object]) -> None:
    """Run `action` on the scheduler's own thread: now, if this is it, or if its loop is closed and disturbs nobody."""
    home: Any = scheduler  # not asked by isinstance, which an ABC makes slow
    if not hasattr(home, "here") or home.here() or not home.post(action):
        action()


def clock_of(scheduler: abc.SchedulerBase) -> Callable[[], float]:
    """Give a scheduler's clock in seconds; a loop's own is read without making a datetime."""
    if isinstance(scheduler, HomeScheduler):
        return scheduler.time
    return lambda: scheduler.to_seconds(scheduler.now)


class Sink:
    """An observer that is nothing but its three functions, and perhaps one to undo what a stage has set up."""

    __slots__ = ("on_completed", "on_error", "on_next", "undo")

    def __init__(
        self,
        on_next: Callable[[Any], None],
        on_error: Callable[[Exception], None],
        on_completed: Callable[[], None],
        undo: Callable[[], None] | None = None,
    ) -> None:
        self.on_next = on_next
        self.on_error = on_error
        self.on_completed = on_completed
        self.undo = undo


class Lifted(Observable[T], Generic[T]):
    """An observable that takes a `Sink` as it is, and guards every other observer as reactivex does."""

    def __init__(self, core: Callable[[Sink, abc.SchedulerBase | None], abc.DisposableBase]) -> None:
        super().__init__()
        self._core = core

    def _subscribe_core(
        self, observer: abc.ObserverBase[T], scheduler: abc.SchedulerBase | None = None
    ) -> abc.DisposableBase:
        return self._core(Sink(observer.on_next, observer.on_error, observer.on_completed), scheduler)

    def subscribe(
        self,
        on_next: abc.ObserverBase[T] | abc.OnNext[T] | None = None,
        on_error: abc.OnError | None = None,
        on_completed: abc.OnCompleted | None = None,
        *,
        scheduler: abc.SchedulerBase | None = None,
    ) -> abc.DisposableBase:
        """Subscribe; between two of our own stages nothing stands."""
        if type(on_next) is Sink:
            return self._core(cast("Sink", on_next), scheduler)
        return super().subscribe(on_next, on_error, on_completed, scheduler=scheduler)


class _Homed(Observable[T], Generic[T]):
    """A stage within a pipe; whoever subscribes to it without a scheduler, as `rx.to_future` does, uses the loop's."""

    def __init__(self, source: Observable[T], scheduler: abc.SchedulerBase | None) -> None:
        super().__init__()
        self._source = source
        self._home = scheduler

    def subscribe(
        self,
        on_next: abc.ObserverBase[T] | abc.OnNext[T] | None = None,
        on_error: abc.OnError | None = None,
        on_completed: abc.OnCompleted | None = None,
        *,
        scheduler: abc.SchedulerBase | None = None,
    ) -> abc.DisposableBase:
        return self._source.subscribe(cast("Any", on_next), on_error, on_completed, scheduler=scheduler or self._home)


def _homed(value: Any, scheduler: abc.SchedulerBase | None) -> Any:
    if isinstance(value, Observable) and not isinstance(value, (ConnectableObservable, LoopObservable)):
        return _Homed(cast("Observable[Any]", value), scheduler)
    return cast("Any", value)


def lift(connect: Callable[[Sink, abc.SchedulerBase | None], Sink]) -> Operator:
    """Make an operator of a function that is called once a subscription: downstream's sink in, upstream's out.

    Unlike a subscribe function of reactivex, `connect` does not subscribe to the source itself; what it sets up, a
    timer say, it undoes in the `undo` of the sink that it returns.

    >>> import reactivex
    >>> shout = lift(lambda down, _: Sink(lambda x: down.on_next(x.upper()), down.on_error, down.on_completed))
    >>> reactivex.of("a", "b").pipe(shout).run()
    'B'

    Args:
        connect: Makes the upstream sink for one subscription.

    Returns:
        An operator for `.pipe(...)`.
    """

    def operator(source: Observable[Any]) -> Observable[Any]:
        def core(down: Sink, scheduler: abc.SchedulerBase | None) -> abc.DisposableBase:
            up = connect(down, scheduler)
            undo = up.undo
            if undo is None:
                return source.subscribe(cast("Any", up), scheduler=scheduler)
            subscription = SingleAssignmentDisposable()

            def dispose() -> None:
                undo()
                subscription.dispose()

            subscription.disposable = source.subscribe(cast("Any", up), scheduler=scheduler)
            return Disposable(dispose)

        return Lifted(core)

    operator.lifted = True  # pyright: ignore[reportFunctionMemberAccess] - it hands its scheduler on, see `pipe`
    return operator


class LoopObservable(Observable[T], Generic[T]):
    """An observable whose whole pipe lives on one loop, wherever it is subscribed from.

    Unlike a plain Observable, it hands its own scheduler to the time operators above it, so that none of them starts a
    thread; it may be subscribed to and disposed of from any thread; and an observer that raises is detached, told
    through its own `on_error`, and logged, while the source and all others never notice.

    Args:
        source: Where the values come from.
        scheduler: The loop's scheduler, or virtual time.
    """

    def __init__(self, source: Observable[T], scheduler: abc.SchedulerBase | None) -> None:
        super().__init__()
        self._source = source
        self._home = scheduler

    def pipe(self, *operators: Callable[[Any], Any]) -> Any:
        """Compose operators, ours and reactivex's; the result stays on the loop."""
        value: Any = self._source
        for operator in operators:
            value = operator(value if getattr(operator, "lifted", False) else _homed(value, self._home))
        return settled(value, self._home)

    def subscribe(
        self,
        on_next: abc.ObserverBase[T] | abc.OnNext[T] | None = None,
        on_error: abc.OnError | None = None,
        on_completed: abc.OnCompleted | None = None,
        *,
        scheduler: abc.SchedulerBase | None = None,
    ) -> abc.DisposableBase:
        """Subscribe an observer or up to three callbacks, from any thread.

        Args:
            on_next: Called with each value, or an observer.
            on_error: Called once if the stream fails, or if `on_next` raises.
            on_completed: Called once if the stream completes.
            scheduler: For the time operators above; the loop's own by default.

        Returns:
            What ends the subscription; it may be disposed of from any thread.
        """
        next_, on_error, on_completed = callbacks(on_next, on_error, on_completed)
        guard = Guard(next_ or noop, on_error, on_completed or noop)
        home = self._home

        def subscribe_here() -> None:
            sink = Sink(guard.on_next, guard.on_error, guard.on_completed)
            token = FINAL_ON_ERROR.set(guard.on_error)
            try:
                guard.subscription.disposable = self._source.subscribe(cast("Any", sink), scheduler=scheduler or home)
            except Exception as error:  # noqa: BLE001 - handed to the observer
                guard.on_error(error)
            finally:
                FINAL_ON_ERROR.reset(token)

        at_home(home, subscribe_here)
        return Disposable(lambda: at_home(home, guard.dispose))

    def run(self, scheduler: abc.SchedulerBase | None = None) -> T:
        """Block until the end and give the last value; from another thread than the loop's.

        Args:
            scheduler: For the time operators above; the loop's own by default.

        Returns:
            The last value.

        Raises:
            ConfigurationError: This is the loop's thread, and would wait for itself.
        """
        home = self._home
        if isinstance(home, HomeScheduler) and home.here() and not home.closed:
            raise ConfigurationError("run() on the loop's own thread would wait for itself for ever; use `await`.")
        return super().run(scheduler or home)

    def __add__(self, other: Observable[T]) -> LoopObservable[T]:
        return self.pipe(ops.concat(other))

    def __iadd__(self, other: Observable[T]) -> LoopObservable[T]:
        return self + other

    def __getitem__(self, key: slice | int) -> LoopObservable[T]:
        return settled(super().__getitem__(key), self._home)


class LoopConnectable(LoopObservable[T]):
    """A connectable observable that stays on its loop: `connect()` may be called from any thread too."""

    def __init__(self, source: ConnectableObservable[T], scheduler: abc.SchedulerBase | None) -> None:
        super().__init__(source, scheduler)
        self._connectable = source

    def connect(self, scheduler: abc.SchedulerBase | None = None) -> abc.DisposableBase:
        """Begin to pass on what the source emits.

        Args:
            scheduler: For the time operators above; the loop's own by default.

        Returns:
            What disconnects again.
        """
        home = self._home
        connection = SingleAssignmentDisposable()

        def connect_here() -> None:
            connection.disposable = self._connectable.connect(scheduler or home) or Disposable()

        at_home(home, connect_here)
        return Disposable(lambda: at_home(home, connection.dispose))

    def auto_connect(self, subscriber_count: int = 1) -> LoopObservable[T]:
        """Connect when that many have subscribed.

        Args:
            subscriber_count: How many.

        Returns:
            An observable that connects by itself.
        """
        if subscriber_count == 0:
            self.connect()  # there it would be done without our scheduler
        return LoopObservable(self._connectable.auto_connect(subscriber_count), self._home)


def settled(value: Any, scheduler: abc.SchedulerBase | None) -> Any:
    """Keep on the loop whatever an operator gave: an observable, a connectable, or several of them."""
    if isinstance(value, LoopObservable):
        return cast("Any", value)
    if isinstance(value, ConnectableObservable):
        return LoopConnectable(cast("ConnectableObservable[Any]", value), scheduler)
    if isinstance(value, Observable):
        return LoopObservable(cast("Observable[Any]", value), scheduler)
    if isinstance(value, (list, tuple)):
        return [settled(each, scheduler) for each in cast("list[Any]", value)]
    return value
