"""What may be shown of an object while it is incomplete: the shape of an annotation."""

from __future__ import annotations

import types
from enum import Enum
from functools import cached_property
from typing import TYPE_CHECKING, Annotated, Any, Final, Union, get_args, get_origin

from pydantic import AliasChoices, BaseModel, ConfigDict, RootModel, TypeAdapter, ValidationError, create_model
from pydantic_core import to_json

from rxllm.errors import DecodeError
from rxllm.operators._json_path import Place, path_text

if TYPE_CHECKING:
    from pydantic.fields import FieldInfo

__all__ = ["NOTHING", "Raw", "Shape", "Text", "misfit", "shape_of"]

_MOST_TOLD: Final = 3
_UNCHANGING: Final = (str, int, float, type(None), Enum)
NOTHING: Final = object()
"""No member is open."""


class Shape:
    """A value that is not shown before it is whole: a number, a date, a union of models."""

    opens: type = type(None)
    """What JSON builds for it, where it can be shown while that grows."""
    takes_any_text = False
    """Whether a string is shown as it is, complete or not, or never."""

    def __init__(self, annotation: Any) -> None:
        self.annotation = annotation

    @cached_property
    def _validator(self) -> Any:
        return TypeAdapter(self.annotation).validator

    def whole(self, raw: Any) -> Any:
        """Validate what is complete, as pydantic validates JSON, which is more than Python's values in strict mode.

        Args:
            raw: Plain values.

        Returns:
            What the annotation makes of them.

        Raises:
            ValidationError: They do not fit.
        """
        return self._validator.validate_json(to_json(raw, inf_nan_mode="constants"))

    def member(self, key: str) -> Shape:
        """Give the shape of a member."""
        raise NotImplementedError

    def take(self, built: Any, key: str, raw: Any) -> None:
        """Add a member that is complete to what is built."""
        raise NotImplementedError

    def shown(self, built: Any, key: str, inner: Any) -> Any:
        """Make the object of its complete members and the one that is open, or `NOTHING`."""
        raise NotImplementedError


class Raw(Shape):
    """Plain values, shown as they are."""

    def __init__(self, annotation: Any, opens: type) -> None:
        super().__init__(annotation)
        self.opens = opens

    def whole(self, raw: Any) -> Any:
        return raw


class Text(Shape):
    """A string, shown as far as it goes."""

    opens = str

    def __init__(self, annotation: Any) -> None:
        super().__init__(annotation)
        self.takes_any_text = annotation in (str, str | None)


class ListOf(Shape):
    """A list, shown with the members that are complete and the one that is open."""

    opens = list

    def __init__(self, annotation: Any, member: Shape) -> None:
        super().__init__(annotation)
        self._member = member

    def member(self, key: str) -> Shape:  # noqa: ARG002 - all have one shape
        return self._member

    def take(self, built: list[Any], key: str, raw: Any) -> None:  # noqa: ARG002 - a list has no keys
        built.append(self._member.whole(raw))

    def shown(self, built: list[Any], key: str, inner: Any) -> Any:  # noqa: ARG002 - as above
        return built.copy() if inner is NOTHING else [*built, inner]


class MapOf(ListOf):
    """A dict of one shape."""

    opens = dict

    def take(self, built: Any, key: str, raw: Any) -> None:
        built[key] = self._member.whole(raw)

    def shown(self, built: Any, key: str, inner: Any) -> Any:
        return built.copy() if inner is NOTHING else {**built, key: inner}


class ModelOf(Shape):
    """A pydantic model, shown with the fields that are complete and the one that is open."""

    opens = dict

    def __init__(self, annotation: Any, model: type[BaseModel]) -> None:
        super().__init__(annotation)
        self._model = model

    @cached_property
    def _fields(self) -> dict[str, _Field]:
        fields = ((name, _Field(self._model, name, info)) for name, info in self._model.model_fields.items())
        return {key: field for name, field in fields for key in _keys(self._model, name, field.info)}

    @cached_property
    def _missing(self) -> dict[str, None]:
        return dict.fromkeys(name for name, info in self._model.model_fields.items() if info.is_required())

    @cached_property
    def _shown(self) -> type[BaseModel]:
        """The model, or one that is the same but for a hook that must not see half an object."""
        if self._model.model_post_init is BaseModel.model_post_init:
            return self._model

        class Shown(self._model):
            def model_post_init(self, context: Any, /) -> None: ...

        Shown.__name__ = self._model.__name__
        return Shown

    @cached_property
    def _blank(self) -> BaseModel | None:
        """The model without any field, to be copied, which is faster; None where each one has defaults of its own."""
        infos = self._model.model_fields.values()
        if not all(info.is_required() or _is_shared(info) for info in infos):
            return None
        return self._shown.model_construct(set(), **self._missing)

    def member(self, key: str) -> Shape:
        field = self._fields.get(key)
        return _HIDDEN if field is None else field.shape

    def take(self, built: dict[str, Any], key: str, raw: Any) -> None:
        field = self._fields.get(key)
        if field is not None:  # what the model does not know is its own business, at the end
            built[field.name] = field.whole(key, raw)

    def shown(self, built: dict[str, Any], key: str, inner: Any) -> Any:
        field = self._fields.get(key)
        if inner is not NOTHING and field is not None:
            built = {**built, field.name: inner}
        if self._blank is None:
            return self._shown.model_construct(set(built), **{**self._missing, **built})
        return self._blank.model_copy(update=built)


