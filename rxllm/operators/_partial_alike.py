"""Whether pydantic makes the same of plain values as of JSON: `is_alike`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["is_alike"]

_ALIKE: Final = {
    *("any", "bool", "date", "datetime", "enum", "float", "int", "literal", "none", "str", "time", "uuid"),
    *("default", "definition-ref", "definitions", "dict", "list", "model", "model-field", "model-fields", "nullable"),
}
"""Unions are not, since what fits one of their types exactly in JSON need not in Python; nor is what has a validator
of a user's, who may tell the two apart; nor a Decimal, which is made of JSON's digits and not of a float."""
_WITHIN: Final = ("schema", "items_schema", "values_schema", "extras_schema")
_PLAIN: Final = (str, int, type(None))
_KEYS: Final = {"any", "int", "str"}
_SETTINGS: Final = {"extra_fields_behavior", "from_attributes", "title"}


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
    kind = schema["type"]
    if kind not in _ALIKE or schema.get("strict") or schema.get("coerce_numbers_to_str"):
        return False
    if kind in _CHECKS and not _CHECKS[kind](schema):
        return False
    within = [schema[key] for key in _WITHIN if isinstance(schema.get(key), dict)]
    within += schema.get("definitions", ())
    within += schema["fields"].values() if kind == "model-fields" else ()
    return all(map(is_alike, within))


def _is_plain_model(schema: Any) -> bool:
    """Tell whether an instance is taken as it is, and nothing of the class sees it."""
    is_own = any(schema.get(key) for key in ("custom_init", "post_init", "root_model"))
    return not is_own and schema.get("config", {}).keys() <= _SETTINGS


def _has_one_key_each(schema: Any) -> bool:
    """Tell whether what stands under a key is read by one field at most."""
    keys = [field.get("validation_alias", name) for name, field in schema["fields"].items()]
    return all(isinstance(key, str) for key in keys) and len({*keys}) == len(keys)


_CHECKS: Final[dict[str, Callable[[Any], bool]]] = {
    "dict": lambda schema: schema.get("keys_schema", {"type": "any"})["type"] in _KEYS,
    "literal": lambda schema: all(isinstance(each, _PLAIN) for each in schema["expected"]),
    "model": _is_plain_model,
    "model-fields": _has_one_key_each,
}
"""What else must hold of some."""
