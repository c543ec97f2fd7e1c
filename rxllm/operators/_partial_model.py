"""What may be shown of a pydantic model while it is incomplete: `ModelOf`."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import AliasChoices, BaseModel, ConfigDict, Field

from rxllm.operators._nothing import NOTHING
from rxllm.operators._partial_leniency import first_seen, is_seen_first
from rxllm.operators._partial_open import reader_of_open
from rxllm.operators._partial_shape import HIDDEN, Shape
from rxllm.operators._partial_unfinished import Unfinished

if TYPE_CHECKING:
    from collections.abc import Callable

    from pydantic.fields import FieldInfo

__all__ = ["ModelOf"]


class ModelOf(Shape):
    """A pydantic model, shown with the fields that are complete and the one that is open.

    Args:
        annotation: As for every shape.
        model: The class.
        shape_of: Tells a field's shape from its annotation and the model's settings.
    """

    opens = dict

    def __init__(
        self, annotation: Any, model: type[BaseModel], shape_of: Callable[[Any, ConfigDict | None], Shape]
    ) -> None:
        super().__init__(annotation)
        self.exact = frozenset({model})  # only of what `is_alike` comes an instance here
        self.is_lenient = is_seen_first(model)
        self._model = model
        self._shape_of = shape_of
        self._unfinished = Unfinished(model)

    @cached_property
    def _fields(self) -> dict[str, tuple[str, Shape]]:
        """Each field's name and shape, by the keys under which it may stand."""
        model = self._model
        model.model_rebuild(raise_errors=False)  # where it names a class that was made after it
        config = ConfigDict(**model.model_config)
        config["title"] = model.__name__
        lenient = first_seen(model)
        fields: dict[str, tuple[str, Shape]] = {}
        for name, info in model.model_fields.items():
            shape = self._shape_of(_annotation(info), config)
            shape.is_lenient |= name in lenient
            if self.is_alike:
                shape.be_alike()
            fields |= dict.fromkeys(_keys(model, name, info), (name, shape))
        return fields

    @cached_property
    def _names(self) -> dict[str, str]:
        return {key: name for key, (name, _) in self._fields.items()}

    @cached_property
    def read_open(self) -> Callable[[str], BaseModel] | None:
        """What makes an instance of JSON that is open, if pydantic can; it raises a ValidationError if not sure."""
        read = reader_of_open(self.adapter.core_schema) if self.is_alike else None
        return None if read is None else self._unfinished.read_by(read)

    def member(self, key: str) -> Shape:
        return self._fields.get(key, ("", HIDDEN))[1]

    def take(self, built: dict[str, Any], key: str, raw: Any) -> None:
        if key in self._fields:  # what the model does not know is its own business, at the end
            name, shape = self._fields[key]
            built[name] = shape.whole(raw)

    def begun(self, raw: Any) -> Any:
        if raw.__class__ is not dict:  # by its `type` it would be a dict of what a checker does not know
            return super().begun(raw)
        members: dict[str, Any] = raw
        fields = self._fields
        built: dict[str, Any] = {}
        behind = len(members)
        for key, member in members.items():
            behind -= 1
            field = fields.get(key)
            if field is None:
                continue
            name, shape = field
            if type(member) in shape.exact and (behind or shape.shows_text or type(member) is not str):
                built[name] = member  # as nearly all are
                continue
            value = shape.whole(member) if behind else shape.last(member)
            if value is not NOTHING:
                built[name] = value
        return self._unfinished.of(built)

    def viewer(self, built: dict[str, Any]) -> Callable[[str, Any], Any]:
        return self._unfinished.viewer(built, self._names)


def _annotation(info: FieldInfo) -> Any:
    """Tell what a field's value is validated by, but for its class's own validators."""
    marks = [*info.metadata]
    if info.discriminator is not None:
        marks.append(Field(discriminator=info.discriminator))
    return Annotated[(info.annotation, *marks)] if marks else info.annotation


def _keys(model: type[BaseModel], name: str, info: FieldInfo) -> list[str]:
    """Tell under which keys a field may stand in JSON; a path into other keys is left for the end."""
    alias = info.validation_alias or info.alias
    choices = alias.choices if isinstance(alias, AliasChoices) else [alias]
    keys = [each for each in choices if isinstance(each, str)]
    config = model.model_config
    if alias is None or not config.get("validate_by_alias", True):
        return [name]
    return [*keys, name] if config.get("populate_by_name") or config.get("validate_by_name") else keys
