"""`Runtime`: all runs of a process as one observable, and a way to stop each."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any, NamedTuple, cast
from uuid import uuid4
from weakref import WeakValueDictionary

import msgspec
from reactivex.disposable import Disposable

from rxllm.bridge import loop_scheduler
from rxllm.errors import ConfigurationError
from rxllm.observable import Lifted, LoopObservable, Sink

if TYPE_CHECKING:
    from collections.abc import Callable

    from reactivex import abc

    from rxllm.askable import Askable
    from rxllm.items import Stamped
    from rxllm.pipelines import Pipeline
    from rxllm.stream import CompletionStream

__all__ = ["RunItem", "Runtime"]


class RunItem(msgspec.Struct, frozen=True):
    """An item of some run: whose it is, its position there, and the seconds since that run began.

    A run that fails has its exception as the last item; every other one ends with its `Finish`.
    """

    run_id: str
    name: str
    position: int
    at: float
    item: Any


class Runtime(LoopObservable[RunItem]):
    """Watches every run of the models, agents and pipelines that it is told of; never completes.

    Unlike a subscriber of each stream it starts nothing and holds nothing: a run that nobody else wants is cancelled as
    if nobody watched. Items come on the loop of their run, as they are delivered there; a late observer gets
    what comes from then on.

    >>> import asyncio
    >>> from rxllm.testing import ScriptedModel
    >>> async def main():
    ...     runtime, model = Runtime(), ScriptedModel("a|")
    ...     runtime.watch(model, name="writer")
    ...     runtime.subscribe(lambda seen: print(seen.name, seen.position, type(seen.item).__name__))
    ...     await model.stream("Hi")
    >>> _ = asyncio.run(main())
    writer 0 TextDelta
    writer 1 Finish
    """

    def __init__(self) -> None:
        super().__init__(Lifted(self._enter), None)
        self._sinks: tuple[Sink, ...] = ()
        self._runs: WeakValueDictionary[str, CompletionStream] = WeakValueDictionary()
        self._lock = threading.Lock()  # runs may live on several loops

    def pipe(self, *operators: Callable[[Any], Any]) -> Any:
        """Compose operators, ours and reactivex's; their timers run on the loop that is running here, if one is."""
        try:
            home = loop_scheduler()
        except ConfigurationError:
            home = None
        return LoopObservable(self._source, home).pipe(*operators)

    def watch(self, *sources: Askable | Pipeline, name: str | None = None) -> None:
        """Watch all runs that these begin from now on; one that is watched already gets the new name.

        Args:
            sources: Models, agents, pipelines.
            name: What their items are called by; by default each one's own name.

        Raises:
            ConfigurationError: One of them begins no runs.
        """
        given = cast("tuple[Any, ...]", sources)
        for source in given:
            if not hasattr(source, "watchers"):
                raise ConfigurationError(f"A runtime watches models, agents and pipelines; got {source!r}.")
        for source in given:
            watch = _Watch(self, name or getattr(source, "name", None) or type(source).__name__.lower())
            others = [each for each in source.watchers if not (isinstance(each, _Watch) and each.runtime is self)]
            source.watchers = (*others, watch)

    def attend(self, stream: CompletionStream, name: str) -> None:
        """Watch one run, from here on and what it has had; it is neither started nor held.

        Args:
            stream: The run.
            name: What its items are called by.
        """
        run_id: str = getattr(stream, "run_id", None) or uuid4().hex
        position = -1
        at = 0.0

        def on_next(stamped: Stamped) -> None:
            nonlocal position, at
            position, at = stamped.seq, stamped.at
            self._tell(RunItem(run_id, name, position, at, stamped.item))

        def on_error(error: Exception) -> None:
            self._forget(run_id)
            self._tell(RunItem(run_id, name, position + 1, at, error))

        stream.watch_with(Sink(cast("Any", on_next), on_error, lambda: self._forget(run_id)))
        with self._lock:
            self._runs[run_id] = stream

    def _forget(self, run_id: str) -> None:
        with self._lock:
            self._runs.pop(run_id, None)

    def _tell(self, item: RunItem) -> None:
        for sink in self._sinks:
            sink.on_next(item)  # guarded by `LoopObservable`

    def _enter(self, sink: Sink, _: abc.SchedulerBase | None) -> abc.DisposableBase:
        with self._lock:
            self._sinks = (*self._sinks, sink)

        def leave() -> None:
            with self._lock:
                self._sinks = tuple(other for other in self._sinks if other is not sink)

        return Disposable(leave)

    @property
    def runs(self) -> list[str]:
        """The ids of the runs that have not ended."""
        with self._lock:
            return list(self._runs)

    def stop(self, run_id: str) -> bool:
        """Stop a run, from any task or thread of the process; in a pipeline, the next stage gets what there is.

        Args:
            run_id: As its items tell it.

        Returns:
            Whether there was such a run.
        """
        with self._lock:
            stream = self._runs.get(run_id)
        if stream is None:
            return False
        stream.cancel()
        return True

    def stop_all(self) -> None:
        """Stop every run that has not ended."""
        for run_id in self.runs:
            self.stop(run_id)


class _Watch(NamedTuple):
    """What a source calls with each of its runs."""

    runtime: Runtime
    name: str

    def __call__(self, stream: CompletionStream) -> None:
        self.runtime.attend(stream, self.name)
