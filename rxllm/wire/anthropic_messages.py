"""A conversation in the form of Anthropic Messages: who said what, in blocks."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final, NoReturn, cast

from rxllm.errors import ConfigurationError
from rxllm.messages import ImagePart, TextPart

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rxllm.messages import Message, MessageToolCall

__all__ = ["conversation"]

_WIRE: Final = "anthropic"


def conversation(messages: Sequence[Message]) -> tuple[str | list[dict[str, Any]] | None, list[dict[str, Any]]]:
    """Write the messages; what system messages say stands apart, and results of tools that follow each other in one.

    >>> from rxllm.messages import Message
    >>> conversation([Message.system("Be brief."), Message.user("Why?")])
    ('Be brief.', [{'role': 'user', 'content': 'Why?'}])

    Args:
        messages: In order.

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
            _cannot(f"{place}.name", "nobody has a name there. Put it into the content.")
        if message.role in {"system", "developer"}:
            system += _texts(message, place)
        elif message.role == "assistant":
            # One that said nothing, as after a refusal, must not stand there: its content may not be empty.
            if blocks := _answer(message, place):
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


def _cannot(field: str, why: str) -> NoReturn:
    raise ConfigurationError(f"{field} cannot be said in Anthropic Messages: {why}")


def _texts(message: Message, place: str) -> list[str]:
    """Give a content that may hold nothing but text; the format takes no empty one."""
    if not isinstance(message.content, list):
        return [message.content] if message.content else []
    if not all(isinstance(part, TextPart) for part in message.content):
        _cannot(f"{place}.content", f"a message of the {message.role} holds no image. Put it into a user's message.")
    return [part.text for part in message.content if isinstance(part, TextPart) and part.text]


def _answer(message: Message, place: str) -> str | list[Any]:
    """Write an earlier answer: as it came, if it came in this format; else its text and its calls."""
    native = message.native.get(_WIRE)
    if native:
        return native
    if isinstance(message.content, str) and not message.tool_calls:
        return message.content
    texts: list[dict[str, Any]] = [{"type": "text", "text": text} for text in _texts(message, place)]
    return texts + [_call(call, f"{place}.tool_calls[{n}]") for n, call in enumerate(message.tool_calls)]


def _call(call: MessageToolCall, place: str) -> dict[str, Any]:
    try:
        arguments = json.loads(call.arguments or "{}")
    except (ValueError, RecursionError):
        arguments = None
    if not isinstance(arguments, dict):
        _cannot(f"{place}.arguments", "a tool's input is a JSON object there. Leave out a call that was cut off.")
    return {"type": "tool_use", "id": call.id, "name": call.name, "input": cast("dict[str, Any]", arguments)}


def _result(message: Message, place: str) -> dict[str, Any]:
    if not message.tool_call_id:
        _cannot(f"{place}.tool_call_id", "each result names the call that it answers. Give the id of the call.")
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
        _cannot(f"{place}.detail", "an image is looked at as it is. Leave it out, or send a smaller image.")
    if part.url is None:
        return _image(part.media_type, part.data)
    if not part.url.startswith("data:"):
        return {"type": "image", "source": {"type": "url", "url": part.url}}
    media_type, marker, data = part.url.removeprefix("data:").partition(";base64,")
    if not marker:
        _cannot(f"{place}.url", "a data: URL must be base64.")
    return _image(media_type, data)


def _image(media_type: str, data: str | None) -> dict[str, Any]:
    return {"type": "image", "source": {"type": "base64", "media_type": media_type, "data": data}}
