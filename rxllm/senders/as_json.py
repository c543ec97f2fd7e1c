"""An item as JSON, whatever stands in it."""

from __future__ import annotations

from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from typing import Any, Final, cast

import msgspec
from pydantic import BaseModel

from rxllm.wire.surrogates import mended

__all__ = ["as_json"]

_DEEPEST: Final = 100  # containers within containers; a reader of JSON has its limits too


def as_json(value: Any) -> bytes:
    r"""Encode an item, on one line.

    A tool's arguments and results may be anything: pydantic models are told as they dump themselves, what JSON has no
    word for as `str` tells it, half a surrogate pair as U+FFFD, and what holds itself as "…" where it comes again.

    >>> from rxllm.items import TextDelta
    >>> as_json(TextDelta("a\nb"))
    b'{"kind":"TextDelta","text":"a\\nb"}'
    >>> from rxllm.turn_items import ToolCompleted
    >>> as_json(ToolCompleted(0, "area", 1.5, {(1, 2): 3j}))
    b'{"kind":"ToolCompleted","call":0,"name":"area","duration_ms":1.5,"result":{"(1, 2)":"3j"}}'

    Args:
        value: An item, a `Stamped`, or what a pipe made of them.

    Returns:
        UTF-8, without a line end.
    """
    try:
        return _encoder.encode(value)
    except Exception:  # noqa: BLE001 - a key that is no str, half a surrogate pair, a list in itself, a user's own code
        return _encoder.encode(_plain(value, ()))


def _word(value: Any) -> Any:
    """Put something that msgspec takes in the place of what it does not know."""
    if isinstance(value, BaseModel):
        return value.model_dump(warnings=False)
    return _said(value)


_encoder: Final = msgspec.json.Encoder(enc_hook=_word)


def _plain(value: Any, within: tuple[int, ...]) -> Any:
    """Take a value apart by hand; whatever part of it cannot be told is told by its type."""
    if isinstance(value, str):
        return mended(value)
    if id(value) in within or len(within) == _DEEPEST:
        return "…"
    inside = (*within, id(value))
    try:
        if isinstance(value, BaseModel):
            value = _word(value)
        elif isinstance(value, msgspec.Struct):
            value = _fields(value)
        if isinstance(value, Mapping):
            given = cast("Mapping[Any, Any]", value)
            return {mended(_said(key)): _plain(each, inside) for key, each in given.items()}
        if isinstance(value, (list, tuple, AbstractSet)):
            return [_plain(each, inside) for each in cast("list[Any]", value)]
        return msgspec.Raw(_encoder.encode(value))
    except Exception:  # noqa: BLE001 - a user's own code, or a dataclass in itself
        return mended(_said(value))


def _fields(struct: msgspec.Struct) -> dict[str, Any]:
    """Take a struct apart as msgspec would."""
    config = struct.__struct_config__
    tag = {} if config.tag is None else {str(config.tag_field): config.tag}
    told = {field.encode_name: (getattr(struct, field.name), field.default) for field in msgspec.structs.fields(struct)}
    return tag | {
        name: value for name, (value, default) in told.items() if not config.omit_defaults or value is not default
    }


def _said(value: Any) -> str:
    try:
        return str(value)
    except Exception:  # noqa: BLE001 - a user's own code
        return f"<{type(value).__name__}>"
