"""A model's fields from JSON that is open, in one go: `reader_of_open`."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from pydantic_core import SchemaValidator

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["OpenReader", "reader_of_open"]

OpenReader: TypeAlias = "Callable[[str], tuple[dict[str, Any], None, set[str]]]"

_SHOWN: Final[dict[str, dict[str, Any]]] = {  # strict, or "1 would be 1, and 12 when it has closed
    "bool": {"type": "bool", "strict": True},
    "float": {"type": "float", "strict": True, "allow_inf_nan": False},
    "int": {"type": "int", "strict": True},
    "str": {"type": "str"},
}
_WITHIN: Final = {"list": "items_schema", "nullable": "schema"}
_SAYS_NOTHING: Final = {"metadata", "ref", "type"}


def reader_of_open(schema: Any) -> OpenReader | None:
    """Make what reads an object that is open, if pydantic can tell by itself what may be shown of it.

    It can of text, numbers and truth values, and of lists of these; of a date it cannot, since "2026-11-2" is one.

    >>> from pydantic import BaseModel
    >>> class Row(BaseModel):
    ...     id: int
    ...     name: str = ""
    ...     tags: list[str]
    >>> read = reader_of_open(Row.__pydantic_core_schema__)
    >>> read('{"id": 7, "tags": ["a", "b')[0]
    {'id': 7, 'name': '', 'tags': ['a', 'b']}

    Args:
        schema: A model's core schema.

    Returns:
        What gives the fields' values, of which those that are not there have their default, else None; no extra ones;
        and the names of those that are there. It raises a ValidationError where it is not sure. None if pydantic cannot
        tell.
    """
    if schema["type"] != "model" or schema.get("config", {}).get("extra_fields_behavior") == "allow":
        return None
    fields = {name: _field(field) for name, field in schema["schema"]["fields"].items()}
    if None in fields.values():
        return None
    shown: Any = {**schema["schema"], "fields": fields}
    return partial(SchemaValidator(shown).validate_json, allow_partial="trailing-strings")


def _field(field: Any) -> Any:
    """Give a field the default that it is shown with before it is there."""
    schema, default = field["schema"], None
    if schema["type"] == "default":
        if not schema.keys() <= {*_SAYS_NOTHING, "default", "schema"}:
            return None
        schema, default = schema["schema"], schema.get("default")
    shown = _shown(schema)
    return shown and {**field, "schema": {"type": "default", "schema": shown, "default": default}}


def _shown(schema: Any) -> Any:
    """Give what only takes what may be shown, or None."""
    kind = schema["type"]
    within = _WITHIN.get(kind, "type")
    if not schema.keys() <= {*_SAYS_NOTHING, within}:
        return None
    if kind not in _WITHIN:
        return _SHOWN.get(kind)
    shown = _shown(schema.get(within, {"type": "any"}))
    return shown and {"type": kind, within: shown}
