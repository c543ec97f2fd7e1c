"""More than one attempt at an answer: `Retry`, `fallback`, `hedge`. What is void is rolled back, visibly."""

from __future__ import annotations

import random
from abc import ABC, abstractmethod
from functools import partial
from typing import TYPE_CHECKING, Any, Final

import msgspec
from reactivex.disposable import Disposable, SerialDisposable

from rxllm.askable import Askable
from rxllm.errors import ConfigurationError, ProviderError, RxllmError, TransportError, TruncatedStreamError
from rxllm.items import Ping, ProviderEvent, Rollback, Started, StreamItem, Usage

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from reactivex import abc

    from rxllm.messages import Prompt
    from rxllm.stream import Inlet, Origin

__all__ = ["Fallback", "Hedge", "Race", "Retry", "Succession", "fallback", "hedge"]

_PRELUDE: Final = (Started, Ping, Usage, ProviderEvent)


class Retry(msgspec.Struct, frozen=True, kw_only=True):
    """How often to try again, and after how long.

    Args:
        attempts: In all, the first included.
        delay: Seconds before the second attempt; each further one waits twice as long, with up to a half at random.
        max_delay: Seconds that no wait exceeds; a provider that asks for more is not asked again.
        after_content: Whether also to try again when content was seen already; it is rolled back then.
    """

    attempts: int = 3
    delay: float = 0.5
    max_delay: float = 30.0
    after_content: bool = False

    def __post_init__(self) -> None:
        if self.attempts < 1 or self.delay < 0 or self.max_delay < 0:
            raise ConfigurationError(f"Retry takes at least one attempt and delays of 0 s or more; got {self}.")

    def wait(self, attempt: int, error: Exception) -> float | None:
        """Tell how long to wait before the next attempt, or None to give up.

        >>> Retry(delay=1).wait(1, ProviderError("no", status=400)) is None
        True

        Args:
            attempt: How many have failed.
            error: How the last one did.

        Returns:
            Seconds, or None.
        """
        retryable = isinstance(error, (TransportError, ProviderError, TruncatedStreamError)) and error.retryable
        if not retryable or attempt >= self.attempts:
            return None
        asked = error.retry_after if isinstance(error, ProviderError) else None
        if asked is not None:
            return asked if asked <= self.max_delay else None
        return min(self.delay * 2 ** (attempt - 1) * random.uniform(1, 1.5), self.max_delay)  # noqa: S311 - no secret


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


class _Entrant:
    """One origin at work: what it says before its first content is kept back, in case it never gets there."""

    def __init__(self, origin: Origin, attempts: _Attempts, index: int) -> None:
        self.origin = origin
        self.index = index
        self.speaking = False
        self.closed = False
        self.prelude: list[StreamItem] = []
        self._attempts = attempts

    def push(self, items: list[StreamItem]) -> None:
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
        if self.closed:
            return
        if not self.speaking:  # it ended without a word, and that is its answer
            if not self._attempts.may_speak(self):
                return
            self._attempts.inlet.push(self.prelude)
        self.closed = True
        self._attempts.inlet.complete()

    def fail(self, error: Exception) -> None:
        if not self.closed:
            self.closed = True
            self._attempts.failed(self, error)

    def close(self) -> None:
        if not self.closed:
            self.closed = True
            self.origin.close()


class _Attempts(ABC):
    """An origin made of others; the first of them begins when it is started."""

    inlet: Inlet

    def __init__(self, candidates: Sequence[Callable[[], Origin]], scheduler: abc.SchedulerBase) -> None:
        self._candidates = candidates
        self._scheduler = scheduler
        self._timer = SerialDisposable()
        self._entrants: list[_Entrant] = []
        self._paused = False
        self._speaker: _Entrant | None = None

    @abstractmethod
    def failed(self, entrant: _Entrant, error: Exception) -> None:
        """Decide what follows when one has failed."""

    def may_speak(self, entrant: _Entrant) -> bool:
        """Let the first that has content be heard."""
        self._speaker = entrant
        return True

    @property
    def answered_by(self) -> str | None:
        """Whose content was heard."""
        return None if self._speaker is None else getattr(self._speaker.origin, "answered_by", None)

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
            entrant = _Entrant(_Nothing(), self, index)
            self._entrants.append(entrant)
            entrant.fail(error)
            return
        entrant = _Entrant(origin, self, index)
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


