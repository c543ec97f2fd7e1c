"""A request in the form of Anthropic Messages."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final, Literal

from rxllm.errors import ConfigurationError
from rxllm.wire.anthropic_messages import API, conversation
from rxllm.wire.anthropic_schema import strict_schema
from rxllm.wire.response_format import Schema, wanted_format
from rxllm.wire.unsayable import check_json, chosen_tool, unsayable

if TYPE_CHECKING:
    from rxllm.messages import ChatRequest, ToolSpec

__all__ = ["encode"]

_MAX_TOKENS: Final = 4096
_LEAST_BUDGET: Final = 1024  # the API takes no less
_BUDGET: Final = {"minimal": 1024, "low": 1024, "medium": 8192, "high": 24576}
_EFFORT: Final = {"minimal": "low", "low": "low", "medium": "medium", "high": "high"}
_CHOICES: Final = {"auto": "auto", "none": "none", "required": "any"}
_VERSION: Final = re.compile(r"claude-(?:[a-z]+-)?(\d+)(?:[-.](\d{1,2})(?!\d))?")
_FIRST_ADAPTIVE: Final = (4, 6)


def encode(
    request: ChatRequest,
    *,
    model: str,
    stream: bool = True,
    thinking: Literal["auto", "budget", "adaptive"] = "auto",
    takes_format: bool = True,
) -> dict[str, Any]:
    """Give the JSON body of a request.

    >>> from rxllm.messages import chat_request
    >>> encode(chat_request("Why?"), model="m")
    {'model': 'm', 'max_tokens': 4096, 'messages': [{'role': 'user', 'content': 'Why?'}], 'stream': True}

    `max_tokens` must be sent, and is 4096 if the request has none. With `reasoning_effort`, models before Claude 4.6
    and all others' get a budget of thinking tokens: minimal and low 1024, medium 8192, high 24576, at most half of
    `max_tokens`, to which it is added where the request has none. Newer ones decide by themselves how much they think
    and are told the effort; with "none", they are told not to.

    Args:
        request: What is asked.
        model: The provider's name for the model.
        stream: Whether to stream; usage comes in any case.
        thinking: How thinking is asked for; "auto" goes by the model's name.
        takes_format: Whether the server hears a `response_format`.

    Returns:
        The body; `request.extra` was put in last.

    Raises:
        ConfigurationError: The request has something that this format cannot say; the field is named.
    """
    check_json(request)
    _refuse(request)
    system, messages = conversation(request.messages, is_strict="claude" in model)
    max_tokens = _MAX_TOKENS if request.max_tokens is None else request.max_tokens
    body: dict[str, Any] = {"model": model, "max_tokens": max_tokens}
    if system:
        body["system"] = system
    body["messages"] = messages
    if stream:
        body["stream"] = True
    told = {
        "temperature": request.temperature,
        "top_p": request.top_p,
        "stop_sequences": [request.stop] if isinstance(request.stop, str) else request.stop,
        "tools": [_tool(tool) for tool in request.tools] or None,
        "tool_choice": _tool_choice(request),
        "metadata": request.metadata or None,
    }
    body |= {name: value for name, value in told.items() if value is not None}
    _think(request, body, adaptive=thinking == "adaptive" or (thinking == "auto" and _is_adaptive(model)))
    wanted = wanted_format(request.response_format, API)
    if wanted is not None and wanted != "text":
        if not takes_format:
            raise unsayable("response_format", API, "This server does not hear it in this format; use another wire=.")
        body["output_config"] = {**body.get("output_config", {}), "format": _format(wanted)}
    return body | request.extra


def _refuse(request: ChatRequest) -> None:
    """Refuse what the format has no word for, rather than leaving it out."""
    if request.n is not None and request.n > 1:
        raise unsayable("n", API, "It gives one answer a request. Ask several times.")
    if request.seed is not None:
        raise unsayable("seed", API, "Its answers cannot be repeated. Leave it out.")
    if request.logprobs or request.top_logprobs is not None:
        field = "logprobs" if request.top_logprobs is None else "top_logprobs"
        raise unsayable(field, API, "It tells no probabilities. Leave it out.")
    if set(request.stream_options or {}) - {"include_usage"}:
        raise unsayable("stream_options", API, "Usage always comes, and there is no other option. Leave it out.")
    if set(request.metadata or {}) - {"user_id"}:
        raise unsayable("metadata", API, "It knows `user_id` and nothing else.")


def _tool(tool: ToolSpec) -> dict[str, Any]:
    fields: dict[str, Any] = {"name": tool.name}
    if tool.description:
        fields["description"] = tool.description
    fields["input_schema"] = tool.parameters
    if tool.strict is not None:
        fields["strict"] = tool.strict
    return fields


def _tool_choice(request: ChatRequest) -> dict[str, Any] | None:
    choice = request.tool_choice
    has_tools = bool(request.tools) or "tools" in request.extra
    one_at_a_time = request.parallel_tool_calls is False and has_tools and choice != "none"
    if choice is None and not one_at_a_time:
        return None
    name = chosen_tool(request, _CHOICES)
    fields = {"type": _CHOICES[choice or "auto"]} if name is None else {"type": "tool", "name": name}
    return fields | ({"disable_parallel_tool_use": True} if one_at_a_time else {})


def _is_adaptive(model: str) -> bool:
    """Tell by its name whether a model decides itself how much it thinks; new families of Claude are taken to do so.

    >>> [_is_adaptive(f"claude-{name}") for name in ("sonnet-4-5-20250929", "3-7-sonnet", "opus-4-6", "mythos-preview")]
    [False, False, True, True]
    >>> _is_adaptive("qwen3")
    False
    """
    if "claude" not in model:
        return False
    version = _VERSION.search(model)
    return version is None or (int(version[1]), int(version[2] or 0)) >= _FIRST_ADAPTIVE


def _think(request: ChatRequest, body: dict[str, Any], *, adaptive: bool) -> None:
    effort = request.reasoning_effort
    if effort is None or (effort == "none" and not adaptive):  # where a budget is given, none is given by default
        return
    if effort == "none":
        body["thinking"] = {"type": "disabled"}
        return
    if body.pop("temperature", 1) != 1:
        raise unsayable(
            "temperature", API, "With reasoning_effort the model thinks, and then only the default is taken."
        )
    if request.tool_choice not in (None, "auto", "none"):
        raise unsayable(
            "tool_choice", API, 'With reasoning_effort the model thinks, and then only "auto" and "none" are taken.'
        )
    if adaptive:
        body["thinking"] = {"type": "adaptive"}
        body["output_config"] = {"effort": _EFFORT[effort]}
        return
    budget = _BUDGET[effort]
    if request.max_tokens is None:
        body["max_tokens"] = budget + _MAX_TOKENS
    elif request.max_tokens <= _LEAST_BUDGET:
        raise ConfigurationError(
            f"max_tokens is {request.max_tokens}, which leaves no room for thinking: with reasoning_effort, Anthropic "
            f"Messages wants more than {_LEAST_BUDGET}, for the thinking and the answer together."
        )
    else:
        budget = max(_LEAST_BUDGET, min(budget, request.max_tokens // 2))
    body["thinking"] = {"type": "enabled", "budget_tokens": budget}


def _format(wanted: Schema | str) -> dict[str, Any]:
    if not isinstance(wanted, Schema):
        raise unsayable(
            "response_format", API, "It has no JSON without a schema. Give a JSON Schema or a pydantic model."
        )
    return {"type": "json_schema", "schema": strict_schema(wanted.schema) if wanted.is_model else wanted.schema}
