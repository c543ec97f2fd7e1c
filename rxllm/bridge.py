"""Where asyncio and Rx meet: async iterators as observables and back, async functions as operators."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterable
from typing import TYPE_CHECKING, Any, TypeVar, cast

from reactivex import Observable
from reactivex.disposable import Disposable

from rxllm.errors import ConfigurationError, TransportError
from rxllm.loop import LoopScheduler, loop_scheduler
from rxllm.map_async import map_async, running_loop, to_async_iterator

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from reactivex import abc

__all__ = ["LoopScheduler", "from_async_iterable", "loop_scheduler", "map_async", "to_async_iterator"]

T = TypeVar("T")


def from_async_iterable(iterable: AsyncIterable[T]) -> Observable[T]:
    """Make an observable of an async iterable, read once for each subscription by a task on the running loop.

    Unlike `reactivex.from_iterable` it never blocks; disposing of the subscription cancels the task, and with it the
    iterable.

    Args:
        iterable: What is read.

    Returns:
        A cold observable.

    Raises:
        ConfigurationError: It is no async iterable (an async generator's function is none until it is called); or, at
            the subscription, no loop is running.
    """
    if not isinstance(cast("object", iterable), AsyncIterable):
        raise ConfigurationError(
            f"from_async_iterable reads what `async for` can read, e.g. an async generator, not {iterable!r}."
        )

    def subscribe(observer: abc.ObserverBase[T], _: abc.SchedulerBase | None = None) -> abc.DisposableBase:
        return Disposable(_Reading(iterable, observer).leave)

    return Observable(subscribe)


class _Reading:
    """One subscription to an async iterable."""

    def __init__(self, iterable: AsyncIterable[Any], observer: abc.ObserverBase[Any]) -> None:
        self._observer = observer
        self._left = False
        self._task = running_loop("from_async_iterable").create_task(self._run(aiter(iterable)))

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
