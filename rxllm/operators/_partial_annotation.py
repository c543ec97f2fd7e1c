"""The shape of an annotation: `shape_of`."""

from __future__ import annotations

import types
from typing import Annotated, Any, Final, Union, get_args, get_origin

from pydantic import BaseModel, BeforeValidator, ConfigDict, PlainValidator, RootModel, WrapValidator

from rxllm.operators._partial_model import ModelOf
from rxllm.operators._partial_shape import ListOf, MapOf, Raw, Shape, Text

__all__ = ["shape_of"]

_GETS_IT_FIRST: Final = (BeforeValidator, PlainValidator, WrapValidator)


def shape_of(annotation: Any, config: ConfigDict | None = None) -> Shape:
    """Tell what may be shown of a value while it is incomplete.

    >>> type(shape_of(dict)).__name__, type(shape_of(list[str] | None)).__name__, type(shape_of(int)).__name__
    ('Raw', 'ListOf', 'Shape')

    Args:
        annotation: What pydantic would validate.
        config: The settings of the model in which it stands, if it stands in one.

    Returns:
        Its shape.
    """
    inner, marks = _bare(annotation)
    shape = _shape_of(annotation, inner, config, is_marked=bool(marks))
    shape.is_lenient |= any(isinstance(mark, _GETS_IT_FIRST) for mark in marks)
    return shape


def _shape_of(annotation: Any, inner: Any, config: ConfigDict | None, *, is_marked: bool) -> Shape:
    origin, arguments = get_origin(inner) or inner, get_args(inner)
    if origin in (Any, object) or (origin in (dict, list) and not arguments):
        return Raw(annotation, origin if origin in (dict, list) else object, is_marked=is_marked)
    if origin is str:
        return Text(annotation, config)
    if origin is list:
        return ListOf(annotation, config, shape_of(arguments[0], config))
    if origin is dict and _bare(arguments[0])[0] is str:
        return MapOf(annotation, config, shape_of(arguments[1], config))
    if isinstance(inner, type) and issubclass(inner, BaseModel) and not issubclass(inner, RootModel):
        return ModelOf(annotation, inner, shape_of)
    return Shape(annotation, config)


def _bare(annotation: Any) -> tuple[Any, list[Any]]:
    """Leave out constraints, and None beside one other type; with several, only a string can be told before its end.

    Returns:
        What is left, and the constraints.
    """
    marks: list[Any] = []
    while True:
        if get_origin(annotation) is Annotated:
            annotation, *more = get_args(annotation)
            marks += more
            continue
        if get_origin(annotation) not in (Union, types.UnionType):
            return annotation, marks
        others = [each for each in get_args(annotation) if each is not type(None)]
        if len(others) != 1:
            return (str if str in others else annotation), marks
        annotation = others[0]
