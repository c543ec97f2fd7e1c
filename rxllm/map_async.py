"""Async functions and async iterators of a pipe: `map_async`, `to_async_iterator`."""

from __future__ import annotations

import asyncio
from collections import deque
from contextlib import suppress
from typing import TYPE_CHECKING, Any, TypeVar, cast

from reactivex import Observable

from rxllm.errors import ConfigurationError, MailboxOverflowError, RxllmError
from rxllm.loop import loop_scheduler
from rxllm.observable import Operator, Sink, at_home
from rxllm.operators._ending import Exit, lift_ending
from rxllm.operators._numbers import check_count
from rxllm.reader import Reader

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from reactivex import abc

    from rxllm.mailbox import Overflow

__all__ = ["map_async", "to_async_iterator"]

T = TypeVar("T")


def map_async(f: Callable[[Any], Awaitable[Any]], *, concurrency: int = 1, ordered: bool = True) -> Operator:
    """Await an async function of each value, and give its results.

    Unlike `rx.flat_map` over a task it keeps the order, holds the number of calls at once, and leaves no task behind:
    the end of the pipe cancels what runs. What came before the source's end, good or bad, is still answered.

    >>> import reactivex
    >>> async def main():
    ...     async def slowly(seconds):
    ...         await asyncio.sleep(seconds)
    ...         return seconds
    ...     results = reactivex.of(0.02, 0.01, 0.0).pipe(map_async(slowly, concurrency=3))
    ...     return [result async for result in to_async_iterator(results)]
    >>> asyncio.run(main())
    [0.02, 0.01, 0.0]

    Args:
        f: The function.
        concurrency: Calls at once; further values wait.
        ordered: Whether results keep the order of their values, or come as they are ready.

    Returns:
        An operator over any values, for a pipe that is subscribed where a loop runs.

    Raises:
        ConfigurationError: `f` is no function, `concurrency` below 1 or no whole number, or no loop is running.
    """
    if not callable(f):
        raise ConfigurationError(f"map_async takes an async function of a value, not {f!r}.")
    check_count("map_async(concurrency=)", concurrency)

    def connect(down: Sink, _: abc.SchedulerBase | None, way_out: Exit) -> Sink:
        calls = _Calls(f, concurrency, down.on_next, way_out, ordered=ordered)
        return Sink(
            calls.add,
            lambda error: calls.end(lambda: way_out.fail(error)),
            lambda: calls.end(way_out.complete),
            calls.cancel,
        )

    return lift_ending(connect)


class _Calls:
    """The calls of one subscription, in the order of their values, and the values that wait."""

    def __init__(
        self,
        f: Callable[[Any], Awaitable[Any]],
        concurrency: int,
        emit: Callable[[Any], None],
        way_out: Exit,
        *,
        ordered: bool,
    ) -> None:
        self._f = f
        self._concurrency = concurrency
        self._emit = emit
        self._way_out = way_out
        self._ordered = ordered
        self._loop = running_loop("map_async")
        self._waiting: deque[Any] = deque()
        self._running: deque[asyncio.Task[Any]] = deque()  # or done, but behind one that is not
        self._end: Callable[[], None] | None = None

    def add(self, value: Any) -> None:
        if not self._way_out.taken:
            self._waiting.append(value)
            self._go_on()

    def end(self, tell: Callable[[], None]) -> None:
        """End when everything was answered."""
        self._end = self._end or tell
        self._go_on()

    def _go_on(self) -> None:
        while self._waiting and len(self._running) < self._concurrency:
            task = self._loop.create_task(self._call(self._waiting.popleft()))
            self._running.append(task)
            task.add_done_callback(self._done)
        if self._end is not None and not self._running:
            self._end()

    async def _call(self, value: Any) -> Any:
        return await self._f(value)

    def _done(self, task: asyncio.Task[Any]) -> None:
        if self._way_out.taken:
            if not task.cancelled():
                task.exception()  # or asyncio would say that nobody looked
            return
        if self._ordered:
            while self._running and self._running[0].done():
                self._answer(self._running.popleft())
        else:
            self._running.remove(task)
            self._answer(task)
        self._go_on()

    def _answer(self, task: asyncio.Task[Any]) -> None:
        error = None if task.cancelled() else task.exception()
        if isinstance(error, Exception):
            self._way_out.fail(error)
        elif error is not None or task.cancelled():  # awaiting the pipe must not look like a cancelled task
            self._way_out.fail(RxllmError("The function of map_async was cancelled; it must return or raise."))
        elif not self._way_out.taken:
            self._emit(task.result())

    def cancel(self) -> None:
        """Let go of everything; called on the way out."""
        self._waiting.clear()
        for task in self._running:
            if task is not asyncio.current_task(self._loop):
                task.cancel()


def running_loop(who: str) -> asyncio.AbstractEventLoop:
    """Give the running loop, which whoever subscribes must bring.

    Args:
        who: What needs it.

    Raises:
        ConfigurationError: None is running.
    """
    try:
        return asyncio.get_running_loop()
    except RuntimeError as error:
        raise ConfigurationError(f"{who} needs a running event loop; subscribe inside `async def`.") from error


def to_async_iterator(source: Observable[Any], *, overflow: Overflow = "merge", capacity: int = 1024) -> Reader:
    """Read any observable with `async for`, through a bounded mailbox.

    Unlike `stream.items()`, which can also pause the provider, it reads whatever a pipe makes of a stream. Deltas that
    wait are merged; of other values 10,000 may wait. Leaving the loop unsubscribes.

    >>> import reactivex
    >>> async def main():
    ...     return [value async for value in to_async_iterator(reactivex.of(1, 2, 3))]
    >>> asyncio.run(main())
    [1, 2, 3]

    Args:
        source: What is read; it may emit on any thread.
        overflow: `merge` (lossless), `drop_oldest`, `drop_newest` or `error`; see `Mailbox`.
        capacity: Deltas that are queued before `overflow` decides.

    Returns:
        An async iterator, subscribed at once; the error of a failed source is raised after what came before it.

    Raises:
        ConfigurationError: The source is no observable; the policy is unknown, or `pause`, which only a stream can;
            `capacity` is not positive; or no loop is running.
    """
    if not isinstance(cast("object", source), Observable):
        raise ConfigurationError(f"to_async_iterator reads an Observable, not {type(source).__name__}.")
    check_count("to_async_iterator(capacity=)", capacity)
    if overflow == "pause":
        raise ConfigurationError('overflow="pause" needs a stream: stream.items(overflow="pause").')
    home = loop_scheduler()
    return Reader(_Plain(source, home), home, capacity=capacity, overflow=overflow)


class _Plain:
    """An observable as a reader wants it, on the loop's thread."""

    def __init__(self, source: Observable[Any], home: abc.SchedulerBase) -> None:
        self._source = source
        self._home = home

    def read_with(self, sink: Sink) -> abc.DisposableBase:
        home = self._home

        def put(value: Any) -> None:
            with suppress(MailboxOverflowError):  # which the reader raises, and not the source
                sink.on_next(value)

        return self._source.subscribe(
            lambda value: at_home(home, lambda: put(value)),
            lambda error: at_home(home, lambda: sink.on_error(error)),
            lambda: at_home(home, sink.on_completed),
            scheduler=home,
        )

    def pause(self, holder: object = None) -> None:
        """Never called: there is nothing to pause."""

    def resume(self, holder: object = None) -> None:
        """Never called: there is nothing to resume."""
