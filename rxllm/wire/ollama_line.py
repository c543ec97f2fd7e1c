"""A line of Ollama's stream, typed; closed, so that whatever it does not name is noticed and kept."""

from __future__ import annotations

import json
from typing import Any, Final, cast

import msgspec

from rxllm.wire.loose_json import REFUSED
from rxllm.wire.surrogates import mended

__all__ = ["FACTS", "Line", "Spoken", "decode_line", "read_line"]

# gc=False: lines are made and dropped by the thousand and never part of a cycle.


class Spoken(msgspec.Struct, gc=False, forbid_unknown_fields=True):
    """The next piece of the message."""

    role: str | None = None
    content: str | None = None
    thinking: str | None = None
    tool_calls: list[Any] | None = None
    images: list[str] | None = None


class Line(msgspec.Struct, gc=False, forbid_unknown_fields=True):
    """One line; what stands behind `logprobs` comes with the last one only."""

    model: str | None = None
    created_at: Any = None
    message: Spoken | None = None
    done: bool | None = None
    error: Any = None
    remote_model: Any = None
    remote_host: Any = None
    logprobs: list[Any] | None = None
    done_reason: str | None = None
    total_duration: Any = None
    load_duration: Any = None
    prompt_eval_count: Any = None
    prompt_eval_duration: Any = None
    eval_count: Any = None
    eval_duration: Any = None


FACTS: Final = (
    "created_at", "remote_model", "remote_host", "total_duration", "load_duration", "prompt_eval_duration",
    "eval_duration",
)  # fmt: skip
"""What the last line tells beside usage and reason; durations are in nanoseconds."""

decode_line: Final = msgspec.json.Decoder(Line).decode
"""The fast way; where it raises one of `REFUSED`, `read_line` decides."""

_PIECES: Final = ("content", "thinking")


def read_line(payload: bytes) -> tuple[Line | None, dict[str, Any]]:
    """Read a line that has unknown fields, or what only Python's json takes (half a surrogate pair, NaN).

    >>> read_line(b'{"done": false, "weather": "fine"}')[1]
    {'weather': 'fine'}

    Args:
        payload: The line.

    Returns:
        The line, and the fields that it has no name for, those of its message as `message.NAME`; where it is no object,
        None and the value under the empty name. The message's texts may begin or end with half a surrogate pair.

    Raises:
        ValueError: It is not JSON, or a field has another type than it should.
    """
    try:
        raw: Any = json.loads(payload)
        value: Any = mended(raw)
    except RecursionError as error:
        raise ValueError("nested too deeply") from error
    if not isinstance(value, dict):
        return None, {"": value}
    fields = cast("dict[str, Any]", value)
    unknown = {name: fields.pop(name) for name in list(fields) if name not in Line.__struct_fields__}
    if isinstance(fields.get("message"), dict):
        message = cast("dict[str, Any]", fields["message"])
        for name in list(message):
            if name not in Spoken.__struct_fields__:
                unknown[f"message.{name}"] = message.pop(name)
        message |= {name: raw["message"][name] for name in _PIECES if name in message}
    try:
        return msgspec.convert(fields, Line), unknown
    except REFUSED as error:
        raise ValueError(str(error)) from error
