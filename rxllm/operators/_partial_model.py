"""What may be shown of a pydantic model while it is incomplete: `ModelOf`."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Any, Final, cast

from pydantic import AliasChoices, BaseModel, ConfigDict, create_model
from pydantic_core import to_json

from rxllm.operators._partial_shape import HIDDEN, NOTHING, Raw, Shape
from rxllm.operators._partial_unfinished import Unfinished

if TYPE_CHECKING:
    from collections.abc import Callable

    from pydantic.fields import FieldInfo

__all__ = ["ModelOf"]

_NOT_OF_VALUES: Final = {
    *("alias_generator", "populate_by_name", "serialize_by_alias", "validate_by_alias", "validate_by_name"),
    *("arbitrary_types_allowed", "extra", "from_attributes", "frozen", "validate_assignment"),
    *("json_schema_extra", "protected_namespaces", "title", "use_attribute_docstrings"),
}
"""A model's settings that change nothing of a field's value."""


class ModelOf(Shape):
    """A pydantic model, shown with the fields that are complete and the one that is open.

    Args:
        annotation: As for every shape.
        model: The class.
        shape_of: Tells a field's shape from its annotation.
    """

    opens = dict

    def __init__(self, annotation: Any, model: type[BaseModel], shape_of: Callable[[Any], Shape]) -> None:
        super().__init__(annotation)
        self._model = model
        self._shape_of = shape_of
        self._unfinished = Unfinished(model)

    @cached_property
    def _fields(self) -> dict[str, _Field]:
        model = self._model
        fields = ((name, _Field(model, name, info, self._shape_of)) for name, info in model.model_fields.items())
        return {key: field for name, field in fields for key in _keys(model, name, field.info)}

    def member(self, key: str) -> Shape:
        field = self._fields.get(key)
        return HIDDEN if field is None else field.shape

    def take(self, built: dict[str, Any], key: str, raw: Any) -> None:
        field = self._fields.get(key)
        if field is not None:  # what the model does not know is its own business, at the end
            built[field.name] = field.whole(key, raw)

    def begun(self, raw: Any) -> Any:
        if type(raw) is not dict:
            return super().begun(raw)
        members = cast("dict[str, Any]", raw)
        built: dict[str, Any] = {}
        last = len(members)
        for at, (key, member) in enumerate(members.items(), 1):
            field = self._fields.get(key)
            if field is None:
                continue
            if at == last and type(member) in (str, dict, list):
                value = field.shape.begun(member)
                if value is not NOTHING:
                    built[field.name] = value
            else:
                built[field.name] = field.whole(key, member)
        return self._unfinished.of(built)

    def shown(self, built: dict[str, Any], key: str, inner: Any) -> Any:
        field = self._fields.get(key)
        if inner is not NOTHING and field is not None:
            built = {**built, field.name: inner}
        return self._unfinished.of(built)


class _Field:
    """A field of a model, which can be validated for itself: with its own constraints and the model's settings."""

    def __init__(self, model: type[BaseModel], name: str, info: FieldInfo, shape_of: Callable[[Any], Shape]) -> None:
        self.name = name
        self.info = info
        self._model = model
        self._shape_of = shape_of
        self._is_plain = not info.metadata and model.model_config.keys() <= _NOT_OF_VALUES

    @cached_property
    def shape(self) -> Shape:
        shape = self._shape_of(self.info.annotation)
        shape.takes_any_text &= self._is_plain
        return shape

    @cached_property
    def exact(self) -> tuple[type, ...]:
        """The types of plain values that fit as they are."""
        return self.shape.exact if self._is_plain else ()

    @cached_property
    def _alone(self) -> type[BaseModel]:
        fields: dict[str, Any] = {self.name: (self.info.annotation, self.info)}
        return create_model(self._model.__name__, __config__=ConfigDict(**self._model.model_config), **fields)

    def whole(self, key: str, raw: Any) -> Any:
        """Give what is complete, validated where that is needed."""
        if type(raw) in self.exact or (type(self.shape) is Raw and not self.info.metadata):
            return raw
        json = to_json({key: raw}, inf_nan_mode="constants")
        return getattr(self._alone.model_validate_json(json), self.name)


def _keys(model: type[BaseModel], name: str, info: FieldInfo) -> list[str]:
    """Tell under which keys a field may stand in JSON; a path into other keys is left for the end."""
    alias = info.validation_alias or info.alias
    choices = alias.choices if isinstance(alias, AliasChoices) else [alias]
    keys = [each for each in choices if isinstance(each, str)]
    by_name = model.model_config.get("populate_by_name") or model.model_config.get("validate_by_name")
    return [*keys, name] if alias is None or by_name else keys
