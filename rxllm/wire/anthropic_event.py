"""An event of Anthropic Messages, typed: only what each token needs, so that the rest is skipped at C speed."""

from __future__ import annotations

import json
from typing import Any, Final, cast

import msgspec

from rxllm.items import Usage
from rxllm.wire.loose_json import REFUSED, count
from rxllm.wire.surrogates import mended

__all__ = ["Delta", "Event", "decode_event", "read_event", "usage"]

# gc=False: events are made and dropped by the thousand and never part of a cycle.


class Delta(msgspec.Struct, gc=False):
    """What an event adds to a block; of the four texts there is the one that `type` names."""

    type: str | None = None
    text: str | None = None
    thinking: str | None = None
    partial_json: str | None = None
    signature: str | None = None


class Event(msgspec.Struct, gc=False):
    """One event; `type` is empty where it is something else. The rarer kinds are read again, as plain JSON."""

    type: str = ""
    index: int | None = None
    delta: Delta | None = None


decode_event: Final = msgspec.json.Decoder(Event).decode
"""The fast way to an event; where it raises one of `REFUSED`, `read_event` decides."""

_PIECES: Final = ("text", "thinking", "partial_json")


def read_event(payload: bytes) -> Event:
    r"""Read an event that msgspec refuses, though JSON's grammar (half a surrogate pair) or Python (NaN) does not.

    >>> read_event(b'{"type": "content_block_delta", "delta": {"text": "\\ud83d"}, "x": NaN}').delta.text
    '\ud83d'

    Args:
        payload: An event's data.

    Returns:
        The event; its delta's texts may hold halves of surrogate pairs.

    Raises:
        ValueError: It is not JSON, or a field has another type than it should.
    """
    try:
        value = json.loads(payload)
        pieces: dict[str, Any] = {}
        if isinstance(value, dict):
            delta = cast("dict[str, Any]", value).get("delta")
            if isinstance(delta, dict):
                fields = cast("dict[str, Any]", delta)
                pieces = {name: fields.pop(name) for name in _PIECES if isinstance(fields.get(name), str)}
        event = msgspec.convert(mended(value), Event)
    except REFUSED as error:
        raise ValueError(str(error)) from error
    if event.delta is not None:
        for name, piece in pieces.items():
            setattr(event.delta, name, piece)
    return event


_MAPPED: Final = frozenset({"input_tokens", "output_tokens", "cache_read_input_tokens", "cache_creation_input_tokens"})


def usage(raw: dict[str, Any]) -> Usage:
    """Map a provider's usage, unchanged: its `input_tokens` leaves out what the cache gave and took.

    >>> usage({"input_tokens": 3, "output_tokens": 1, "cache_read_input_tokens": 2, "service_tier": "standard"})
    Usage(input_tokens=3, output_tokens=1, cached_tokens=2, extra={'service_tier': 'standard'})

    Args:
        raw: The object of the wire.

    Returns:
        The item; what it has no field for stands in `extra`.
    """
    details: Any = raw.get("output_tokens_details")
    thinking: Any = cast("dict[str, Any]", details).get("thinking_tokens") if isinstance(details, dict) else None
    extra = {name: value for name, value in raw.items() if name not in _MAPPED and value is not None}
    return Usage(
        input_tokens=count(raw.get("input_tokens")),
        output_tokens=count(raw.get("output_tokens")),
        cached_tokens=count(raw.get("cache_read_input_tokens")),
        cache_write_tokens=count(raw.get("cache_creation_input_tokens")),
        reasoning_tokens=count(thinking),
        extra=extra or None,
    )
