"""The JSON Schema of a pydantic model, in the part of JSON Schema that Anthropic's structured outputs take."""

from __future__ import annotations

import json
from typing import Any, Final

from rxllm.wire.anthropic_messages import API
from rxllm.wire.pydantic_schema import is_open, plain, values, within
from rxllm.wire.unsayable import unsayable

__all__ = ["strict_schema"]

_TAKEN: Final = frozenset(
    {"type", "description", "title", "enum", "const", "items", "properties", "required", "anyOf", "allOf", "$defs"}
)
_FORMATS: Final = frozenset(
    {"date-time", "time", "date", "duration", "email", "hostname", "uri", "ipv4", "ipv6", "uuid"}
)


def strict_schema(schema: dict[str, Any]) -> dict[str, Any]:
    """Close each object, and move what would be refused into the description, where the model at least reads it.

    >>> strict_schema({"type": "integer", "minimum": 1, "description": "How many."})
    {'type': 'integer', 'description': 'How many. {"minimum": 1}'}

    Args:
        schema: As pydantic writes it.

    Returns:
        A schema that is taken.

    Raises:
        ConfigurationError: A field is an object of any keys; it is named.
    """
    for place, each in values(schema):
        if is_open(each):
            raise unsayable(
                f"response_format{place}",
                API,
                "It is an object of any keys (a dict), and there each key must be known beforehand. Make it a list of "
                "objects with a key and a value, or a model with the keys as its fields.",
            )
    return _strict(plain(schema))


def _strict(schema: dict[str, Any]) -> dict[str, Any]:
    if "$ref" in schema:  # nothing may stand beside it, but for the definitions at the root
        return {word: within(word, schema[word], _strict) for word in ("$ref", "$defs") if word in schema}
    taken: dict[str, Any] = {}
    refused: dict[str, Any] = {}
    for word, value in schema.items():
        if word in _TAKEN or (word == "format" and value in _FORMATS) or (word == "minItems" and value in {0, 1}):
            taken[word] = within(word, value, _strict)
        elif word != "additionalProperties":
            refused[word] = value
    if taken.get("type") == "object":
        taken["additionalProperties"] = False
    if refused:
        told = json.dumps(refused, ensure_ascii=False)
        taken["description"] = f"{taken['description']} {told}" if taken.get("description") else told
    return taken
