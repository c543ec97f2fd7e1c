"""Instances of a model of which only some fields have come: `Unfinished`."""

from __future__ import annotations

from copy import deepcopy
from functools import cached_property
from itertools import takewhile
from typing import TYPE_CHECKING, Any, Final

from pydantic import BaseModel
from pydantic_core import PydanticUndefined

if TYPE_CHECKING:
    from collections.abc import Callable

    from pydantic.fields import FieldInfo, ModelPrivateAttr

__all__ = ["Unfinished"]

_CONTAINERS: Final = (dict, list, set)
# What pydantic documents of an instance, set by its slots, in a third of the time that a copy takes.
_SET_VALUES: Final = vars(BaseModel)["__dict__"].__set__
_SET_NAMES: Final = vars(BaseModel)["__pydantic_fields_set__"].__set__
_SET_EXTRA: Final = vars(BaseModel)["__pydantic_extra__"].__set__
_SET_PRIVATE: Final = vars(BaseModel)["__pydantic_private__"].__set__


class Unfinished:
    """Makes a model's instances of the fields that are there; the others have their default, else None.

    Unlike `model_construct`, it calls no hook, and it is fast: a live table makes two for each look at it.

    >>> class Book(BaseModel):
    ...     title: str
    ...     pages: int = 0
    >>> book = Unfinished(Book).of({"pages": 3})
    >>> book, book.model_fields_set
    (Book(title=None, pages=3), {'pages'})

    Args:
        model: The class.
    """

    def __init__(self, model: type[BaseModel]) -> None:
        self._model = model

    @cached_property
    def of(self) -> Callable[[dict[str, Any]], BaseModel]:
        """What makes one of the values by the fields' names, validated; the instance has a dict of its own."""
        model = self._model
        new = model.__new__
        infos = model.model_fields.items()
        own = {name: info for name, info in infos if not _is_shared(info)}  # defaults that each has for itself
        defaults = {name: None if info.is_required() or name in own else info.default for name, info in infos}
        takes_more = model.model_config.get("extra") == "allow"
        has_private = bool(model.__private_attributes__)

        def make(fields: dict[str, Any]) -> BaseModel:
            made = new(model)
            values = defaults | fields
            for name, info in own.items():
                if name not in fields:
                    values[name] = _default(info, self._before(name, values, fields) if _takes_data(info) else None)
            _SET_VALUES(made, values)
            _SET_NAMES(made, {*fields})
            _SET_EXTRA(made, {} if takes_more else None)
            _SET_PRIVATE(made, self._private(values) if has_private else None)
            return made

        return make

    def _before(self, name: str, values: dict[str, Any], fields: dict[str, Any]) -> dict[str, Any]:
        """Tell what there is of the fields before one."""
        infos = self._model.model_fields
        names = takewhile(lambda each: each != name, infos)
        return {each: values[each] for each in names if each in fields or not infos[each].is_required()}

    def _private(self, values: dict[str, Any]) -> dict[str, Any]:
        private: dict[str, Any] = {}
        for name, attribute in self._model.__private_attributes__.items():
            default = _default(attribute, {**values, **private} if _takes_data(attribute) else None)
            if default is not PydanticUndefined:
                private[name] = default
        return private


def _is_shared(info: FieldInfo) -> bool:
    """Tell whether all instances have one default, which is so, as in pydantic, of what can be hashed."""
    if info.is_required():
        return True
    try:
        hash(info.default)
    except TypeError:
        return False
    return info.default_factory is None


def _takes_data(info: FieldInfo | ModelPrivateAttr) -> bool:
    return getattr(info, "default_factory_takes_validated_data", False)  # older private attributes have none


def _default(info: FieldInfo | ModelPrivateAttr, data: dict[str, Any] | None) -> Any:
    """Make a default of its own, or None where a factory fails for want of what has not come."""
    factory: Any = info.default_factory
    default: Any = info.default
    try:
        if factory is None:
            is_empty = type(default) in _CONTAINERS and not default  # as nearly all are
            return default.copy() if is_empty else deepcopy(default)
        return factory() if data is None else factory(data)
    except Exception:  # noqa: BLE001 - a user's factory may raise anything
        return None
