"""A request in the form of OpenAI Responses."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, cast

from rxllm.wire.openai_schema import json_schema
from rxllm.wire.response_format import Schema, wanted_format
from rxllm.wire.responses_input import API, conversation
from rxllm.wire.unsayable import check_json, chosen_tool, unsayable

if TYPE_CHECKING:
    from rxllm.messages import ChatRequest, ToolSpec

__all__ = ["encode"]

_BEYOND: Final = "What a compatible server takes beyond the format goes into extra={…}."
_CHOICES: Final = ("auto", "none", "required")
_LOGPROBS: Final = "message.output_text.logprobs"
_ENCRYPTED: Final = "reasoning.encrypted_content"


def encode(
    request: ChatRequest,
    *,
    model: str,
    stream: bool = True,
    reasoning_summary: str | None = "auto",
    asks_format_as_chat: bool = False,
) -> dict[str, Any]:
    """Give the JSON body of a request.

    >>> from rxllm.messages import chat_request
    >>> encode(chat_request("Why?"), model="m")
    {'model': 'm', 'input': [{'role': 'user', 'content': 'Why?'}], 'stream': True}

    Leading system messages become `instructions`. With `extra={"store": False}` the provider keeps nothing, so that
    reasoning comes encrypted if `reasoning_effort` asks for any, and goes back with the next request.

    Args:
        request: What is asked.
        model: The provider's name for the model.
        stream: Whether to stream; usage comes in any case.
        reasoning_summary: What summary to ask for where the request has a `reasoning_effort`; None for none.
        asks_format_as_chat: Whether to say the `response_format` as Chat Completions does, too, for a server that hears
            it only so.

    Returns:
        The body; `request.extra` was put in last, its `include` beside what the request itself includes.

    Raises:
        ConfigurationError: The request has something that this format cannot say; the field is named.
    """
    check_json(request)
    _refuse(request)
    is_stored = request.extra.get("store") is not False
    instructions, items = conversation(request.messages, is_stored=is_stored)
    body: dict[str, Any] = {"model": model}
    if instructions is not None:
        body["instructions"] = instructions
    body["input"] = items
    if stream:
        body["stream"] = True
    wanted = _format(request) if request.response_format is not None else None
    told = {
        "stream_options": {k: v for k, v in (request.stream_options or {}).items() if k != "include_usage"} or None,
        "temperature": request.temperature,
        "top_p": request.top_p,
        "max_output_tokens": request.max_tokens,
        "tools": [_tool(tool) for tool in request.tools] or None,
        "tool_choice": _tool_choice(request),
        "parallel_tool_calls": request.parallel_tool_calls,
        "text": {"format": wanted} if wanted is not None else None,
        "response_format": _as_chat(wanted) if wanted is not None and asks_format_as_chat else None,
        "reasoning": _reasoning(request, reasoning_summary),
        "top_logprobs": request.top_logprobs,
        "metadata": request.metadata,
        "include": _include(request, is_stored=is_stored) or None,
    }
    body |= {name: value for name, value in told.items() if value is not None}
    return body | {name: value for name, value in request.extra.items() if name != "include" or "include" not in body}


def _refuse(request: ChatRequest) -> None:
    """Refuse what the format has no word for, rather than leaving it out."""
    if request.stop is not None:
        raise unsayable(
            "stop", API, "It ends no answer at a text. Cut the stream, e.g. with the operator stop_at. " + _BEYOND
        )
    if request.seed is not None:
        raise unsayable("seed", API, "Its answers cannot be repeated. Leave it out. " + _BEYOND)
    if request.n is not None and request.n > 1:
        raise unsayable("n", API, "It gives one answer a request. Ask several times. " + _BEYOND)
    if request.logprobs is False and request.top_logprobs:
        raise unsayable(
            "top_logprobs", API, "They are a part of logprobs, which is False. Leave one of the two out. " + _BEYOND
        )


def _tool(tool: ToolSpec) -> dict[str, Any]:
    fields: dict[str, Any] = {"type": "function", "name": tool.name}
    if tool.description:
        fields["description"] = tool.description
    # Here a tool is strict unless it says no, in every other format only if it says so.
    return fields | {"parameters": tool.parameters, "strict": bool(tool.strict)}


def _tool_choice(request: ChatRequest) -> str | dict[str, Any] | None:
    name = chosen_tool(request, _CHOICES)
    return request.tool_choice if name is None else {"type": "function", "name": name}


def _format(request: ChatRequest) -> dict[str, Any]:
    wanted = wanted_format(request.response_format, API)
    if isinstance(wanted, Schema):
        return {"type": "json_schema", **json_schema(wanted)}
    return {"type": "json_object" if wanted == "json" else "text"}


def _as_chat(wanted: dict[str, Any]) -> dict[str, Any]:
    schema = {name: value for name, value in wanted.items() if name != "type"}
    return {"type": wanted["type"]} | ({"json_schema": schema} if schema else {})


def _reasoning(request: ChatRequest, summary: str | None) -> dict[str, Any] | None:
    effort = request.reasoning_effort
    if effort is None:
        return None
    return {"effort": effort} | ({"summary": summary} if summary is not None and effort != "none" else {})


def _include(request: ChatRequest, *, is_stored: bool) -> list[Any]:
    asked = [_LOGPROBS] if request.logprobs else []
    if not is_stored and request.reasoning_effort not in (None, "none"):  # other models refuse to be asked for it
        asked.append(_ENCRYPTED)
    given: Any = request.extra.get("include")
    if asked and isinstance(given, list):
        asked = list(dict.fromkeys([*asked, *cast("list[Any]", given)]))
    return asked
