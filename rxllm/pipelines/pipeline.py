"""`pipeline()`: functions, models and agents one after the other; one value at the end, and one stream of all."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from types import NoneType
from typing import TYPE_CHECKING, Any, cast
from uuid import uuid4
from weakref import WeakValueDictionary

from rxllm.bridge import loop_scheduler
from rxllm.errors import ConfigurationError, RxllmError
from rxllm.messages import Timeouts
from rxllm.pipelines.calls import together
from rxllm.pipelines.run import PipelineRun
from rxllm.pipelines.stages import Call, Prompt, Series, as_stage, is_operator
from rxllm.pipelines.stream import PipelineStream

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from reactivex import abc

    from rxllm.askable import Askable
    from rxllm.holders import OnAbandon
    from rxllm.observable import Operator
    from rxllm.pipelines.stages import Stage

__all__ = ["Pipeline", "pipeline"]


class Pipeline:
    """Stages one after the other; each method gives a new pipeline with one more, and leaves this one as it is.

    Unlike an operator, which makes items of items, a stage makes one value of the value before it; the items that
    models and agents stream on the way are what `stream` gives.

    >>> import asyncio
    >>> async def main():
    ...     return await pipeline().map(str.strip).map(len).call("  four  ")
    >>> asyncio.run(main())
    4

    Args:
        stages: What there is so far.
        name: For whoever watches, and as a stage of another pipeline.
        timeouts: Of a whole run: only `total`, `first_item` and `progress` make sense here.
    """

    watchers: tuple[Callable[[PipelineStream], object], ...] = ()
    """Called with each stream that is made, before anybody listens to it."""

    def __init__(
        self,
        stages: Sequence[Stage] = (),
        *,
        name: str = "pipeline",
        timeouts: Timeouts | Mapping[str, float | None] | None = None,
    ) -> None:
        self.name = name
        self.timeouts = Timeouts(**timeouts) if isinstance(timeouts, Mapping) else timeouts
        if not isinstance(cast("Any", self.timeouts), (Timeouts, NoneType)):
            raise ConfigurationError(
                f"A pipeline's timeouts are Timeouts, a dict of its fields, or None; got {timeouts!r}."
            )
        self._stages = tuple(stages)
        self._runs: WeakValueDictionary[str, PipelineStream] = WeakValueDictionary()

    def map(self, function: Callable[[Any], Any], *, name: str | None = None) -> Pipeline:
        """Add a function of the value: an async one runs on the loop, a sync one in a thread of its own.

        Args:
            function: Called with what the stage before gave.
            name: By default the function's.

        Returns:
            The longer pipeline.

        Raises:
            ConfigurationError: It cannot be called, or is a generator.
        """
        return self._with(Call(function, name))

    def prompt(
        self,
        asked: Askable,
        *,
        to: Any = None,
        name: str | None = None,
        through: Sequence[Operator] = (),
        **settings: Any,
    ) -> Pipeline:
        """Add a model or an agent that is asked with the value; it gives its text, or its typed output.

        Args:
            asked: The model or agent.
            to: A sender, an observer, a function or a queue that gets this stage's items live, with `call` too. One
                sender serves one run; for more give its class: `to=StdoutSender`.
            name: By default its own.
            through: Operators on this stage's items; where they end, the stage ends.
            settings: Fields of `ChatRequest`, and `ctx=` for an agent's tools.

        Returns:
            The longer pipeline.

        Raises:
            ConfigurationError: It is neither a model nor an agent.
        """
        return self._with(Prompt(asked, name=name, to=to, through=through, settings=settings))

    def chain(self, op: Any, *, name: str | None = None) -> Pipeline:
        """Add whatever can be a stage.

        Args:
            op: A function, a model, an agent, another pipeline, `parallel(…)`, `when(…)`, or an operator, ours or
                reactivex's, which then works on the items of the prompt before it.
            name: By default its own.

        Returns:
            The longer pipeline.

        Raises:
            ConfigurationError: It is none of these, or an operator without a prompt before it.
        """
        last = self._stages[-1] if self._stages else None
        if is_operator(op) and isinstance(last, Prompt):
            return self._of([*self._stages[:-1], last.with_operator(op)])
        return self._with(as_stage(op, name))

    def _with(self, stage: Stage) -> Pipeline:
        return self._of([*self._stages, stage])

    def _of(self, stages: Sequence[Stage]) -> Pipeline:
        return Pipeline(stages, name=self.name, timeouts=self.timeouts)

    def as_stage(self, name: str | None = None) -> Stage:
        """Give all of it as one stage of another pipeline."""
        return Series(self._stages, name or self.name)

    def stream(
        self,
        value: Any,
        *,
        to: Any = None,
        run_id: str | None = None,
        through: Sequence[Operator] = (),
        replay: bool = True,
        on_abandon: OnAbandon = "cancel",
        scheduler: abc.SchedulerBase | None = None,
    ) -> PipelineStream:
        """Make the stream of one run: all stages' items, each stage's between its StageStarted and StageCompleted.

        Args:
            value: What the first stage gets.
            to: Where the items go besides, from now on: a sender, an observer, a queue, a function, or a list of them.
            run_id: What `stop` shall know it by; by default a new one, see `stream.run_id`.
            through: Operators before the multicast; their end stops the run, for everybody.
            replay: Whether a late subscriber gets what has been.
            on_abandon: When nobody listens any more: `"cancel"`, `"keep"`, or cancel after that many seconds.
            scheduler: The running loop's by default.

        Returns:
            A hot observable; nothing runs before somebody listens or awaits.

        Raises:
            ConfigurationError: There is no stage, no running loop, or a run of this id already.
        """
        if not self._stages:
            raise ConfigurationError("This pipeline has no stage; add one with map, prompt or chain.")
        other = self._runs.get(run_id or "")
        if other is not None and not other.ended:
            raise ConfigurationError(f"There is a run {run_id!r} already; give another run_id, or none.")
        home = scheduler or loop_scheduler()
        run = PipelineRun(self.as_stage(), value, home, run_id or uuid4().hex)
        stream = PipelineStream(
            run, scheduler=home, through=through, replay=replay, on_abandon=on_abandon, timeouts=self.timeouts
        )
        self._runs[run.run_id] = stream
        for watch in self.watchers:
            watch(stream)
        if to is not None:
            from rxllm.senders import as_sender  # only those who send somewhere wait for the senders

            stream.subscribe(as_sender(to))
        return stream

    async def call(self, value: Any, *, run_id: str | None = None) -> Any:
        """Run all stages, and give the last one's value.

        Args:
            value: What the first stage gets.
            run_id: What `stop` shall know it by.

        Returns:
            The last stage's value.

        Raises:
            Exception: What a stage raised, with a note of its name; `.partial` holds what had arrived.
            RxllmError: The run was stopped.
        """
        stream = self.stream(value, run_id=run_id)
        completion = await stream
        if not stream.has_value:
            stopped = RxllmError(f"The run {stream.run_id} was stopped before its last stage gave a value.")
            stopped.partial = completion
            raise stopped
        return stream.value

    async def call_many(
        self,
        values: Iterable[Any],
        *,
        concurrency: int = 4,
        progress: Callable[[int, int], object] | None = None,
        return_exceptions: bool = False,
    ) -> list[Any]:
        """Run once for each value, some at a time.

        Args:
            values: What the first stage gets, run by run.
            concurrency: Runs at once.
            progress: A sync function, called after each run with how many have ended, and of how many.
            return_exceptions: Whether a failed run leaves its exception in the list, and does not stop the others.

        Returns:
            The last stages' values, in the order of `values`.

        Raises:
            ConfigurationError: `concurrency` is no positive whole number, or `progress` is async.
            Exception: What the first failing run raised; the others are stopped.
        """
        if not isinstance(cast("Any", concurrency), int) or concurrency < 1:
            raise ConfigurationError(f"concurrency is a whole number, at least 1; got {concurrency!r}.")
        if inspect.iscoroutinefunction(progress):
            raise ConfigurationError("progress= takes a sync function; what is async nobody would await.")
        given = list(values)
        results: list[Any] = [None] * len(given)
        ended = 0

        async def work(waiting: Iterator[tuple[int, Any]]) -> None:
            nonlocal ended
            for index, value in waiting:
                try:
                    results[index] = await self.call(value)
                except Exception as error:
                    if not return_exceptions:
                        raise
                    results[index] = error
                ended += 1
                if progress is not None:
                    progress(ended, len(given))

        waiting = iter(enumerate(given))
        await together([work(waiting) for _ in range(min(concurrency, len(given)))])
        return results

    def stop(self, run_id: str) -> bool:
        """Stop a running run, from any task or thread of the process.

        Args:
            run_id: That of its stream.

        Returns:
            Whether there was such a run of this pipeline.
        """
        stream = self._runs.get(run_id)
        if stream is None or stream.ended:
            return False
        stream.cancel()
        return True

    def __repr__(self) -> str:
        return f"Pipeline({self.name!r}: {' → '.join(stage.name for stage in self._stages) or 'no stage'})"


def pipeline(*, name: str = "pipeline", timeouts: Timeouts | Mapping[str, float | None] | None = None) -> Pipeline:
    """Begin a pipeline: `pipeline().map(f).prompt(agent)`.

    Args:
        name: For whoever watches.
        timeouts: Of a whole run: `total`, `first_item` and `progress`.

    Returns:
        One without stages.
    """
    return Pipeline(name=name, timeouts=timeouts)
