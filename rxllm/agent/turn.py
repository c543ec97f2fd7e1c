"""One turn of an agent: the model's answer on its way, and the tools that may begin while it speaks."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, Protocol, cast

import msgspec

from rxllm.agent.early_calls import early_calls
from rxllm.completion import Completion, fold
from rxllm.items import Finish, Rollback, StreamItem, ToolCall, ToolCallDelta, Usage, part
from rxllm.limits import Limits
from rxllm.turn_items import ToolApprovalRequested, ToolCompleted, ToolProgress, ToolStarted

if TYPE_CHECKING:
    from collections.abc import Callable

    from reactivex import abc

    from rxllm.agent.tool_turn import ToolTurn
    from rxllm.messages import Timeouts
    from rxllm.origin import Origin

__all__ = ["AgentTurn"]

_NUMBERED: Final = {ToolCallDelta, ToolCall, ToolApprovalRequested, ToolStarted, ToolProgress, ToolCompleted}


class Run(Protocol):
    """What a turn needs of its run."""

    def show(self, items: list[StreamItem]) -> None:
        """Hand items on."""
        ...

    def spoken(self, turn: Completion, finish: Finish) -> None:
        """Act on what the model has said."""
        ...

    def abort(self, error: Exception) -> None:
        """End badly."""
        ...


class AgentTurn:
    """Asks the model once, as the inlet of its origin; the model's own Finish goes to the run and no further.

    Args:
        origin: Where the answer comes from.
        make_tools: Makes what runs the calls; again after a rollback.
        timeouts: The model's limits; they hold while it speaks.
        scheduler: The stream's own.
        first_call: The number of the turn's first call, so that through the whole run a number means one call.
        run: Who is told.
    """

    def __init__(
        self,
        origin: Origin,
        make_tools: Callable[[], ToolTurn],
        *,
        timeouts: Timeouts,
        scheduler: abc.SchedulerBase,
        first_call: int,
        run: Run,
    ) -> None:
        self.origin = origin
        self._make_tools = make_tools
        self._first_call = first_call
        self._run = run
        self._seen: list[StreamItem] = []
        self._speaking = False
        self._closed = False
        self._limits = Limits(timeouts, scheduler, run.abort)
        self._read_early: Callable[[list[StreamItem]], None] | None
        self.tools = self._prepared()

    def _prepared(self) -> ToolTurn:
        tools = self._make_tools()
        self._read_early = early_calls(tools.begin_early) if tools.early else None
        return tools

    # ---- what the run asks for

    def start(self, *, paused: bool) -> None:
        """Ask the model."""
        self._speaking = True
        self._limits.begin()
        if paused:
            self.pause()
        self.origin.start(self)

    def pause(self) -> None:
        """Stop reading from the model; tools that run go on."""
        if self._speaking:
            self._limits.pause()
            self.origin.pause()

    def resume(self) -> None:
        """Go on reading."""
        if self._speaking:
            self._limits.resume()
            self.origin.resume()

    def decide(self, call: int, why: str | None) -> None:
        """Hand on a decision: to our own tools, and to an agent that is asked in a model's place."""
        self.tools.decide(call, why)
        decide = getattr(self.origin, "decide", None)
        if decide is not None:
            decide(call - self._first_call, why)

    def close(self) -> None:
        """Begin closing the model's socket, and cancel the tools; nothing is told any more."""
        self._closed = True
        self._limits.stop()
        self.tools.cancel()
        if self._speaking:
            self.origin.close()

    @property
    def next_call(self) -> int:
        """The number of the first call that is not of this turn."""
        numbers = [cast("ToolCall", item).call + 1 for item in self._seen if type(item) in _NUMBERED]
        return max(numbers, default=self._first_call)

    @property
    def unpaid(self) -> Usage | None:
        """What this turn has cost so far, by our own count; None where the model's own count is in."""
        if not self._speaking:
            return None
        void = _void(self._seen)
        told = next((i.input_tokens for i in reversed(self._seen) if isinstance(i, Usage)), None)
        return Usage(told, sum(part(item) is not None for item in self._seen[void:]), estimated=True)

    # ---- as an inlet

    def push(self, items: list[StreamItem]) -> None:
        """Take what the model's read brought."""
        if self._closed or not items:
            return
        if self._limits.watchful:
            self._limits.note(items)
        if self._first_call:
            items = [self._numbered(item) if type(item) in _NUMBERED else item for item in items]
        self._seen += items
        if type(items[-1]) is Finish:
            items = items[:-1]
        if items:
            self._run.show(items)
        if self._read_early is not None and not self._closed:
            void = _void(items)
            if void:
                self.tools.cancel()
                self.tools = self._prepared()
            self._read_early(items[void:])

    def _numbered(self, item: Any) -> StreamItem:
        return msgspec.structs.replace(item, call=item.call + self._first_call)

    def complete(self) -> None:
        """Note that the model has said what it wanted."""
        if not self._closed:
            self._speaking = False
            self._limits.stop()
            last = self._seen[-1] if self._seen else None
            self._run.spoken(fold(self._seen), last if isinstance(last, Finish) else Finish("stop"))

    def fail(self, error: Exception) -> None:
        """Note that the model failed, and with it the run."""
        self._speaking = False
        if not self._closed:
            self._run.abort(error)


def _void(items: list[StreamItem]) -> int:
    """Tell how many of the first items are void."""
    return next((n for n in range(len(items), 0, -1) if type(items[n - 1]) is Rollback), 0)
