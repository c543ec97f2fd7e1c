"""Where a pipeline's stages play: what they emit, what they listen to, what they have cost."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import msgspec
from reactivex.internal import noop

from rxllm.agent.run import added
from rxllm.errors import RxllmError
from rxllm.items import Finish, ToolCall, ToolCallDelta
from rxllm.observable import Sink
from rxllm.operators.tag import Tagged
from rxllm.turn_items import ToolApprovalRequested, ToolCompleted, ToolProgress, ToolStarted

if TYPE_CHECKING:
    from collections.abc import Callable

    from reactivex import abc

    from rxllm.completion import Completion
    from rxllm.items import Usage
    from rxllm.pipelines.run import PipelineRun
    from rxllm.pipelines.stages import Step
    from rxllm.senders import Sender
    from rxllm.stream import CompletionStream

__all__ = ["Scene"]

_NUMBERED: Final = {ToolCallDelta, ToolCall, ToolApprovalRequested, ToolStarted, ToolProgress, ToolCompleted}


class Scene:
    """What one stage sees of the run it is a part of.

    Args:
        run: The whole run.
        emit: Takes the stage's items.
        bare: Whether they go into the stream as they are, and not tagged.
    """

    def __init__(self, run: PipelineRun, emit: Callable[[Any], None], *, bare: bool = True) -> None:
        self.emit = emit
        self.clock: Callable[[], float] = run.clock
        self.scheduler: abc.SchedulerBase = run.scheduler
        self.usage: Usage | None = None
        self.steps: list[Step] = []
        self._run = run
        self._bare = bare

    def inner(self) -> Scene:
        """Give a stage the same scene with an account of its own."""
        return Scene(self._run, self.emit, bare=self._bare)

    def branch(self, name: str) -> Scene:
        """Give a branch a scene whose items bear its name."""
        emit = self.emit
        return Scene(self._run, lambda item: emit(Tagged(name, item)), bare=False)

    def note(self, step: Step) -> None:
        """Take down that a stage has ended, and what it has cost."""
        self.steps.append(step)
        self.usage = added(self.usage, step.usage)

    async def listen(self, stream: CompletionStream, to: Sender | None) -> Completion:
        """Hand on a stream's items until its end; its Finish is kept, its calls get numbers of their own.

        Args:
            stream: Of a model or an agent.
            to: A sender of the same items, or None.

        Returns:
            The stream's own whole.
        """
        numbers: dict[int, int] = {}

        def take(item: Any) -> None:
            if type(item) is Finish:
                if self._bare:  # of several branches, none is the one that ended the answer
                    self._run.finish = item
                return
            if type(item) in _NUMBERED:
                if item.call not in numbers:
                    numbers[item.call] = self._run.number(stream, item.call)
                item = msgspec.structs.replace(item, call=numbers[item.call])
            self.emit(item)

        with self._run.holding(stream):
            if to is not None:
                stream.subscribe(to)
            with stream.read_with(Sink(take, noop, noop)):
                try:
                    completion = await stream
                except RxllmError as error:
                    if self._bare:  # the pipeline's stream has the same items, and more: its own partial is the better
                        error.partial = None
                    raise
        self.usage = added(self.usage, completion.usage)
        return completion
