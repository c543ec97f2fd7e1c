"""A conversation in the form of OpenAI Responses: messages, calls and their results are items beside each other."""

from __future__ import annotations

from itertools import takewhile
from typing import TYPE_CHECKING, Any, Final

from rxllm.messages import ImagePart, TextPart
from rxllm.wire.responses_answer import NAME
from rxllm.wire.unsayable import unsayable

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rxllm.messages import Message

__all__ = ["API", "conversation"]

API: Final = "OpenAI Responses"
"""What the format's makers call it."""


def conversation(messages: Sequence[Message], *, is_stored: bool) -> tuple[str | None, list[Any]]:
    """Write the messages; what system messages say before all others stands apart.

    >>> from rxllm.messages import Message
    >>> conversation([Message.system("Be brief."), Message.user("Why?")], is_stored=True)
    ('Be brief.', [{'role': 'user', 'content': 'Why?'}])

    Args:
        messages: In order.
        is_stored: Whether the provider keeps what it answered, and so knows the reasoning that it gave no content of.

    Returns:
        The instructions, if there are any, and the input items.

    Raises:
        ConfigurationError: A message holds what this format cannot say; its place is named.
    """
    leading = list(takewhile(lambda message: message.role == "system", messages))
    instructions = [_text(message, f"messages[{number}]") for number, message in enumerate(leading)]
    items: list[Any] = []
    custom: set[Any] = set()  # the calls whose results are of a type of their own
    for number, message in enumerate(messages[len(leading) :], len(leading)):
        place = f"messages[{number}]"
        if message.role == "assistant":
            answer = _answer(message, place, is_stored=is_stored)
            custom |= {item.get("call_id") for item in answer if item.get("type") == "custom_tool_call"}
            items += answer
        elif message.role == "tool":
            items.append(_result(message, place, is_custom=message.tool_call_id in custom))
        else:
            _refuse_name(message, place)
            content = _content(message) if message.role == "user" else _text(message, place)
            items.append({"role": message.role, "content": content})
    for number, message in enumerate(leading):
        _refuse_name(message, f"messages[{number}]")
    return ("\n\n".join(instructions) if instructions else None), items


def _refuse_name(message: Message, place: str) -> None:
    if message.name is not None:
        raise unsayable(f"{place}.name", API, "Nobody has a name there. Put it into the content.")


def _text(message: Message, place: str) -> str:
    if not isinstance(message.content, list):
        return message.content or ""
    if not all(isinstance(part, TextPart) for part in message.content):
        raise unsayable(
            f"{place}.content", API, f"A message of the {message.role} holds no image. Put it into a user's message."
        )
    return "".join([part.text for part in message.content if isinstance(part, TextPart)])


def _answer(message: Message, place: str, *, is_stored: bool) -> list[dict[str, Any]]:
    """Write an earlier answer: as it came, if it came in this format; else its text and its calls."""
    native = message.native.get(NAME)
    if native:
        return [item for item in native if is_stored or not _is_lost(item)]
    _refuse_name(message, place)
    text = _text(message, place)
    # Spelled out, because llama.cpp takes no shorter form of an answer.
    said = {"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": text}]}
    return ([said] if text else []) + [
        {"type": "function_call", "call_id": call.id, "name": call.name, "arguments": call.arguments or "{}"}
        for call in message.tool_calls
    ]


def _is_lost(item: dict[str, Any]) -> bool:
    """Tell whether an item is only the name of reasoning that the provider did not keep; it refuses such a name."""
    return item.get("type") == "reasoning" and not item.get("encrypted_content") and not item.get("content")


def _result(message: Message, place: str, *, is_custom: bool) -> dict[str, Any]:
    if not message.tool_call_id:
        raise unsayable(
            f"{place}.tool_call_id", API, "Each result names the call that it answers. Give the id of the call."
        )
    kind = "custom_tool_call_output" if is_custom else "function_call_output"
    return {"type": kind, "call_id": message.tool_call_id, "output": _content(message)}


def _content(message: Message) -> str | list[dict[str, Any]]:
    if not isinstance(message.content, list):
        return message.content or ""
    return [_part(part) for part in message.content]


def _part(part: TextPart | ImagePart) -> dict[str, Any]:
    if isinstance(part, TextPart):
        return {"type": "input_text", "text": part.text}
    url = part.url if part.url is not None else f"data:{part.media_type};base64,{part.data}"
    return {"type": "input_image", "image_url": url, "detail": part.detail or "auto"}
