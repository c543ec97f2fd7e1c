"""JSON read once, while it comes: `JsonScanner`, a machine that is fed pieces and builds the value in place.

Nothing is read from its beginning again: containers are filled as their members close, a string keeps its pieces until
somebody looks. A snapshot copies the containers that are still open, and shares all that are closed.
"""

from __future__ import annotations

import re
from typing import Any, Final, TypeAlias, cast

from rxllm.errors import DecodeError
from rxllm.operators._json_leap import LEAP, begun_members, whole_members, whole_value
from rxllm.operators._json_path import Place, path_text
from rxllm.operators._json_snapshot import Snapshots
from rxllm.operators._json_text import BODY, CUT_ESCAPE, KEY, PLAIN, REST, SPACE, InvalidError, OpenString, scalar

__all__ = ["COMMA_OR_END", "Container", "JsonScanner"]

Container: TypeAlias = "dict[str, Any] | list[Any]"

_DEEPEST: Final = 200
_SNIPPET: Final = 40

# What the machine waits for; the last two are within a token.
_VALUE, _VALUE_OR_END, _KEY, _KEY_OR_END, _COLON, COMMA_OR_END, _START, _NOTHING, _STRING, _KEY_STRING = range(10)
_COMMA_AT_MEMBER: Final = {_VALUE: False, _VALUE_OR_END: False, COMMA_OR_END: True}
_BETWEEN_MEMBERS: Final = (_KEY, _KEY_OR_END, _KEY_STRING, COMMA_OR_END)


