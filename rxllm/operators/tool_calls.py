"""`tool_calls`: the whole tool calls."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rxllm.items import ToolCall
from rxllm.operators.of_type import of_type

if TYPE_CHECKING:
    from rxllm.observable import Operator

__all__ = ["tool_calls"]


def tool_calls() -> Operator:
    """Give each whole `ToolCall` when the provider says that it is whole.

    Unlike `tool_call_deltas` it gives no pieces. Behind `tool_ready` it gives them as soon as their arguments close.

    >>> from rxllm.testing import play
    >>> play(tool_calls(), "a{call 0 f '{}'}-{tool_call 0 id f}|")
    '---{tool_call 0 id f}|'

    Returns:
        An operator over stream items, of all choices.
    """
    return of_type(ToolCall)
