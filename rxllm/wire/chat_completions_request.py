"""A request in the form of Chat Completions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from rxllm.messages import TextPart
from rxllm.wire.openai_schema import json_schema
from rxllm.wire.response_format import Schema, is_schema, wanted_format
from rxllm.wire.unsayable import check_json, chosen_tool

if TYPE_CHECKING:
    from pydantic import BaseModel

    from rxllm.messages import ChatRequest, ImagePart, Message, ToolSpec

__all__ = ["encode"]

_AS_THEY_ARE: Final = (
    "temperature", "top_p", "stop", "parallel_tool_calls", "n", "reasoning_effort", "metadata", "logprobs",
    "top_logprobs",
)  # fmt: skip
_API: Final = "Chat Completions"
_CHOICES: Final = ("auto", "none", "required")


def encode(
    request: ChatRequest,
    *,
    model: str,
    stream: bool = True,
    max_tokens_field: str = "max_tokens",
    seed_field: str = "seed",
    reasoning_field: str | None = None,
    developer_role: str = "system",
    asks_usage: bool = True,
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
        seed_field: What the provider calls the seed.
        reasoning_field: Where the provider wants its earlier reasoning back; None for one that refuses it.
        developer_role: What the provider calls a developer's message; all know "system", few "developer".
        asks_usage: Whether usage must be asked for; False for a provider that sends it anyway and refuses the question.

    Returns:
        The body; `request.extra` was put in last.

    Raises:
        ConfigurationError: A field holds what JSON cannot say, or `tool_choice` names no tool.
    """
    check_json(request)
    messages = [_message(message, reasoning_field, developer_role) for message in request.messages]
    body: dict[str, Any] = {"model": model, "messages": messages}
    if stream:
        body["stream"] = True
        options = {"include_usage": True} if request.stream_options is None and asks_usage else request.stream_options
        if options:
            body["stream_options"] = options
    told = {
        **{name: getattr(request, name) for name in _AS_THEY_ARE},
        max_tokens_field: request.max_tokens,
        seed_field: request.seed,
        "tools": [_tool(tool) for tool in request.tools] or None,
        "tool_choice": _tool_choice(request),
        "response_format": _response_format(request.response_format),
    }
    body |= {name: value for name, value in told.items() if value is not None}
    return body | request.extra


def _message(message: Message, reasoning_field: str | None, developer_role: str) -> dict[str, Any]:
    content: str | list[dict[str, Any]] | None
    if isinstance(message.content, list):
        content = [_part(part) for part in message.content]
    else:
        content = (
            "" if message.content is None and not message.tool_calls else message.content
        )  # OpenAI wants one of them
    role = developer_role if message.role == "developer" else message.role
    fields: dict[str, Any] = {"role": role, "content": content}
    if message.name is not None:
        fields["name"] = message.name
    if message.tool_calls:
        fields["tool_calls"] = [
            {"id": call.id, "type": "function", "function": {"name": call.name, "arguments": call.arguments or "{}"}}
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


def _tool_choice(request: ChatRequest) -> str | dict[str, Any] | None:
    name = chosen_tool(request, _CHOICES)
    return request.tool_choice if name is None else {"type": "function", "function": {"name": name}}


def _response_format(asked: dict[str, Any] | str | type[BaseModel] | None) -> dict[str, Any] | None:
    """Say what the text must be; an object goes as it is, since many servers have forms of their own."""
    if isinstance(asked, dict) and not is_schema(asked) and not _is_of_responses(asked):
        return asked
    wanted = wanted_format(asked, _API)
    if isinstance(wanted, Schema):
        return {"type": "json_schema", "json_schema": json_schema(wanted)}
    return None if wanted is None else {"type": "json_object" if wanted == "json" else "text"}


def _is_of_responses(asked: dict[str, Any]) -> bool:
    """Tell the object of Responses by its name; without one it is some server's own, e.g. Together's."""
    return asked.get("type") == "json_schema" and "json_schema" not in asked and {"name", "schema"} <= asked.keys()
