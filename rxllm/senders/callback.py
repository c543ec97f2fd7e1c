"""`CallbackSender`: a function of yours, sync or async."""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING, Any, TypeAlias, cast

from loguru import logger

from rxllm.errors import ConfigurationError
from rxllm.senders.async_sender import AsyncSender

if TYPE_CHECKING:
    from collections.abc import Callable

    from rxllm.mailbox import Overflow

__all__ = ["CallbackSender"]

Callback: TypeAlias = "Callable[..., Any]"


class CallbackSender(AsyncSender):
    """Calls a function with each item, and perhaps others at the end.

    Unlike `stream.subscribe(f)` it takes async functions too: those are awaited one item after the other, and while one
    takes its time, the deltas that come are merged. A sync function is called at once and should be quick.

    >>> from rxllm.items import TextDelta
    >>> sender = CallbackSender(print, on_completed=lambda: print("end"))
    >>> sender.on_next(TextDelta("a")); sender.on_completed()
    TextDelta(text='a')
    end

    Args:
        on_next: Called with each item.
        on_error: Called with the error if the stream fails, or if a sync `on_next` raises.
        on_completed: Called without arguments when it ends well.
        capacity: Deltas that wait for an async function before they are merged.
        overflow: What is done with one more; see `Mailbox`.

    Raises:
        ConfigurationError: One of them cannot be called, or the policy is none that a sender can keep.
    """

    def __init__(
        self,
        on_next: Callback,
        on_error: Callback | None = None,
        on_completed: Callback | None = None,
        *,
        capacity: int = 1024,
        overflow: Overflow = "merge",
    ) -> None:
        super().__init__(capacity=capacity, overflow=overflow)
        given = [callback for callback in (on_next, on_error, on_completed) if callback is not None]
        for callback in given:
            if not callable(callback):
                raise ConfigurationError(f"A CallbackSender takes functions, and cannot call {callback!r}.")
        self._on_next = on_next
        self._on_error = on_error
        self._on_completed = on_completed
        self._waits = any(_is_async(callback) for callback in given)

    def send(self, value: Any) -> None:
        """Call the function, or queue the value for it."""
        if self._waits:
            super().send(value)
        else:
            _finished(self._on_next(value))

    def end(self, error: Exception | None) -> None:
        """Call what was given for the end."""
        if self._waits:
            super().end(error)
            return
        self.close()
        _finished(self._told(error))

    async def write(self) -> None:
        """Wait for the function with one item."""
        await _awaited(self._on_next(self.mailbox.take()))

    async def finish(self, error: Exception | None) -> None:
        """Wait for what was given for the end."""
        await _awaited(self._told(error))

    def fail(self, error: BaseException) -> None:
        """Tell a sync observer about its own error, as a stream does."""
        first = self.failure is None
        super().fail(error)
        if first and not self._waits and not self.ended and self._on_error is not None:
            try:
                _finished(self._on_error(error))
            except Exception as second:  # noqa: BLE001 - it has failed already
                logger.warning("The on_error of a failed {} raised {!r}", self._name, second)

    async def wait_closed(self) -> None:
        """Wait until an async function has been given everything; there is nothing to wait for with a sync one."""
        if self._waits:
            await super().wait_closed()

    def _told(self, error: Exception | None) -> Any:
        if error is not None:
            return self._on_error(error) if self._on_error is not None else None
        return self._on_completed() if self._on_completed is not None else None


def _is_async(callback: Callback) -> bool:
    return inspect.iscoroutinefunction(callback) or inspect.iscoroutinefunction(type(callback).__call__)


async def _awaited(result: Any) -> None:
    if inspect.isawaitable(result):
        await result


def _finished(result: Any) -> None:
    """Refuse an awaitable, which nobody would wait for."""
    if inspect.isawaitable(result):
        if inspect.iscoroutine(result):
            cast("Any", result).close()
        raise ConfigurationError(
            "A CallbackSender's function gave something to be awaited, and is not `async def` itself. Give the async "
            "function, not a lambda around it."
        )
