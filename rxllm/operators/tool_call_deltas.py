"""`tool_call_deltas`: tool calls while they are being written."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rxllm.items import ToolCallDelta
from rxllm.operators.of_type import of_type

if TYPE_CHECKING:
    from rxllm.observable import Operator

__all__ = ["tool_call_deltas"]


def tool_call_deltas() -> Operator:
    """Give the pieces of tool calls as they come.

    Unlike `tool_calls` it does not wait for the whole; unlike `partial(tool=…)` it does not read their JSON.

    >>> from rxllm.testing import play
    >>> play(tool_call_deltas(), "a{call 0 f '{'}-{call 0 arguments='}'}{tool_call 0 id f}|")
    "-{call 0 f '{'}-{call 0 arguments='}'}-|"

    Returns:
        An operator over stream items, of all choices.
    """
    return of_type(ToolCallDelta)
