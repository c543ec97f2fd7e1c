"""What may be shown of a value while it is incomplete: its `Shape`."""

from __future__ import annotations

import types
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final, NewType, Union, cast, get_args, get_origin

from pydantic import TypeAdapter
from pydantic_core import to_json

from rxllm.operators._lent import lent
from rxllm.operators._nothing import NOTHING

if TYPE_CHECKING:
    from collections.abc import Callable

    from pydantic import ConfigDict
    from pydantic_core import SchemaValidator

__all__ = ["HIDDEN", "ListOf", "MapOf", "Raw", "Shape", "Text", "UnclearError"]

_GROWING: Final = (str, dict, list)
_PLAIN: Final = {str, int, float, bool, type(None)}
_NOT_OF_VALUES: Final = {
    *("alias_generator", "populate_by_name", "serialize_by_alias", "validate_by_alias", "validate_by_name"),
    *("arbitrary_types_allowed", "extra", "from_attributes", "frozen", "validate_assignment"),
    *("json_schema_extra", "protected_namespaces", "title", "use_attribute_docstrings"),
}
"""A model's settings that change nothing of a plain value."""


def _exact_types(annotation: Any) -> frozenset[type]:
    is_union = get_origin(annotation) in (Union, types.UnionType)
    kinds: tuple[Any, ...] = get_args(annotation) if is_union else (annotation,)
    is_plain = all(isinstance(kind, type) and kind in _PLAIN for kind in kinds)
    return frozenset(kinds) if is_plain else frozenset()


def _adapter(annotation: Any, config: ConfigDict | None) -> TypeAdapter[Any]:
    # Within settings by a name of its own, since pydantic takes none for what may have some itself, not even for a
    # TypedDict, which takes those of the model it stands in.
    named = annotation if config is None else cast("Any", NewType)("Value", annotation)
    return TypeAdapter(named, config=config)


def _json(raw: Any) -> bytes:
    return to_json(raw, inf_nan_mode="constants")


class UnclearError(Exception):
    """It cannot be told whether a value is complete, or it does not fit; reading it will tell."""


class Shape:
    """A value that is not shown before it is whole: a number, a date, a union of models.

    Args:
        annotation: What pydantic would validate.
        config: The settings of the model in which it stands, if it stands in one.
    """

    opens: type = type(None)
    """What JSON builds for it, where it can be shown while that grows."""
    shows_text = False
    """Whether a string that is open is shown as far as it goes."""
    takes_any_text = False
    """Whether a string is shown as it is, complete or not, or never."""
    is_alike = False
    """Whether pydantic makes the same of plain values as of JSON, and takes instances in them as they are."""
    is_lenient = False
    """Whether what does not fit in it may be made to fit yet, by a validator that gets the whole of it first."""

    def __init__(self, annotation: Any, config: ConfigDict | None = None) -> None:
        self.annotation = annotation
        self._config = config
        is_harmless = (config or {}).keys() <= _NOT_OF_VALUES
        self.exact = _exact_types(annotation) if is_harmless else frozenset[type]()
        """The types of values that fit as they are."""

    def whole(self, raw: Any) -> Any:
        """Give what is complete, validated where that is needed.

        Validated as pydantic validates JSON, which is more than Python's values in strict mode, unless that is alike.

        Args:
            raw: Plain values; where it `is_alike`, perhaps with instances in them.

        Returns:
            What the annotation makes of them.

        Raises:
            ValidationError: They do not fit.
            Exception: What a user's validator raises.
        """
        if type(raw) in self.exact:
            return raw
        validator = self._validator
        return validator.validate_python(raw) if self.is_alike else validator.validate_json(_json(raw))

    def wholes(self, raws: list[Any]) -> list[Any]:
        """Give several that are complete, all or none, which is faster than one by one; else as `whole`."""
        exact = self.exact
        for raw in raws:
            if raw.__class__ not in exact:
                break
        else:
            return raws
        validator = self._several
        return validator.validate_python(raws) if self.is_alike else validator.validate_json(_json(raws))

    @property
    def parse(self) -> Callable[[str], list[Any]]:
        """What gives several that are complete, of their JSON, which is a list."""
        return self._several.validate_json

    @cached_property
    def adapter(self) -> TypeAdapter[Any]:
        """Pydantic's own; making it fails where pydantic cannot do with the annotation."""
        return _adapter(self.annotation, self._config)

    @cached_property
    def _validator(self) -> SchemaValidator:
        return cast("SchemaValidator", self.adapter.validator)

    @cached_property
    def _several(self) -> SchemaValidator:
        listed = types.GenericAlias(list, (self.annotation,))
        return cast("SchemaValidator", _adapter(listed, self._config).validator)

    def be_alike(self) -> None:
        """Take it, and all that is in it, for alike; it is new, and the whole of which it is a part is alike."""
        self.is_alike = True

    def begun(self, raw: Any) -> Any:
        """Show a value that was looked into, of which the last member of the last may be a text that is open.

        Args:
            raw: Plain values.

        Returns:
            What can be shown of it, or `NOTHING`.

        Raises:
            UnclearError: Only reading it will tell.
            Exception: What is complete in it does not fit.
        """
        if type(raw) in (dict, list):
            return NOTHING
        if type(raw) is str and self.takes_any_text:
            return raw if self.shows_text else NOTHING
        raise UnclearError

    def last(self, raw: Any) -> Any:
        """Show the last member of what was looked into; a number or a literal is complete there.

        Args:
            raw: Plain values.

        Returns:
            As for `begun`.

        Raises:
            UnclearError: As for `begun`.
            Exception: As for `begun`.
        """
        return self.begun(raw) if type(raw) in _GROWING else self.whole(raw)

    def member(self, key: str) -> Shape:
        """Give the shape of a member."""
        raise NotImplementedError

    def take(self, built: Any, key: str, raw: Any) -> None:
        """Add a member that is complete to what is built."""
        raise NotImplementedError

    def viewer(self, built: Any) -> Callable[[str, Any], Any]:
        """Give what shows the object that is built so far.

        Args:
            built: Its complete members, to which more come.

        Returns:
            What makes it of these and of one that is open: that one's key, and what there is of it or `NOTHING`.
        """
        raise NotImplementedError


