"""Tool calls the moment their arguments close, for those who push items and have no pipe."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, cast

from reactivex.disposable import Disposable
from reactivex.internal import noop

from rxllm.items import Rollback, Started, ToolCall, ToolCallDelta
from rxllm.observable import Lifted, Sink
from rxllm.operators.tool_ready import tool_ready

if TYPE_CHECKING:
    from collections.abc import Callable

    from reactivex import abc

    from rxllm.items import StreamItem

__all__ = ["early_calls"]

_TELLING: Final = (ToolCallDelta, ToolCall, Rollback, Started)


def early_calls(ready: Callable[[ToolCall], None]) -> Callable[[list[StreamItem]], None]:
    """Make what reads a turn's items for its calls: `ops.tool_ready` without a pipe.

    >>> read = early_calls(print)
    >>> read([ToolCallDelta(0, "f", '{"a"')])
    >>> read([ToolCallDelta(0, None, ": 1}")])
    ToolCall(call=0, name='f', arguments={'a': 1}, arguments_raw='{"a": 1}')

    Args:
        ready: Called with each call of choice 0, once it is whole.

    Returns:
        A function of what a read brought.
    """
    into: list[Sink] = []

    def enter(sink: Sink, _: abc.SchedulerBase | None) -> abc.DisposableBase:
        into.append(sink)
        return Disposable()

    def look(item: StreamItem) -> None:
        if type(item) is ToolCall and item.choice == 0:
            ready(item)

    tool_ready()(Lifted[Any](enter)).subscribe(cast("Any", Sink(look, noop, noop)))

    def read(items: list[StreamItem]) -> None:
        for item in items:
            if type(item) in _TELLING:
                into[0].on_next(item)

    return read
