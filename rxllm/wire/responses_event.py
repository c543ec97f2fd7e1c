"""An event of the Responses format, typed: what each token's event says; the rarer ones are read whole."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final, NamedTuple, cast

import msgspec

from rxllm.items import Usage
from rxllm.wire.faults import fault_of
from rxllm.wire.loose_json import REFUSED, count
from rxllm.wire.surrogates import mended

if TYPE_CHECKING:
    from rxllm.errors import ProviderError

__all__ = ["DELTAS", "WHOLES", "Event", "Place", "decode_event", "failure", "read_event", "usage"]


class Event(msgspec.Struct, gc=False):
    """One event; made and dropped by the thousand, and never part of a cycle."""

    type: str | None = None
    delta: Any = None
    output_index: int | None = None
    content_index: int | None = None
    summary_index: int | None = None
    item_id: str | None = None
    logprobs: Any = None


class Place(NamedTuple):
    """Where an event's text belongs: the kind of item, and the field of it."""

    item: str
    field: str


_PLACES: Final = {
    "response.output_text": Place("message", "output_text"),
    "response.refusal": Place("message", "refusal"),
    "response.reasoning_text": Place("reasoning", "reasoning_text"),
    "response.reasoning_summary_text": Place("reasoning", "summary_text"),
    "response.function_call_arguments": Place("function_call", "arguments"),
    "response.custom_tool_call_input": Place("custom_tool_call", "input"),
}
DELTAS: Final = {f"{name}.delta": place for name, place in _PLACES.items()}
"""The events that bring a piece of text."""

WHOLES: Final = {f"{name}.done": place for name, place in _PLACES.items()}
"""The events that repeat a whole text, which with a few servers is the only time that it comes."""

decode_event: Final = msgspec.json.Decoder(Event).decode
"""The fast way to an event; where it raises one of `REFUSED`, `read_event` decides."""


def read_event(payload: bytes) -> Event:
    """Read an event that msgspec refuses, though JSON's grammar (half a surrogate pair) or Python (NaN) does not.

    Args:
        payload: An event's data.

    Returns:
        The event; its delta may begin or end with half a surrogate pair.

    Raises:
        ValueError: It is not JSON, no object, or a field has another type than it should.
    """
    try:
        value: Any = json.loads(payload)
        if not isinstance(value, dict):
            raise ValueError("it is no object")  # noqa: TRY004 - what came is wrong, not what was called
        fields = cast("dict[str, Any]", value)
        delta = fields.pop("delta", None)
        event = msgspec.convert(mended(fields), Event, strict=False)
        event.delta = delta if isinstance(delta, str) else mended(delta)
    except REFUSED as error:
        raise ValueError(str(error)) from error
    return event


def usage(raw: dict[str, Any]) -> Usage:
    """Map a provider's usage, unchanged.

    >>> usage({"input_tokens": 3, "output_tokens": 1, "input_tokens_details": {"cached_tokens": 2}, "cost": 0.1})
    Usage(input_tokens=3, output_tokens=1, cached_tokens=2, extra={'cost': 0.1})

    Args:
        raw: The object of the wire.

    Returns:
        The item; what it has no field for stands in `extra`.
    """
    rest = {name: value for name, value in raw.items() if value is not None}
    taken = _details(rest, "input_tokens_details")
    given = _details(rest, "output_tokens_details")
    return Usage(
        input_tokens=_tokens(rest, "input_tokens", "prompt_tokens"),
        output_tokens=_tokens(rest, "output_tokens", "completion_tokens"),
        total_tokens=_tokens(rest, "total_tokens"),
        cached_tokens=_tokens(taken, "cached_tokens"),
        cache_write_tokens=_tokens(taken, "cache_write_tokens"),
        reasoning_tokens=_tokens(given, "reasoning_tokens"),
        audio_tokens=_tokens(given, "audio_tokens"),
        extra={name: value for name, value in rest.items() if value != {}} or None,
    )


def _details(rest: dict[str, Any], name: str) -> dict[str, Any]:
    """Give the details, a copy of their own, which stays among the rest with what nobody takes out of it."""
    value = rest.get(name)
    if not isinstance(value, dict):
        return {}
    rest[name] = {k: v for k, v in cast("dict[str, Any]", value).items() if v is not None}
    return cast("dict[str, Any]", rest[name])


def _tokens(fields: dict[str, Any], *names: str) -> int | None:
    """Take the first number out of the fields."""
    return count(*[fields.pop(name, None) for name in names])


# The format's own codes, in words that all formats share.
_MEANING: Final = {
    "invalid_prompt": "invalid_request_error",
    "image_content_policy_violation": "content_policy_violation",
    "vector_store_timeout": "timeout_error",
}


def failure(error: Any) -> ProviderError:
    """Make an exception of a provider's error.

    >>> failure({"code": "invalid_image_url", "message": "No image there."})
    InvalidRequestError('No image there.')

    Args:
        error: The object of an `error` event or of a failed response, its text, or None.

    Returns:
        The exception, by the error's code.
    """
    if not isinstance(error, dict):
        return fault_of(error or "The response failed, and the provider does not say why.")
    fields = cast("dict[str, Any]", error)
    code = str(fields.get("code"))
    meaning = _MEANING.get(code) or ("invalid_request_error" if "image" in code else None)
    try:
        return fault_of({**fields, "error_code": meaning} if meaning else fields)
    except RecursionError:
        return fault_of("The provider reported an error that is nested too deeply to be told.")
