"""What a request cannot say: in JSON at all, or in a format. It is told by its field's name before a byte is sent."""

from __future__ import annotations

import json
import math
from typing import TYPE_CHECKING, Any, Final, cast

import msgspec
from pydantic import BaseModel

from rxllm.completion import parse_arguments
from rxllm.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from rxllm.messages import ChatRequest, MessageToolCall

__all__ = ["check_json", "chosen_tool", "object_arguments", "unsayable"]


def unsayable(field: str, format_name: str, advice: str) -> ConfigurationError:
    """Make an exception of a field that a format has no word for.

    >>> unsayable("seed", "Anthropic Messages", "Leave it out.")
    ConfigurationError('seed cannot be said in Anthropic Messages. Leave it out.')

    Args:
        field: Where it stands in the request, e.g. `messages[0].name`.
        format_name: The format, as its makers call it.
        advice: Why, or what to do instead, in sentences.

    Returns:
        The exception, to be raised by the caller.
    """
    return ConfigurationError(f"{field} cannot be said in {format_name}. {advice}")


def chosen_tool(request: ChatRequest, choices: Iterable[str]) -> str | None:
    """Give the tool that `tool_choice` names, if it names one.

    Args:
        request: What is asked.
        choices: The words that are no tool's name.

    Returns:
        Its name; None for one of the words, or where nothing is chosen.

    Raises:
        ConfigurationError: It names none of the request's tools.
    """
    choice = request.tool_choice
    if choice is None or choice in choices:
        return None
    names = [tool.name for tool in request.tools]
    if choice not in names and "tools" not in request.extra:
        raise ConfigurationError(
            f"tool_choice is {choice!r}, which is no tool of the request. "
            f"Expected one of: {', '.join((*choices, *names))}."
        )
    return choice


def object_arguments(call: MessageToolCall, place: str, format_name: str) -> dict[str, Any]:
    """Parse the arguments of a call that goes back, for a format that wants the object itself.

    Args:
        call: The call.
        place: Where it stands in the request.
        format_name: The format, as its makers call it.

    Returns:
        The arguments; empty ones are `{}`.

    Raises:
        ConfigurationError: They are no JSON object.
    """
    arguments = parse_arguments(call.arguments)
    if not isinstance(arguments, dict):
        advice = "A call's arguments are a JSON object there. Leave out a call that was cut off."
        raise unsayable(f"{place}.arguments", format_name, advice)
    return cast("dict[str, Any]", arguments)


def check_json(value: Any, place: str = "") -> None:
    """Refuse what JSON has no word for, which an encoder would change or only know by its byte.

    Args:
        value: A request, or any part of one.
        place: Where it stands, for the message.

    Raises:
        ConfigurationError: There is a NaN or an infinity, half a surrogate pair, or an object of Python's.
    """
    try:
        _strict.encode(value).encode()
    except (TypeError, ValueError, RecursionError):  # which says no more than that: the walk says where, and what
        pass
    else:
        return
    try:
        _check(value, place)
    except RecursionError:
        raise ConfigurationError(
            f"{place or 'The request'} is nested too deeply, or holds itself. Expected what JSON can say."
        ) from None


def _fields(value: object) -> dict[str, Any]:
    if isinstance(value, BaseModel):
        return vars(value).copy()
    raise TypeError


_strict: Final = json.JSONEncoder(ensure_ascii=False, allow_nan=False, default=_fields)


def _check(value: Any, place: str) -> None:
    if isinstance(value, str):
        _check_text(value, place)
    elif isinstance(value, float):
        if not math.isfinite(value):
            raise ConfigurationError(f"{place} is {value}, which JSON has no word for. Give a finite number.")
    elif isinstance(value, (BaseModel, dict)):
        fields = value if isinstance(value, BaseModel) else cast("dict[Any, Any]", value).items()
        for name, each in fields:
            _check_text(str(name), f"a name in {place}")
            _check(each, f"{place}.{name}" if place else str(name))
    elif isinstance(value, (list, tuple)):
        for number, each in enumerate(cast("list[Any]", value)):
            _check(each, f"{place}[{number}]")
    elif not isinstance(
        value, (int, type, type(None))
    ):  # a type is a pydantic model, whose schema is checked once made
        _check_other(value, place)


def _check_text(text: str, place: str) -> None:
    if text.isascii():
        return
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise ConfigurationError(
            f"{place} holds half a surrogate pair (U+{ord(text[error.start]):04X}), which is no character and which "
            "no bytes can carry. Was a text cut between two UTF-16 units? Leave it out."
        ) from None


def _check_other(value: Any, place: str) -> None:
    """Look at what msgspec makes of a date, a UUID, an enum, a dataclass and the like."""
    try:
        plain: Any = msgspec.to_builtins(value)
    except (TypeError, ValueError):
        plain = value
    if plain is value:
        raise ConfigurationError(
            f"{place} is of type {type(value).__name__}, which JSON has no word for. "
            "Expected text, numbers, booleans, None, lists and dicts."
        )
    _check(plain, place)
