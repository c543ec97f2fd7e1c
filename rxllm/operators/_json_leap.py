"""JSON at C speed, where a piece allows it: a value that is whole, and members that have begun."""

from __future__ import annotations

import re
from json import JSONDecoder
from typing import TYPE_CHECKING, Any, Final, NoReturn

import msgspec
from pydantic_core import from_json

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["LEAP", "begins_next", "begun_members", "whole_members", "whole_value"]

LEAP: Final = 4_096
"""The most characters of a value that is read at one go; those of one that is not whole would be read again."""
_PEEK: Final = 1_024  # characters that are looked at again with each look, until they are read
_NUMBERISH: Final = "0123456789+-.eE"
_ESCAPE: Final = re.compile(r"\\.")
_ESCAPES: Final = 12  # characters that the two halves of a pair take
_CUT_ESCAPE: Final = re.compile(r"(?<!\\)(?:\\\\)*\\(?:u.{0,3}|u[dD][89abAB]..(?:\\(?:u.{0,3})?)?)?\Z")
_LIST: Final = "[0 "  # a list with a member, so that what stands behind a member can be read


def _refuse(constant: str) -> NoReturn:
    raise ValueError(constant)  # NaN and Infinity; the machine tells the place


_DECODE_WHOLE: Final = msgspec.json.Decoder().decode  # the fastest, where no end is to be told
_DECODE: Final = JSONDecoder(parse_constant=_refuse).raw_decode


def whole_value(text: str, at: int, deepest: int) -> tuple[Any, int] | None:
    """Read a value that is whole.

    What the machine would refuse, and half a surrogate pair, is left to the machine, so that it does not matter how the
    text was cut.

    >>> whole_value('[1, {"a": 2}], 3', 0, 200), whole_value("[1, {", 0, 200)
    (([1, {'a': 2}], 13), None)

    Args:
        text: The piece.
        at: Where the value begins.
        deepest: How many levels it may have.

    Returns:
        The value and where it ends, or None.
    """
    try:
        value, end = _DECODE(text, at)
    except (ValueError, RecursionError):
        return None
    is_deep = end - at > deepest and text.count("[", at, end) + text.count("{", at, end) > deepest
    return None if is_deep or "\\u" in text else (value, end)


def whole_members(text: str, deepest: int, decode: Callable[[str], list[Any]] = _DECODE_WHOLE) -> list[Any] | None:
    """Read a piece that is nothing but more members of a list, all whole.

    >>> whole_members(', {"a": 2}, [3]', 200), whole_members(", [3]]", 200)
    ([{'a': 2}, [3]], None)

    Args:
        text: The piece, from behind a member.
        deepest: How many levels they may have.
        decode: Makes the members of a list in JSON; it may raise what a decoder of msgspec does, or anything.

    Returns:
        The members, or None.

    Raises:
        Exception: What only `decode` raises.
    """
    if not (text and text[0] == "," and text[-1] in "}]" and len(text) <= LEAP):
        return None
    if text.count("{") != text.count("}"):  # in the midst of one, most likely, and it costs much to be told so
        return None
    try:
        members = decode(f"[{text[1:]}]")
    except (msgspec.DecodeError, UnicodeEncodeError, RecursionError):
        return None
    is_deep = len(text) > deepest and text.count("[") + text.count("{") > deepest
    return None if is_deep else members


def begun_members(text: str, *, is_behind: bool) -> list[Any] | None:
    """Look into more members of a list, none of which has a bracket that closes, so that the last one is open.

    A number at the end may go on, and is left out; what is not plain sailing is left to the machine. So is an escape
    that is cut, for which older versions of pydantic leave out all of its text.

    >>> begun_members(', {"a": [1, "b', is_behind=True), begun_members('{"a": 1', is_behind=False)
    ([{'a': [1, 'b']}], [{}])

    Args:
        text: The piece.
        is_behind: Whether it begins behind a member, not where one is expected.

    Returns:
        The members as far as they go, or None.
    """
    if not text or len(text) > _PEEK or ("\\" in text[-_ESCAPES:] and _CUT_ESCAPE.search(text)):
        return None
    text = f"{_LIST}{text}" if is_behind else f"[{text}"
    if text[-1] in _NUMBERISH and not text.endswith(("true", "false")) and not _is_in_string(text):
        text = text.rstrip(_NUMBERISH)
    try:
        return from_json(text, allow_inf_nan=False, allow_partial="trailing-strings")[is_behind:]
    except (ValueError, TypeError):  # the latter of text that no encoder takes
        return None


def begins_next(text: str) -> bool:
    """Tell whether a piece begins behind a member, and ends where a parser can be told that it goes on.

    >>> begins_next(', {"a": "b'), begins_next(', {"a": 1'), begins_next('{"a": "b')
    (True, False, False)

    Args:
        text: The piece.

    Returns:
        Whether it may be looked into as it is, in its one member; if not, that is to be done with more care.
    """
    return 1 < len(text) <= _PEEK and text[0] == "," and text[-1] not in _NUMBERISH and "\\" not in text


def _is_in_string(text: str) -> bool:
    quotes = _ESCAPE.sub("", text) if "\\" in text else text
    return quotes.count('"') % 2 == 1
