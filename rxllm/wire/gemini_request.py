"""A request in the form of Gemini's `generateContent`."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final, cast

from rxllm.wire.gemini_contents import API, contents, system_instruction
from rxllm.wire.response_format import Schema, wanted_format
from rxllm.wire.unsayable import check_json, chosen_tool, unsayable

if TYPE_CHECKING:
    from pydantic import BaseModel

    from rxllm.messages import ChatRequest, ToolSpec

__all__ = ["encode"]

_CONFIG: Final = {
    "temperature": "temperature", "top_p": "topP", "max_tokens": "maxOutputTokens", "seed": "seed",
    "n": "candidateCount", "logprobs": "responseLogprobs", "top_logprobs": "logprobs",
}  # fmt: skip
_MODES: Final = {"auto": "AUTO", "none": "NONE", "required": "ANY"}
_OLD: Final = re.compile(r"gemini-[12]\b")
_BUDGETS: Final = {"none": 0, "minimal": 1024, "low": 1024, "medium": 8192, "high": 24576}  # as Google maps them itself


def encode(
    request: ChatRequest,
    *,
    model: str,
    stream: bool = True,  # noqa: ARG001 - the URL says it
) -> dict[str, Any]:
    """Give the JSON body of a request; the URL names the model.

    >>> from rxllm.messages import chat_request
    >>> encode(chat_request("Why?", {"max_tokens": 9}), model="gemini-2.5-flash")
    {'contents': [{'role': 'user', 'parts': [{'text': 'Why?'}]}], 'generationConfig': {'maxOutputTokens': 9}}

    Args:
        request: What is asked. In its `extra`, objects (`generationConfig`) add to ours, and so do `tools`; all else
            (`safetySettings`, `cachedContent`) is put in last.
        model: The model's name, on whose age it depends how reasoning is asked for.
        stream: Not in the body, but in the path.

    Returns:
        The body.

    Raises:
        ConfigurationError: A field has no place in this format.
    """
    check_json(request)
    is_old = _OLD.search(model) is not None
    _refuse(request, is_old=is_old)
    body: dict[str, Any] = {}
    if (system := system_instruction(request.messages)) is not None:
        body["systemInstruction"] = system
    # Before Gemini 3 no call needed a signature.
    body["contents"] = contents(request.messages, sign_calls="gemini" in model and not is_old)
    if request.tools:
        body["tools"] = [{"functionDeclarations": [_declaration(tool) for tool in request.tools]}]
    if (calling := _calling(request)) is not None:
        body["toolConfig"] = {"functionCallingConfig": calling}
    config = {theirs: v for ours, theirs in _CONFIG.items() if (v := getattr(request, ours)) is not None}
    if request.stop is not None:
        config["stopSequences"] = [request.stop] if isinstance(request.stop, str) else request.stop
    config |= _format(request.response_format)
    if request.reasoning_effort is not None:
        config["thinkingConfig"] = _thinking(request.reasoning_effort, is_old=is_old)
    if config:
        body["generationConfig"] = config
    for name, value in request.extra.items():
        body[name] = _joined(body.get(name), value)
    return body


def _refuse(request: ChatRequest, *, is_old: bool) -> None:
    """Refuse what the format has no word for, rather than to send something else."""
    if request.metadata:
        raise unsayable("metadata", API, "Leave it out.")
    if set(request.stream_options or {}) - {"include_usage"}:
        raise unsayable("stream_options", API, "Usage always comes, and there is no other option. Leave it out.")
    if request.parallel_tool_calls is False:
        raise unsayable("parallel_tool_calls", API, "The model decides how many tools it calls. Leave it out.")
    if request.reasoning_effort == "none" and not is_old:
        raise unsayable("reasoning_effort='none'", API, 'This model always thinks; the least is "minimal" or "low".')


def _declaration(tool: ToolSpec) -> dict[str, Any]:
    declaration: dict[str, Any] = {"name": tool.name, "parametersJsonSchema": tool.parameters}
    return declaration | ({"description": tool.description} if tool.description else {})


def _calling(request: ChatRequest) -> dict[str, Any] | None:
    """Say whether tools must be called; `strict` is a mode here, of all tools at once."""
    choice = request.tool_choice
    if choice in (None, "auto") and any(tool.strict for tool in request.tools):
        return {"mode": "VALIDATED"}
    name = chosen_tool(request, _MODES)
    if name is not None:
        return {"mode": "ANY", "allowedFunctionNames": [name]}
    return None if choice is None else {"mode": _MODES[choice]}


def _format(asked: dict[str, Any] | str | type[BaseModel] | None) -> dict[str, Any]:
    """Say what the text must be; a schema is always obeyed, `strict` or not."""
    wanted = wanted_format(asked, API)
    if wanted is None or wanted == "text":
        return {}
    schema = {"responseJsonSchema": wanted.schema} if isinstance(wanted, Schema) else {}
    return {"responseMimeType": "application/json", **schema}


def _thinking(effort: str, *, is_old: bool) -> dict[str, Any]:
    """Say how much to think; before Gemini 3 in tokens, since then in words. The thoughts' summaries are asked for."""
    how: dict[str, Any] = {"thinkingBudget": _BUDGETS[effort]} if is_old else {"thinkingLevel": effort}
    return how if effort == "none" else {**how, "includeThoughts": True}


def _joined(ours: Any, theirs: Any) -> Any:
    if isinstance(ours, dict) and isinstance(theirs, dict):
        return {**cast("dict[str, Any]", ours), **cast("dict[str, Any]", theirs)}
    if isinstance(ours, list) and isinstance(theirs, list):
        return [*cast("list[Any]", ours), *cast("list[Any]", theirs)]
    return theirs
