"""An object that grows in its shape: `Growing`."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from rxllm.operators._partial_shape import NOTHING, Raw, Shape, Text, misfit

if TYPE_CHECKING:
    from rxllm.errors import DecodeError
    from rxllm.operators._json_scan import Container, JsonScanner

__all__ = ["Growing"]


class Growing:
    """Builds an object of what a scanner has read so far, and validates each member once, when it is complete.

    Args:
        shape: Of the whole.
        scanner: Reads the document.
    """

    def __init__(self, shape: Shape, scanner: JsonScanner) -> None:
        self.fault: DecodeError | None = None
        """Why a complete member does not fit; the object goes on without it."""
        self._shape = shape
        self._scanner = scanner
        self._levels: list[_Level] = []

    def value(self) -> Any:
        """Build the object so far: O(what is open), and what has closed since the last time."""
        self._scanner.catch_up()
        shown = self._shown(0, self._shape) if self._scanner.stack else NOTHING
        return None if shown is NOTHING else shown

    def _shown(self, depth: int, shape: Shape) -> Any:
        """Show the container that is open at a depth."""
        scanner = self._scanner
        stack = scanner.stack
        if type(shape) is Raw:
            return scanner.snapshot(depth)
        if shape.opens is not type(stack[depth]):
            return NOTHING
        level = self._level(depth, stack[depth])
        has_inner = depth + 1 < len(stack)
        self._take(level, shape, len(level.raw) - has_inner, depth)
        key = scanner.keys[depth + 1] if has_inner else scanner.key
        inner: Any = NOTHING
        if has_inner:
            inner = self._shown(depth + 1, shape.member(key))
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


class _Level:
    """What is built of one open container."""

    __slots__ = ("built", "raw", "taken")

    def __init__(self, raw: Container) -> None:
        self.raw = raw
        self.built: Any = [] if isinstance(raw, list) else {}
        self.taken = 0
