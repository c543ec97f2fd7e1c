"""Instances of a model of which only some fields have come: `Unfinished`."""

from __future__ import annotations

from copy import deepcopy
from functools import cached_property
from itertools import takewhile
from typing import TYPE_CHECKING, Any, Final

from pydantic import BaseModel
from pydantic_core import PydanticUndefined

from rxllm.operators._nothing import NOTHING

if TYPE_CHECKING:
    from collections.abc import Callable

    from pydantic.fields import FieldInfo, ModelPrivateAttr

    from rxllm.operators._partial_open import OpenReader

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
    def _own(self) -> dict[str, FieldInfo]:
        """The fields of which each instance has a default for itself."""
        return {name: info for name, info in self._model.model_fields.items() if not _is_shared(info)}

    @cached_property
    def _defaults(self) -> dict[str, Any]:
        infos = self._model.model_fields.items()
        return {name: None if info.is_required() or name in self._own else info.default for name, info in infos}

    @cached_property
    def _is_plain(self) -> bool:
        """Whether an instance is nothing but its fields."""
        return not (self._own or self._takes_more or self._model.__private_attributes__)

    @property
    def _takes_more(self) -> bool:
        return self._model.model_config.get("extra") == "allow"

    @cached_property
    def _instance(self) -> Callable[..., BaseModel]:
        model = self._model
        new = model.__new__

        def instance(
            values: dict[str, Any], extra: dict[str, Any] | None, names: set[str], private: dict[str, Any] | None = None
        ) -> BaseModel:
            made = new(model)
            _SET_VALUES(made, values)
            _SET_EXTRA(made, extra)
            _SET_NAMES(made, names)
            _SET_PRIVATE(made, private)
            return made

        return instance

    def of(self, fields: dict[str, Any]) -> BaseModel:
        """Make one.

        Args:
            fields: The values by the fields' names, validated.

        Returns:
            An instance with a dict of its own.
        """
        values = self._defaults | fields
        if self._is_plain:
            return self._instance(values, None, {*fields})
        for name, info in self._own.items():
            if name not in fields:
                values[name] = _default(info, self._before(name, values, fields) if _takes_data(info) else None)
        private = self._private(values) if self._model.__private_attributes__ else None
        return self._instance(values, {} if self._takes_more else None, {*fields}, private)

    def viewer(self, built: dict[str, Any], names: dict[str, str]) -> Callable[[str, Any], BaseModel]:
        """Give what makes one of the fields so far, and of one that is open.

        Args:
            built: As for `of`; more come to them.
            names: The fields' names, by the keys under which they may stand.

        Returns:
            What takes the key of the open one, and its value or `NOTHING`.
        """
        instance, defaults, is_plain = self._instance, self._defaults, self._is_plain

        def view(key: str, inner: Any) -> BaseModel:
            if inner is NOTHING:
                return self.of(built)
            name = names[key]
            if is_plain:
                return instance({**defaults, **built, name: inner}, None, {*built, name})
            return self.of({**built, name: inner})

        return view

    def read_by(self, read: OpenReader) -> Callable[[str], BaseModel]:
        """Give what makes one of JSON.

        Args:
            read: Reads the fields; the model is plain.

        Returns:
            What raises what `read` does.
        """
        instance = self._instance
        return lambda text: instance(*read(text))

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
