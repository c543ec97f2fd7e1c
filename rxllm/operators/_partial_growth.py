"""An object that grows in its shape: `Growing`."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from rxllm.operators._partial_shape import NOTHING, Raw, Shape, Text, misfit

if TYPE_CHECKING:
    from rxllm.errors import DecodeError
    from rxllm.operators._json_scan import Container, JsonScanner
    from rxllm.operators._json_unread import Unread

__all__ = ["Growing"]


class Growing:
    """Builds an object of what a scanner has read so far, and validates each member once, when it is complete.

    Args:
        shape: Of the whole.
        scanner: Reads the document.
        unread: What it has not read yet.
    """

    def __init__(self, shape: Shape, scanner: JsonScanner, unread: Unread) -> None:
        self.fault: DecodeError | None = None
        """Why a complete member does not fit; the object goes on without it."""
        self._shape = shape
        self._scanner = scanner
        self._unread = unread
        self._levels: list[_Level] = []
        self._repeated = 0

    def value(self) -> Any:
        """Build the object so far: O(what is open), and what has closed since the last time."""
        begun = self._unread.begun()
        if self._repeated != self._scanner.repeated:
            self._repeated = self._scanner.repeated
            self._levels.clear()
        shown: Any = NOTHING
        if self._scanner.stack:
            try:
                shown = self._shown(0, self._shape, begun)
            except _UnclearError:
                self._unread.catch_up()
                shown = self._shown(0, self._shape, None)
        return None if shown is NOTHING else shown

    def _shown(self, depth: int, shape: Shape, begun: list[Any] | None) -> Any:
        """Show the container that is open at a depth."""
        scanner = self._scanner
        stack = scanner.stack
        if type(shape) is Raw:
            return scanner.snapshot(depth, begun)
        if shape.opens is not type(stack[depth]):
            return NOTHING
        level = self._level(depth, stack[depth])
        has_inner = depth + 1 < len(stack)
        self._take(level, shape, len(level.raw) - has_inner, depth)
        key = scanner.keys[depth + 1] if has_inner else scanner.key
        inner: Any = NOTHING
        if has_inner:
            inner = self._shown(depth + 1, shape.member(key), begun)
        elif begun:
            if len(begun) > 1:  # the others are complete, and to be validated once
                raise _UnclearError
            inner = _shown_of(shape.member(key), begun[0])
        elif scanner.is_in_string and type(shape.member(key)) in (Raw, Text):
            inner = scanner.snapshot(depth + 1)
        return shape.shown(level.built, key, inner)

    def _level(self, depth: int, raw: Container) -> _Level:
        if depth < len(self._levels) and self._levels[depth].raw is raw:
            return self._levels[depth]
        del self._levels[depth:]
        level = _Level(raw)
        self._levels.append(level)
        return level

    def _take(self, level: _Level, shape: Shape, complete: int, depth: int) -> None:
        """Validate what has closed at a level since the last time."""
        raw, taken = level.raw, level.taken
        if complete <= taken:
            return
        level.taken = complete
        if isinstance(raw, dict):
            members: list[tuple[str | int, Any]] = list(islice(raw.items(), taken, complete))
        else:
            members = list(enumerate(raw[taken:complete], taken))
        for key, member in members:
            try:
                shape.take(level.built, str(key), member)
            except ValidationError as invalid:
                self.fault = self.fault or misfit(invalid, (*self._scanner.place()[:depth], key))


class _UnclearError(Exception):
    """It cannot be told whether a value is complete, or it does not fit; reading it will tell."""


def _shown_of(shape: Shape, value: Any) -> Any:
    """Show a value that was looked into, of which the last member of the last may be a text that is open."""
    if type(shape) is Raw:
        return value
    if isinstance(value, str):
        if not shape.takes_any_text:
            raise _UnclearError
        return value if type(shape) is Text else NOTHING
    if type(value) not in (dict, list):
        raise _UnclearError
    if shape.opens is not type(value):
        return NOTHING
    built: Any = type(value)()
    members: list[tuple[str, Any]] = list(value.items()) if shape.opens is dict else [("", each) for each in value]
    inner: Any = NOTHING
    key = ""
    try:
        for at, (key, member) in enumerate(members, 1):
            if at == len(members) and isinstance(member, (str, dict, list)):
                inner = _shown_of(shape.member(key), member)
            else:
                shape.take(built, key, member)
    except ValidationError as invalid:
        raise _UnclearError from invalid
    return shape.shown(built, key, inner)


class _Level:
    """What is built of one open container."""

    __slots__ = ("built", "raw", "taken")

    def __init__(self, raw: Container) -> None:
        self.raw = raw
        self.built: Any = [] if isinstance(raw, list) else {}
        self.taken = 0
