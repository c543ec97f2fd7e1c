"""The door: what people hand in is checked here by pydantic, and what is wrong with it is told in our words.

A value is never shown unless it is a number: it may be a prompt or a key.
"""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar, Final, cast

from pydantic import (
    BaseModel,
    ConfigDict,
    ValidationError,
    ValidatorFunctionWrapHandler,
    WrapValidator,
    model_validator,
)
from pydantic_core import PydanticCustomError

from rxllm.errors import ConfigurationError

if TYPE_CHECKING:
    from pydantic_core import ErrorDetails

__all__ = ["Given", "expecting", "said"]

_SAID: Final = "said"
_UNION_ARMS: Final = frozenset({"str", "int", "float", "bool", "list", "dict"})
_PYDANTIC: Final = "Input should be "


class Given(BaseModel):
    """A value that people make; unlike a plain pydantic model, a wrong one is a `ConfigurationError`."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False, hide_input_in_errors=True)
    elsewhere: ClassVar[str] = ""
    """Where a field goes that is unknown here."""

    if not TYPE_CHECKING:  # the type checker is to see each class's own fields

        def __init__(self, /, **fields: Any) -> None:
            failure = None
            try:
                self.__pydantic_validator__.validate_python(fields, self_instance=self)
            except ValidationError as error:
                failure = _told(error)
            if failure is not None:  # raised here, so that no traceback shows pydantic's error: it holds the values
                raise failure

        __init__.__pydantic_base_init__ = True  # within another model, pydantic's own way: it knows the place

    @model_validator(mode="before")
    @classmethod
    def _name_the_unknown(cls, given: Any) -> Any:
        if not isinstance(given, Mapping):
            return given
        fields = dict(cast("Mapping[Any, Any]", given))
        for name in fields:
            if name not in cls.model_fields:
                near = difflib.get_close_matches(str(name), cls.model_fields, n=1)
                raise said(
                    f"unknown field {name!r}.{f' Did you mean {near[0]!r}?' if near else ''} "
                    f"Known: {', '.join(cls.model_fields)}.{cls.elsewhere}"
                )
        return fields


def said(words: str) -> PydanticCustomError:
    """Make an error for a validator whose words are told as they are, behind the place.

    Args:
        words: What is wrong and what to do; no value of the user's.

    Returns:
        The error, to be raised by the validator.
    """
    return PydanticCustomError(_SAID, "{words}", {"words": words})


def expecting(words: str) -> WrapValidator:
    """Say what a field takes, in place of what pydantic says of each type of a union.

    >>> from typing import Annotated
    >>> class Walk(Given):
    ...     steps: Annotated[int | None, expecting("a number of steps, or None")]
    >>> Walk(steps="many")
    Traceback (most recent call last):
        ...
    rxllm.errors.ConfigurationError: Walk.steps: got a value of type str, expected a number of steps, or None.

    Args:
        words: What it takes; follows the word "expected".

    Returns:
        A mark for `Annotated`; an error deeper within the value is told as it is.
    """

    def check(value: Any, handler: ValidatorFunctionWrapHandler) -> Any:
        try:
            return handler(value)
        except ValidationError as error:
            if any(each["type"] == _SAID or _place(each["loc"]) for each in error.errors(include_url=False)):
                raise
        raise said(f"got {_shown(value)}, expected {words}.")

    return WrapValidator(check)


def _told(error: ValidationError) -> ConfigurationError:
    """Tell the first error; of several for one value, as of a union's types, the one that got furthest."""
    errors = error.errors(include_url=False)
    first = _place(errors[0]["loc"])[:1]
    telling = max((e for e in errors if _place(e["loc"])[:1] == first), key=lambda e: len(_place(e["loc"])))
    return ConfigurationError(f"{error.title}{''.join(_place(telling['loc']))}: {_words(telling)}")


def _words(error: ErrorDetails) -> str:
    message = error["msg"]
    if error["type"] == _SAID:
        return message
    if error["type"] == "missing":
        return "is missing."
    if message.startswith(_PYDANTIC):
        return f"got {_shown(error['input'])}, expected {message.removeprefix(_PYDANTIC)}."
    return f"{message.removeprefix('Value error, ')}."


def _place(location: tuple[int | str, ...]) -> list[str]:
    """Give the steps to a value, without pydantic's names for the types of a union."""
    return [
        f"[{step}]" if isinstance(step, int) else f".{step}"
        for step in location
        if isinstance(step, int) or not (step in _UNION_ARMS or "[" in step or "(" in step)
    ]


def _shown(value: object) -> str:
    return (
        repr(value)
        if value is None or isinstance(value, (bool, int, float))
        else f"a value of type {type(value).__name__}"
    )
