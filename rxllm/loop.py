"""The scheduler of an event loop."""

from __future__ import annotations

import asyncio
import threading
from typing import TYPE_CHECKING, Any

from reactivex.disposable import Disposable
from reactivex.scheduler.eventloop import AsyncIOThreadSafeScheduler

from rxllm.errors import ConfigurationError
from rxllm.observable import HomeScheduler

if TYPE_CHECKING:
    from collections.abc import Callable

    from reactivex import abc, typing

__all__ = ["LoopScheduler", "loop_scheduler"]


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
        """Tell whether this is the loop's own thread, and no other loop is running on it."""
        return threading.get_ident() == self._thread and asyncio._get_running_loop() in (self._loop, None)  # noqa: SLF001  # pyright: ignore[reportPrivateUsage, reportAttributeAccessIssue] - get_running_loop raises where there is none

    @property
    def closed(self) -> bool:
        """Whether the loop is closed."""
        return self._loop.is_closed()

    def post(self, action: Callable[[], object]) -> bool:
        """Run something on the loop's thread; False where the loop is closed and runs nothing more."""
        try:
            self._loop.call_soon_threadsafe(action)
        except RuntimeError:  # closed, perhaps in this moment
            return False
        return True

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
