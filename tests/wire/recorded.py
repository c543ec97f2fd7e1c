"""Recorded responses: where those of each format stand, and how the expectations beside them are to be read.

Our own stand in `tests/recordings`. The others are found through `RXLLM_STREAMS`: a folder a format, with a body
(`.bin`) and what is expected of it (`.json`) for each.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping  # noqa: TC003 - a NamedTuple's fields
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import pytest
from fed import of_type

from rxllm.errors import ProviderError
from rxllm.items import ServerToolCall, StreamItem

if TYPE_CHECKING:
    from rxllm.completion import Completion
    from rxllm.errors import RxllmError

OURS: Final = Path(__file__).parents[1] / "recordings"
STREAMS: Final = Path(os.environ["RXLLM_STREAMS"]) if os.environ.get("RXLLM_STREAMS") else None


def recordings(pattern: str) -> list[Any]:
    if STREAMS is None:
        return [pytest.param(None, marks=pytest.mark.skip(reason="RXLLM_STREAMS names no folder of recordings"))]
    return [pytest.param(path, id=f"{path.parent.name}/{path.stem}") for path in sorted(STREAMS.glob(pattern))]


def recording(path: Path) -> tuple[bytes, dict[str, Any]]:
    return path.with_suffix(".bin").read_bytes(), json.loads(path.read_text())


class Outcome(NamedTuple):
    """What a recording came to."""

    items: list[StreamItem]
    completion: Completion
    error: RxllmError | None


def _no_end(body: bytes) -> int:
    """There is no marker: even the whole body is not known to be whole."""
    return len(body) + 1


def _end_of_chat(body: bytes) -> int:
    at = body.find(b"data: [DONE]")
    return _no_end(body) if at < 0 else at + len(b"data: [DONE]")


def _end_of_anthropic(body: bytes) -> int:
    at = body.find(b'"message_stop"', body.find(b"data:", body.find(b"event: message_stop")))
    return _no_end(body) if at < 0 else body.index(b"}", at) + 1


def _end_of_responses(body: bytes) -> int:
    ends = [b'"response.completed"', b'"response.incomplete"', b'"response.failed"']
    start = max(body.rfind(b"data:", 0, body.find(end)) for end in ends if end in body)
    line = body.find(b"\n", start)
    return len(body.rstrip()) if line < 0 else line


def _end_of_ollama(body: bytes) -> int:
    return len(body.rstrip()) if b'"done":true' in body.replace(b" ", b"") else _no_end(body)


def _end_of_gemini(body: bytes) -> int:
    """The first `finishReason` may be the last: the format has no other end than that of the bytes."""
    at = body.find(b'"finishReason"')
    return _no_end(body) if at < 0 else body.find(b"\n", at) - 1


def answer(choice: Any) -> dict[str, Any]:
    """What both a choice and a completion say of an answer, as the expectations spell it."""
    return {
        "text": choice.text,
        "reasoning": choice.reasoning,
        "refusal": choice.refusal or None,
        "finish_reason": choice.raw_finish_reason,
        "tool_calls": [
            {"id": c.id, "name": c.name, "arguments": c.arguments, "arguments_raw": c.arguments_raw}
            for c in choice.tool_calls
        ],
    }


def expected(said: dict[str, Any]) -> dict[str, Any]:
    wanted = {name: said[name] for name in ("text", "reasoning", "refusal", "finish_reason")}
    wanted["refusal"] = wanted["refusal"] or None
    wanted["tool_calls"] = [
        {name: call.get(name) for name in ("id", "name", "arguments", "arguments_raw")} for call in said["tool_calls"]
    ]
    return wanted


Facts = tuple[dict[str, Any], dict[str, Any]]
"""What was found, and what was wanted, beside text, reasoning, refusal, reason, calls, usage, error and end."""


def _chat(said: dict[str, Any], outcome: Outcome) -> Facts:
    choices = said.get("extra", {}).get("choices")
    if not choices:
        return {}, {}
    return {"choices": [answer(c) for c in outcome.completion.choices]}, {"choices": [expected(c) for c in choices]}


def _anthropic(said: dict[str, Any], outcome: Outcome) -> Facts:
    completion, extra = outcome.completion, said["extra"]
    calls = [{"id": c.id, "name": c.name, "arguments": c.arguments} for c in of_type(outcome.items, ServerToolCall)]
    found = {
        "server_tool_calls": calls,
        "signatures": [block.signature for block in completion.reasoning_blocks if block.signature],
        "citations": len(completion.sources),
        "started": (completion.id, completion.model),
    }
    wanted = {
        "server_tool_calls": [
            {name: call.get(name) for name in ("id", "name", "arguments")}
            for call in extra.get("server_tool_calls", [])
        ],
        "signatures": [signature for signature in extra.get("reasoning_signatures", []) if signature],
        "citations": extra.get("citations", 0),
        "started": (extra["id"], extra["model"]),
    }
    return found, wanted


_SERVER_TOOLS: Final = {
    "azure--azure-code-interpreter-tool-1": ["code_interpreter"],
    "azure--openai-file-search-tool-1": ["file_search"],
    "openai--openai-image-generation-tool-1": ["image_generation"],
    "openai--openai-mcp-tool-1": ["mcp_list_tools", "web_search_exa", "web_search_exa"],
    "openai--openai-mcp-tool-approval-4": ["mcp_list_tools", "create_short_url"],
    "openai--openai-shell-skills-1": ["shell"] * 2,
    "openai--openai-web-search-tool-1": ["web_search"] * 6,
    "xai--xai-x-search-tool": ["web_search"] * 4,
}


def _responses(said: dict[str, Any], outcome: Outcome) -> Facts:
    completion, extra = outcome.completion, said["extra"]
    found: dict[str, Any] = {
        "server_tools": [each.name for each in of_type(outcome.items, ServerToolCall)],
        "started": (completion.id, completion.model),
    }
    id_ = completion.id if "N:response_id_changed" in said["quirks"] else extra["id"]
    return found, {"server_tools": _SERVER_TOOLS.get(said["name"], []), "started": (id_, extra["model"])}


def _gemini(said: dict[str, Any], outcome: Outcome) -> Facts:
    completion, extra = outcome.completion, said["extra"]
    found: dict[str, Any] = {"started": (completion.id, completion.model)}
    wanted: dict[str, Any] = {"started": (extra.get("id"), extra.get("model"))}
    if extra.get("prompt_feedback") and outcome.error is None:
        found["feedback"] = (completion.response or {}).get("promptFeedback")
        wanted["feedback"] = extra["prompt_feedback"]
    if isinstance(outcome.error, ProviderError) and (told := said["expected"]["error"]):
        found["told"] = (str(outcome.error), outcome.error.status)
        wanted["told"] = (told["message"], told["code"])
    return found, wanted


def _ollama(said: dict[str, Any], outcome: Outcome) -> Facts:
    told = said["expected"]["error"]
    return ({"told": str(outcome.error)}, {"told": told}) if told else ({}, {})


class Format(NamedTuple):
    """A format: what of its recordings is read in another way than those of the others.

    Attributes:
        wire: Its module's name, and `folder` where the recordings of others are.
        ours: A pattern of our own, of each of which the last bytes may be cut everywhere.
        end: Where the terminal marker stands whole.
        more: What else to compare.
        usage: The expectations' names of the numbers, and ours.
        has_raw: Whether arguments come as text.
        different: Fields in which we mean to differ from an expectation, by recording, each with its reason.
    """

    wire: str
    folder: str
    ours: str
    end: Callable[[bytes], int]
    more: Callable[[dict[str, Any], Outcome], Facts]
    usage: Mapping[str, str] = MappingProxyType({name: name for name in ("input_tokens", "output_tokens")})
    has_raw: bool = True
    different: Mapping[str, set[str]] = MappingProxyType({})


_ALL_NUMBERS: Final = ("input_tokens", "output_tokens", "total_tokens", "reasoning_tokens", "cached_tokens")

CHAT_COMPLETIONS: Final = Format("chat_completions", "openai-chat", "llama_cpp/*.sse", _end_of_chat, _chat)
ANTHROPIC: Final = Format(
    "anthropic",
    "anthropic-messages",
    "llama_cpp/messages-*.body",
    _end_of_anthropic,
    _anthropic,
    usage={
        "input_tokens": "input_tokens",
        "output_tokens": "output_tokens",
        "cache_read_input_tokens": "cached_tokens",
        "cache_creation_input_tokens": "cache_write_tokens",
    },
    # Two responses that a proxy spliced into one: the corpus takes the second one's id, we have told the first one's.
    different={"anthropic--spliced-message-start": {"started"}},
)
RESPONSES: Final = Format(
    "responses",
    "openai-responses",
    "llama_cpp/responses-*.body",
    _end_of_responses,
    _responses,
    usage={name: name for name in _ALL_NUMBERS},
    # What failed has no finish reason, but is an error, here as in every other format.
    different={"openai--stream-rate-limited-1": {"finish_reason"}},
)
OLLAMA: Final = Format("ollama", "ollama-chat", "ollama/*.ndjson", _end_of_ollama, _ollama, has_raw=False)
GEMINI: Final = Format(
    "gemini",
    "gemini",
    "",
    _end_of_gemini,
    _gemini,
    usage={name: name for name in _ALL_NUMBERS},
    has_raw=False,
    # The expectations have no field for a blocked prompt, and call it unterminated without an error.
    different={"google--streaming-failure-prompt-blocked-safety": {"error"}},
)
FORMATS: Final = {format_.folder: format_ for format_ in (CHAT_COMPLETIONS, ANTHROPIC, RESPONSES, OLLAMA, GEMINI)}


def compared(format_: Format, path: Path, said: dict[str, Any], outcome: Outcome) -> Facts:
    """Give all that was found and all that was wanted of a recording."""
    found = answer(outcome.completion)
    for ours, theirs in zip(found["tool_calls"], said["expected"]["tool_calls"], strict=False):
        if theirs.get("type") == "custom":  # whose input is text, and parsed only if it is JSON by chance
            theirs.update(arguments_raw=theirs["input"], arguments=ours["arguments"])
    wanted = expected(said["expected"])
    if not format_.has_raw:  # arguments are objects there
        for call in (*wanted["tool_calls"], *found["tool_calls"]):
            del call["arguments_raw"]
    numbers = said["expected"]["usage"] or {}
    wanted["usage"] = {name: numbers.get(name) for name in format_.usage if name in numbers}
    found["usage"] = {name: getattr(outcome.completion.usage, format_.usage[name], None) for name in wanted["usage"]}
    wanted["error"] = said["expected"]["error"] is not None
    found["error"] = isinstance(outcome.error, ProviderError)
    wanted["terminated"] = said["expected"]["terminated"]
    found["terminated"] = outcome.error is None
    if wanted["error"]:  # what comes behind it is not waited for
        del wanted["terminated"], found["terminated"]
    more_found, more_wanted = format_.more({**said, "name": path.stem}, outcome)
    different = format_.different.get(path.stem, set())
    return (
        {name: value for name, value in (found | more_found).items() if name not in different},
        {name: value for name, value in (wanted | more_wanted).items() if name not in different},
    )