class _Field:
    """A field of a model, which can be validated for itself: with its own constraints and the model's settings."""

    def __init__(self, model: type[BaseModel], name: str, info: FieldInfo) -> None:
        self.name = name
        self.info = info
        self._model = model

    @cached_property
    def shape(self) -> Shape:
        shape = shape_of(self.info.annotation)
        if self.info.metadata or self._model.model_config:
            shape.takes_any_text = False
        return shape

    @cached_property
    def _alone(self) -> type[BaseModel]:
        fields: dict[str, Any] = {self.name: (self.info.annotation, self.info)}
        return create_model(self._model.__name__, __config__=ConfigDict(**self._model.model_config), **fields)

    @cached_property
    def _exact(self) -> type | None:
        """The type of plain values that fit as they are: where there are neither constraints nor settings."""
        annotation: Any = self.info.annotation
        is_plain = annotation in (str, int, bool) and not self.info.metadata and not self._model.model_config
        return annotation if is_plain else None

    def whole(self, key: str, raw: Any) -> Any:
        if type(self.shape) is Raw and not self.info.metadata:
            return raw
        if type(raw) is self._exact:
            return raw
        json = to_json({key: raw}, inf_nan_mode="constants")
        return getattr(self._alone.model_validate_json(json), self.name)


def _is_shared(info: FieldInfo) -> bool:
    return info.default_factory is None and isinstance(info.default, _UNCHANGING)


class Hidden(Shape):
    """A member that the model does not know, never shown."""

    takes_any_text = True


_HIDDEN: Final = Hidden(Any)


def shape_of(annotation: Any) -> Shape:
    """Tell what may be shown of a value while it is incomplete.

    >>> type(shape_of(dict)).__name__, type(shape_of(list[str] | None)).__name__, type(shape_of(int)).__name__
    ('Raw', 'ListOf', 'Shape')

    Args:
        annotation: What pydantic would validate.

    Returns:
        Its shape.
    """
    inner = _bare(annotation)
    origin, arguments = get_origin(inner) or inner, get_args(inner)
    if origin in (Any, object) or (origin in (dict, list) and not arguments):
        return Raw(annotation, origin if origin in (dict, list) else object)
    if origin is str:
        return Text(annotation)
    if origin is list:
        return ListOf(annotation, shape_of(arguments[0]))
    if origin is dict and _bare(arguments[0]) is str:
        return MapOf(annotation, shape_of(arguments[1]))
    if isinstance(inner, type) and issubclass(inner, BaseModel) and not issubclass(inner, RootModel):
        return ModelOf(annotation, inner)
    return Shape(annotation)


def _bare(annotation: Any) -> Any:
    """Leave out constraints, and None beside one other type; with several, only a string can be told before its end."""
    while get_origin(annotation) is Annotated:
        annotation = get_args(annotation)[0]
    if get_origin(annotation) in (Union, types.UnionType):
        others = [each for each in get_args(annotation) if each is not type(None)]
        if len(others) == 1:
            return _bare(others[0])
        if str in others:
            return str
    return annotation


def _keys(model: type[BaseModel], name: str, info: FieldInfo) -> list[str]:
    """Tell under which keys a field may stand in JSON; a path into other keys is left for the end."""
    alias = info.validation_alias or info.alias
    choices = alias.choices if isinstance(alias, AliasChoices) else [alias]
    keys = [each for each in choices if isinstance(each, str)]
    by_name = model.model_config.get("populate_by_name") or model.model_config.get("validate_by_name")
    return [*keys, name] if alias is None or by_name else keys


def misfit(invalid: ValidationError, place: Place) -> DecodeError:
    """Tell what does not fit, without quoting it, as pydantic's own message does.

    Args:
        invalid: What pydantic found.
        place: Where the value stands that it looked at.

    Returns:
        The error.
    """
    errors = invalid.errors(include_url=False, include_context=False, include_input=False)
    told = "; ".join(f"{'.'.join(str(step) for step in each['loc'])}: {each['msg']}" for each in errors[:_MOST_TOLD])
    more = f"; and {len(errors) - _MOST_TOLD} more" if len(errors) > _MOST_TOLD else ""
    return DecodeError(
        f"The JSON at {path_text(place)} does not fit {invalid.title}: {told}{more}. Ask for the model's JSON schema "
        "(response_format), or allow for it in the model.",
        format="json",
    )
