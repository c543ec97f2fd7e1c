"""A chunk of Gemini's stream: typed where it is text and nothing else, an object with all its fields elsewhere."""

from __future__ import annotations

import json
from typing import Any, Final, TypeAlias, cast

import msgspec

from rxllm.wire.loose_json import REFUSED
from rxllm.wire.surrogates import mended

__all__ = ["Json", "PlainChunk", "decode_plain", "listed", "object_of", "read_chunk"]

Json: TypeAlias = dict[str, Any]


# forbid_unknown_fields: whatever says more than text is refused, and read as an object, so that nothing of it is lost.
class PlainPart(msgspec.Struct, gc=False, forbid_unknown_fields=True):
    """A piece of text, or of a thought's summary."""

    text: str
    thought: bool = False


class PlainContent(msgspec.Struct, gc=False, forbid_unknown_fields=True):
    """What a chunk adds to an answer."""

    parts: list[PlainPart]
    role: str | None = None


class PlainCandidate(msgspec.Struct, gc=False, forbid_unknown_fields=True):
    """An answer that goes on."""

    content: PlainContent
    index: int = 0


class PlainChunk(msgspec.Struct, gc=False, forbid_unknown_fields=True):
    """What most chunks are: the next text of one answer."""

    candidates: tuple[PlainCandidate]
    usageMetadata: Json | None = None  # noqa: N815 - the wire's own name
    modelVersion: str | None = None  # noqa: N815 - the wire's own name
    responseId: str | None = None  # noqa: N815 - the wire's own name


decode_plain: Final = msgspec.json.Decoder(PlainChunk).decode
"""The fast way; where it raises one of `REFUSED`, `read_chunk` decides."""


def read_chunk(payload: bytes) -> Any:
    """Read any JSON; that a part's text begins or ends with half a surrogate pair is left to `Halves`.

    Args:
        payload: An event's data.

    Returns:
        Its value, everywhere else without half a surrogate pair.

    Raises:
        ValueError: It is not JSON.
    """
    try:
        return msgspec.json.decode(payload)
    except REFUSED:  # not quite JSON, perhaps: Python's json decides
        pass
    try:
        raw: Any = json.loads(payload)
        value: Any = mended(raw)
    except RecursionError as error:
        raise ValueError("nested too deeply") from error
    try:
        for said, part in zip(_parts(raw), _parts(value), strict=True):
            if isinstance(part.get("text"), str):
                part["text"] = said["text"]
    except ValueError:  # it is no chunk, and whoever reads its fields says so
        pass
    return value


def _parts(value: Any) -> list[Json]:
    candidates = [object_of(each, "a candidate") for each in listed(object_of(value, "a chunk"), "candidates")]
    contents = [object_of(each.get("content") or {}, "content") for each in candidates]
    return [object_of(part, "a part") for content in contents for part in listed(content, "parts")]


def object_of(value: Any, what: str) -> Json:
    """Take a value for an object.

    Raises:
        ValueError: It is none.
    """
    if isinstance(value, dict):
        return cast("Json", value)
    raise ValueError(f"{what} is no object")


def listed(fields: Json, name: str) -> list[Any]:
    """Take a field for a list; null and a missing one are empty.

    Raises:
        ValueError: It is none.
    """
    value = fields.get(name)
    if value is None:
        return []
    if isinstance(value, list):
        return cast("list[Any]", value)
    raise ValueError(f"`{name}` is no list")
