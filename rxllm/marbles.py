r"""Marble diagrams: a stream drawn as a line of text, one glyph a frame; `parse` reads it, `render` draws it.

```
-               a frame in which nothing happens
a               any other single character: that text delta; `ab` is two deltas in two frames
'text' "text"   a longer text delta, written as a Python string
|  #            completed; failed
(ab|)           a group: all of it in the order written, in ONE frame (RxJS gives a group a frame a character)
[ab]            a list with two deltas in it, as the buffering operators emit
{finish stop}   any other item: its name, then its fields, by position or as `name=value`
{3}             any other value, as a Python literal
^  !            subscribed; unsubscribed: these make a lifetime diagram
(space)         nothing, it only aligns
X               whatever was given by that name: `parse("a-X|", X=Usage(1, 2))`
```

In braces stand the items by their names in snake_case: `{started id}`, `{usage 3 5}`, `{rollback 2}`, `{ping}`,
`{choice_finished 0 stop}`, `{tool_call 0 id name}`, `{finish stop usage={usage 3 5}}`. Deltas have short ones:
`{text hello choice=1}`, `{reason hmm}`, `{refusal no}`, `{call 0 weather '{"city":'}`. A field is a word, a Python
literal, or an item in braces.
"""

from __future__ import annotations

import ast
import enum
import re
from itertools import groupby
from typing import TYPE_CHECKING, Any, Final, NoReturn, TypeAlias, cast

import msgspec

