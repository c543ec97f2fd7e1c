"""Where asyncio and Rx meet: the scheduler of a loop, and async iterators as observables."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncGenerator
from typing import TYPE_CHECKING, Any, Final, TypeVar

from reactivex import Observable
from reactivex.disposable import Disposable
from reactivex.scheduler.eventloop import AsyncIOThreadSafeScheduler

from rxllm.errors import ConfigurationError, TransportError
from rxllm.observable import HomeScheduler

if TYPE_CHECKING:
    from collections.abc import AsyncIterable, AsyncIterator, Awaitable, Callable

    from reactivex import abc, typing

    from rxllm.transport.exchange import ByteStream

__all__ = ["LoopScheduler", "Pump", "from_async_iterable", "loop_scheduler"]

T = TypeVar("T")
_DRAIN_SECONDS: Final = 0.1
_running: set[asyncio.Task[None]] = set()


class LoopScheduler(AsyncIOThreadSafeScheduler, HomeScheduler):
    """The scheduler of one running event loop.

    Unlike reactivex's own it knows its thread: there it arms a plain timer, and only elsewhere pays for thread safety.

    Args:
        loop: The loop; made on its own thread.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        super().__init__(loop)
        self._thread = threading.get_ident()

    def time(self) -> float:
        """Give the loop's clock, in seconds."""
        return self._loop.time()

    def here(self) -> bool:
        """Tell whether this is the loop's own thread."""
        return threading.get_ident() == self._thread

    def post(self, action: Callable[[], object]) -> None:
        """Run something on the loop's thread; a loop that is closed runs nothing any more."""
        if not self._loop.is_closed():
            self._loop.call_soon_threadsafe(action)

    def schedule_relative(
        self, duetime: typing.RelativeTime, action: typing.ScheduledAction[Any], state: Any = None
    ) -> abc.DisposableBase:
        """Run an action after `duetime` (seconds, or a timedelta) on the loop."""
        if not self.here():
            return super().schedule_relative(duetime, action, state)
        handle = self._loop.call_later(max(self.to_seconds(duetime), 0.0), self._run, action, state)
        return Disposable(handle.cancel)

    def _run(self, action: typing.ScheduledAction[Any], state: Any) -> None:
        action(self, state)


def loop_scheduler() -> LoopScheduler:
    """Make the scheduler of the running loop.

    Returns:
        A scheduler for this loop.

    Raises:
        ConfigurationError: No loop is running here.
    """
    try:
        return LoopScheduler(asyncio.get_running_loop())
    except RuntimeError as error:
        raise ConfigurationError(
            "No event loop is running here. Make streams inside `async def`, or give scheduler=… for virtual time."
        ) from error


def from_async_iterable(iterable: AsyncIterable[T]) -> Observable[T]:
    """Make an observable of an async iterable, read once for each subscription by a task on the running loop.

    Unlike `reactivex.from_iterable` it never blocks; disposing of the subscription cancels the task, and with it the
    iterable.

    Args:
        iterable: What is read.

    Returns:
        A cold observable.
    """

    def subscribe(observer: abc.ObserverBase[T], _: abc.SchedulerBase | None = None) -> abc.DisposableBase:
        return Disposable(_Reading(iterable, observer).leave)

    return Observable(subscribe)


class _Reading:
    """One subscription to an async iterable."""

    def __init__(self, iterable: AsyncIterable[Any], observer: abc.ObserverBase[Any]) -> None:
        self._observer = observer
        self._left = False
        self._task = asyncio.get_running_loop().create_task(self._run(aiter(iterable)))

    def leave(self) -> None:
        self._left = True
        if self._task is not asyncio.current_task(self._task.get_loop()):
            self._task.cancel()

    async def _run(self, iterator: AsyncIterator[Any]) -> None:
        try:
            await self._read(iterator)
        except asyncio.CancelledError:
            if not self._left:  # not our doing, and nobody must wait for ever
                self._observer.on_error(TransportError("An async iterable was cancelled while it was being read."))
            raise
        except Exception as error:  # noqa: BLE001 - handed on to the observer
            self._observer.on_error(error)
        finally:
            if isinstance(iterator, AsyncGenerator):
                await iterator.aclose()

    async def _read(self, iterator: AsyncIterator[Any]) -> None:
        async for item in iterator:
            self._observer.on_next(item)
            if self._left:
                return
        self._observer.on_completed()


class Pump:
    """Reads one response in one task, and hands over what each read brought.

    Unlike `from_async_iterable` it can be paused without buffering, and closed in the turn of the loop in which that
    is asked for: the socket first, the task after.

    Args:
        open_body: Sends the request; gives the body.
        take: Called with what a read brought; True when that was the last that matters.
        end: Called when the body has ended without that.
        fail: Called with what went wrong.
    """

    def __init__(
        self,
        open_body: Callable[[], Awaitable[ByteStream]],
        take: Callable[[bytes], bool],
        end: Callable[[], None],
        fail: Callable[[Exception], None],
    ) -> None:
        self._open_body = open_body
        self._take = take
        self._end = end
        self._fail = fail
        self._body: ByteStream | None = None
        self._task: asyncio.Task[None] | None = None
        self._resumed = asyncio.Event()
        self._resumed.set()
        self._closed = False

    def start(self) -> None:
        """Begin, in a task of the running loop."""
        self._task = task = asyncio.get_running_loop().create_task(self._run(), name="rxllm pump")
        _running.add(task)  # a loop holds its tasks weakly, and nothing else holds a paused one
        task.add_done_callback(_running.discard)

    def pause(self) -> None:
        """Read nothing more, so that TCP pushes back on the sender."""
        self._resumed.clear()
        if self._body is not None:
            self._body.pause()

    def resume(self) -> None:
        """Go on reading."""
        self._resumed.set()
        if self._body is not None:
            self._body.resume()

    def close(self) -> None:
        """Begin closing the socket before this returns; nothing is handed over any more."""
        if self._closed:
            return
        self._closed = True
        if self._body is not None:
            self._body.close()
        task = self._task
        if task is not None and task is not asyncio.current_task(task.get_loop()):
            task.cancel()

    async def _run(self) -> None:
        try:
            self._body = body = await self._open_body()
            try:
                await self._read(body)
            finally:
                body.close()
        except asyncio.CancelledError:
            if not self._closed:  # not our doing: the loop is ending
                self._fail(TransportError("The event loop was shut down while the answer was being read."))
            raise
        except Exception as error:  # noqa: BLE001 - handed on to the stream, whose observers must not wait for ever
            if not self._closed:
                self._fail(error)

    async def _read(self, body: ByteStream) -> None:
        while not self._closed:
            if not self._resumed.is_set():
                await self._resumed.wait()
            data = await body.read()
            if self._closed:
                return
            if not data:
                self._end()
                return
            if self._take(data):
                await _drain(body)
                return


async def _drain(body: ByteStream) -> None:
    """Read what follows the terminal marker, for a moment, so that the connection can be used again."""
    try:
        async with asyncio.timeout(_DRAIN_SECONDS):
            while await body.read():
                pass
    except (TimeoutError, TransportError):
        return
