"""Several origins at work for one stream: what each says is heard, kept back, or void."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Final

from reactivex.disposable import SerialDisposable

from rxllm.errors import RxllmError
from rxllm.items import Ping, ProviderEvent, Started, StreamItem, Usage
from rxllm.turn_items import StageStarted, TurnStarted

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from reactivex import abc

    from rxllm.messages import Message
    from rxllm.origin import Inlet, Origin

__all__ = ["Attempts", "Entrant"]

_PRELUDE: Final = (TurnStarted, StageStarted, Started, Ping, Usage, ProviderEvent)


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


class Entrant:
    """One origin at work: what it says before its first content is kept back, in case it never gets there."""

    def __init__(self, origin: Origin, attempts: Attempts, index: int) -> None:
        self.origin = origin
        self.index = index
        self.speaking = False
        self.closed = False
        self.prelude: list[StreamItem] = []
        self._attempts = attempts

    def push(self, items: list[StreamItem]) -> None:
        """Hand on what comes, once there is content and this one may speak."""
        if self.closed or not items:
            return
        if not self.speaking:
            self.prelude += items
            if all(isinstance(item, _PRELUDE) for item in items) or not self._attempts.may_speak(self):
                return
            self.speaking = True
            items, self.prelude = self.prelude, []
        self._attempts.inlet.push(items)

    def complete(self) -> None:
        """End the stream."""
        if self.closed:
            return
        if not self.speaking:  # it ended without a word, and that is its answer
            if not self._attempts.may_speak(self):
                return
            self._attempts.inlet.push(self.prelude)
        self.closed = True
        self._attempts.inlet.complete()

    def fail(self, error: Exception) -> None:
        """Let the others decide what follows."""
        if not self.closed:
            self.closed = True
            self._attempts.failed(self, error)

    def close(self) -> None:
        """Begin closing; nothing is heard any more."""
        if not self.closed:
            self.closed = True
            self.origin.close()


class Attempts(ABC):
    """An origin made of others; the first of them begins when it is started."""

    inlet: Inlet

    def __init__(self, candidates: Sequence[Callable[[], Origin]], scheduler: abc.SchedulerBase) -> None:
        self._candidates = candidates
        self._scheduler = scheduler
        self._timer = SerialDisposable()
        self._entrants: list[Entrant] = []
        self._paused = False
        self._speaker: Entrant | None = None

    @abstractmethod
    def failed(self, entrant: Entrant, error: Exception) -> None:
        """Decide what follows when one has failed."""

    def may_speak(self, entrant: Entrant) -> bool:
        """Let the first that has content be heard."""
        self._speaker = entrant
        return True

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
            entrant.origin.pause()
        entrant.origin.start(entrant)

    def pause(self) -> None:
        """Stop reading."""
        self._paused = True
        for entrant in self._entrants:
            if not entrant.closed:
                entrant.origin.pause()

    def resume(self) -> None:
        """Go on reading."""
        self._paused = False
        for entrant in self._entrants:
            if not entrant.closed:
                entrant.origin.resume()

    def close(self) -> None:
        """Begin closing all sockets; nobody begins any more."""
        self._timer.dispose()
        for entrant in self._entrants:
            entrant.close()
