"""Whether pydantic makes the same of plain values as of JSON: `is_alike`."""

from __future__ import annotations

from typing import Any, Final

__all__ = ["is_alike"]

_ALIKE: Final = {
    *("any", "bool", "date", "datetime", "enum", "float", "int", "literal", "none", "str", "time", "uuid"),
    *("default", "definition-ref", "definitions", "dict", "list", "model", "model-field", "model-fields", "nullable"),
}
"""Unions are not, since what fits one of their types exactly in JSON need not in Python; nor is what has a validator
of a user's, who may tell the two apart; nor a Decimal, which is made of JSON's digits and not of a float."""
_WITHIN: Final = ("schema", "items_schema", "keys_schema", "values_schema", "extras_schema", "extras_keys_schema")
_PLAIN: Final = (str, int, type(None))


def is_alike(schema: Any) -> bool:
    """Tell whether it does not matter if pydantic reads JSON or what `json.loads` makes of it, or instances in this.

    >>> from pydantic import BaseModel, TypeAdapter
    >>> class Row(BaseModel):
    ...     id: int
    >>> is_alike(TypeAdapter(list[Row]).core_schema), is_alike(TypeAdapter(list[int | str]).core_schema)
    (True, False)

    Args:
        schema: What pydantic validates by, its core schema.

    Returns:
        Whether it is made of nothing but types for which that holds.
    """
    if schema["type"] not in _ALIKE or schema.get("strict"):
        return False
    if schema["type"] == "model" and not _is_plain_model(schema):
        return False
    if schema["type"] == "literal" and not all(isinstance(each, _PLAIN) for each in schema["expected"]):
        return False
    within = [schema[key] for key in _WITHIN if isinstance(schema.get(key), dict)]
    within += schema.get("definitions", ())
    within += schema["fields"].values() if schema["type"] == "model-fields" else ()
    return all(map(is_alike, within))


def _is_plain_model(schema: Any) -> bool:
    """Tell whether an instance is taken as it is, and nothing of the class sees it."""
    config = schema.get("config", {})
    is_kept = config.get("revalidate_instances", "never") == "never" and not config.get("strict")
    return is_kept and not any(schema.get(key) for key in ("custom_init", "post_init", "root_model"))
