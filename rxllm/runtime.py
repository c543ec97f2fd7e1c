"""`Runtime`: all runs of a process as one observable, and a way to stop each."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any, cast
from uuid import uuid4
from weakref import WeakValueDictionary

import msgspec
from reactivex.disposable import Disposable

from rxllm.hub import Seat
from rxllm.observable import Lifted, LoopObservable, Sink

if TYPE_CHECKING:
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

    def watch(self, *sources: Askable | Pipeline, name: str | None = None) -> None:
        """Watch all runs that these begin from now on.

        Args:
            sources: Models, agents, pipelines.
            name: What their items are called by; by default each one's own name.
        """
        for source in sources:
            self._watch(source, name or getattr(source, "name", None) or type(source).__name__.lower())

    def _watch(self, source: Any, name: str) -> None:
        make: Any = source._stream_type  # noqa: SLF001 - what makes a stream of an origin, whoever asks for it

        def made(*arguments: Any, **options: Any) -> CompletionStream:
            stream: CompletionStream = make(*arguments, **options)
            self._attend(stream, name)
            return stream

        source._stream_type = made  # noqa: SLF001 - as above

    def _attend(self, stream: CompletionStream, name: str) -> None:
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

        hub = stream._hub  # noqa: SLF001  # pyright: ignore[reportPrivateUsage] - a subscriber would start and hold it
        sink = Sink(cast("Any", on_next), on_error, lambda: self._forget(run_id))
        hub.take_seat(Seat(hub, sink, stamps=True, leave=lambda: None))
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
