r"""JSON's tokens as patterns, and its scalars as Python's values.

Each pattern stops where its token stops, at C speed. What `BODY` takes of a string can be decoded for itself, but for
the half of a surrogate pair at its end.
"""

from __future__ import annotations

import json
import re
from typing import Any, Final

__all__ = ["BODY", "CUT_ESCAPE", "KEY", "PLAIN", "REST", "SPACE", "InvalidError", "OpenString", "decoded", "scalar"]

_CHARACTERS: Final = r'[^"\\\x00-\x1f]*+'
_BLANKS: Final = r"[ \t\n\r]*+"
SPACE: Final = re.compile(_BLANKS)
BODY: Final = re.compile(rf'{_CHARACTERS}(?:\\(?:["\\/bfnrt]|u[0-9a-fA-F]{{4}}){_CHARACTERS})*+')
CUT_ESCAPE: Final = re.compile(r"\\(?:u[0-9a-fA-F]{0,3})?")
KEY: Final = re.compile(
    rf"""
    "({_CHARACTERS})"{_BLANKS}:
    (?: {_BLANKS} (?: "({_CHARACTERS})" | (-?(?:0|[1-9][0-9]{{0,17}}+)) ) {_BLANKS} ([,}}])
      | {_BLANKS} "({_CHARACTERS})\Z
    )?
    """,
    re.VERBOSE,
)
"""A key without an escape, with its colon, which is what nearly all are. And at once its value, where that is a plain
string or a whole number, with what stands behind it; or a string as far as it has come."""
REST: Final = re.compile(rf'({_CHARACTERS})(?:("){_BLANKS}(,)?)?')
"""More of an open string up to an escape, or with its end and what stands behind that."""
PLAIN: Final = re.compile(rf'"({_CHARACTERS})"')
"""A whole string without an escape."""

_NUMBERISH: Final = re.compile(r"[-+.0-9eE]*+")
_NUMBER: Final = re.compile(r"-?(?:0|[1-9][0-9]*+)(\.[0-9]++)?([eE][-+]?[0-9]++)?")
_LONGEST_NUMBER: Final = 4_300  # characters; Python's own limit for the digits of an int
_LITERAL: Final = re.compile("true|false|null")
_LITERALS: Final = {"true": True, "false": False, "null": None}
_LONGEST_LITERAL: Final = 5
_SURROGATE: Final = re.compile("[\ud800-\udfff]")
_ESCAPED_HALF: Final = len(r"\ud83d")


class InvalidError(Exception):
    """What stands at a place in a piece is not what was expected there."""

    def __init__(self, at: int, expected: str) -> None:
        super().__init__(at, expected)
        self.at = at
        self.expected = expected


def scalar(text: str, at: int) -> tuple[int, Any]:
    """Read a number or a literal; where its end cannot be known yet, it ends where it begins.

    >>> scalar("12, 13]", 4), scalar("true", 0), scalar("12", 0)
    ((6, 13), (4, True), (0, None))

    Args:
        text: The piece.
        at: Where the token begins.

    Returns:
        Where it ends, and its value.

    Raises:
        InvalidError: It is neither.
    """
    numberish = _NUMBERISH.match(text, at)
    end = at if numberish is None else numberish.end()
    if end == at:
        return _literal(text, at)
    if end - at > _LONGEST_NUMBER:
        raise InvalidError(at, f"a number of at most {_LONGEST_NUMBER:,} characters")
    if end == len(text):
        return at, None
    number = _NUMBER.fullmatch(text, at, end)
    if number is None:
        raise InvalidError(at, "a number as JSON writes it")
    return end, int(number[0]) if number.lastindex is None else float(number[0])


def _literal(text: str, at: int) -> tuple[int, Any]:
    found = _LITERAL.match(text, at)
    if found is not None:
        return found.end(), _LITERALS[found[0]]
    begun = text[at : at + _LONGEST_LITERAL]
    if at + len(begun) == len(text) and any(each.startswith(begun) for each in _LITERALS):
        return at, None
    raise InvalidError(at, "a value")


def decoded(raw: str) -> str:
    r"""Decode what stands between the quotes; half a surrogate pair, which no encoder takes, becomes U+FFFD.

    >>> decoded(r"a\n\ud83d\ude00")
    'a\n😀'

    Args:
        raw: Whole escapes only.

    Returns:
        The text.
    """
    return _mended(_unescaped(raw))


def _unescaped(raw: str) -> str:
    return json.loads(f'"{raw}"') if "\\" in raw else raw


def _mended(text: str) -> str:
    if text.isascii() or not _SURROGATE.search(text):
        return text
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")


class OpenString:
    """A string that is being read: raw pieces, decoded once, and only when somebody looks."""

    __slots__ = ("_raw", "_text")

    def __init__(self) -> None:
        self._raw: list[str] = []
        self._text = ""

    def add(self, raw: str) -> None:
        """Add a piece that is cut between two escapes."""
        self._raw.append(raw)

    def so_far(self) -> str:
        """Tell the text so far; half a surrogate pair at its end waits for the other."""
        raw = "".join(self._raw)
        self._raw.clear()
        new = _unescaped(raw)
        if new and "\ud800" <= new[-1] <= "\udbff":
            self._raw.append(new[-1] if raw[-1] == new[-1] else raw[-_ESCAPED_HALF:])
            new = new[:-1]
        self._text += _mended(new)
        return self._text

    def close(self, raw: str) -> str:
        """Take the last piece, tell the whole, and be empty again."""
        if self._raw:
            raw = "".join([*self._raw, raw])
            self._raw.clear()
        text = self._text + decoded(raw)
        self._text = ""
        return text