class Succession(_Attempts):
    """One origin after the other, until one does not fail.

    Args:
        candidates: Make the origins, in order.
        scheduler: Waits between them.
        wait: Given how many have failed and how the last did, tells the seconds to wait, or None to give up.
        after_content: Whether to go on when content was heard already; it is rolled back then.
    """

    def __init__(
        self,
        candidates: Sequence[Callable[[], Origin]],
        scheduler: abc.SchedulerBase,
        wait: Callable[[int, Exception], float | None],
        *,
        after_content: bool,
    ) -> None:
        super().__init__(candidates, scheduler)
        self._wait = wait
        self._after_content = after_content

    def failed(self, entrant: _Entrant, error: Exception) -> None:
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


class Race(_Attempts):
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

    def may_speak(self, entrant: _Entrant) -> bool:
        """Let the first be heard, and close the sockets of all others."""
        self._timer.dispose()
        for other in self._entrants:
            if other is not entrant:
                other.close()
        return super().may_speak(entrant)

    def failed(self, entrant: _Entrant, error: Exception) -> None:
        """Forget a loser; fail when the winner did, or nobody is left."""
        if entrant is self._speaker or all(other.closed for other in self._entrants):
            if entrant is not self._speaker and len(self._entrants) < len(self._candidates):
                self._enter()
                return
            self.inlet.push(entrant.prelude)
            self.inlet.fail(error)


class Fallback(Askable):
    """Models of which the next is asked when one fails; see `fallback`."""

    def __init__(self, models: Sequence[Askable], *, after_content: bool) -> None:
        self._models = _checked(models, "fallback")
        self._after_content = after_content
        self.timeouts = models[0].timeouts

    def origin(self, prompt: Prompt, scheduler: abc.SchedulerBase, **settings: Any) -> Origin:
        """Prepare one answer of whichever does not fail."""
        candidates = [partial(model.origin, prompt, scheduler, **settings) for model in self._models]
        return Succession(candidates, scheduler, _at_once, after_content=self._after_content)

    async def aclose(self) -> None:
        """Close all models."""
        for model in self._models:
            await model.aclose()


class Hedge(Askable):
    """Models of which the next is asked too when one is slow; see `hedge`."""

    def __init__(self, models: Sequence[Askable], *, after: float) -> None:
        if after < 0:
            raise ConfigurationError(f"hedge(after=…) takes 0 s or more; got {after}.")
        self._models = _checked(models, "hedge")
        self._after = after
        self.timeouts = models[0].timeouts

    def origin(self, prompt: Prompt, scheduler: abc.SchedulerBase, **settings: Any) -> Origin:
        """Prepare one answer of whichever is first."""
        candidates = [partial(model.origin, prompt, scheduler, **settings) for model in self._models]
        return Race(candidates, scheduler, self._after)

    async def aclose(self) -> None:
        """Close all models."""
        for model in self._models:
            await model.aclose()


def fallback(*models: Askable, after_content: bool = False) -> Fallback:
    """Ask the next model when one fails.

    Unlike `Retry` it does not ask the same one again, and does not wait.

    Args:
        models: In order, at least two; each may have a `retry` of its own.
        after_content: Whether also when content was heard already; it is rolled back then, visibly.

    Returns:
        What can be asked like a model; `stream.answered_by` says who won.

    Raises:
        ConfigurationError: There are fewer than two.
    """
    return Fallback(models, after_content=after_content)


def hedge(*models: Askable, after: float = 0.8) -> Hedge:
    """Ask the next model too when one has no content in time; the first content wins, the others' sockets are closed.

    Unlike `fallback` it does not wait for a failure.

    Args:
        models: In order, at least two.
        after: Seconds that each has before the next is asked; 0 is a race of all.

    Returns:
        What can be asked like a model; `stream.answered_by` says who won.

    Raises:
        ConfigurationError: There are fewer than two, or `after` is negative.
    """
    return Hedge(models, after=after)


def _checked(models: Sequence[Askable], what: str) -> Sequence[Askable]:
    if len(models) < 2:  # noqa: PLR2004 - one needs no other
        raise ConfigurationError(f"{what} takes at least two models; got {len(models)}.")
    return models


def _at_once(_number: int, _error: Exception) -> float:
    return 0.0
