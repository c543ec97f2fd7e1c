"""One origin after the other: what `Retry` and `fallback` are made of."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rxllm.attempts.attempts import Attempts
from rxllm.items import Rollback

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from reactivex import abc

    from rxllm.attempts.entrant import Entrant
    from rxllm.messages import Timeouts
    from rxllm.origin import Origin

__all__ = ["Succession"]


class Succession(Attempts):
    """One origin after the other, until one does not fail.

    Args:
        candidates: Make the origins, in order.
        scheduler: Waits between them.
        wait: Given how many have failed and how the last did, tells the seconds to wait, or None to give up.
        after_content: Whether to go on when content was heard already; it is rolled back then.
        timeouts: Each candidate's; see `Attempts`.
    """

    def __init__(
        self,
        candidates: Sequence[Callable[[], Origin]],
        scheduler: abc.SchedulerBase,
        wait: Callable[[int, Exception], float | None],
        *,
        after_content: bool,
        timeouts: Sequence[Timeouts] = (),
    ) -> None:
        super().__init__(candidates, scheduler, timeouts)
        self._wait = wait
        self._after_content = after_content

    def failed(self, entrant: Entrant, error: Exception) -> None:
        """Wait, and let the next one begin; or give up, with what there is."""
        number = entrant.index + 1
        seconds = self._wait(number, error) if number < len(self._candidates) else None
        if seconds is None or (entrant.speaking and not self._after_content):
            self.inlet.push(entrant.prelude)
            self.inlet.fail(error)
            return
        if entrant.speaking:
            self.inlet.push([Rollback(number)])
        self._timer.disposable = self._scheduler.schedule_relative(seconds, self._enter)
