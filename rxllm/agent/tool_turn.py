"""The tools of one turn: all at once, each asked for, watched and answered in the model's order."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rxllm.errors import ConfigurationError, ToolError
from rxllm.messages import Message
from rxllm.tools import result_text
from rxllm.tools.jobs import Job
from rxllm.turn_items import ToolApprovalRequested, ToolCompleted, ToolProgress, ToolStarted

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from rxllm.items import StreamItem, ToolCall
    from rxllm.tools import Tool

__all__ = ["ToolTurn"]


class _Call:
    """One call, from the model's wish to what the model is told."""

    def __init__(self, item: ToolCall, turn: ToolTurn) -> None:
        self.item = item
        self.text: str | None = None  # what the model is told, once it is known
        self.error: Exception | None = None
        self.bound: Callable[[], Any] | None = None  # while it waits for approval
        self._tool: Tool[..., Any]
        self._job: Job | None = None
        self._turn = turn
        self._since: float | None = None

    def begin(self, tools: Mapping[str, Tool[..., Any]], context: object) -> None:
        """Check the call; let it run, or ask."""
        item = self.item
        try:
            if item.name not in tools:
                raise ToolError(f"There is no tool {item.name!r}. There are: {', '.join(tools) or 'none'}.")  # noqa: TRY301 - one way for all that is wrong
            self._tool = tools[item.name]
            arguments = self._tool.validate(item.arguments)
            bound = self._tool.bind(arguments, context)
            asks = self._tool.asks(arguments)
        except Exception as error:  # noqa: BLE001 - also of the user's `needs_approval`; the model is told
            self._end(None, error)
            return
        if asks:
            self.bound = bound
            self._turn.show([ToolApprovalRequested(item.call, item.name, item.arguments, item.id)])
        else:
            self._run(bound)

    def decide(self, why: str | None) -> None:
        """Take the decision that was waited for."""
        bound, self.bound = self.bound, None
        if bound is None:
            return
        if why is None:
            self._run(bound)
        else:
            self._end(None, _DeniedError(why))

    def refuse(self, error: Exception) -> None:
        """Answer without running."""
        self._end(None, error)

    def cancel(self) -> None:
        """Stop, and tell nobody."""
        self.bound = None
        if self._job is not None:
            self._job.cancel()

    def give_up(self, why: str) -> None:
        """Stop, for a reason that is shown where its beginning was."""
        self.cancel()
        if self.text is None and self._since is not None:
            item, took = self.item, (self._turn.clock() - self._since) * 1000
            self._turn.show([ToolCompleted(item.call, item.name, took, None, why, item.id)])

    def _run(self, bound: Callable[[], Any]) -> None:
        fail = self._turn.fail
        try:
            self._job = Job(
                self._tool, bound, started=self._started, progress=self._progress, ended=self._end, lost=fail
            )
        except ConfigurationError as error:  # there is no loop: no call will ever run
            fail(error)

    def _started(self) -> None:
        self._since = self._turn.clock()
        item = self.item
        self._turn.show([ToolStarted(item.call, item.name, item.arguments, item.id)])

    def _progress(self, value: Any) -> None:
        self._turn.show([ToolProgress(self.item.call, self.item.name, value)])

    def _end(self, result: Any, error: Exception | None) -> None:
        took = 0.0 if self._since is None else (self._turn.clock() - self._since) * 1000
        item = self.item
        told = None
        if error is None:
            try:
                self.text = result_text(result)
            except Exception as unsaid:  # noqa: BLE001 - of the user's own serializers; the model is told
                error = unsaid
        if error is not None:
            told = (
                str(error) if isinstance(error, ToolError) else f"{item.name} failed: {type(error).__name__}: {error}"
            )
            self.text, result = result_text(told), None
            self.error = None if isinstance(error, _DeniedError) else error
        self._turn.show([ToolCompleted(item.call, item.name, took, result, told, item.id)])
        self._turn.look()

    @property
    def message(self) -> Message:
        """What the model is told."""
        return Message.tool(self.text or "", tool_call_id=self.item.id or f"call_{self.item.call}")


class _DeniedError(ToolError):
    """Somebody said no, which is nobody's failure."""


class ToolTurn:
    """Runs the calls of one turn, and tells when all have ended.

    Args:
        tools: By name.
        context: For those that want it.
        clock: Seconds.
        show: Takes the items.
        ended: Called once with the messages for the model, in its own order, and the failures.
        fail: Called instead, when nothing more can come.
    """

    def __init__(
        self,
        tools: Mapping[str, Tool[..., Any]],
        context: object,
        *,
        clock: Callable[[], float],
        show: Callable[[list[StreamItem]], None],
        ended: Callable[[list[Message], list[Exception]], None],
        fail: Callable[[Exception], None],
    ) -> None:
        self.clock = clock
        self.show = show
        self.fail = fail
        self.early = any(tool.early for tool in tools.values())
        self._tools = tools
        self._context = context
        self._ended = ended
        self._calls: dict[int, _Call] = {}
        self._order: list[_Call] | None = None  # once the model has said all
        self._over = False

    def begin_early(self, item: ToolCall) -> None:
        """Run a call while the model still speaks, if its tool allows that."""
        tool = self._tools.get(item.name)
        if tool is None or not tool.early or item.call in self._calls or self._repeats(item):
            return
        self._calls[item.call] = call = _Call(item, self)
        call.begin(self._tools, self._context)

    def _repeats(self, item: ToolCall) -> bool:
        """Tell whether another call has the same id, for which a provider takes one result."""
        return bool(item.id) and any(c.item.id == item.id for n, c in self._calls.items() if n != item.call)

    def begin(self, items: list[ToolCall]) -> None:
        """Run all calls that do not run yet.

        Args:
            items: In the model's order.
        """
        fresh: list[_Call] = []
        for item in items:
            call = self._calls.get(item.call)
            if call is not None and (call.item.name, call.item.arguments) == (item.name, item.arguments):
                call.item = item  # the whole of it, its id too
                continue
            if call is not None:  # it began early, but that was not what the provider says in the end
                call.give_up(f"{call.item.name} was called too early: the whole call says something else.")
            self._calls[item.call] = call = _Call(item, self)
            fresh.append(call)
        self._order = [self._calls[item.call] for item in items]
        ids = {call.item.id for call in self._order if call not in fresh}
        for call in fresh:
            if self._over:
                return
            id_ = call.item.id
            if id_ and id_ in ids:
                call.refuse(ToolError(f"The id {id_} was used for two calls; only the first was run."))
                continue
            ids.add(id_)
            call.begin(self._tools, self._context)
        self.look()

    def decide(self, number: int, why: str | None) -> None:
        """Hand on a decision; one that nobody waits for is not an error, since two may have been asked."""
        call = self._calls.get(number)
        if call is not None:
            call.decide(why)

    def look(self) -> None:
        """Tell, once, when every call has ended."""
        if self._over or self._order is None or any(call.text is None for call in self._order):
            return
        self._over = True
        answered: dict[str, Message] = {}
        for call in self._order:  # a provider wants one result for an id
            answered.setdefault(call.message.tool_call_id or "", call.message)
        self._ended(list(answered.values()), [call.error for call in self._order if call.error is not None])

    def give_up(self, why: str) -> None:
        """Stop what began early, since it was for nothing.

        Args:
            why: What is shown of those that have not ended.
        """
        self._over = True
        for call in self._calls.values():
            call.give_up(why)

    def cancel(self) -> None:
        """Stop all, and tell nobody."""
        self._over = True
        for call in self._calls.values():
            call.cancel()
