"""One run of a pipeline: its stages in a task, as the origin of a stream."""

from __future__ import annotations

import asyncio
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final

import msgspec

from rxllm.errors import ConfigurationError, RxllmError
from rxllm.items import Finish, StreamItem
from rxllm.observable import clock_of
from rxllm.pipelines.scene import Scene

if TYPE_CHECKING:
    from collections.abc import Generator

    from reactivex import abc

    from rxllm.origin import Inlet
    from rxllm.pipelines.stages import Stage, Step
    from rxllm.stream import CompletionStream

__all__ = ["PipelineRun"]

_playing: Final[set[asyncio.Task[None]]] = set()  # a loop holds its tasks weakly, and nothing else one that waits


class PipelineRun:
    """Runs the stages in a task of the loop, and hands on all that they emit; then one Finish.

    Args:
        stages: All of them, as one stage.
        value: What the first one gets.
        scheduler: The stream's own.
        run_id: What `stop` knows it by.
    """

    def __init__(self, stages: Stage, value: Any, scheduler: abc.SchedulerBase, run_id: str) -> None:
        self.run_id = run_id
        self.scheduler = scheduler
        self.clock = clock_of(scheduler)
        self.finish: Finish | None = None  # the last that a model gave
        self.value: Any = None
        self.has_value = False
        self._stages = stages
        self._given = value
        self._scene = Scene(self, self._emit)
        self._streams: dict[CompletionStream, None] = {}  # those that speak now, in their order
        self._calls: list[tuple[CompletionStream, int]] = []  # by our number: whose call it is, and its number there
        self._paused = False
        self._closed = False
        self._inlet: Inlet
        self._task: asyncio.Task[None] | None = None

    @property
    def steps(self) -> list[Step]:
        """The stages that have ended."""
        return self._scene.steps

    # ---- as an origin

    def start(self, inlet: Inlet) -> None:
        """Begin with the first stage."""
        self._inlet = inlet
        try:
            loop = asyncio.get_running_loop()
        except RuntimeError as error:
            raise ConfigurationError(
                "No event loop is running here. A pipeline runs inside `async def`, also on virtual time."
            ) from error
        self._task = loop.create_task(self._play(), name=f"rxllm pipeline {self._stages.name}")
        _playing.add(self._task)
        self._task.add_done_callback(_playing.discard)

    def pause(self) -> None:
        """Stop reading from the models; a function that runs goes on, and what comes of it waits."""
        self._paused = True
        for stream in self._streams:
            stream.pause(self)

    def resume(self) -> None:
        """Go on reading."""
        self._paused = False
        for stream in list(self._streams):
            stream.resume(self)

    def close(self) -> None:
        """Begin closing the models' sockets, and cancel the task."""
        if self._closed:
            return
        self._closed = True
        for stream in list(self._streams):
            stream.cancel()
        if self._task is not None:
            self._task.cancel()

    # ---- the stages

    async def _play(self) -> None:
        try:
            self.value = await self._stages.run(self._given, self._scene)
        except asyncio.CancelledError:
            if not self._closed:  # not our doing, and nobody must wait for ever
                self._fail(
                    RxllmError(
                        "A pipeline's task was cancelled by one of its functions, or from outside. Use stream.cancel()."
                    )
                )
            raise
        except Exception as error:  # noqa: BLE001 - whatever a stage raises, all who listen are told
            self._fail(error)
        else:
            self.has_value = True
            self._complete()

    def _complete(self) -> None:
        finish = self.finish or Finish("stop")
        self._emit(msgspec.structs.replace(finish, usage=self._scene.usage, timing=None))
        if not self._closed:
            self._closed = True
            self._inlet.complete()

    def _fail(self, error: Exception) -> None:
        if not self._closed:
            self._closed = True
            self._inlet.fail(error)

    # ---- for the stages

    def _emit(self, item: StreamItem) -> None:
        if not self._closed:
            self._inlet.push([item])

    def number(self, stream: CompletionStream, call: int) -> int:
        """Give a call a number that means it alone in the whole run.

        Args:
            stream: Whose call it is.
            call: Its number there.

        Returns:
            Its number here.
        """
        self._calls.append((stream, call))
        return len(self._calls) - 1

    def asker(self, call: int) -> tuple[CompletionStream, int]:
        """Tell whose call it is, and which number it has there.

        Raises:
            ConfigurationError: There is no such call.
        """
        if not 0 <= call < len(self._calls):
            raise ConfigurationError(f"There is no call {call} in this run; it has had {len(self._calls)}.")
        return self._calls[call]

    @contextmanager
    def holding(self, stream: CompletionStream) -> Generator[None]:
        """Let a stream follow our pauses and our end while it speaks."""
        self._streams[stream] = None
        if self._paused:
            stream.pause(self)
        try:
            yield
        finally:
            self._streams.pop(stream)
            stream.cancel()  # after its end, that does nothing
