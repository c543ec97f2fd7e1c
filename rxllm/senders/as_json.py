"""An item as JSON, whatever stands in it."""

from __future__ import annotations

from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from typing import Any, Final, cast

import msgspec
from pydantic import BaseModel

from rxllm.wire.surrogates import mended

__all__ = ["as_json"]

_encoder: Final = msgspec.json.Encoder()


def as_json(value: Any) -> bytes:
    r"""Encode an item, on one line.

    A tool's arguments and results may be anything: pydantic models are told by their fields, what JSON has no word for
    as `str` tells it, and half a surrogate pair as U+FFFD.

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
    except (TypeError, ValueError):  # something JSON has no word for, or half a surrogate pair
        return _encoder.encode(mended(_plain(value)))


def _plain(value: Any) -> Any:
    match value:
        case None | bool() | int() | float() | str():
            return value
        case msgspec.Struct():
            return _fields(value)
        case BaseModel():
            return _plain(dict(value))
        case Mapping():
            return {str(key): _plain(each) for key, each in cast("Mapping[Any, Any]", value).items()}
        case list() | tuple() | AbstractSet():
            return [_plain(each) for each in cast("list[Any]", value)]
        case _:
            return str(value)


def _fields(struct: msgspec.Struct) -> dict[str, Any]:
    """Take a struct apart as msgspec would."""
    config = struct.__struct_config__
    tag = {} if config.tag is None else {str(config.tag_field): config.tag}
    told = {field.encode_name: (getattr(struct, field.name), field.default) for field in msgspec.structs.fields(struct)}
    return tag | {
        name: _plain(value)
        for name, (value, default) in told.items()
        if not config.omit_defaults or value is not default
    }
