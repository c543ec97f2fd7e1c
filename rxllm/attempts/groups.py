"""Several models asked as if they were one: `fallback` and `hedge`."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import ConfigDict, Field, InstanceOf, StrictBool

from rxllm.askable import Askable
from rxllm.attempts.race import Race
from rxllm.attempts.succession import Succession
from rxllm.limits import of_stream
from rxllm.messages import Given, chat_request, expecting
from rxllm.stream import CompletionStream

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from reactivex import abc

    from rxllm.messages import Prompt
    from rxllm.origin import Origin

__all__ = ["Fallback", "Hedge", "fallback", "hedge"]


class _Group(Given):
    models: Annotated[
        list[Annotated[InstanceOf[Askable], expecting("a model, e.g. Model('openai:gpt-4o-mini')")]],
        Field(min_length=2),
        expecting("at least two models, one behind the other"),
    ]


class _FallbackArguments(_Group):
    model_config = ConfigDict(title="fallback")
    after_content: StrictBool


class _HedgeArguments(_Group):
    model_config = ConfigDict(title="hedge")
    after: Annotated[float, Field(strict=True, ge=0), expecting("seconds, 0 or more")]


class Fallback(Askable):
    """Models of which the next is asked when one fails; see `fallback`."""

    def __init__(self, models: Sequence[Askable], *, after_content: bool) -> None:
        given = _FallbackArguments(models=list(models), after_content=after_content)
        self._models = given.models
        self._after_content = given.after_content
        self.timeouts = of_stream(given.models[0].timeouts)
        self._stream_type = _stream_type(given.models)

    def origin(self, prompt: Prompt, scheduler: abc.SchedulerBase, **settings: Any) -> Origin:
        """Prepare one answer of whichever does not fail."""
        candidates = _asking(self._models, prompt, scheduler, settings)
        timeouts = [model.timeouts for model in self._models]
        return Succession(candidates, scheduler, _at_once, after_content=self._after_content, timeouts=timeouts)

    async def aclose(self) -> None:
        """Close all models."""
        for model in self._models:
            await model.aclose()


class Hedge(Askable):
    """Models of which the next is asked too when one is slow; see `hedge`."""

    def __init__(self, models: Sequence[Askable], *, after: float) -> None:
        given = _HedgeArguments(models=list(models), after=after)
        self._models = given.models
        self._after = given.after
        self.timeouts = of_stream(given.models[0].timeouts)
        self._stream_type = _stream_type(given.models)

    def origin(self, prompt: Prompt, scheduler: abc.SchedulerBase, **settings: Any) -> Origin:
        """Prepare one answer of whichever is first."""
        candidates = _asking(self._models, prompt, scheduler, settings)
        return Race(candidates, scheduler, self._after, timeouts=[model.timeouts for model in self._models])

    async def aclose(self) -> None:
        """Close all models."""
        for model in self._models:
            await model.aclose()


def fallback(*models: Askable, after_content: bool = False) -> Fallback:
    """Ask the next model when one fails.

    Unlike `Retry` it does not ask the same one again, and does not wait. Each model keeps its own limits of first item
    and progress; the total one is the first model's, for all together.

    Args:
        models: In order, at least two; each may have a `retry` of its own.
        after_content: Whether also when content was heard already; it is rolled back then, visibly.

    Returns:
        What can be asked like a model; `stream.answered_by` says who won.

    Raises:
        ConfigurationError: There are fewer than two, or one is no model.
    """
    return Fallback(models, after_content=after_content)


def hedge(*models: Askable, after: float = 0.8) -> Hedge:
    """Ask the next model too when one has no content in time; the first content wins, the others' sockets are closed.

    Unlike `fallback` it does not wait for a failure. An end without a word wins nothing while another may yet speak.
    The limits are kept as in a `fallback`.

    Args:
        models: In order, at least two.
        after: Seconds that each has before the next is asked, those of a pause not counted; 0 is a race of all.

    Returns:
        What can be asked like a model; `stream.answered_by` says who won.

    Raises:
        ConfigurationError: There are fewer than two, one is no model, or `after` is no number of seconds.
    """
    return Hedge(models, after=after)


def _asking(
    models: Sequence[Askable], prompt: Prompt, scheduler: abc.SchedulerBase, settings: dict[str, Any]
) -> list[Callable[[], Origin]]:
    """Ask all the same: an iterator of messages can be read only once, so it is read here."""
    request = chat_request(prompt)
    return [partial(model.origin, request, scheduler, **settings) for model in models]


def _at_once(_number: int, _error: Exception) -> float:
    return 0.0


def _stream_type(models: Sequence[Askable]) -> type[CompletionStream]:
    """Give what all of them give: agents' tools can be approved behind a fallback, too."""
    types = {model._stream_type for model in models}  # noqa: SLF001  # pyright: ignore[reportPrivateUsage] - of our own kind
    return types.pop() if len(types) == 1 else CompletionStream
