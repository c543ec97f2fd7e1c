"""A request in the form of Chat Completions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, cast

from rxllm.errors import ConfigurationError
from rxllm.messages import ImagePart, TextPart

if TYPE_CHECKING:
    from pydantic import BaseModel

    from rxllm.messages import ChatRequest, Message, ToolSpec

__all__ = ["encode"]

_AS_THEY_ARE: Final = (
    "temperature", "top_p", "stop", "seed", "parallel_tool_calls", "n", "logprobs", "top_logprobs",
)  # fmt: skip
_CHOICES: Final = ("auto", "none", "required")


def encode(
    request: ChatRequest,
    *,
    model: str,
    stream: bool = True,
    max_tokens_field: str = "max_tokens",
    reasoning_field: str | None = None,
) -> dict[str, Any]:
    """Give the JSON body of a request.

    >>> from rxllm.messages import chat_request
    >>> encode(chat_request("Why?"), model="m")
    {'model': 'm', 'messages': [{'role': 'user', 'content': 'Why?'}],
     'stream': True, 'stream_options': {'include_usage': True}}

    Args:
        request: What is asked.
        model: The provider's name for the model.
        stream: Whether to stream; usage is then asked for, unless the request has `stream_options` of its own.
        max_tokens_field: What the provider calls the limit of tokens.
        reasoning_field: Where the provider wants its earlier reasoning back; None for one that refuses it.

    Returns:
        The body; `request.extra` was put in last.

    Raises:
        ConfigurationError: `tool_choice` names no tool.
    """
    body: dict[str, Any] = {"model": model, "messages": [_message(m, reasoning_field) for m in request.messages]}
    if stream:
        body["stream"] = True
        options = {"include_usage": True} if request.stream_options is None else request.stream_options
        if options:
            body["stream_options"] = options
    for name in _AS_THEY_ARE:
        value = getattr(request, name)
        if value is not None:
            body[name] = value
    if request.max_tokens is not None:
        body[max_tokens_field] = request.max_tokens
    if request.tools:
        body["tools"] = [_tool(tool) for tool in request.tools]
    if request.tool_choice is not None:
        body["tool_choice"] = _tool_choice(request.tool_choice, request)
    if request.response_format is not None:
        body["response_format"] = _response_format(request.response_format)
    return body | request.extra


def _message(message: Message, reasoning_field: str | None) -> dict[str, Any]:
    content: str | list[dict[str, Any]] | None
    if isinstance(message.content, list):
        content = [_part(part) for part in message.content]
    else:
        content = "" if message.content is None and message.role != "assistant" else message.content
    fields: dict[str, Any] = {"role": message.role, "content": content}
    if message.name is not None:
        fields["name"] = message.name
    if message.tool_calls:
        fields["tool_calls"] = [
            {"id": call.id, "type": "function", "function": {"name": call.name, "arguments": call.arguments}}
            for call in message.tool_calls
        ]
    if message.tool_call_id is not None:
        fields["tool_call_id"] = message.tool_call_id
    if message.reasoning is not None and reasoning_field is not None:
        fields[reasoning_field] = message.reasoning
    return fields


def _part(part: TextPart | ImagePart) -> dict[str, Any]:
    if isinstance(part, TextPart):
        return {"type": "text", "text": part.text}
    url = part.url if part.url is not None else f"data:{part.media_type};base64,{part.data}"
    return {"type": "image_url", "image_url": {"url": url} | ({"detail": part.detail} if part.detail else {})}


def _tool(tool: ToolSpec) -> dict[str, Any]:
    function: dict[str, Any] = {"name": tool.name}
    if tool.description:
        function["description"] = tool.description
    function["parameters"] = tool.parameters
    if tool.strict is not None:
        function["strict"] = tool.strict
    return {"type": "function", "function": function}


def _tool_choice(choice: str, request: ChatRequest) -> str | dict[str, Any]:
    if choice in _CHOICES:
        return choice
    names = [tool.name for tool in request.tools]
    if choice not in names and "tools" not in request.extra:
        raise ConfigurationError(
            f"tool_choice is {choice!r}, which is no tool of the request. "
            f"Expected one of: {', '.join((*_CHOICES, *names))}."
        )
    return {"type": "function", "function": {"name": choice}}


def _response_format(wanted: dict[str, Any] | str | type[BaseModel]) -> dict[str, Any]:
    if isinstance(wanted, dict):
        return wanted
    if isinstance(wanted, str):
        return {"type": "json_object" if wanted == "json" else wanted}
    schema = wanted.model_json_schema()
    return {
        "type": "json_schema",
        "json_schema": {"name": wanted.__name__, "strict": True, "schema": _strict(schema, schema)},
    }


def _strict(node: Any, root: dict[str, Any]) -> Any:
    """Fulfil what `strict` demands: each object closed and its properties required, no `$ref` beside other words."""
    if isinstance(node, list):
        return [_strict(each, root) for each in cast("list[Any]", node)]
    if not isinstance(node, dict):
        return node
    fields = cast("dict[str, Any]", node)
    reference = fields.get("$ref")
    if isinstance(reference, str) and len(fields) > 1:
        target = root["$defs"][reference.removeprefix("#/$defs/")]
        fields = {**target, **{name: value for name, value in fields.items() if name != "$ref"}}
    strict = {name: _strict(value, root) for name, value in fields.items() if not (name == "default" and value is None)}
    if fields.get("type") == "object" and "properties" in fields:
        strict["additionalProperties"] = False
        strict["required"] = list(cast("dict[str, Any]", fields["properties"]))
    return strict
