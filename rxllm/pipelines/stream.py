"""`PipelineStream`: the items of all stages, and the last one's value."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from rxllm.agent.agent import AgentStream, number_of
from rxllm.errors import ConfigurationError, RxllmError
from rxllm.stream import CompletionStream

if TYPE_CHECKING:
    from rxllm.items import ToolCall
    from rxllm.pipelines.run import PipelineRun
    from rxllm.pipelines.stages import Step
    from rxllm.turn_items import ToolApprovalRequested

__all__ = ["PipelineStream"]


class PipelineStream(CompletionStream):
    """The stream of one run of a pipeline.

    Differs from a `CompletionStream` in that it also has the last stage's value, and a table of the steps.
    """

    @property
    def _run(self) -> PipelineRun:
        return cast("PipelineRun", self._origin)

    @property
    def run_id(self) -> str:
        """What `pipeline.stop` knows this run by."""
        return self._run.run_id

    @property
    def ended(self) -> bool:
        """Whether everybody has been told the end."""
        return self._hub.ended

    @property
    def has_value(self) -> bool:
        """Whether the last stage has given its value."""
        return self._run.has_value

    @property
    def value(self) -> Any:
        """The last stage's value.

        Raises:
            RxllmError: The run has not come to its end, or was stopped.
        """
        if not self.has_value:
            raise RxllmError(
                f"The run {self.run_id} has no value: it did not come to the end of its last stage. Await the stream "
                "first, and look at its finish_reason."
            )
        return self._run.value

    @property
    def steps(self) -> list[Step]:
        """The stages that have ended so far: name, milliseconds, tokens, value."""
        return list(self._run.steps)

    def approve(self, call: int | ToolCall | ToolApprovalRequested) -> None:
        """Let a tool run that waits for it, of whichever agent; see `AgentStream.approve`.

        Args:
            call: The item of this stream that asked, or its number.
        """
        stream, number = self._asker(call)
        stream.approve(number)

    def deny(self, call: int | ToolCall | ToolApprovalRequested, why: str = "The user did not allow it.") -> None:
        """Keep a tool from running; see `AgentStream.deny`.

        Args:
            call: The item of this stream that asked, or its number.
            why: What the model reads.
        """
        stream, number = self._asker(call)
        stream.deny(number, why)

    def _asker(self, call: int | ToolCall | ToolApprovalRequested) -> tuple[AgentStream, int]:
        stream, number = self._run.asker(number_of(call))
        if not isinstance(stream, AgentStream):
            raise ConfigurationError(f"Call {number_of(call)} is a model's own, and no agent's: nobody will run it.")
        return stream, number
