"""The JSON Schema of a pydantic model, in the part of JSON Schema that OpenAI's structured outputs take."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from rxllm.errors import ConfigurationError

if TYPE_CHECKING:
    from rxllm.wire.response_format import Schema

__all__ = ["json_schema", "strict_schema"]


def json_schema(wanted: Schema) -> dict[str, Any]:
    """Give what OpenAI wants of a schema: its name too, and of a pydantic model that it is obeyed to the letter.

    Args:
        wanted: The schema, and what was said beside it.

    Returns:
        The fields; in which wrapping they stand depends on the API.
    """
    if wanted.is_model:
        return {"name": wanted.name, "strict": True, "schema": strict_schema(wanted.schema)}
    told = {"description": wanted.description, "strict": wanted.strict}
    return {"name": wanted.name, "schema": wanted.schema} | {k: v for k, v in told.items() if v is not None}


def strict_schema(schema: dict[str, Any]) -> dict[str, Any]:
    """Fulfil what `strict` demands: each object closed and its properties required, no `$ref` beside other words.

    >>> strict_schema({"type": "object", "properties": {"a": {"type": "string", "default": None}}})
    {'type': 'object', 'properties': {'a': {'type': 'string'}}, 'additionalProperties': False, 'required': ['a']}

    Args:
        schema: As pydantic writes it.

    Returns:
        A schema that is taken.

    Raises:
        ConfigurationError: A description stands beside a reference of a type to itself, which cannot be spelled out.
    """
    try:
        return _strict(schema, schema)
    except RecursionError:
        raise ConfigurationError(
            "response_format refers to itself in a field that has a description of its own, which OpenAI's strict "
            "schemas cannot say. Leave out the description of that field."
        ) from None


def _strict(node: Any, root: dict[str, Any]) -> Any:
    if isinstance(node, list):
        return [_strict(each, root) for each in cast("list[Any]", node)]
    if not isinstance(node, dict):
        return node
    fields = cast("dict[str, Any]", node)
    reference = fields.get("$ref")
    if isinstance(reference, str) and len(fields) > 1:
        target = root["$defs"][reference.removeprefix("#/$defs/")]
        fields = {**target, **{name: value for name, value in fields.items() if name != "$ref"}}
    strict = {name: _strict(value, root) for name, value in fields.items() if not (name == "default" and value is None)}
    if fields.get("type") == "object" and "properties" in fields:
        strict["additionalProperties"] = False
        strict["required"] = list(cast("dict[str, Any]", fields["properties"]))
    return strict
