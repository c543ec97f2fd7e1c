"""`tool_ready`: a tool call the moment its arguments close."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from rxllm.items import Rollback, StreamItem, ToolCall, ToolCallDelta
from rxllm.kinds import BEGINNINGS
from rxllm.observable import Operator, Sink, lift
from rxllm.operators._json_scan import JsonScanner
from rxllm.operators._json_unread import Unread

if TYPE_CHECKING:
    from reactivex import abc

__all__ = ["tool_ready"]


def tool_ready() -> Operator:
    """Put each whole `ToolCall` right behind the delta that closes its arguments, so that the tool can run already.

    Unlike `tool_calls` alone, which waits until the provider says that a call is whole (many do at the end of the
    stream), it reads the arguments as they come, once. Everything else passes in its place.

    >>> from rxllm.operators.tool_calls import tool_calls
    >>> from rxllm.testing import play
    >>> play(lambda s: s.pipe(tool_ready(), tool_calls()), "{call 0 f '{}' id=x}-a-({tool_call 0 x f {} '{}'}|)")
    "{tool_call 0 x f {} '{}'}---|"

    Returns:
        An operator over stream items. The provider's own whole call is then left out, with what only that has (a
        signature, say), unless it says something else than its deltas did. A call without arguments, or with ones that
        are no JSON, comes when the provider gives it.
    """

    def connect(down: Sink, _: abc.SchedulerBase | None) -> Sink:
        emit = down.on_next
        calls: dict[tuple[int, int], _Call] = {}

        def on_next(item: StreamItem) -> None:
            kind = type(item)
            if kind is ToolCallDelta:
                delta = cast("ToolCallDelta", item)
                call = calls.get((delta.choice, delta.call))
                if call is None:
                    call = calls[delta.choice, delta.call] = _Call()
                emit(item)
                ready = call.ready(delta)
                if ready is not None:
                    emit(ready)
                return
            if kind is ToolCall:
                whole = cast("ToolCall", item)
                call = calls.pop((whole.choice, whole.call), None)
                if call is not None and call.says_the_same(whole):
                    return
            elif kind is Rollback or kind in BEGINNINGS:
                calls.clear()
            emit(item)

        return Sink(on_next, down.on_error, down.on_completed)

    return lift(connect)


class _Call:
    """A call that is being written."""

    __slots__ = ("_id", "_name", "_pieces", "_scanner", "_unread", "given")

    def __init__(self) -> None:
        self._id: str | None = None
        self._name: str | None = None
        self._pieces: list[str] = []
        self._scanner = JsonScanner()
        self._unread = Unread(self._scanner)
        self.given: ToolCall | None = None

    def says_the_same(self, whole: ToolCall) -> bool:
        """Whether the call was given, and is what the provider says that it is."""
        given = self.given
        return given is not None and given.arguments == whole.arguments and self._raw() == whole.arguments_raw.strip()

    def _raw(self) -> str:
        return "".join(self._pieces).strip()

    def ready(self, delta: ToolCallDelta) -> ToolCall | None:
        """Take a delta; give the call once its arguments have closed and its name is known."""
        self._id = self._id or delta.id
        self._name = self._name or delta.name
        if delta.arguments:
            self._pieces.append(delta.arguments)
            self._unread.push(delta.arguments)
        if self.given is not None or self._name is None or not self._scanner.closed or self._scanner.fault:
            return None
        self.given = ToolCall(delta.call, self._id, self._name, self._scanner.root, self._raw(), delta.choice)
        return self.given
