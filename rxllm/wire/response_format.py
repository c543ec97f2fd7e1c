"""What an answer must look like, out of the wrappings in which people know to ask for it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, Literal, cast

import msgspec
from pydantic.errors import PydanticUserError

from rxllm.errors import ConfigurationError
from rxllm.wire.unsayable import check_json, unsayable

if TYPE_CHECKING:
    from pydantic import BaseModel

__all__ = ["Schema", "is_schema", "wanted_format"]

_TYPES: Final = frozenset({"object", "array", "string", "number", "integer", "boolean", "null"})
_WORDS: Final = frozenset({"$ref", "anyOf", "oneOf", "allOf", "enum", "const", "properties"})


class Schema(msgspec.Struct, frozen=True):
    """A JSON Schema, and what was said beside it.

    Args:
        schema: The schema itself.
        name: What to call it.
        strict: Whether the provider must obey it to the letter; None where nobody said.
        description: What the answer is for.
        is_model: Whether it was written by pydantic, so that it may be changed to what a provider takes.
    """

    schema: dict[str, Any]
    name: str = "answer"
    strict: bool | None = None
    description: str | None = None
    is_model: bool = False


def wanted_format(
    asked: dict[str, Any] | str | type[BaseModel] | None, format_name: str
) -> Schema | Literal["json", "text"] | None:
    """Read a request's `response_format`.

    >>> wanted_format({"type": "json_object"}, "X"), wanted_format({"type": "text"}, "X")
    ('json', 'text')
    >>> wanted_format({"type": "json_schema", "json_schema": {"schema": {"type": "string"}}}, "X").schema
    {'type': 'string'}
    >>> wanted_format({"type": "string"}, "X").schema
    {'type': 'string'}

    Args:
        asked: `"json"`, `"text"`, OpenAI's object of either API, a JSON Schema, a pydantic model, or None.
        format_name: The format, as its makers call it.

    Returns:
        The schema, one of the two words, or None.

    Raises:
        ConfigurationError: It is something else, or the model has no schema.
    """
    if asked is None or isinstance(asked, str):
        return cast("Literal['json', 'text'] | None", asked)
    if not isinstance(asked, dict):
        return Schema(_schema_of(asked), asked.__name__, is_model=True)
    kind = asked.get("type")
    if kind == "text":
        return "text"
    if kind == "json_object" and "schema" not in asked:
        return "json"
    wrapper: Any = {"schema": asked} if is_schema(asked) else asked.get("json_schema", asked)
    fields = cast("dict[str, Any]", wrapper) if isinstance(wrapper, dict) else {}
    schema = fields.get("schema")
    if not isinstance(schema, dict):
        advice = (
            'It has no schema. Expected {"type": "json_schema", "json_schema": {"schema": {…}}}, a JSON Schema, '
            'a pydantic model, "json" or "text".'
        )
        raise unsayable("response_format", format_name, advice)
    return Schema(
        cast("dict[str, Any]", schema),
        str(fields.get("name") or "answer"),
        fields.get("strict"),
        fields.get("description"),
    )


def is_schema(asked: dict[str, Any]) -> bool:
    """Tell a bare JSON Schema from an object of a provider's.

    >>> is_schema({"type": "object"}), is_schema({"type": "json_object"})
    (True, False)

    Args:
        asked: A `response_format`.

    Returns:
        Whether it has one of the types or words of JSON Schema.
    """
    kind: Any = asked.get("type")
    kinds = {each for each in cast("list[Any]", kind) if isinstance(each, str)} if isinstance(kind, list) else {kind}
    return kinds <= _TYPES if kind is not None else not _WORDS.isdisjoint(asked)


def _schema_of(model: type[BaseModel]) -> dict[str, Any]:
    try:
        schema = model.model_json_schema()
    except PydanticUserError as error:
        raise ConfigurationError(
            f"response_format is {model.__name__}, of which pydantic makes no JSON Schema: {error}"
        ) from error
    check_json(schema, "response_format")
    return schema
