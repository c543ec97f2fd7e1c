"""Whether validators of a model's class get what came before pydantic does, and may make it fit."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pydantic import BaseModel

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["first_seen", "is_seen_first"]


def is_seen_first(model: type[BaseModel]) -> bool:
    """Tell whether something of the class gets all of the fields first.

    Args:
        model: The class.

    Returns:
        Whether it has a validator, an `__init__` or a schema of its own that does.
    """
    own: Any = model
    decorators = own.__pydantic_decorators__
    return (
        own.__init__ is not BaseModel.__init__
        or own.__get_pydantic_core_schema__.__func__ is not BaseModel.__get_pydantic_core_schema__.__func__
        or any(_first(decorators.model_validators, decorators.root_validators))
    )


def first_seen(model: type[BaseModel]) -> set[str]:
    """Tell which fields a validator of the class gets first.

    Args:
        model: The class.

    Returns:
        Their names.
    """
    decorators: Any = model.__pydantic_decorators__
    names = {name for info in _first(decorators.field_validators, decorators.validators) for name in info.fields}
    return set(model.model_fields) if "*" in names else names


def _first(*kinds: dict[str, Any]) -> Iterable[Any]:
    return (each.info for kind in kinds for each in kind.values() if each.info.mode != "after")
