"""Origins beside each other: what `hedge` is made of."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reactivex.disposable import Disposable

from rxllm.attempts.attempts import Attempts, Entrant

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from reactivex import abc

    from rxllm.origin import Origin

__all__ = ["Race"]


class Race(Attempts):
    """Several origins, each some seconds after the one before, or at once when that one fails; first content wins.

    Args:
        candidates: Make the origins, in order.
        scheduler: Waits between them.
        after: Seconds that each has to bring content before the next begins; 0 lets all begin together.
    """

    def __init__(self, candidates: Sequence[Callable[[], Origin]], scheduler: abc.SchedulerBase, after: float) -> None:
        super().__init__(candidates, scheduler)
        self._after = after

    def _enter(self, *_: object) -> None:
        self._timer.disposable = Disposable()  # whoever begins early must not begin again
        super()._enter()
        if self._speaker is not None or len(self._entrants) == len(self._candidates):
            return
        if self._after:
            self._timer.disposable = self._scheduler.schedule_relative(self._after, self._enter)
        else:
            self._enter()

    def may_speak(self, entrant: Entrant) -> bool:
        """Let the first be heard, and close the sockets of all others."""
        self._timer.dispose()
        for other in self._entrants:
            if other is not entrant:
                other.close()
        return super().may_speak(entrant)

    def failed(self, entrant: Entrant, error: Exception) -> None:
        """Forget a loser; fail when the winner did, or nobody is left."""
        if entrant is self._speaker or all(other.closed for other in self._entrants):
            if entrant is not self._speaker and len(self._entrants) < len(self._candidates):
                self._enter()
                return
            self.inlet.push(entrant.prelude)
            self.inlet.fail(error)
