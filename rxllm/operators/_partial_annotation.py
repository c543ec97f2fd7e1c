"""The shape of an annotation: `shape_of`."""

from __future__ import annotations

import types
from typing import Annotated, Any, Union, get_args, get_origin

from pydantic import BaseModel, RootModel

from rxllm.operators._partial_model import ModelOf
from rxllm.operators._partial_shape import ListOf, MapOf, Raw, Shape, Text

__all__ = ["shape_of"]


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
        return ModelOf(annotation, inner, shape_of)
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
