"""What a turn leaves: its message for the conversation, and what it cost."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rxllm.items import Usage
from rxllm.messages import Message, MessageToolCall

if TYPE_CHECKING:
    from rxllm.completion import Completion
    from rxllm.items import ToolCall

__all__ = ["added", "own_calls", "turn_message"]


def own_calls(turn: Completion) -> list[ToolCall]:
    """Give the calls that are for us to run: not those that the provider ran itself and only tells of.

    Args:
        turn: What the model said.

    Returns:
        The calls, in the model's order.
    """
    return [call for call in turn.tool_calls if (call.extra or {}).get("execution") != "server"]


def turn_message(turn: Completion, *, acts: bool) -> Message:
    """Write a turn so that each call in it has one result behind it, as the providers demand.

    Differs from `completion.to_message()` in that a call whose arguments are broken stays, as one without arguments,
    since it is answered too; that of two calls with one id only the first stays; and that calls which are not acted on
    go.

    Args:
        turn: What the model said.
        acts: Whether its calls are answered.

    Returns:
        An assistant's message.
    """
    message = turn.to_message()
    calls = own_calls(turn)
    written: dict[str, MessageToolCall] = {}
    for call in calls if acts else []:
        raw = call.arguments_raw if isinstance(call.arguments, dict) else ""
        id_ = call.id or f"call_{call.call}"
        written.setdefault(id_, MessageToolCall(id=id_, name=call.name, arguments=raw or "{}"))
    is_whole = len(written) == len(calls) and all(isinstance(call.arguments, dict) for call in calls)
    native = message.native if is_whole else {}  # which has what we left out
    return message.model_copy(update={"tool_calls": list(written.values()), "native": native})


def added(one: Usage | None, other: Usage | None) -> Usage | None:
    """Add what two turns cost; what neither told stays unknown.

    >>> added(Usage(1, 2), Usage(3, cached_tokens=1))
    Usage(input_tokens=4, output_tokens=2, cached_tokens=1)

    Args:
        one: Of the turns before, or None.
        other: Of this one, or None.

    Returns:
        The sum.
    """
    if one is None or other is None:
        return one or other
    numbers: dict[str, Any] = {}
    for name in Usage.__struct_fields__:
        pair = [value for value in (getattr(one, name), getattr(other, name)) if value is not None]
        if name.endswith("_tokens"):
            numbers[name] = sum(pair) if pair else None
    return Usage(**numbers, estimated=one.estimated or other.estimated)