class Raw(Shape):
    """Plain values, shown as they are.

    Args:
        annotation: As for every shape.
        opens: What they are: `dict`, `list`, or `object` for all.
        is_marked: Whether validators or constraints are to look at what is complete.
    """

    def __init__(self, annotation: Any, opens: type, *, is_marked: bool) -> None:
        super().__init__(annotation)
        self.opens = opens
        self.shows_text = opens is object
        self._fitting = () if is_marked else opens

    def whole(self, raw: Any) -> Any:
        return raw if isinstance(raw, self._fitting) else super().whole(raw)

    def wholes(self, raws: list[Any]) -> list[Any]:
        return [self.whole(raw) for raw in raws]

    def begun(self, raw: Any) -> Any:
        if isinstance(raw, self._fitting):
            return raw
        raise UnclearError


class Text(Shape):
    """A string, shown as far as it goes."""

    opens = str
    shows_text = True

    def __init__(self, annotation: Any, config: ConfigDict | None) -> None:
        super().__init__(annotation, config)
        self.takes_any_text = str in self.exact


class ListOf(Shape):
    """A list, shown with the members that are complete and the one that is open."""

    opens = list

    def __init__(self, annotation: Any, config: ConfigDict | None, member: Shape) -> None:
        super().__init__(annotation, config)
        self._member = member

    def be_alike(self) -> None:
        super().be_alike()
        self._member.be_alike()

    def member(self, key: str) -> Shape:  # noqa: ARG002 - all have one shape
        return self._member

    def take(self, built: list[Any], key: str, raw: Any) -> None:  # noqa: ARG002 - a list has no keys
        built.append(self._member.whole(raw))

    def begun(self, raw: Any) -> Any:
        if type(raw) is not list:
            return super().begun(raw)
        members = cast("list[Any]", raw)
        built: list[Any] = []
        if members:
            if len(members) > 1:
                built += self._member.wholes(members[:-1])
            last = self._member.last(members[-1])
            if last is not NOTHING:
                built.append(last)
        return built

    def viewer(self, built: list[Any]) -> Callable[[str, Any], Any]:
        return lent(built)


class MapOf(Shape):
    """A dict of one shape."""

    opens = dict

    def __init__(self, annotation: Any, config: ConfigDict | None, member: Shape) -> None:
        super().__init__(annotation, config)
        self._member = member

    def be_alike(self) -> None:
        super().be_alike()
        self._member.be_alike()

    def member(self, key: str) -> Shape:  # noqa: ARG002 - all have one shape
        return self._member

    def take(self, built: dict[str, Any], key: str, raw: Any) -> None:
        built[key] = self._member.whole(raw)

    def begun(self, raw: Any) -> Any:
        if type(raw) is not dict:
            return super().begun(raw)
        *complete, last = cast("dict[str, Any]", raw).items() or [("", NOTHING)]
        built = {key: self._member.whole(member) for key, member in complete}
        key, member = last
        value = NOTHING if member is NOTHING else self._member.last(member)
        return built if value is NOTHING else {**built, key: value}

    def viewer(self, built: dict[str, Any]) -> Callable[[str, Any], Any]:
        return lambda key, inner: built.copy() if inner is NOTHING else {**built, key: inner}


class _Hidden(Shape):
    """A member that the model does not know, never shown."""

    takes_any_text = True


HIDDEN: Final = _Hidden(Any)
"""The shape of all that a model does not know."""
