"""What people copy from code for OpenAI's SDK, turned into our fields where it can mean only one thing."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Final, cast

from rxllm.messages.given import said

__all__ = ["image", "message", "part", "tool", "tool_call", "tool_choice"]

_CHOICES: Final = frozenset({"auto", "none", "required"})
_IMAGES: Final = frozenset({"image_url", "input_image"})


def message(given: Any, known: Mapping[str, Any]) -> Any:
    """Leave out what says nothing: a message dumped by the SDK has each field that it might have had.

    >>> message({"role": "assistant", "content": "Hi", "refusal": None, "annotations": []}, {"role": 1, "content": 1})
    {'role': 'assistant', 'content': 'Hi'}

    Args:
        given: Whatever stands in the place of a message.
        known: The fields that a message has.

    Returns:
        The fields that say something; what is no mapping, unchanged.
    """
    if not isinstance(given, Mapping):
        return given
    fields = cast("Mapping[str, Any]", given)
    return {n: v for n, v in fields.items() if v is not None and (n in known or v not in ([], {}))}


def part(given: Any) -> Any:
    """Read `image_url` and Responses' `input_…` parts, and a bare str for a part of text.

    >>> part({"type": "image_url", "image_url": {"url": "https://a.example/b.png", "detail": "low"}})
    {'type': 'image', 'url': 'https://a.example/b.png', 'detail': 'low'}

    Args:
        given: Whatever stands in the place of a part.

    Returns:
        A part's fields; what is none of these, unchanged.
    """
    if isinstance(given, str):
        return {"type": "text", "text": given}
    fields = _fields(given)
    kind = fields.get("type")
    if kind == "input_text":
        return {**fields, "type": "text"}
    if kind in _IMAGES:
        inner = fields.pop("image_url", None)
        return {**fields, "type": "image", **(_fields(inner) or {"url": inner})}
    if kind is not None and kind not in ("text", "image"):
        raise said("unknown type of a part. Known: text, image, image_url, input_text, input_image.")
    return given


def image(given: Any) -> Any:
    """Take a `data:` URL apart, and raw bytes as what they are: not every wire has `data:` URLs.

    >>> image({"url": "data:image/gif;base64,R0lG"})
    {'media_type': 'image/gif', 'data': 'R0lG'}

    Args:
        given: An image's fields.

    Returns:
        The same image.
    """
    fields = _fields(given)
    url = fields.get("url")
    head, comma, data = url.partition(";base64,") if isinstance(url, str) else ("", "", "")
    if not (comma and head.startswith("data:")):
        return given
    del fields["url"]
    return {**fields, "media_type": head.removeprefix("data:"), "data": data}


def tool(given: Any) -> Any:
    """Read `{"type": "function", "function": {…}}`, and Responses' form without the inner object.

    >>> tool({"type": "function", "function": {"name": "f", "parameters": {"type": "object"}}})
    {'name': 'f', 'parameters': {'type': 'object'}}

    Args:
        given: Whatever stands in the place of a tool.

    Returns:
        A tool's fields; what is no mapping, unchanged.
    """
    fields = _fields(given)
    if "type" not in fields:
        return given
    if fields.pop("type") != "function":
        raise said("is no function. A provider's own tools go into extra={'tools': […]}, all of them in its own form.")
    return {n: v for n, v in (_fields(fields.get("function")) or fields).items() if v is not None}


def tool_choice(given: Any) -> Any:
    """Read `{"type": "function", "function": {"name": …}}` as the name, `{"type": "auto"}` as the word.

    >>> tool_choice({"type": "function", "function": {"name": "f"}}), tool_choice({"type": "auto"})
    ('f', 'auto')

    Args:
        given: Whatever stands in the place of a choice.

    Returns:
        The name of a tool or the word; what is neither, unchanged.
    """
    fields = _fields(given)
    if fields.get("type") in _CHOICES:
        return fields["type"]
    return (_fields(fields.get("function")) or fields).get("name", given)


def tool_call(given: Any) -> Any:
    """Read an earlier call in the form of Chat Completions; arguments that are parsed already are written again.

    >>> tool_call({"id": "1", "type": "function", "function": {"name": "f", "arguments": "{}"}})
    {'id': '1', 'name': 'f', 'arguments': '{}'}

    Args:
        given: Whatever stands in the place of a call.

    Returns:
        A call's fields; what is no mapping, unchanged.
    """
    fields = _fields(given)
    if not fields:
        return given
    fields.pop("index", None)  # of a stream's delta
    if fields.get("type") == "function":
        del fields["type"]
        fields |= _fields(fields.pop("function", None))
    if isinstance(fields.get("arguments"), Mapping):
        fields["arguments"] = json.dumps(fields["arguments"])
    return fields


def _fields(given: Any) -> dict[str, Any]:
    return dict(cast("Mapping[str, Any]", given)) if isinstance(given, Mapping) else {}
