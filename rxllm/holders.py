"""Who holds a stream: subscribers, awaiters, iterators; and what becomes of it when nobody does any more."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Literal, TypeAlias

from reactivex.disposable import SerialDisposable

from rxllm.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Callable

    from reactivex import abc

__all__ = ["Holders", "OnAbandon"]

OnAbandon: TypeAlias = Literal["cancel", "keep"] | float


class Holders:
    """Counts the holders, and calls when the last has gone.

    Args:
        on_abandon: What then: `"cancel"`, `"keep"`, or cancel after that many seconds.
        scheduler: For those seconds.
        cancel: Called when the stream is to be cancelled.

    Raises:
        ConfigurationError: `on_abandon` is none of these.
    """

    __slots__ = ("_cancel", "_leaving", "_on_abandon", "_scheduler", "count")

    def __init__(self, on_abandon: OnAbandon, scheduler: abc.SchedulerBase, cancel: Callable[[], None]) -> None:
        known = on_abandon in ("cancel", "keep") if isinstance(on_abandon, str) else _is_duration(on_abandon)
        if not known:
            raise ConfigurationError(f'on_abandon={on_abandon!r}: choose "cancel", "keep", or seconds.')
        self._on_abandon: OnAbandon = on_abandon
        self._scheduler = scheduler
        self._cancel = cancel
        self._leaving: SerialDisposable | None = None  # made only for those who want seconds
        self.count = 0

    def add(self) -> None:
        """Count one more, which also takes back a cancel that was to come."""
        self.count += 1
        self._stay()

    def remove(self) -> None:
        """Count one less."""
        self.count -= 1
        if self.count or self._on_abandon == "keep":
            return
        if self._on_abandon == "cancel":
            self._cancel()
        else:
            self._leaving = SerialDisposable()
            self._leaving.disposable = self._scheduler.schedule_relative(self._on_abandon, self._look)

    def close(self) -> None:
        """The stream has ended: there is nothing left to cancel."""
        self._on_abandon = "keep"
        self._stay()

    def _stay(self) -> None:
        if self._leaving is not None:
            self._leaving.dispose()
            self._leaving = None

    def _look(self, _scheduler: abc.SchedulerBase, _state: object = None) -> None:
        if not self.count:
            self._cancel()


def _is_duration(given: object) -> bool:
    return isinstance(given, (int, float)) and not isinstance(given, bool) and 0 <= given < math.inf
