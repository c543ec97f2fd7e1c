r"""What a regular expression could still match: its unfinished form finds the beginning of a match at the text's end.

`re` has no partial matching. So the pattern is read once and written anew: for a sequence "ab" as `\Z|a\Z`, which is
where `re` would ask for a character that has not come yet. Where `re` would ask for more than the form can tell
(look-arounds, back-references), there is none, and a caller must hold back all that may still be looked at.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["Forms", "forms"]

_NEVER: Final = "(?!)"
_END: Final = r"\Z"
_FLAGS: Final = {re.ASCII: "a", re.IGNORECASE: "i", re.MULTILINE: "m", re.DOTALL: "s"}
_LEADING_FLAGS: Final = re.compile(r"\(\?[aimsu]+\)")
_GROUP: Final = re.compile(r"\((?:\?(?:P<\w+>|(?P<flags>[aimsu]*(?:-[ims]+)?):)|(?!\?))")
_COUNT: Final = re.compile(r"(?P<count>[*+?]|\{(?:\d+(?:,\d*)?|,\d+)\})[?+]?")
_ASSERTION: Final = re.compile(r"\^|\$|\\[AbBZ]")
_ATOM: Final = re.compile(
    r"""\[\^?\]?(?:\\.|[^\]\\])*\]
      | \\(?:x[0-9a-fA-F]{2} | u[0-9a-fA-F]{4} | U[0-9a-fA-F]{8} | N\{[^}]+\} | 0[0-7]{0,2} | [^1-9])
      | [^\\()|]""",
    re.VERBOSE | re.DOTALL,
)


class Forms(NamedTuple):
    """A pattern written anew, without groups that capture: the whole, its unfinished form, its first character."""

    whole: str
    unfinished: str
    first: str


class _Piece(NamedTuple):
    """A piece: as it is, without what looks ahead, where it asks for a character beyond the end, and what begins it.

    None among the first characters says that there need be none, and that what follows may begin it.
    """

    whole: str
    loose: str
    unfinished: str
    first: tuple[str | None, ...]


class _UnreadableError(Exception):
    """The pattern has something whose unfinished form cannot be written."""


def forms(pattern: re.Pattern[str]) -> Forms | None:
    r"""Write a pattern anew.

    >>> again = forms(re.compile("ab+"))
    >>> [bool(re.match(again.unfinished, text)) for text in ("", "a", "ab", "abc", "b")]
    [True, True, True, False, False]
    >>> forms(re.compile(r"(a)\1")) is None
    True

    Args:
        pattern: Any compiled pattern over str.

    Returns:
        Its two forms, with its flags within; None where only holding everything back would be right.
    """
    if pattern.flags & (re.VERBOSE | re.LOCALE):
        return None
    reader = _Reader(_LEADING_FLAGS.sub("", pattern.pattern, count=1))
    try:
        piece = reader.alternatives()
    except _UnreadableError:
        return None
    if reader.at < len(reader.source):
        return None
    flags = "".join([letter for flag, letter in _FLAGS.items() if pattern.flags & flag])
    first = "|".join([each for each in piece.first if each is not None]) or _NEVER
    opened = f"(?{flags}:"
    return Forms(f"{opened}{piece.whole})", f"{opened}{piece.unfinished})", f"{opened}{first})" if flags else first)


class _Reader:
    """Reads a pattern from left to right."""

    def __init__(self, source: str) -> None:
        self.source = source
        self.at = 0

    def alternatives(self) -> _Piece:
        branches = [self._sequence()]
        while self._take("|"):
            branches.append(self._sequence())
        return _Piece(
            "|".join([each.whole for each in branches]),
            "|".join([each.loose for each in branches]),
            "|".join([each.unfinished for each in branches]),
            tuple(first for each in branches for first in each.first),
        )

    def _sequence(self) -> _Piece:
        pieces: list[_Piece] = []
        while self.at < len(self.source) and self.source[self.at] not in "|)":
            pieces.append(self._counted(self._single()))
        return _in_a_row(pieces)

    def _single(self) -> _Piece:
        if assertion := self._matched(_ASSERTION):
            if assertion in ("^", r"\A"):  # they look back only
                return _Piece(assertion, assertion, _NEVER, (None,))
            return _Piece(assertion, "", r"\n?\Z" if assertion == "$" else _END, (None,))
        if self.source[self.at] == "(":
            return self._group()
        atom = self._matched(_ATOM)
        if not atom:
            raise _UnreadableError
        return _Piece(atom, atom, _END, (atom,))

    def _group(self) -> _Piece:
        found = _GROUP.match(self.source, self.at)
        if found is None:
            raise _UnreadableError
        self.at = found.end()
        inner = self.alternatives()
        if not self._take(")"):
            raise _UnreadableError
        opened = f"(?{found['flags'] or ''}:"
        whole, loose, unfinished = (f"{opened}{form})" for form in inner[:3])
        return _Piece(whole, loose, unfinished, tuple(each and f"{opened}{each})" for each in inner.first))

    def _counted(self, piece: _Piece) -> _Piece:
        found = _COUNT.match(self.source, self.at)
        if found is None:
            return piece
        self.at = found.end()
        count = found["count"]
        loose = f"(?:{piece.loose})"
        least, most = _limits(count)
        whole = f"(?:{piece.whole}){found[0]}"
        if most == 0:
            return _Piece(whole, "", _NEVER, (None,))
        before = "*" if most is None else f"{{0,{most - 1}}}"
        first = piece.first if least else (*piece.first, None)
        return _Piece(whole, f"{loose}{count}", f"(?:{loose}{before}(?:{piece.unfinished}))", first)

    def _matched(self, token: re.Pattern[str]) -> str:
        found = token.match(self.source, self.at)
        if found is None:
            return ""
        self.at = found.end()
        return found[0]

    def _take(self, character: str) -> bool:
        if self.source.startswith(character, self.at):
            self.at += 1
            return True
        return False


def _limits(count: str) -> tuple[int, int | None]:
    """Give how often a count repeats, at least and at most: `*`, `+`, `?`, `{m}`, `{m,}`, `{,n}` or `{m,n}`."""
    if count in "*+?":
        return int(count == "+"), 1 if count == "?" else None
    least, comma, most = count[1:-1].partition(",")
    if not comma:
        return int(least), int(least)
    return int(least or 0), int(most) if most else None


def _in_a_row(pieces: Sequence[_Piece]) -> _Piece:
    """Join by halves: one within the other, a long word would nest deeper than `re` can go."""
    if not pieces:
        return _Piece("", "", _NEVER, (None,))
    if len(pieces) == 1:
        return pieces[0]
    left = _in_a_row(pieces[: len(pieces) // 2])
    right = _in_a_row(pieces[len(pieces) // 2 :])
    return _Piece(
        left.whole + right.whole,
        left.loose + right.loose,
        f"(?:{left.unfinished}|{left.loose}(?:{right.unfinished}))",
        (*(each for each in left.first if each is not None), *right.first) if None in left.first else left.first,
    )