from rxllm.errors import ConfigurationError
from rxllm.items import (
    ReasoningDelta,
    RefusalDelta,
    StreamItem,
    TextDelta,
    Timing,
    ToolCallDelta,
    item_types,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

__all__ = ["Mark", "Timeline", "parse", "render"]


class Mark(enum.Enum):
    """What can happen in a frame besides a value."""

    COMPLETED = "|"
    FAILED = "#"
    SUBSCRIBED = "^"
    UNSUBSCRIBED = "!"

    def __repr__(self) -> str:
        return str(self)


Timeline: TypeAlias = list[tuple[int, Any]]
"""What happens when: frames that never decrease, each with a value or a `Mark`."""

_MARKS: Final = {mark.value: mark for mark in Mark}
_ENDS: Final = (Mark.COMPLETED, Mark.FAILED)
_RESERVED: Final = frozenset("-|#^!()[]{}'\" ")
_QUOTED: Final = re.compile(r""" '(?:[^'\\]|\\.)*' | "(?:[^"\\]|\\.)*" """, re.VERBOSE | re.DOTALL)
_NAME: Final = re.compile(r"[a-z]\w*")
_KEYWORD: Final = re.compile(r"([a-z]\w*)=")
_WORD: Final = re.compile(r"[^\s()\[\]{}'\"]+")
_BARE: Final = re.compile(r"[a-z][A-Za-z0-9_.-]*")
_SHORT: Final[dict[type[msgspec.Struct], str]] = {
    TextDelta: "text",
    ReasoningDelta: "reason",
    RefusalDelta: "refusal",
    ToolCallDelta: "call",
}


def parse(diagram: str, /, **values: Any) -> Timeline:
    """Read a diagram.

    Unlike reactivex's `from_marbles`, `ab` is two values in two frames, and a value is an item, not a string.

    >>> parse("a-(b|)")
    [(0, TextDelta(text='a')), (2, TextDelta(text='b')), (2, Mark.COMPLETED)]
    >>> parse("  'Hi' -- {reason hmm} -#")
    [(0, TextDelta(text='Hi')), (3, ReasoningDelta(text='hmm')), (5, Mark.FAILED)]
    >>> parse("-X|", X=42)
    [(1, 42), (2, Mark.COMPLETED)]

    Args:
        diagram: The picture, in the grammar of this module.
        values: What single characters stand for, where they are not their own text.

    Returns:
        What happens in which frame.

    Raises:
        ConfigurationError: The diagram cannot be read; the message points at the column.
    """
    return _Parser(diagram, _checked(values)).timeline()


def render(events: Iterable[tuple[int, Any]], /, **values: Any) -> str:
    """Draw a diagram, up to the last event; no events are the empty diagram.

    The inverse of `parse`, but that a plain `str` is drawn like the text delta of it, and that an object which is
    neither an item, a list nor a Python literal is drawn as its repr in braces.

    >>> render([(0, "a"), (3, TextDelta("bc")), (3, Mark.COMPLETED)])
    "a--('bc'|)"
    >>> render([(1, [TextDelta("a"), TextDelta("b")]), (2, {"k": 1}), (3, 42)], X=42)
    "-[ab]{{'k': 1}}X"

    Args:
        events: Frames that never decrease, each with a value or a `Mark`.
        values: Single characters to be drawn for values equal to these.

    Returns:
        The picture.

    Raises:
        ConfigurationError: The frames go back.
    """
    _checked(values)
    pieces: list[str] = []
    now = 0
    for frame, group in groupby(events, key=lambda event: event[0]):
        if frame < now:
            raise ConfigurationError(f"Frame {frame} comes too late, after frame {now - 1}; sort the events by frame.")
        glyphs = [_glyph(event, values) for _, event in group]
        pieces += "-" * (frame - now), glyphs[0] if len(glyphs) == 1 else f"({''.join(glyphs)})"
        now = frame + 1
    return "".join(pieces)


def _checked(values: dict[str, Any]) -> dict[str, Any]:
    for name in values:
        if len(name) != 1 or name in _RESERVED or name.isspace():
            raise ConfigurationError(f"{name!r} cannot name a value; use one character that is no glyph, e.g. X=…")
    return values


class _Parser:
    """Walks along one diagram; `_at` is where it stands."""

    def __init__(self, diagram: str, values: Mapping[str, Any]) -> None:
        self._diagram = diagram
        self._values = values
        self._at = 0
        self._ended = False

    def timeline(self) -> Timeline:
        events: Timeline = []
        frame = 0
        while glyph := self._peek():
            if glyph == "-":
                self._at += 1
            elif glyph == "(":
                events += [(frame, event) for event in self._until(")")]
            else:
                events.append((frame, self._event()))
            frame += 1
        return events

    def _peek(self) -> str:
        """Skip spaces and give the character that comes next, `""` at the end."""
        while self._diagram[self._at : self._at + 1].isspace():
            self._at += 1
        return self._diagram[self._at : self._at + 1]

    def _until(self, close: str) -> list[Any]:
        """Read what stands between two brackets: events in a group, values in a list."""
        start = self._at
        self._at += 1
        found: list[Any] = []
        while (glyph := self._peek()) != close:
            if not glyph:
                self._fail(start, f"{self._diagram[start]!r} is opened but never closed", f"close it with {close!r}")
            found.append(self._event() if close == ")" else self._value())
        if close == ")" and not found:
            self._fail(start, "The group is empty", "write '-' for a frame in which nothing happens")
        self._at += 1
        return found

    def _event(self) -> Any:
        if self._ended:
            self._fail(self._at, "Something follows the end of the stream", "end the diagram at '|' or '#'")
        mark = _MARKS.get(self._diagram[self._at])
        if mark is None:
            return self._value()
        self._at += 1
        self._ended = mark in _ENDS
        return mark

    def _value(self) -> Any:
        glyph = self._diagram[self._at]
        if glyph in "'\"":
            return TextDelta(self._quoted())
        if glyph == "[":
            return self._until("]")
        if glyph == "{":
            return self._braces()
        if glyph in ")]}":
            self._fail(self._at, f"{glyph!r} closes nothing", "open it first, or write it in quotes")
        if glyph in _RESERVED:
            self._fail(self._at, f"{glyph!r} is no value", "a group holds values and an end, a list holds values")
        self._at += 1
        return self._values[glyph] if glyph in self._values else TextDelta(glyph)

    def _quoted(self) -> str:
        return self._literal(self._at, self._matched(_QUOTED, "The quote is opened but never closed"))

    def _braces(self) -> Any:
        start = self._at
        self._at += 1
        self._peek()
        name = _NAME.match(self._diagram, self._at)
        if name is None:
            self._at = start
            return self._literal(start + 1, self._enclosed()[1:-1].strip())
        self._at = name.end()
        return self._item(start, name[0])

    def _item(self, start: int, name: str) -> Any:
        args: list[Any] = []
        fields: dict[str, Any] = {}
        while (glyph := self._peek()) != "}":
            if not glyph:
                self._fail(start, "'{' is opened but never closed", "close it with '}'")
            if keyword := _KEYWORD.match(self._diagram, self._at):
                self._at = keyword.end()
                fields[keyword[1]] = self._field()
            else:
                args.append(self._field())
        self._at += 1
        kinds = {_name_of(kind): kind for kind in (*item_types(), Timing)}
        if name not in kinds:
            self._fail(start + 1, f"There is no item {name!r}", f"choose one of {', '.join(sorted(kinds))}")
        try:
            made = kinds[name](*args, **fields)
            # Structs do not check what they are made of, and a wrong type would be noticed far from here.
            return msgspec.convert(msgspec.structs.asdict(made), kinds[name])
        except (TypeError, msgspec.ValidationError) as fault:
            self._fail(start, f"This makes no {kinds[name].__name__}", f"mend the fields: {fault}")

    def _field(self) -> Any:
        glyph = self._peek()
        if glyph == "{" and _NAME.match(self._diagram, self._at + 1):
            return self._braces()
        start = self._at
        if glyph and glyph in "'\"":
            return self._quoted()
        if glyph and glyph in "{[(":
            return self._literal(start, self._enclosed())
        word = self._matched(_WORD, "A field's value is missing")
        try:
            return ast.literal_eval(word)
        except (ValueError, SyntaxError):
            return word

    def _enclosed(self) -> str:
        """Take all from one bracket to the bracket that closes it."""
        start = self._at
        depth = 0
        while self._at == start or depth:
            glyph = self._diagram[self._at : self._at + 1]
            if not glyph:
                self._fail(start, f"{self._diagram[start]!r} is opened but never closed", "close it")
            if glyph in "'\"":
                self._matched(_QUOTED, "The quote is opened but never closed")
                continue
            depth += (glyph in "([{") - (glyph in ")]}")
            self._at += 1
        return self._diagram[start : self._at]

    def _matched(self, pattern: re.Pattern[str], fault: str) -> str:
        found = pattern.match(self._diagram, self._at)
        if found is None:
            self._fail(self._at, fault, "write text with a space, a bracket or a quote in it as a Python string")
        self._at = found.end()
        return found[0]

    def _literal(self, start: int, literal: str) -> Any:
        try:
            return ast.literal_eval(literal)
        except (ValueError, SyntaxError) as fault:
            self._fail(start, f"{literal!r} is no Python literal", f"mend it: {fault}")

    def _fail(self, at: int, what: str, advice: str) -> NoReturn:
        where = f"\n  {self._diagram}\n  {' ' * at}^"
        raise ConfigurationError(f"{what}, at column {at + 1} of the diagram; {advice}.{where}") from None


def _glyph(event: Any, values: Mapping[str, Any]) -> str:
    """Draw one event."""
    if isinstance(event, Mark):
        return event.value
    for name, value in values.items():
        if type(value) is type(event) and value == event:  # True is not 1 in a picture
            return name
    text = event.text if type(event) is TextDelta and event.choice == 0 else event
    if isinstance(text, str):
        plain = len(text) == 1 and text.isprintable() and text not in _RESERVED and text not in values
        return text if plain else repr(text)
    if type(event) is list:
        return f"[{''.join([_glyph(each, values) for each in cast('list[Any]', event)])}]"
    return _braced(event)


def _braced(value: Any) -> str:
    """Draw an item as its name and its fields, leaving out what is at its default; any other value as its repr."""
    if not isinstance(value, (StreamItem, Timing)):
        return f"{{{value!r}}}"
    words = [_name_of(type(value))]
    skipped = False
    for field in msgspec.structs.fields(value):
        given = getattr(value, field.name)
        if given == field.default:
            skipped = True
            continue
        words.append(f"{field.name}={_word(given)}" if skipped else _word(given))
    return f"{{{' '.join(words)}}}"


def _word(given: Any) -> str:
    """Draw one field of an item."""
    if isinstance(given, msgspec.Struct):
        return _braced(given)
    return given if isinstance(given, str) and _BARE.fullmatch(given) else repr(given)


def _name_of(kind: type[msgspec.Struct]) -> str:
    return _SHORT.get(kind) or re.sub(r"(?<!^)(?=[A-Z])", "_", kind.__name__).lower()
