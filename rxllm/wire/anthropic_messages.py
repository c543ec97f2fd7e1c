"""A conversation in the form of Anthropic Messages: who said what, in blocks."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, cast

from rxllm.messages import TextPart
from rxllm.wire.unsayable import object_arguments, unsayable

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rxllm.messages import ImagePart, Message, MessageToolCall

__all__ = ["API", "conversation"]

API: Final = "Anthropic Messages"
"""What the format's makers call it."""

_WIRE: Final = "anthropic"


def conversation(
    messages: Sequence[Message], *, is_strict: bool
) -> tuple[str | list[dict[str, Any]] | None, list[dict[str, Any]]]:
    """Write the messages; what system messages say stands apart, and results of tools that follow each other in one.

    >>> from rxllm.messages import Message
    >>> conversation([Message.system("Be brief."), Message.user("Why?")], is_strict=True)
    ('Be brief.', [{'role': 'user', 'content': 'Why?'}])

    Args:
        messages: In order.
        is_strict: Whether the blocks of an earlier answer are looked at as Anthropic itself does: it takes back only
            thinking that it has signed, not such as was cut off or came of another server.

    Returns:
        The system prompt, if there is one, and the messages.

    Raises:
        ConfigurationError: A message holds what this format cannot say; its place is named.
    """
    system: list[str] = []
    written: list[dict[str, Any]] = []
    last_role = ""
    for number, message in enumerate(messages):
        place = f"messages[{number}]"
        if message.name is not None and message.role != "tool":  # a result's call tells which tool it was
            raise unsayable(f"{place}.name", API, "Nobody has a name there. Put it into the content.")
        if message.role in {"system", "developer"}:
            system += _texts(message, place)
        elif message.role == "assistant":
            # One that said nothing, as after a refusal, must not stand there: its content may not be empty.
            if blocks := _answer(message, place, is_strict=is_strict):
                written.append({"role": "assistant", "content": blocks})
        elif message.role == "tool":
            result = _result(message, place)
            if last_role == "tool":  # all results of one answer belong in one message
                written[-1]["content"].append(result)
            else:
                written.append({"role": "user", "content": [result]})
        else:
            written.append({"role": "user", "content": _content(message, place)})
        last_role = message.role
    if len(system) > 1:
        return [{"type": "text", "text": text} for text in system], written
    return (system[0] if system else None), written


def _texts(message: Message, place: str) -> list[str]:
    """Give a content that may hold nothing but text; the format takes no empty one."""
    if not isinstance(message.content, list):
        return [message.content] if message.content else []
    if not all(isinstance(part, TextPart) for part in message.content):
        raise unsayable(
            f"{place}.content", API, f"A message of the {message.role} holds no image. Put it into a user's message."
        )
    return [part.text for part in message.content if isinstance(part, TextPart) and part.text]


def _answer(message: Message, place: str, *, is_strict: bool) -> str | list[Any]:
    """Write an earlier answer: as it came, if it came in this format; else its text and its calls."""
    native = message.native.get(_WIRE)
    if native:
        return _taken_back(native) if is_strict else native
    if isinstance(message.content, str) and not message.tool_calls:
        return message.content
    texts: list[dict[str, Any]] = [{"type": "text", "text": text} for text in _texts(message, place)]
    return texts + [_call(call, f"{place}.tool_calls[{n}]") for n, call in enumerate(message.tool_calls)]


def _taken_back(blocks: list[Any]) -> list[Any]:
    """Leave out what Anthropic itself would refuse; an answer may not end in thinking, as where the limit hit then."""
    kept = [block for block in blocks if not _is_refused(block)]
    while kept and _kind(kept[-1]) in {"thinking", "redacted_thinking"}:
        kept.pop()
    return kept


def _kind(block: Any) -> str:
    return str(cast("dict[str, Any]", block).get("type")) if isinstance(block, dict) else ""


def _is_refused(block: Any) -> bool:
    """Tell whether Anthropic itself would refuse a block: thinking that it has not signed, a text of blanks."""
    fields = cast("dict[str, Any]", block) if isinstance(block, dict) else {}
    if fields.get("type") == "thinking":
        return not fields.get("signature")
    return fields.get("type") == "text" and not str(fields.get("text")).strip()


def _call(call: MessageToolCall, place: str) -> dict[str, Any]:
    return {"type": "tool_use", "id": call.id, "name": call.name, "input": object_arguments(call, place, API)}


def _result(message: Message, place: str) -> dict[str, Any]:
    if not message.tool_call_id:
        raise unsayable(
            f"{place}.tool_call_id", API, "Each result names the call that it answers. Give the id of the call."
        )
    content = _content(message, place)
    return {"type": "tool_result", "tool_use_id": message.tool_call_id} | ({"content": content} if content else {})


def _content(message: Message, place: str) -> str | list[dict[str, Any]]:
    if not isinstance(message.content, list):
        return message.content or ""
    return [_part(part, f"{place}.content[{n}]") for n, part in enumerate(message.content)]


def _part(part: TextPart | ImagePart, place: str) -> dict[str, Any]:
    if isinstance(part, TextPart):
        return {"type": "text", "text": part.text}
    if part.detail not in (None, "auto"):
        raise unsayable(
            f"{place}.detail", API, "An image is looked at as it is. Leave it out, or send a smaller image."
        )
    if part.url is None:
        return _image(part.media_type, part.data)
    if not part.url.startswith("data:"):
        return {"type": "image", "source": {"type": "url", "url": part.url}}
    media_type, marker, data = part.url.removeprefix("data:").partition(";base64,")
    if not marker:
        raise unsayable(f"{place}.url", API, "A data: URL must be base64.")
    return _image(media_type, data)


def _image(media_type: str, data: str | None) -> dict[str, Any]:
    return {"type": "image", "source": {"type": "base64", "media_type": media_type, "data": data}}