class JsonScanner:
    r"""Reads one JSON document from pieces cut anywhere.

    Unlike `json.loads` on all that came so far, it reads each character once, but for a container that was tried at one
    go, and what is looked into before it is read; both are bounded. It never raises for what it is fed: what stood
    before a fault is kept, and `fault` tells the rest.

    >>> scanner = JsonScanner()
    >>> scanner.feed('{"title": "The s')
    >>> scanner.snapshot(), scanner.closed
    ({'title': 'The s'}, False)
    >>> scanner.feed('ea", "pages": 12}')
    >>> scanner.snapshot(), scanner.closed
    ({'title': 'The sea', 'pages': 12}, True)

    Args:
        openers: Where given, everything before the first of these characters is skipped, and all behind the document's
            end: prose, a fence. Otherwise the document is all there is.
    """

    def __init__(self, openers: str = "") -> None:
        self.begun = False
        self.closed = False
        self.fault: DecodeError | None = None
        self.root: Any = None
        self.stack: list[Container] = []
        """The open containers, each within the one before."""
        self.keys: list[str] = []
        """Under which key each open container stands; empty for an array's member and for the first."""
        self.repeated = 0
        """How many keys of objects came again while those were open; what was made of their members is void."""
        self._openers = re.compile(f"[{re.escape(openers)}]") if openers else None
        self._expected = _START if openers else _VALUE
        self.key = ""
        """The last key of the innermost open container."""
        self._string = OpenString()
        self._snapshots = Snapshots(self)
        self._carry = ""  # a token that is not whole: an escape, a number, a literal
        self._offset = 0  # of the next piece, in characters

    def feed(self, piece: str) -> None:
        """Read a piece.

        Args:
            piece: More of the document.
        """
        if self.fault is not None:
            return
        if self._carry:
            piece = self._carry + piece
            self._carry = ""
        try:
            end = self._scan(piece)
        except InvalidError as invalid:
            at = invalid.at
            found = f"{piece[at]!r} stands" if at < len(piece) else "the text ends"
            self._fail(self._offset + at, found, invalid.expected, piece[at : at + _SNIPPET])
        else:
            self._carry = piece[end:]
            self._offset += end

    def end(self) -> None:
        """Say that nothing more comes; a document that is still open is then a fault."""
        offset = self._offset + len(self._carry)
        if self._expected < _STRING:
            self.feed(" ")  # a number closes by what follows it
        if not self.closed and self.fault is None:
            self._fail(offset, "the text ends", "the rest of the document", "")

    def _fail(self, offset: int, found: str, expected: str, snippet: str) -> None:
        self.fault = DecodeError(
            f"The JSON is broken: at character {offset:,}, at {path_text(self.place())}, {found} where {expected} was "
            "expected. Ask for a JSON schema, allow more tokens if it was cut off, or use repair=True.",
            format="json",
            snippet=snippet,
        )

    def snapshot(self, depth: int = 0, begun: list[Any] | None = None) -> Any:
        """Tell what there is, or the part of it that is open `depth` levels down; it never changes later.

        Args:
            depth: How many of the open containers to leave out.
            begun: More members of the innermost one, a list, which were not fed yet.

        Returns:
            Copies of the open containers, with closed members that all snapshots share.
        """
        return self._snapshots.take(depth, begun)

    def text_so_far(self) -> str:
        """Tell as much as there is of the string that is open."""
        return self._string.so_far()

    def leap_members(self, text: str) -> bool:
        """Read, at C speed, what is nothing but more members of the innermost list, and tell whether it was.

        Args:
            text: More of the document; nothing is read of what is anything else.
        """
        if self._expected != COMMA_OR_END or self.fault is not None:
            return False
        innermost: Any = self.stack[-1]
        is_list = innermost.__class__ is list
        members = self.read_members(text, _DEEPEST - len(self.stack)) if is_list else None
        if members is None:
            return False
        innermost += members
        self._offset += len(text)
        return True

    def read_members(self, text: str, deepest: int) -> list[Any] | None:
        """Make members of the innermost list, from behind a member, if the text is nothing else; see `_json_leap`."""
        return whole_members(text, deepest)

    def is_behind_member(self) -> bool:
        """Whether the innermost container is a list, and has come to the end of a member."""
        return self._expected == COMMA_OR_END and type(self.stack[-1]) is list

    def begun_members(self, text: str) -> list[Any] | None:
        """Look into more text, none of it with a bracket that closes, if it only adds to the innermost list.

        Args:
            text: More of the document, which is not read.

        Returns:
            The members that it would add, the last as far as it goes; None if it must be read.
        """
        if not self.stack or type(self.stack[-1]) is not list or self._carry:
            return None
        is_behind = _COMMA_AT_MEMBER.get(self._expected)
        return None if is_behind is None else begun_members(text, is_behind=is_behind)

    @property
    def is_in_string(self) -> bool:
        """Whether a string that is a value is open."""
        return self._expected == _STRING

    def place(self) -> Place:
        """Tell where the text has arrived."""
        stack = self.stack
        place: list[str | int] = [
            self.keys[level + 1] if isinstance(container, dict) else len(container) - 1
            for level, container in enumerate(stack[:-1])
        ]
        if stack and self._expected not in _BETWEEN_MEMBERS:
            place.append(self.key if isinstance(stack[-1], dict) else len(stack[-1]))
        return tuple(place)

    def _scan(self, text: str) -> int:
        """Read token after token; tell where the first one begins that is not whole."""
        at = 0
        length = len(text)
        skip_space = SPACE.match
        while at < length:
            if text[at] <= " " and self._expected < _STRING:
                space = skip_space(text, at)
                at = space.end() if space is not None else at
                if at == length:
                    return at
            end = self._READ[self._expected](self, text, at)
            if end == at:
                return at
            at = end
        return at

    def _rest_of_string(self, text: str, at: int) -> int:
        rest = cast("re.Match[str]", REST.match(text, at))  # it may be empty
        piece, quote, comma = rest.groups()
        if quote is None and rest.end() < len(text):
            return self._rest_with_escape(text, at)
        if quote is None:
            self._string.add(piece)
        elif self._expected == _KEY_STRING:
            self.key = self._string.close(piece)
            self._expected = _COLON
            return rest.end(2)
        else:
            self._put(self._string.close(piece))
            if comma is not None:
                return self._read_comma_or_end(text, rest.end() - 1) if self.stack else rest.end(2)
        return rest.end()

    def _rest_with_escape(self, text: str, at: int) -> int:
        """Read as much as can be decoded for itself."""
        body = BODY.match(text, at)
        if body is not None and body.end() > at:
            self._string.add(body[0])
            at = body.end()
        elif not CUT_ESCAPE.fullmatch(text, at):
            raise InvalidError(at, "an escape of JSON")
        return at

    def _read_value(self, text: str, at: int) -> int:
        character = text[at]
        if character == '"':
            plain = PLAIN.match(text, at)
            if plain is None:
                self.begun = True
                self._expected = _STRING
                return at + 1
            self._put(plain[1])
            return plain.end()
        if character in "{[":
            end = self._leap(text, at)
            if end > at:
                return end
            self._open({} if character == "{" else [], at)
        elif character == "]" and self._expected == _VALUE_OR_END:
            self._close()
        else:
            end, value = scalar(text, at)
            if end > at:
                self._put(value)
            return end
        return at + 1

    def _leap(self, text: str, at: int) -> int:
        """Read a container that is whole and small at C speed; else end where it begins, and it is read in steps."""
        if text.find("}" if text[at] == "{" else "]", at + 1, at + LEAP) < 0 or not self._may_leap():
            return at
        piece, start = (text, at) if len(text) <= LEAP else (text[at : at + LEAP], 0)
        whole = whole_value(piece, start, _DEEPEST - len(self.stack))
        if whole is None:
            return at
        self._put(whole[0])
        return at + whole[1] - start

    def _leap_to_end(self, text: str, at: int) -> int:
        """Read the rest of the innermost object likewise, where no object is within it."""
        end = text.find("}", at, at + LEAP) + 1
        if not end or text.find("{", at, end) >= 0 or self._is_watched():
            return at
        rest = whole_value("{" + text[at:end], 0, _DEEPEST - len(self.stack))
        if rest is None:
            return at
        cast("dict[str, Any]", self.stack[-1]).update(rest[0])
        self._close()
        return end

    def _is_watched(self) -> bool:
        """Tell whether somebody wants to know of each member of the innermost container."""
        return False

    def _may_leap(self) -> bool:
        """Tell whether nobody wants to know what is within the value that comes next."""
        return True

    def _read_key(self, text: str, at: int) -> int:
        if text[at] == '"':
            end = self._leap_to_end(text, at)
            if end > at:
                return end
        whole = KEY.match(text, at)
        if whole is not None:
            self.key, string, number, behind, begun = whole.groups()
            self._expected = _VALUE
            if behind is not None:
                self._put(string if number is None else int(number))
                if behind == ",":
                    self._expected = _KEY
                else:
                    self._close()
            elif begun is not None:
                self._string.add(begun)
                self._expected = _STRING
            return whole.end()
        if text[at] == '"':
            self._expected = _KEY_STRING
        elif text[at] == "}" and self._expected == _KEY_OR_END:
            self._close()
        else:
            raise InvalidError(at, "a key in double quotes")
        return at + 1

    def _read_colon(self, text: str, at: int) -> int:
        if text[at] != ":":
            raise InvalidError(at, "':'")
        self._expected = _VALUE
        return at + 1

    def _read_comma_or_end(self, text: str, at: int) -> int:
        is_object = type(self.stack[-1]) is dict
        if text[at] == ",":
            self._expected = _KEY if is_object else _VALUE
        elif text[at] == ("}" if is_object else "]"):
            self._close()
        else:
            raise InvalidError(at, "',' or " + ("'}'" if is_object else "']'"))
        return at + 1

    def _read_start(self, text: str, at: int) -> int:
        found = self._openers.search(text, at) if self._openers else None
        if found is None:
            return len(text)
        self._expected = _VALUE
        return self._read_value(text, found.start())

    def _read_nothing(self, text: str, at: int) -> int:
        if self._openers is None:
            raise InvalidError(at, "nothing more")
        return len(text)

    def _put(self, value: Any) -> None:
        """Put a value that is whole into its place."""
        if self.stack:
            top = self.stack[-1]
            if type(top) is dict:
                if self.key in top:
                    del top[self.key]  # so that what is open is always the last
                    self.repeated += 1
                top[self.key] = value
            else:
                cast("list[Any]", top).append(value)
            self._expected = COMMA_OR_END
        else:
            self.root = value
            self.begun = self.closed = True
            self._expected = _NOTHING

    def _open(self, container: Container, at: int) -> None:
        if len(self.stack) >= _DEEPEST:
            raise InvalidError(at, f"an end (no more than {_DEEPEST} levels are read)")
        in_array = not self.stack or type(self.stack[-1]) is list
        self.keys.append("" if in_array else self.key)
        JsonScanner._put(self, container)  # whoever overrides `_put` wants to know of what is whole
        self.stack.append(container)
        self.closed = False
        self._expected = _KEY_OR_END if type(container) is dict else _VALUE_OR_END

    def _close(self) -> None:
        self.stack.pop()
        self.key = self.keys.pop()
        self.closed = not self.stack
        self._expected = _NOTHING if self.closed else COMMA_OR_END

    _READ: Final = (  # by what is expected
        _read_value,
        _read_value,
        _read_key,
        _read_key,
        _read_colon,
        _read_comma_or_end,
        _read_start,
        _read_nothing,
        _rest_of_string,
        _rest_of_string,
    )
