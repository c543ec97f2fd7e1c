"""Output items in the format's own terms: to look into them, and to put them together for the next request."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final, TypeAlias, cast

import msgspec

from rxllm.completion import parse_arguments

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["CALLS", "TEXTS", "Part", "assembled", "is_call", "joined", "listed", "objects", "text_of", "unbroken"]

Json: TypeAlias = "dict[str, Any]"
CALLS: Final = {"function_call": "arguments", "custom_tool_call": "input"}
"""The items that are calls of tools of ours, and the field that their arguments stand in."""

TEXTS: Final = {"output_text": "text", "refusal": "refusal", "reasoning_text": "text", "summary_text": "text"}
"""The kinds of parts, and the field that the text of each stands in."""


class Part(msgspec.Struct):
    """A part of an item, and the pieces of it that were said."""

    field: str
    pieces: list[str] = []
    disputed: bool = False


def assembled(item: Json, parts: Sequence[Part]) -> Json:
    """Put an item together that the server never told whole.

    >>> assembled({"type": "message"}, [Part("output_text", ["a", "b"])])["content"]
    [{'type': 'output_text', 'text': 'ab', 'annotations': []}]

    Args:
        item: What is known of it beside its parts.
        parts: What was said of it.

    Returns:
        The item.
    """
    kind = item.get("type")
    told = {name: value for name, value in item.items() if name != "status"}
    texts = [(part.field, "".join(part.pieces)) for part in parts]
    if kind == "message":
        content: list[Json] = [
            {"type": field, TEXTS[field]: text} | ({"annotations": []} if field == "output_text" else {})
            for field, text in texts
        ]
        return {**told, "role": "assistant", "content": content}
    if kind == "reasoning":
        summary = [{"type": field, "text": text} for field, text in texts if field == "summary_text"]
        thoughts = [{"type": field, "text": text} for field, text in texts if field == "reasoning_text"]
        return {**told, "summary": summary} | ({"content": thoughts} if thoughts else {})
    if kind in CALLS:
        return {**told, "status": "incomplete", CALLS[kind]: "".join([text for _, text in texts])}
    return item


def is_call(item: Json) -> bool:
    """Tell whether an item is a call of a tool of ours."""
    return str(item.get("type")) in CALLS


def unbroken(items: Sequence[Json], *, is_stopped: bool) -> list[Json]:
    """Leave out what no request may hold: a call that nobody can answer, and reasoning that then led nowhere.

    >>> half = {"type": "function_call", "arguments": '{"a":'}
    >>> unbroken([{"type": "message"}, {"type": "reasoning"}, half], is_stopped=True)
    [{'type': 'message'}]

    Args:
        items: The answer.
        is_stopped: Whether it was stopped, perhaps within its last call; one that another call follows was whole.

    Returns:
        What can go back.
    """
    last = next((item for item in reversed(items) if is_call(item)), None) if is_stopped else None
    kept = [item for item in items if not _is_cut(item, is_open=item is last)]
    while kept and kept[-1].get("type") == "reasoning":
        kept.pop()
    return kept


def _is_cut(item: Json, *, is_open: bool) -> bool:
    if item.get("type") == "function_call":
        arguments = text_of(item.get("arguments"))
        return parse_arguments(arguments) is None or (is_open and not arguments)
    return is_open  # of a custom tool's call: any text may be the whole, or half of it


def text_of(value: Any) -> str:
    """Give arguments as text; a few servers send the object itself.

    Args:
        value: Any value.

    Returns:
        The text; the empty one for what is neither text nor an object.
    """
    if isinstance(value, str):
        return value
    return json.dumps(value, ensure_ascii=False) if isinstance(value, (dict, list)) else ""


def listed(value: Any) -> list[Any]:
    """Give a list.

    Args:
        value: Any value.

    Returns:
        The list; the empty one for anything else.
    """
    return cast("list[Any]", value) if isinstance(value, list) else []


def objects(value: Any) -> list[Json]:
    """Give the objects in a list.

    Args:
        value: Any value.

    Returns:
        The objects, in order.
    """
    return [cast("Json", each) for each in listed(value) if isinstance(each, dict)]


def joined(parts: Sequence[Json], field: str) -> str:
    """Join the texts of the parts of one kind.

    Args:
        parts: Parts of an item.
        field: Their kind.

    Returns:
        The text.
    """
    texts = [part.get(TEXTS[field]) for part in parts if part.get("type") == field]
    return "".join([text for text in texts if isinstance(text, str)])
