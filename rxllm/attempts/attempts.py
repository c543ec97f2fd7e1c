"""Several origins at work for one stream: what each says is heard, kept back, or void."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING

from reactivex.disposable import SerialDisposable

from rxllm.attempts.entrant import Entrant
from rxllm.errors import RxllmError
from rxllm.limits import Limits, of_attempt

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from reactivex import abc

    from rxllm.messages import Message, Timeouts
    from rxllm.origin import Inlet, Origin

__all__ = ["Attempts"]


class _Nothing:
    """The origin of a candidate that could not be made."""

    def start(self, inlet: Inlet) -> None:
        """Have nothing to begin."""

    def pause(self) -> None:
        """Have nothing to stop."""

    def resume(self) -> None:
        """Have nothing to go on with."""

    def close(self) -> None:
        """Have nothing to close."""


class Attempts(ABC):
    """An origin made of others; the first of them begins when it is started.

    Args:
        candidates: Make the origins, in order.
        scheduler: The stream's own.
        timeouts: Each candidate's, of which `first_item` and `progress` are kept here; without them there is no limit.
    """

    inlet: Inlet

    def __init__(
        self,
        candidates: Sequence[Callable[[], Origin]],
        scheduler: abc.SchedulerBase,
        timeouts: Sequence[Timeouts] = (),
    ) -> None:
        self._candidates = candidates
        self._scheduler = scheduler
        self._timeouts = timeouts
        self._timer = SerialDisposable()
        self._entrants: list[Entrant] = []
        self._paused = False
        self._heard_first: Entrant | None = None
        self._speaker: Entrant | None = None

    @abstractmethod
    def failed(self, entrant: Entrant, error: Exception) -> None:
        """Decide what follows when one has failed."""

    def ended_silent(self, entrant: Entrant) -> None:
        """Take an end without a word for an answer."""
        self.hear(entrant)
        self.inlet.complete()

    def hear(self, entrant: Entrant) -> None:
        """Let one be heard from now on."""
        self._heard_first = self._heard_first or entrant
        self._speaker = entrant
        entrant.speak()

    def limits(self, index: int, expire: Callable[[Exception], None]) -> Limits:
        """Watch over the first item and the progress of one."""
        timeouts = of_attempt(self._timeouts[index]) if self._timeouts else None
        return Limits(timeouts, self._scheduler, expire)

    @property
    def first_item_at(self) -> float | None:
        """When the first item came of whom we heard first, or, as long as nobody is heard, of who began last."""
        entrant = self._heard_first or (self._entrants[-1] if self._entrants else None)
        return None if entrant is None else entrant.first_item_at

    @property
    def answered_by(self) -> str | None:
        """Whose content was heard."""
        return None if self._speaker is None else getattr(self._speaker.origin, "answered_by", None)

    @property
    def added(self) -> list[Message]:
        """What the run that was heard has added to the conversation, where it was an agent's."""
        return [] if self._speaker is None else getattr(self._speaker.origin, "added", [])

    def decide(self, call: int, why: str | None) -> None:
        """Hand a decision about a tool to the agent that is heard; only its questions are."""
        decide = getattr(self._speaker.origin, "decide", None) if self._speaker is not None else None
        if decide is not None:
            decide(call, why)

    def start(self, inlet: Inlet) -> None:
        """Begin with the first."""
        self.inlet = inlet
        self._enter()

    def _enter(self, *_: object) -> None:
        """Let the next one begin."""
        index = len(self._entrants)
        try:
            origin = self._candidates[index]()
        except RxllmError as error:  # e.g. no key for this one: a failure like any other
            entrant = Entrant(_Nothing(), self, index)
            self._entrants.append(entrant)
            entrant.fail(error)
            return
        entrant = Entrant(origin, self, index)
        self._entrants.append(entrant)
        if self._paused:
            entrant.pause()
        entrant.start()

    def pause(self) -> None:
        """Stop reading."""
        self._paused = True
        for entrant in self._entrants:
            if not entrant.closed:
                entrant.pause()

    def resume(self) -> None:
        """Go on reading."""
        self._paused = False
        for entrant in self._entrants:
            if not entrant.closed:
                entrant.resume()

    def close(self) -> None:
        """Begin closing all sockets; nobody begins any more."""
        self._timer.dispose()
        for entrant in self._entrants:
            entrant.close()
