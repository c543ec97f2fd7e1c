"""What stands between our pipes and other people's code: their callbacks, looked at and kept from doing harm."""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING, Any, cast

from loguru import logger
from reactivex.disposable import SingleAssignmentDisposable

from rxllm.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["Guard", "callbacks"]


def callbacks(on_next: Any, on_error: Any, on_completed: Any) -> tuple[Any, Any, Any]:
    """Take an observer apart, or up to three callbacks as they are; those that are missing are None.

    Unlike reactivex it refuses what could never be called, and a coroutine function, which nobody would await.

    Args:
        on_next: An observer, complete or not, or a callback.
        on_error: A callback.
        on_completed: A callback.

    Returns:
        The three callbacks.

    Raises:
        ConfigurationError: One of them cannot be called, or is `async`.
    """
    if hasattr(on_next, "on_next"):
        observer, on_next = on_next, on_next.on_next
        on_error = getattr(observer, "on_error", None)
        on_completed = getattr(observer, "on_completed", None)
    for callback in (on_next, on_error, on_completed):
        if callback is not None and not callable(callback):
            raise ConfigurationError(
                f"subscribe takes an observer or up to three callbacks, and cannot call {callback!r}."
            )
        if getattr(getattr(callback, "__code__", None), "co_flags", 0) & inspect.CO_COROUTINE:
            raise ConfigurationError(
                f"{callback!r} is async, and a subscriber is called without being awaited. Read with `async for item "
                "in stream`, or put map_async(f) of rxllm.bridge into the pipe."
            )
    return on_next, on_error, on_completed


class Guard:
    """Stands between a pipe and its final observer: what that one raises ends its own subscription, nobody else's."""

    __slots__ = ("_on_completed", "_on_error", "_stopped", "on_next", "subscription")

    def __init__(
        self,
        on_next: Callable[[Any], None],
        on_error: Callable[[Exception], None] | None,
        on_completed: Callable[[], None],
    ) -> None:
        self._on_error = on_error
        self._on_completed = on_completed
        self._stopped = stopped = list[bool]()  # empty until it is; a list, so that the closure sees it cheaply
        self.subscription = SingleAssignmentDisposable()

        def guarded(value: Any) -> None:
            if stopped:
                return
            try:
                on_next(value)
            except BaseException as error:  # noqa: BLE001 - also CancelledError, which must not end the source's task
                self.detach(error)

        self.on_next = guarded

    def detach(self, error: BaseException) -> None:
        """Let go of the source, and tell the observer about its own error."""
        if isinstance(error, (KeyboardInterrupt, SystemExit)):
            raise error
        self.dispose()
        logger.warning("A subscriber raised {!r} and was detached; the stream goes on", error)
        _tell(self._on_error, error)

    def on_error(self, error: Exception) -> None:
        """Tell the bad end."""
        if self._stopped:
            return
        self.dispose()
        if self._on_error is None:
            logger.debug("A stream failed with {!r}; this subscriber has no on_error", error)
        _tell(self._on_error, error)

    def on_completed(self) -> None:
        """Tell the end."""
        if self._stopped:
            return
        self.dispose()
        try:
            self._on_completed()
        except BaseException as error:
            if isinstance(error, (KeyboardInterrupt, SystemExit)):
                raise
            logger.warning("A subscriber's on_completed raised {!r}", error)

    def dispose(self) -> None:
        """Let go of the source; nothing is handed on any more."""
        self._stopped.append(True)
        self.subscription.dispose()


def _tell(on_error: Callable[[Exception], None] | None, error: BaseException) -> None:
    if on_error is None:
        return
    try:
        on_error(cast("Exception", error))
    except BaseException as second:
        if isinstance(second, (KeyboardInterrupt, SystemExit)):
            raise
        logger.warning("A subscriber's on_error raised {!r}", second)
