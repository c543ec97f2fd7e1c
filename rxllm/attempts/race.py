"""Origins beside each other: what `hedge` is made of."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reactivex.disposable import Disposable

from rxllm.attempts.attempts import Attempts
from rxllm.observable import clock_of

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from reactivex import abc

    from rxllm.attempts.entrant import Entrant
    from rxllm.messages import Timeouts
    from rxllm.origin import Origin

__all__ = ["Race"]


class Race(Attempts):
    """Several origins, each some seconds after the one before, or at once when that one ends without content.

    The first content wins. An end without a word wins nothing as long as somebody may yet speak; where nobody has
    spoken at the end of all, the first of such ends is the answer.

    Args:
        candidates: Make the origins, in order.
        scheduler: Waits between them.
        after: Seconds that each has to bring content before the next begins; 0 lets all begin together. A pause stops
            them.
        timeouts: Each candidate's; see `Attempts`.
    """

    def __init__(
        self,
        candidates: Sequence[Callable[[], Origin]],
        scheduler: abc.SchedulerBase,
        after: float,
        *,
        timeouts: Sequence[Timeouts] = (),
    ) -> None:
        super().__init__(candidates, scheduler, timeouts)
        self._after = after
        self._clock = clock_of(scheduler)
        self._left: float | None = None  # seconds until the next begins, from `_since` on
        self._since = 0.0
        self._silent: list[Entrant] = []

    def _enter(self, *_: object) -> None:
        self._left = None
        self._timer.disposable = Disposable()  # whoever begins early must not begin again
        super()._enter()
        if self._speaker is not None or len(self._entrants) == len(self._candidates):
            return
        if self._after:
            self._left = self._after
            self._wait()
        else:
            self._enter()

    def _wait(self) -> None:
        """Let the next one begin in the seconds that are left; while it is paused, none pass."""
        self._since = self._clock()
        if self._left is not None and not self._paused:
            self._timer.disposable = self._scheduler.schedule_relative(self._left, self._enter)

    def pause(self) -> None:
        """Stop reading; nobody begins meanwhile only because it takes long."""
        if self._left is not None and not self._paused:
            self._left = max(self._left - (self._clock() - self._since), 0.0)
            self._timer.disposable = Disposable()
        super().pause()

    def resume(self) -> None:
        """Go on reading."""
        super().resume()
        self._wait()

    def hear(self, entrant: Entrant) -> None:
        """Let the first be heard, and close the sockets of all others."""
        self._left = None
        self._timer.disposable = Disposable()
        for other in self._entrants:
            if other is not entrant:
                other.close()
        super().hear(entrant)

    def ended_silent(self, entrant: Entrant) -> None:
        """Keep it for the case that nobody has more to say."""
        self._silent.append(entrant)
        if not self._goes_on():
            super().ended_silent(self._silent[0])

    def failed(self, entrant: Entrant, error: Exception) -> None:
        """Forget a loser; fail when the winner did, or nobody has an answer."""
        if entrant is not self._speaker:
            if self._goes_on():
                return
            if self._silent:
                super().ended_silent(self._silent[0])
                return
        self.inlet.push(entrant.prelude)
        self.inlet.fail(error)

    def _goes_on(self) -> bool:
        """Let the next one begin where nobody is at work any more; False where there is none."""
        if not all(entrant.closed for entrant in self._entrants):
            return True
        if len(self._entrants) == len(self._candidates):
            return False
        self._enter()
        return True
