"""The rarer parts of a chunk: tools that Google runs, media, citations, usage, errors."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final, cast

from rxllm.errors import ContentFilterError, ProviderError, provider_error
from rxllm.items import Logprobs, Media, ServerToolCall, ServerToolResult, Source, StreamItem, Usage
from rxllm.wire.gemini_chunk import Json, listed, object_of
from rxllm.wire.loose_json import count, word

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["DATA", "blocked", "fault_of", "logprobs", "other_data", "sources", "usage"]

DATA: Final = frozenset({"inlineData", "fileData", "executableCode", "codeExecutionResult", "toolCall", "toolResponse"})
"""What a part may be beside text and a function call."""

_CODE: Final = "code_execution"
_SECONDS: Final = re.compile(r"(\d{1,6}(?:\.\d{1,9})?)s")
_COUNTS: Final = (
    "promptTokenCount", "candidatesTokenCount", "totalTokenCount", "cachedContentTokenCount", "thoughtsTokenCount",
)  # fmt: skip


def other_data(name: str, data: Json, part: Json, choice: int) -> StreamItem:
    """Read a part that is one of `DATA`.

    >>> other_data("inlineData", {"mimeType": "image/png", "data": "AA"}, {}, 0)
    Media(media_type='image/png', data='AA')

    Args:
        name: Which.
        data: What stands behind that name.
        part: The whole part, which may have a signature.
        choice: The answer's index.

    Returns:
        Its item.
    """
    extra: Json = {key: part[key] for key in ("thought", "thoughtSignature") if part.get(key)}
    if name in ("inlineData", "fileData"):
        extra |= {key: value for key, value in data.items() if key not in ("mimeType", "data", "fileUri")}
        kind = word(data.get("mimeType")) or "application/octet-stream"
        return Media(kind, word(data.get("data")), word(data.get("fileUri")), choice, extra or None)
    id_ = word(data.get("id"))
    rest = {key: value for key, value in data.items() if key != "id"}
    if name == "executableCode":
        return ServerToolCall(id_, _CODE, rest, choice, extra or None)
    if name == "codeExecutionResult":
        failed = data.get("outcome") not in ("OUTCOME_OK", "OUTCOME_UNSPECIFIED", None)
        return ServerToolResult(id_, _CODE, rest, failed, choice)
    tool = word(data.get("toolType")) or ""
    if name == "toolCall":
        return ServerToolCall(id_, tool, data.get("args"), choice, extra or None)
    return ServerToolResult(id_, tool, data.get("response"), choice=choice)


def sources(candidate: Json, choice: int) -> Iterator[Source]:
    """Read where an answer comes from: what it was grounded on, and what it recites.

    Args:
        candidate: The candidate; each chunk may repeat what an earlier one said.
        choice: Its index.

    Yields:
        A source each.

    Raises:
        ValueError: A field is not what it should be.
    """
    grounding = object_of(candidate.get("groundingMetadata") or {}, "groundingMetadata")
    for chunk in listed(grounding, "groundingChunks"):
        for kind, found in object_of(chunk, "a grounding chunk").items():
            fields = object_of(found, "a grounding chunk's content")
            extra = {k: v for k, v in fields.items() if k not in ("uri", "title", "text")}
            yield Source(
                word(fields.get("uri")),
                word(fields.get("title")),
                word(fields.get("text")),
                choice,
                extra if kind == "web" else {**extra, "type": kind},
            )
    cited = object_of(candidate.get("citationMetadata") or {}, "citationMetadata")
    for citation in listed(cited, "citationSources") or listed(cited, "citations"):
        fields = object_of(citation, "a citation")
        extra = {k: v for k, v in fields.items() if k not in ("uri", "title")}
        yield Source(word(fields.get("uri")), word(fields.get("title")), None, choice, extra)


def logprobs(result: Any, choice: int) -> Logprobs | None:
    """Read the log probabilities, one entry a token, each with the candidates it was chosen from.

    Raises:
        ValueError: A field is not what it should be.
    """
    fields = object_of(result or {}, "logprobsResult")
    entries = [dict(object_of(each, "a chosen candidate")) for each in listed(fields, "chosenCandidates")]
    for entry, top in zip(entries, listed(fields, "topCandidates"), strict=False):
        entry["topCandidates"] = object_of(top, "top candidates").get("candidates")
    return Logprobs(list(entries), choice) if entries else None


def usage(raw: Json) -> Usage | None:
    """Map Google's usage, unchanged: output leaves out the thoughts.

    >>> usage({"promptTokenCount": 3, "candidatesTokenCount": 1, "thoughtsTokenCount": 9})
    Usage(input_tokens=3, output_tokens=1, reasoning_tokens=9)

    Args:
        raw: The object of the wire, which counts from the beginning of the response.

    Returns:
        The item; what it has no field for stands in `extra`. None where nothing was counted yet.
    """
    given, made, total, cached, thought = (count(raw.get(name)) for name in _COUNTS)
    if all(count is None for count in (given, made, total, cached, thought)):
        return None
    details: Any = raw.get("candidatesTokensDetails")
    heard = [d for d in _objects(details) if d.get("modality") == "AUDIO"]
    extra = {name: value for name, value in raw.items() if name not in _COUNTS and value is not None}
    return Usage(
        given,
        made,
        total,
        cached,
        reasoning_tokens=thought,
        audio_tokens=count(heard[0].get("tokenCount")) if heard else None,
        extra=extra or None,
    )


def _objects(value: Any) -> list[Json]:
    """Give the objects of what should be a list of them; what is told here is not worth a fault."""
    values: list[Any] = cast("list[Any]", value) if isinstance(value, list) else []
    return [cast("Json", each) for each in values if isinstance(each, dict)]


def fault_of(error: Any) -> ProviderError:
    """Make an exception of Google's error.

    >>> fault_of({"code": 429, "message": "Slow down", "status": "RESOURCE_EXHAUSTED"}).status
    429

    Args:
        error: `{code, message, status, details}`, or with other servers a text.

    Returns:
        The exception; its `code` is the status in words.
    """
    if not isinstance(error, dict):
        return provider_error(error if isinstance(error, str) else f"The provider reported an error: {error!s:.200}")
    fields = cast("Json", error)
    details = _objects(fields.get("details"))
    words = [fields.get("status"), fields.get("code")]
    if any(detail.get("reason") == "API_KEY_INVALID" for detail in details):  # which Google calls an invalid argument
        words.insert(0, "unauthenticated")
    delay = next((found for d in details if (found := _SECONDS.fullmatch(str(d.get("retryDelay"))))), None)
    return provider_error(
        word(fields.get("message")) or f"The provider reported an error without a message: {fields!s:.200}",
        words=[each for each in words if isinstance(each, (str, int))],
        retry_after=float(delay[1]) if delay else None,
    )


def blocked(feedback: Any) -> ContentFilterError | None:
    """Make an exception of a prompt that was blocked; None for feedback that blocks nothing."""
    fields = cast("Json", feedback) if isinstance(feedback, dict) else {}
    reason = word(fields.get("blockReason"))
    if reason is None:
        return None
    why = word(fields.get("blockReasonMessage"))
    return ContentFilterError(
        f"The provider blocked the prompt and answers nothing ({reason}){': ' + why if why else ''}. "
        "Change the prompt, or ask for other safetySettings in extra={…}.",
        code=reason,
    )
