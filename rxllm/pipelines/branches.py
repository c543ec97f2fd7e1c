"""`parallel` and `when`: several stages at once, or one of two."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rxllm.errors import ConfigurationError
from rxllm.pipelines.calls import called, together
from rxllm.pipelines.stages import Stage, as_stage

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from rxllm.pipelines.scene import Scene

__all__ = ["parallel", "when"]


def parallel(*branches: Any, name: str = "parallel", **named: Any) -> Stage:
    """Run several stages at once with the same value; their items come as `Tagged(branch, item)`.

    >>> import asyncio
    >>> from rxllm import pipeline
    >>> async def main():
    ...     both = pipeline().chain(parallel(str.upper, len))
    ...     told = pipeline().chain(parallel(loud=str.upper, letters=len))
    ...     return await both.call("four"), await told.call("four")
    >>> asyncio.run(main())
    (('FOUR', 4), {'loud': 'FOUR', 'letters': 4})

    Args:
        branches: Whatever `chain` takes; the value is then a tuple in their order.
        name: Of the whole.
        named: The same by name; the value is then a dict.

    Returns:
        A stage for `chain`.

    Raises:
        ConfigurationError: There is no branch, or some have names and some have none.
    """
    if bool(branches) == bool(named):
        raise ConfigurationError("parallel takes stages, or stages by name: parallel(a, b) or parallel(x=a, y=b).")
    if named:
        return _Parallel({key: as_stage(each, key) for key, each in named.items()}, named=True, name=name)
    stages: dict[str, Stage] = {}
    for stage in map(as_stage, branches):
        key, count = stage.name, 1
        while key in stages:
            count += 1
            key = f"{stage.name}-{count}"
        stages[key] = stage
    return _Parallel(stages, named=False, name=name)


def when(predicate: Callable[[Any], Any], then: Any, otherwise: Any = None, *, name: str = "when") -> Stage:
    """Choose a stage by the value.

    >>> import asyncio
    >>> from rxllm import pipeline
    >>> async def main():
    ...     short = pipeline().chain(when(lambda text: len(text) > 5, lambda text: text[:5] + "…"))
    ...     return await short.call_many(["brief", "much longer"])
    >>> asyncio.run(main())
    ['brief', 'much …']

    Args:
        predicate: A sync or async function of the value.
        then: Whatever `chain` takes.
        otherwise: The same; by default the value goes on as it is.
        name: Of the whole.

    Returns:
        A stage for `chain`.
    """
    return _When(predicate, as_stage(then), None if otherwise is None else as_stage(otherwise), name)


class _Parallel(Stage):
    """Several stages at once, each with the same value and a name of its own; the first that fails stops the others."""

    def __init__(self, branches: Mapping[str, Stage], *, named: bool, name: str) -> None:
        super().__init__(name)
        self._branches = dict(branches)
        self._named = named

    async def run(self, value: Any, scene: Scene) -> Any:
        """Give the values of all: a tuple in the stages' order, or a dict by their names."""
        scenes = {name: scene.branch(name) for name in self._branches}
        values = await together([stage.perform(value, scenes[name]) for name, stage in self._branches.items()])
        for inner in scenes.values():
            for step in inner.steps:
                scene.note(step)
        return dict(zip(scenes, values, strict=True)) if self._named else tuple(values)


class _When(Stage):
    """One stage or the other, as a function of the value tells; without another one the value goes on as it is."""

    def __init__(self, predicate: Callable[[Any], Any], then: Stage, otherwise: Stage | None, name: str) -> None:
        if not callable(predicate):
            raise ConfigurationError(f"when asks a function of the value; {predicate!r} cannot be called.")
        super().__init__(name)
        self._predicate = predicate
        self._then = then
        self._otherwise = otherwise

    async def run(self, value: Any, scene: Scene) -> Any:
        """Ask the predicate, and run what it chose."""
        chosen = self._then if await called(self._predicate, value) else self._otherwise
        return value if chosen is None else await chosen.perform(value, scene)
