"""An answer as a message of the conversation: what of it the next request may hold."""

from __future__ import annotations

import base64
import hashlib
import json
from typing import TYPE_CHECKING, Final

from rxllm.items import ToolCall
from rxllm.messages import Message, MessageToolCall

if TYPE_CHECKING:
    from collections.abc import Iterable

    from rxllm.completion.completion import Completion
    from rxllm.items import Finish, StreamItem

__all__ = ["STOPPED", "message_of"]

STOPPED: Final = frozenset({"length", "content_filter", "refusal", "cancelled"})
"""The finish reasons of an answer that was stopped, perhaps within its last call: without arguments, it lost them.

A call that another one follows was whole. The wires judge by the same rule what goes back in their own terms, so that
the two never differ in which calls want an answer.
"""

_ID_LENGTH: Final = 9  # with letters and digits only, what Mistral demands; nobody else minds


def message_of(said: Completion, items: Iterable[StreamItem], finish: Finish | None) -> Message:
    """Write an answer for the next request.

    Args:
        said: The answer.
        items: What its last turn was made of.
        finish: How it ended, if it did.

    Returns:
        An assistant's message, whose calls are those that somebody here has to answer.
    """
    whole = {item.call for item in items if type(item) is ToolCall}
    calls = said.tool_calls
    if finish is not None and finish.reason in STOPPED and calls and (_is_custom(calls[-1]) or _is_bare(calls[-1])):
        calls.pop()
    calls = [call for call in calls if call.call in whole and _can_go_back(call)]
    seed = "" if all(call.id for call in calls) else _seed(said)
    return Message(
        role="assistant",
        content=said.text or None,
        reasoning=said.reasoning or None,
        tool_calls=[
            MessageToolCall(id=call.id or _made_up(seed, call.call), name=call.name, arguments=_arguments(call))
            for call in calls
        ],
        native=(finish.native or {}) if finish else {},
        answered_by=finish.answered_by if finish else None,
    )


def _is_bare(call: ToolCall) -> bool:
    return not call.arguments_raw


def _is_custom(call: ToolCall) -> bool:
    """Tell whether it is a call whose input is any text, of which nobody can see whether it is whole."""
    return (call.extra or {}).get("type") == "custom"


def _can_go_back(call: ToolCall) -> bool:
    """Tell whether somebody here can answer it: not where its arguments broke off, or the provider ran it itself."""
    is_served = (call.extra or {}).get("execution") == "server"
    return not is_served and (call.arguments is not None or _is_custom(call))


def _arguments(call: ToolCall) -> str:
    """Give the arguments as JSON; a custom tool's text stands in an object, which each format can say."""
    if _is_custom(call):
        return json.dumps({"input": call.arguments_raw}, ensure_ascii=False)
    return call.arguments_raw or "{}"


def _seed(said: Completion) -> str:
    """Say what tells this answer from all others of a conversation, and is the same whenever it is looked at."""
    return repr((said.id, said.model, said.usage, said.response, said.reasoning, said.content))


def _made_up(seed: str, number: int) -> str:
    """Make an id for a call that came without one: other turns have calls of the same number."""
    digest = hashlib.sha256(f"{seed}{number}".encode()).digest()
    return base64.b32encode(digest)[:_ID_LENGTH].decode().lower()
