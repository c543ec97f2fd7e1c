"""A chunk of Chat Completions, typed: only the fields that are used, so that the rest is skipped at C speed."""

from __future__ import annotations

import json
from typing import Any, Final, TypeAlias, cast

import msgspec

from rxllm.items import Usage
from rxllm.wire.loose_json import REFUSED, count, read_json
from rxllm.wire.surrogates import mended_but_ends

__all__ = [
    "Choice",
    "Chunk",
    "Delta",
    "Fragment",
    "decode_chunk",
    "decode_plain",
    "read_chunk",
    "read_name",
    "usage",
]

# gc=False: chunks are made and dropped by the thousand and never part of a cycle.


class Function(msgspec.Struct, gc=False):
    """The function of a tool call; `arguments` is an object with a few providers."""

    name: str | None = None
    arguments: Any = None


class Custom(msgspec.Struct, gc=False):
    """A custom tool's call, whose input is text and no JSON."""

    name: str | None = None
    input: str | None = None


class Fragment(msgspec.Struct, gc=False):
    """A piece of a tool call."""

    index: int | None = None
    id: str | int | None = None
    function: Function | None = None
    custom: Custom | None = None
    extra_content: dict[str, Any] | None = None


class Delta(msgspec.Struct, gc=False):
    """What a chunk adds to a choice."""

    content: str | list[Any] | None = None
    reasoning_content: Any = None
    reasoning: Any = None
    reasoning_details: Any = None
    refusal: str | None = None
    tool_calls: list[Fragment] | None = None
    function_call: Function | None = None
    annotations: Any = None
    audio: Any = None
    images: Any = None


class Choice(msgspec.Struct, gc=False):
    """One choice's part of a chunk; `message` is a snapshot of all so far, not a delta."""

    index: int | None = 0
    delta: Delta | None = None
    finish_reason: str | None = None
    logprobs: Any = None
    message: Delta | None = None
    error: Any = None


Choices: TypeAlias = list[Choice] | None


class Chunk(msgspec.Struct, gc=False):
    """One event; `choices` is UNSET where it is something else than a chunk."""

    choices: Choices | msgspec.UnsetType = msgspec.UNSET
    usage: Any = None
    error: Any = None
    timings: Any = None
    prompt_progress: Any = None
    x_groq: Any = None
    citations: Any = None
    search_results: Any = None


class PlainDelta(msgspec.Struct, gc=False):
    """A delta that is content and nothing else; all that it must not be is spelled out, so that C compares it."""

    content: str
    reasoning_content: None = None
    reasoning: None = None
    reasoning_details: None = None
    refusal: None = None
    tool_calls: None = None
    function_call: None = None
    annotations: None = None
    audio: None = None
    images: None = None


class PlainChoice(msgspec.Struct, gc=False):
    """A choice that goes on."""

    delta: PlainDelta
    index: int = 0
    finish_reason: None = None
    logprobs: None = None
    error: None = None


class PlainChunk(msgspec.Struct, gc=False):
    """What most chunks are: one choice's next text. Any other chunk is refused, and read as a `Chunk`."""

    choices: tuple[PlainChoice]
    usage: None = None
    error: None = None
    timings: None = None
    prompt_progress: None = None
    x_groq: None = None
    citations: None = None
    search_results: None = None


class Name(msgspec.Struct, gc=False):
    """Whose chunk it is; read until it is known, and skipped afterwards."""

    id: Any = None
    model: Any = None


decode_plain: Final = msgspec.json.Decoder(PlainChunk).decode
"""The fastest way, for chunks that fit."""

decode_chunk: Final = msgspec.json.Decoder(Chunk).decode
"""The fast way to a chunk; where it raises one of `REFUSED`, `read_chunk` decides."""

_decode_name: Final = msgspec.json.Decoder(Name).decode


def read_chunk(payload: bytes) -> Chunk:
    """Read a chunk that msgspec refuses, though JSON's grammar (half a surrogate pair) or Python's json (NaN) does not.

    Args:
        payload: An event's data.

    Returns:
        The chunk; a delta's texts may begin or end with half a surrogate pair.

    Raises:
        ValueError: It is not JSON, or a field has another type than it should.
    """
    try:
        return msgspec.convert(mended_but_ends(json.loads(payload)), Chunk, strict=False)
    except REFUSED as error:
        raise ValueError(str(error)) from error


def read_name(payload: bytes) -> tuple[str | None, str | None]:
    """Read a chunk's id and model.

    Args:
        payload: An event's data.

    Returns:
        Both; None for each that is missing or empty.
    """
    try:
        name = _decode_name(payload)
    except REFUSED:
        name = msgspec.convert(read_json(payload), Name)
    return (str(name.id) if name.id else None), (str(name.model) if name.model else None)


_USAGE_MAPPED: Final = frozenset(
    {"prompt_tokens", "completion_tokens", "total_tokens", "input_tokens", "output_tokens"}
)
_DETAILS_MAPPED: Final = {
    "prompt_tokens_details": frozenset({"cached_tokens", "cache_write_tokens"}),
    "completion_tokens_details": frozenset({"reasoning_tokens", "audio_tokens"}),
}


def usage(raw: dict[str, Any]) -> Usage:
    """Map a provider's usage, unchanged.

    >>> usage({"prompt_tokens": 3, "completion_tokens": 1, "prompt_tokens_details": {"cached_tokens": 2}})
    Usage(input_tokens=3, output_tokens=1, cached_tokens=2)

    Args:
        raw: The object of the wire.

    Returns:
        The item; what it has no field for stands in `extra`.
    """
    prompt = _details(raw, "prompt_tokens_details")
    completion = _details(raw, "completion_tokens_details")
    extra: dict[str, Any] = {}
    for name, value in raw.items():
        mapped = _DETAILS_MAPPED.get(name)
        if mapped is not None and isinstance(value, dict):
            details = cast("dict[str, Any]", value)
            if rest := {k: v for k, v in details.items() if k not in mapped and v is not None}:
                extra[name] = rest
        elif name not in _USAGE_MAPPED and value is not None:
            extra[name] = value
    return Usage(
        input_tokens=count(raw.get("prompt_tokens"), raw.get("input_tokens")),
        output_tokens=count(raw.get("completion_tokens"), raw.get("output_tokens")),
        total_tokens=count(raw.get("total_tokens")),
        cached_tokens=count(
            prompt.get("cached_tokens"), raw.get("prompt_cache_hit_tokens"), raw.get("cache_read_input_tokens")
        ),
        cache_write_tokens=count(prompt.get("cache_write_tokens"), raw.get("cache_creation_input_tokens")),
        reasoning_tokens=count(completion.get("reasoning_tokens"), raw.get("reasoning_tokens")),
        audio_tokens=count(completion.get("audio_tokens")),
        extra=extra or None,
    )


def _details(raw: dict[str, Any], name: str) -> dict[str, Any]:
    value = raw.get(name)
    return cast("dict[str, Any]", value) if isinstance(value, dict) else {}
