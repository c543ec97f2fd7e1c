"""The JSON Schema that pydantic writes of a model, as far as the strict forms of all providers want the same of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, cast

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

__all__ = ["is_open", "plain", "values", "within"]

_BY_NAME: Final = ("properties", "$defs")
_SEVERAL: Final = ("anyOf", "oneOf", "allOf", "prefixItems")


def plain(schema: dict[str, Any]) -> dict[str, Any]:
    """Leave out what is refused and says nothing there: a default, where every field is written, and a discriminator.

    >>> plain({"oneOf": [{"type": "integer", "default": 3}, {"type": "null"}], "discriminator": {}})
    {'anyOf': [{'type': 'integer'}, {'type': 'null'}]}

    Args:
        schema: As pydantic writes it.

    Returns:
        A schema of the same values.
    """
    return {
        "anyOf" if word == "oneOf" else word: within(word, value, plain)
        for word, value in schema.items()
        if word not in {"default", "discriminator"}
    }


def within(word: str, value: Any, change: Callable[[dict[str, Any]], dict[str, Any]]) -> Any:
    """Change the schemas behind a word; a field may have the name of any word, and an `enum` hold what looks like one.

    Args:
        word: A word of JSON Schema.
        value: What it says.
        change: Applied to each schema that stands directly in the value.

    Returns:
        The value, changed; the same where the word is of something else.
    """
    if word in _BY_NAME:
        return {name: change(each) for name, each in cast("dict[str, dict[str, Any]]", value).items()}
    if word in _SEVERAL:
        return [change(each) for each in cast("list[dict[str, Any]]", value)]
    return change(cast("dict[str, Any]", value)) if word == "items" and isinstance(value, dict) else value


def values(schema: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Go through all that an answer may hold.

    >>> trips = {"type": "array", "items": {"$ref": "#/$defs/Trip"}}
    >>> trip = {"type": "object", "properties": {"days": {"type": "integer"}}}
    >>> [place for place, _ in values({"properties": {"trips": trips}, "$defs": {"Trip": trip}})]
    ['', '.trips', '.trips[]', '.trips[]', '.trips[].days']

    Args:
        schema: As pydantic writes it.

    Yields:
        The place of a value in the answer, and its schema; what is referred to stands at the first place only.
    """
    yield from _values(schema, "", dict(schema.get("$defs", {})))


def _values(schema: dict[str, Any], place: str, unread: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    yield place, schema
    referred = unread.pop(str(schema.get("$ref")).removeprefix("#/$defs/"), None)
    if referred is not None:
        yield from _values(referred, place, unread)
    for name, each in schema.get("properties", {}).items():
        yield from _values(each, f"{place}.{name}", unread)
    for word in _SEVERAL:
        for each in schema.get(word, ()):
            yield from _values(each, place, unread)
    if isinstance(schema.get("items"), dict):
        yield from _values(schema["items"], f"{place}[]", unread)


def is_open(schema: dict[str, Any]) -> bool:
    """Tell an object whose keys are not known beforehand, as a dict's are; closed, it could only be empty.

    >>> is_open({"type": "object", "additionalProperties": {"type": "integer"}}), is_open({"type": "object"})
    (True, True)
    >>> is_open({"type": "object", "properties": {"a": {}}, "additionalProperties": True})
    False

    Args:
        schema: Of one value.

    Returns:
        Whether it is one; not if keys may be added to those that it names, for the model need not add any.
    """
    if schema.get("type") != "object":
        return False
    more = schema.get("additionalProperties", "properties" not in schema)
    return isinstance(more, dict) or (more is True and not schema.get("properties"))
