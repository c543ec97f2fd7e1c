"""What a pipeline is made of: functions, models and agents."""

from __future__ import annotations

import inspect
from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Any, NamedTuple, cast

from pydantic import BaseModel

from rxllm.askable import Askable
from rxllm.completion import Completion
from rxllm.errors import ConfigurationError, RxllmError
from rxllm.pipelines.calls import called
from rxllm.turn_items import StageCompleted, StageStarted

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from rxllm.items import Usage
    from rxllm.observable import Operator
    from rxllm.pipelines.scene import Scene
    from rxllm.senders import Sender

__all__ = ["Call", "Prompt", "Series", "Stage", "Step", "as_stage", "is_operator"]


class Step(NamedTuple):
    """One stage of a run that has ended: what a table of steps shows."""

    name: str
    duration_ms: float
    usage: Usage | None
    value: Any
    steps: tuple[Step, ...] = ()
    """Those within it, where it is a pipeline or has branches."""


class Stage(ABC):
    """Makes a value of a value, and perhaps items on the way.

    Args:
        name: For whoever watches.
    """

    def __init__(self, name: str) -> None:
        self.name = name

    @abstractmethod
    async def run(self, value: Any, scene: Scene) -> Any:
        """Make the next value.

        Args:
            value: What the stage before gave.
            scene: Takes the items.

        Returns:
            What the next stage gets.
        """

    async def perform(self, value: Any, scene: Scene) -> Any:
        """Run between `StageStarted` and `StageCompleted`; an error says where it happened."""
        scene.emit(StageStarted(self.name))
        began = scene.clock()
        inner = scene.inner()
        try:
            result = await self.run(value, inner)
        except Exception as error:
            error.add_note(f"This happened in the stage {self.name!r} of a pipeline.")
            raise
        took = (scene.clock() - began) * 1000
        scene.note(Step(self.name, took, inner.usage, result, tuple(inner.steps)))
        scene.emit(StageCompleted(self.name, took))
        return result


class Call(Stage):
    """A function of the value: an async one on the loop, a sync one in a thread of its own."""

    def __init__(self, function: Callable[[Any], Any], name: str | None = None) -> None:
        if not callable(function):
            raise ConfigurationError(f"A stage's function is called with the value; {function!r} cannot be called.")
        if inspect.isgeneratorfunction(function) or inspect.isasyncgenfunction(function):
            raise ConfigurationError(f"{function!r} is a generator, and a stage gives one value: return it.")
        super().__init__(name or _name_of(function, "map"))
        self._function = function

    async def run(self, value: Any, scene: Scene) -> Any:  # noqa: ARG002 - it streams nothing
        """Call the function."""
        return await called(self._function, value)


class Prompt(Stage):
    """A model or an agent, asked with the value; gives the answer's text, or its `output` where a type was asked for.

    Args:
        asked: The model or agent.
        name: For whoever watches; by default its own.
        to: Where the stage's items go besides the pipeline's stream: what `as_sender` takes, or a class of senders, of
            which each run makes one.
        through: Operators on this stage's items; their end is the stage's end.
        settings: Fields of `ChatRequest`, and `ctx=` for an agent's tools.
    """

    def __init__(
        self,
        asked: Askable,
        *,
        name: str | None = None,
        to: Any = None,
        through: Sequence[Operator] = (),
        settings: Mapping[str, Any] | None = None,
    ) -> None:
        if not isinstance(cast("object", asked), Askable):
            raise ConfigurationError(f"prompt takes a model or an agent; got {asked!r}. Put a function into map.")
        super().__init__(name or getattr(asked, "name", None) or type(asked).__name__.lower())
        self._asked = asked
        self._to = to
        if not inspect.isclass(to):
            self._sender()  # what nothing can be sent to is told now, not at the first run
        self._through = tuple(through)
        self._settings = dict(settings or {})

    def with_operator(self, operator: Operator) -> Prompt:
        """Give the same stage with one more operator on its items."""
        through = (*self._through, operator)
        return Prompt(self._asked, name=self.name, to=self._to, through=through, settings=self._settings)

    async def run(self, value: Any, scene: Scene) -> Any:
        """Ask, and hand on all items but the Finish."""
        stream = self._asked.stream(
            _asked_with(value), through=self._through, scheduler=scene.scheduler, **self._settings
        )
        completion = await scene.listen(stream, self._sender())
        if completion.output is not None:
            return completion.output
        wanted = getattr(self._asked, "output", None)
        if wanted is not None:  # the next stage counts on an instance, and half of its JSON is none
            raise RxllmError(
                f"The agent {self.name} gave no {wanted.__name__}: its answer ended with {completion.finish_reason!r}."
            )
        return completion.text

    def _sender(self) -> Sender | None:
        if self._to is None:
            return None
        from rxllm.senders import as_sender  # only those who send somewhere wait for the senders

        return as_sender(self._to() if inspect.isclass(self._to) else self._to)


class Series(Stage):
    """One stage after the other."""

    def __init__(self, stages: Sequence[Stage], name: str) -> None:
        super().__init__(name)
        self.stages = tuple(stages)

    async def run(self, value: Any, scene: Scene) -> Any:
        """Hand the value from stage to stage."""
        for stage in self.stages:
            value = await stage.perform(value, scene)
        return value


def as_stage(given: Any, name: str | None = None) -> Stage:
    """Make a stage of what a pipeline can be made of.

    Args:
        given: A stage, a pipeline, a model, an agent or a function.
        name: Another name than its own.

    Returns:
        The stage.

    Raises:
        ConfigurationError: It is something else, or an operator, which needs a prompt before it.
    """
    if hasattr(given, "as_stage"):
        given = given.as_stage(name)
    if isinstance(given, Stage):
        return given
    if isinstance(given, Askable):
        return Prompt(given, name=name)
    if is_operator(given):
        raise ConfigurationError(
            "An operator works on the items of a model or an agent: put it behind one, .prompt(agent).chain(operator), "
            "or into .prompt(agent, through=[operator])."
        )
    if callable(given):
        return Call(given, name)
    raise ConfigurationError(
        f"A stage is a function, a model, an agent, a pipeline, parallel(…) or when(…); got {given!r}."
    )


def is_operator(given: Any) -> bool:
    """Tell an operator, ours or reactivex's, from a function of the value."""
    home = getattr(given, "__module__", None) or ""
    return getattr(given, "lifted", False) or home.startswith(("reactivex.", "rxllm.operators.", "rxllm.observable"))


def _asked_with(value: Any) -> Any:
    """Make a prompt of what the stage before gave."""
    if isinstance(value, Completion):
        return value.text
    return value.model_dump_json() if isinstance(value, BaseModel) else value


def _name_of(function: Any, otherwise: str) -> str:
    name = getattr(function, "__name__", type(function).__name__)
    return otherwise if name == "<lambda>" else name
