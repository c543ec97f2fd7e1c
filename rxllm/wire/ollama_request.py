"""A request in the form of Ollama's `/api/chat`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, cast

from rxllm.messages import TextPart
from rxllm.wire.response_format import Schema, wanted_format
from rxllm.wire.unsayable import check_json, object_arguments, unsayable

if TYPE_CHECKING:
    from pydantic import BaseModel

    from rxllm.messages import ChatRequest, ImagePart, Message, ToolSpec

__all__ = ["encode"]

_API: Final = "Ollama's format"
_OPTIONS: Final = {"temperature": "temperature", "top_p": "top_p", "seed": "seed", "max_tokens": "num_predict"}
_THINK: Final[dict[str, bool | str]] = {"none": False, "low": "low", "medium": "medium", "high": "high"}


def encode(request: ChatRequest, *, model: str, stream: bool = True) -> dict[str, Any]:
    """Give the JSON body of a request.

    >>> from rxllm.messages import chat_request
    >>> encode(chat_request("Why?", {"max_tokens": 9}), model="m")
    {'model': 'm', 'messages': [{'role': 'user', 'content': 'Why?'}], 'stream': True, 'options': {'num_predict': 9}}

    Args:
        request: What is asked; in its `extra`, `options` adds to ours (`num_ctx`, …) and `keep_alive` stands alone.
        model: Ollama's name for the model.
        stream: Whether to stream, which is Ollama's own default.

    Returns:
        The body; `request.extra` was put in last.

    Raises:
        ConfigurationError: A field has no place in this format.
    """
    check_json(request)
    _refuse(request)
    names: dict[str, str] = {}  # of the calls so far: some servers use an id again in each turn
    body: dict[str, Any] = {"model": model, "messages": [], "stream": stream}
    for number, message in enumerate(request.messages):
        names |= {call.id: call.name for call in message.tool_calls}
        body["messages"] += _messages(message, names, f"messages[{number}]")
    if request.tools and request.tool_choice != "none":  # "none" has no word here but to offer no tool
        body["tools"] = [_tool(tool) for tool in request.tools]
    if (wanted := _format(request.response_format)) is not None:
        body["format"] = wanted
    if request.reasoning_effort is not None:
        body["think"] = _THINK[request.reasoning_effort]
    for name in ("logprobs", "top_logprobs"):
        if (value := getattr(request, name)) is not None:
            body[name] = value
    options = {theirs: v for ours, theirs in _OPTIONS.items() if (v := getattr(request, ours)) is not None}
    if request.stop is not None:
        options["stop"] = [request.stop] if isinstance(request.stop, str) else request.stop
    more: Any = request.extra.get("options")
    options |= cast("dict[str, Any]", more) if isinstance(more, dict) else {}
    return body | ({"options": options} if options else {}) | {k: v for k, v in request.extra.items() if k != "options"}


def _refuse(request: ChatRequest) -> None:
    """Refuse what the format has no word for, rather than to send something else."""
    if request.metadata:
        raise unsayable("metadata", _API, "Leave it out.")
    if set(request.stream_options or {}) - {"include_usage"}:
        raise unsayable("stream_options", _API, "Usage always comes, and there is no other option. Leave it out.")
    if request.n not in (None, 1):
        raise unsayable("n", _API, "Ask several times.")
    if request.parallel_tool_calls is False:
        raise unsayable("parallel_tool_calls", _API, "The model decides how many tools it calls. Leave it out.")
    if request.tool_choice not in (None, "auto", "none"):
        raise unsayable("tool_choice", _API, 'A tool cannot be forced; expected "auto" or "none".')
    if request.reasoning_effort is not None and request.reasoning_effort not in _THINK:
        raise unsayable(
            f"reasoning_effort={request.reasoning_effort!r}", _API, f"Expected one of: {', '.join(_THINK)}."
        )
    if any(tool.strict for tool in request.tools):
        raise unsayable("tools[].strict", _API, "Leave it out.")


def _messages(message: Message, names: dict[str, str], place: str) -> list[dict[str, Any]]:
    if "ollama" in message.native:
        return message.native["ollama"]
    fields: dict[str, Any] = {"role": "system" if message.role == "developer" else message.role}
    parts = message.content if isinstance(message.content, list) else [TextPart(text=message.content or "")]
    fields["content"] = "\n".join([part.text for part in parts if isinstance(part, TextPart)])
    images = [_image(p, f"{place}.content[{n}]") for n, p in enumerate(parts) if not isinstance(p, TextPart)]
    if images:
        fields["images"] = images
    if message.reasoning is not None:
        fields["thinking"] = message.reasoning
    if message.tool_calls:
        fields["tool_calls"] = [
            {"id": call.id, "function": {"name": call.name, "arguments": object_arguments(call, where, _API)}}
            for where, call in [(f"{place}.tool_calls[{n}]", call) for n, call in enumerate(message.tool_calls)]
        ]
    if message.role == "tool":
        name = message.name or names.get(message.tool_call_id or "")
        fields |= {"tool_name": name} if name else {}
        fields |= {"tool_call_id": message.tool_call_id} if message.tool_call_id else {}
    elif message.name is not None:
        raise unsayable(f"{place}.name", _API, "Only a tool's result has a name.")
    return [fields]


def _image(part: ImagePart, place: str) -> str:
    if part.detail not in (None, "auto"):
        raise unsayable(f"{place}.detail", _API, "Leave it out.")
    if part.data is not None:
        return part.data
    head, comma, data = (part.url or "").partition(";base64,")
    if not comma or not head.startswith("data:"):
        raise unsayable(f"{place}.url", _API, "Ollama fetches nothing; give the image itself as base64 data=.")
    return data


def _tool(tool: ToolSpec) -> dict[str, Any]:
    function: dict[str, Any] = {"name": tool.name, "description": tool.description, "parameters": tool.parameters}
    return {"type": "function", "function": function}


def _format(asked: dict[str, Any] | str | type[BaseModel] | None) -> dict[str, Any] | str | None:
    """Give the JSON Schema itself."""
    wanted = wanted_format(asked, _API)
    return wanted.schema if isinstance(wanted, Schema) else "json" if wanted == "json" else None
