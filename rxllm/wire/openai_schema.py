"""The JSON Schema of a pydantic model, in the part of JSON Schema that OpenAI's structured outputs take."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final, cast

from rxllm.errors import ConfigurationError
from rxllm.wire.pydantic_schema import is_open, plain, values, within

if TYPE_CHECKING:
    from rxllm.wire.response_format import Schema

__all__ = ["json_schema", "strict_schema"]

_LONGEST_NAME: Final = 64
_NOT_IN_A_NAME: Final = re.compile(r"[^a-zA-Z0-9_-]+")
_KINDS: Final = frozenset({"type", "$ref", "anyOf"})


def json_schema(wanted: Schema) -> dict[str, Any]:
    """Give what OpenAI wants of a schema: its name too, and of a pydantic model that it is obeyed to the letter.

    A model that has no strict form (a dict of any keys, a set, `Any`) is sent as it is and obeyed as well as may be.

    Args:
        wanted: The schema, and what was said beside it.

    Returns:
        The fields; in which wrapping they stand depends on the API.

    Raises:
        ConfigurationError: See `strict_schema`.
    """
    if not wanted.is_model:
        told = {"description": wanted.description, "strict": wanted.strict}
        return {"name": wanted.name, "schema": wanted.schema} | {k: v for k, v in told.items() if v is not None}
    name = _NOT_IN_A_NAME.sub("_", wanted.name).strip("_")[:_LONGEST_NAME] or "answer"  # a generic one has brackets
    if _is_sayable(plain(wanted.schema)):
        return {"name": name, "strict": True, "schema": strict_schema(wanted.schema)}
    return {"name": name, "strict": False, "schema": wanted.schema}


def strict_schema(schema: dict[str, Any]) -> dict[str, Any]:
    """Fulfil what `strict` demands: each object closed and its properties required, no `$ref` beside other words.

    >>> strict_schema({"type": "object", "properties": {"a": {"type": "string", "default": "b"}}})
    {'type': 'object', 'properties': {'a': {'type': 'string'}}, 'additionalProperties': False, 'required': ['a']}

    Args:
        schema: As pydantic writes it.

    Returns:
        A schema that is taken.

    Raises:
        ConfigurationError: A description stands beside a reference of a type to itself, which cannot be spelled out.
    """
    root = plain(schema)
    try:
        return _strict(root, root)
    except RecursionError:
        raise ConfigurationError(
            "response_format refers to itself in a field that has a description of its own, which OpenAI's strict "
            "schemas cannot say. Leave out the description of that field."
        ) from None


def _strict(schema: dict[str, Any], root: dict[str, Any]) -> dict[str, Any]:
    reference = schema.get("$ref")
    if isinstance(reference, str) and len(schema) > 1:
        target = root["$defs"][reference.removeprefix("#/$defs/")]
        schema = {**target, **{word: value for word, value in schema.items() if word != "$ref"}}
    strict = {word: within(word, value, lambda each: _strict(each, root)) for word, value in schema.items()}
    if schema.get("type") == "object" and "properties" in schema:
        strict["additionalProperties"] = False
        strict["required"] = list(cast("dict[str, Any]", schema["properties"]))
    return strict


def _is_sayable(schema: dict[str, Any]) -> bool:
    """Tell whether there is a strict form: each value has a type, each object names its keys, no array is a set."""
    return not any(is_open(each) or _KINDS.isdisjoint(each) or "uniqueItems" in each for _, each in values(schema))
