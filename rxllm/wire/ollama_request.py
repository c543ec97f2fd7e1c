"""A request in the form of Ollama's `/api/chat`."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final, cast

from rxllm.errors import ConfigurationError
from rxllm.messages import TextPart

if TYPE_CHECKING:
    from pydantic import BaseModel

    from rxllm.messages import ChatRequest, ImagePart, Message, ToolSpec

__all__ = ["encode"]

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
    _refuse(request)
    names = {call.id: call.name for message in request.messages for call in message.tool_calls}
    body: dict[str, Any] = {"model": model, "messages": [], "stream": stream}
    for message in request.messages:
        body["messages"] += _messages(message, names)
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
        raise _nowhere("metadata", "leave it out")
    if set(request.stream_options or {}) - {"include_usage"}:
        raise _nowhere("stream_options", "usage always comes, and there is no other option; leave it out")
    if request.n not in (None, 1):
        raise _nowhere("n", "ask several times")
    if request.parallel_tool_calls is False:
        raise _nowhere("parallel_tool_calls", "the model decides how many tools it calls; leave it out")
    if request.tool_choice not in (None, "auto", "none"):
        raise _nowhere("tool_choice", 'a tool cannot be forced; expected "auto" or "none"')
    if request.reasoning_effort is not None and request.reasoning_effort not in _THINK:
        raise _nowhere(f"reasoning_effort={request.reasoning_effort!r}", f"expected one of: {', '.join(_THINK)}")
    if any(tool.strict for tool in request.tools):
        raise _nowhere("tools.strict", "leave it out")


def _nowhere(field: str, hint: str) -> ConfigurationError:
    return ConfigurationError(f"Ollama's format (the wire `ollama`) has no place for {field}: {hint}.")


def _messages(message: Message, names: dict[str, str]) -> list[dict[str, Any]]:
    if "ollama" in message.native:
        return message.native["ollama"]
    fields: dict[str, Any] = {"role": "system" if message.role == "developer" else message.role}
    parts = message.content if isinstance(message.content, list) else [TextPart(text=message.content or "")]
    fields["content"] = "\n".join([part.text for part in parts if isinstance(part, TextPart)])
    images = [_image(part) for part in parts if not isinstance(part, TextPart)]
    if images:
        fields["images"] = images
    if message.reasoning is not None:
        fields["thinking"] = message.reasoning
    if message.tool_calls:
        fields["tool_calls"] = [
            {"id": call.id, "function": {"name": call.name, "arguments": _arguments(call.arguments)}}
            for call in message.tool_calls
        ]
    if message.role == "tool":
        name = message.name or names.get(message.tool_call_id or "")
        fields |= {"tool_name": name} if name else {}
        fields |= {"tool_call_id": message.tool_call_id} if message.tool_call_id else {}
    elif message.name is not None:
        raise _nowhere("messages.name", "only a tool's result has a name")
    return [fields]


def _image(part: ImagePart) -> str:
    if part.detail not in (None, "auto"):
        raise _nowhere("an image's detail", "leave it out")
    if part.data is not None:
        return part.data
    head, comma, data = (part.url or "").partition(";base64,")
    if not comma or not head.startswith("data:"):
        raise _nowhere("an image's url", "Ollama fetches nothing; give the image itself as base64 data=")
    return data


def _arguments(raw: str) -> dict[str, Any]:
    try:
        value: Any = json.loads(raw or "{}")
    except (ValueError, RecursionError):
        value = None
    if not isinstance(value, dict):
        raise ConfigurationError(
            "The arguments of a tool call in messages are not a JSON object, which Ollama's format wants; "
            "leave calls out that were cut off."
        )
    return cast("dict[str, Any]", value)


def _tool(tool: ToolSpec) -> dict[str, Any]:
    function: dict[str, Any] = {"name": tool.name, "description": tool.description, "parameters": tool.parameters}
    return {"type": "function", "function": function}


def _format(wanted: dict[str, Any] | str | type[BaseModel] | None) -> dict[str, Any] | str | None:
    """Give the JSON Schema itself, in whatever wrapping it was given."""
    if wanted is None or isinstance(wanted, str):
        return "json" if wanted == "json" else None
    if not isinstance(wanted, dict):
        return wanted.model_json_schema()
    if wanted.get("type") in ("json_object", "text"):
        return "json" if wanted["type"] == "json_object" else None
    wrapper: Any = wanted.get("json_schema", {}) if wanted.get("type") == "json_schema" else {"schema": wanted}
    schema: Any = cast("dict[str, Any]", wrapper).get("schema") if isinstance(wrapper, dict) else None
    if not isinstance(schema, dict):
        raise ConfigurationError(
            'response_format has no schema. Expected {"type": "json_schema", "json_schema": {"schema": {…}}}, '
            'a JSON Schema, a pydantic model, "json" or "text".'
        )
    return cast("dict[str, Any]", schema)
