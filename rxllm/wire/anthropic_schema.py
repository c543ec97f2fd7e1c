"""The JSON Schema of a pydantic model, in the part of JSON Schema that Anthropic's structured outputs take."""

from __future__ import annotations

import json
from typing import Any, Final, cast

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
    """
    if "$ref" in schema:  # nothing may stand beside it, but for the definitions at the root
        closed: dict[str, Any] = {"$ref": schema["$ref"]}
        return closed | ({"$defs": _each(schema["$defs"])} if "$defs" in schema else {})
    taken: dict[str, Any] = {}
    refused: dict[str, Any] = {}
    for word, value in schema.items():
        if word in {"properties", "$defs"}:
            taken[word] = _each(value)
        elif word in {"anyOf", "allOf", "oneOf"}:
            taken["anyOf" if word == "oneOf" else word] = [strict_schema(each) for each in cast("list[Any]", value)]
        elif word == "items" and isinstance(value, dict):
            taken[word] = strict_schema(cast("dict[str, Any]", value))
        elif word in _TAKEN or (word == "format" and value in _FORMATS) or (word == "minItems" and value in {0, 1}):
            taken[word] = value
        elif word not in {"additionalProperties", "discriminator", "default"}:
            refused[word] = value
    if taken.get("type") == "object":
        taken["additionalProperties"] = False
    if refused:
        told = json.dumps(refused, ensure_ascii=False)
        taken["description"] = f"{taken['description']} {told}" if taken.get("description") else told
    return taken


def _each(schemas: dict[str, Any]) -> dict[str, Any]:
    return {name: strict_schema(schema) for name, schema in schemas.items()}
