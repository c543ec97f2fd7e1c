"""A conversation in Gemini's terms: contents of parts, whose roles are `user` and `model`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, cast

from rxllm.completion import parse_arguments
from rxllm.messages import TextPart
from rxllm.wire.unsayable import object_arguments, unsayable

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rxllm.messages import ImagePart, Message

__all__ = ["API", "contents", "system_instruction"]

API: Final = "Gemini's format"
"""What the format is called in messages."""

_WIRE: Final = "gemini"
_SYSTEM: Final = ("system", "developer")
_UNSIGNED: Final = "skip_thought_signature_validator"
"""What Google documents for calls that another model made: since Gemini 3 one without any signature is refused."""


def system_instruction(messages: Sequence[Message]) -> dict[str, Any] | None:
    """Give the system messages, which stand apart from the conversation; None where there are none."""
    parts = [part for n, m in enumerate(messages) if m.role in _SYSTEM for part in _parts(m, f"messages[{n}]")]
    return {"parts": parts} if parts else None


def contents(messages: Sequence[Message], *, sign_calls: bool) -> list[dict[str, Any]]:
    """Give the conversation.

    Args:
        messages: In order; an earlier answer of this wire is sent as it came.
        sign_calls: Whether calls of another model need a signature.

    Returns:
        The contents; the results of parallel calls stand in one.

    Raises:
        ConfigurationError: A message says what the format cannot.
    """
    said: list[dict[str, Any]] = []
    names: dict[str, str] = {}
    ids: set[str] = set()
    after_tool = False
    for number, message in enumerate(messages):
        place = f"messages[{number}]"
        if message.role in _SYSTEM:
            if said:
                raise unsayable(f"{place}.role={message.role!r} behind others", API, "Put it first.")
            continue
        if message.name is not None and message.role != "tool":
            raise unsayable(f"{place}.name", API, "Only a tool's result has a name.")
        if message.role == "tool":
            part = _result(message, names, ids, place)
            if after_tool:
                said[-1]["parts"].append(part)
            else:
                said.append({"role": "user", "parts": [part]})
        elif message.role == "assistant":
            parts = message.native.get(_WIRE) or _answer(message, place, sign_calls=sign_calls)
            names |= {call.id: call.name for call in message.tool_calls}
            ids |= {cast("str", id_) for part in parts if (id_ := _id(part)) is not None}
            if parts:  # one that said nothing, as after a refusal, must not stand there
                said.append({"role": "model", "parts": parts})
        else:
            said.append({"role": "user", "parts": _parts(message, place)})
        after_tool = message.role == "tool"
    return said


def _id(part: Any) -> Any:
    """Give the id of a part's call, if both are there."""
    call: Any = cast("dict[str, Any]", part).get("functionCall") if isinstance(part, dict) else None
    return cast("dict[str, Any]", call).get("id") if isinstance(call, dict) else None


def _parts(message: Message, place: str) -> list[dict[str, Any]]:
    if not isinstance(message.content, list):
        return [{"text": message.content or ""}]
    return [
        {"text": p.text} if isinstance(p, TextPart) else _image(p, f"{place}.content[{n}]")
        for n, p in enumerate(message.content)
    ]


def _image(part: ImagePart, place: str) -> dict[str, Any]:
    if part.detail not in (None, "auto"):
        raise unsayable(f"{place}.detail", API, 'Use extra={"generationConfig": {"mediaResolution": …}}.')
    if part.data is not None:
        return {"inlineData": {"mimeType": part.media_type, "data": part.data}}
    url = part.url or ""
    head, comma, data = url.partition(";base64,")
    if comma and head.startswith("data:"):
        return {"inlineData": {"mimeType": head.removeprefix("data:"), "data": data}}
    # The default type is a guess that Google would believe.
    kind = {"mimeType": part.media_type} if "media_type" in part.model_fields_set else {}
    return {"fileData": {"fileUri": url, **kind}}


def _answer(message: Message, place: str, *, sign_calls: bool) -> list[dict[str, Any]]:
    """Write an earlier answer of another wire; of its calls, the first of a turn needs the signature."""
    parts = _parts(message, place) if message.content else []
    for number, call in enumerate(message.tool_calls):
        arguments = object_arguments(call, f"{place}.tool_calls[{number}]", API)
        parts.append({"functionCall": {"id": call.id, "name": call.name, "args": arguments}})
        if sign_calls:
            parts[-1]["thoughtSignature"] = _UNSIGNED
            sign_calls = False
    return parts


def _result(message: Message, names: dict[str, str], ids: set[str], place: str) -> dict[str, Any]:
    """Write a tool's result, which is an object: that of its JSON, or one made of its text."""
    id_ = message.tool_call_id
    name = message.name or names.get(id_ or "")
    if not name:
        advice = (
            "A result tells the tool's name, and it belongs to no call before it. Give its tool_call_id, or its name."
        )
        raise unsayable(place, API, advice)
    parts = _parts(message, place)
    if any("text" not in part for part in parts):
        raise unsayable(
            f"{place}.content", API, "A tool's result holds no image. Send it as the user's, behind the result."
        )
    text = "\n".join([part["text"] for part in parts])
    value = parse_arguments(text) if text else None
    response = cast("dict[str, Any]", value) if isinstance(value, dict) else {"output": text}
    known = {"id": id_} if id_ in ids else {}  # one of our own making, where Google gave none, would be strange to it
    return {"functionResponse": {**known, "name": name, "response": response}}
