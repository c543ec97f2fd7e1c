"""What the items of a completion say, choice by choice."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import msgspec

from rxllm.completion.arguments import parse_arguments
from rxllm.items import (
    ChoiceFinished,
    ReasoningDelta,
    RefusalDelta,
    StreamItem,
    TextDelta,
    ToolCall,
    ToolCallDelta,
)

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["Choice", "choices_of", "finish_of", "text_of", "tool_calls_of"]

_CHOOSING: Final = (TextDelta, ReasoningDelta, RefusalDelta, ToolCallDelta, ToolCall, ChoiceFinished)


class Choice(msgspec.Struct, frozen=True, repr_omit_defaults=True):
    """One of the answers of a completion; there is more than one only where `n` asked for it."""

    index: int
    text: str
    reasoning: str
    refusal: str
    tool_calls: list[ToolCall]
    finish_reason: str | None
    raw_finish_reason: str | None


def choices_of(items: Iterable[StreamItem]) -> list[Choice]:
    """Give all choices by index, choice 0 in any case."""
    groups: dict[int, list[StreamItem]] = {0: []}
    for item in items:  # once for all, however many there are
        if isinstance(item, _CHOOSING):
            groups.setdefault(item.choice, []).append(item)
    return [
        Choice(
            index,
            text_of(group, TextDelta, index),
            text_of(group, ReasoningDelta, index),
            text_of(group, RefusalDelta, index),
            tool_calls_of(group, index),
            *finish_of(group, index),
        )
        for index, group in sorted(groups.items())
    ]


def text_of(items: Iterable[StreamItem], kind: type[TextDelta | ReasoningDelta | RefusalDelta], choice: int) -> str:
    """Join a choice's deltas of a kind."""
    return "".join([i.text for i in items if type(i) is kind and i.choice == choice])


def tool_calls_of(items: Iterable[StreamItem], choice: int) -> list[ToolCall]:
    """Give a choice's tool calls, those too that are still being written."""
    whole: dict[int, ToolCall | None] = {}
    pieces: dict[int, list[ToolCallDelta]] = {}
    for item in items:
        if type(item) is ToolCallDelta and item.choice == choice:
            whole.setdefault(item.call, None)
            pieces.setdefault(item.call, []).append(item)
        elif type(item) is ToolCall and item.choice == choice:
            whole[item.call] = item
    return [done or _unfinished(pieces[call]) for call, done in whole.items()]


def finish_of(items: Iterable[StreamItem], choice: int) -> tuple[str | None, str | None]:
    """Tell why a choice ended, in our word and the provider's."""
    for item in items:
        if type(item) is ChoiceFinished and item.choice == choice:
            return item.reason, item.raw_reason
    return None, None


def _unfinished(pieces: list[ToolCallDelta]) -> ToolCall:
    raw = "".join([p.arguments for p in pieces])
    name = next((p.name for p in pieces if p.name), "")
    id_ = next((p.id for p in pieces if p.id), None)
    return ToolCall(pieces[0].call, id_, name, parse_arguments(raw), raw, pieces[0].choice)
