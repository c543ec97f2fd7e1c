"""An object that grows in its shape: `Growing`."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING, Any

from pydantic import PydanticUserError

from rxllm.operators._nothing import NOTHING
from rxllm.operators._partial_misfit import misfit
from rxllm.operators._partial_shape import Raw, Shape, UnclearError

if TYPE_CHECKING:
    from collections.abc import Callable

    from rxllm.operators._json_scan import Container, JsonScanner
    from rxllm.operators._json_unread import Unread

__all__ = ["Growing"]


class Growing:
    """Builds an object of what a scanner has read so far, and validates each member once, when it is complete.

    Args:
        shape: Of the whole.
        scanner: Reads the document.
        unread: What it has not read yet.
        stumble: Told when a fault is found while a value is built, of the JSON or in this.
    """

    def __init__(self, shape: Shape, scanner: JsonScanner, unread: Unread, stumble: Callable[[], None]) -> None:
        self.fault: Exception | None = None
        """Why a complete member does not fit; the object goes on without it."""
        self._shape = shape
        self._scanner = scanner
        self._unread = unread
        self._stumble = stumble
        self._levels: list[_Level] = []  # of the open containers, as deep as they fit
        self._within = shape  # the shape of what is open within the last of them
        self._innermost: Container | None = None  # the container for which the levels stand
        self._upward: list[_Level] = []  # the levels from within
        self._last: _Level | None = None  # the last of them, if each open container has its level
        self._repeated = 0

    def value(self) -> Any:
        """Build the object so far: O(what is open), and what has closed since the last time."""
        begun = self._unread.begun()
        scanner = self._scanner
        if scanner.repeated != self._repeated:
            self._repeated = scanner.repeated
            self._levels.clear()
            self._innermost = None
        try:
            shown = self._shown(begun) if scanner.stack else NOTHING
        except Exception:  # noqa: BLE001 - it does not fit, or a user's validator raised: seen again when it is read
            self._unread.catch_up()
            shown = self._shown(None) if scanner.stack else NOTHING
        if scanner.fault is not None:
            self._stumble()
        return None if shown is NOTHING else shown

    def _shown(self, begun: list[Any] | None) -> Any:
        """Show what is open, from within."""
        innermost = self._scanner.stack[-1]
        if self._innermost is not innermost:
            self._descend()
        level = self._last
        if level is not None and level.taken < len(innermost):
            self._take(level, len(innermost))
        if not begun or level is None:
            shown = self._open(begun)
        elif len(begun) == 1:
            shown = begun[0]
            if shown.__class__ not in self._within.exact:
                shown = self._within.begun(shown)
        else:  # all but the last are complete, and to be validated once
            raise UnclearError
        for level in self._upward:
            shown = level.view(level.key, shown)
        return shown

    def _open(self, begun: list[Any] | None) -> Any:
        """Show what is open within the last of the levels, but for members that have begun."""
        scanner, levels, within = self._scanner, self._levels, self._within
        depth = len(levels)
        if self._last is None:
            is_raw = type(within) is Raw and isinstance(scanner.stack[depth], within.opens)
            return scanner.snapshot(depth, begun) if is_raw else NOTHING
        if scanner.is_in_string:
            key = levels[-1].key = scanner.key
            if levels[-1].shape.member(key).shows_text:
                return scanner.snapshot(depth)
        return NOTHING

    def _descend(self) -> None:
        """Follow the containers that are open, as deep as their shapes are those of the model."""
        stack, keys, levels = self._scanner.stack, self._scanner.keys, self._levels
        shape = self._shape
        for depth, raw in enumerate(stack):
            if type(shape) is Raw or shape.opens is not type(raw):
                del levels[depth:]
                break
            if depth >= len(levels) or levels[depth].raw is not raw:
                del levels[depth:]
                levels.append(_Level(raw, shape, depth, is_lenient=bool(levels) and levels[-1].is_lenient))
            level = levels[depth]
            is_last = depth + 1 == len(stack)
            self._take(level, len(raw) - (not is_last))
            level.key = self._scanner.key if is_last else keys[depth + 1]
            shape = shape.member(level.key)
        else:
            del levels[len(stack) :]
        self._within = shape
        self._innermost = stack[-1]
        self._upward = levels[::-1]
        self._last = levels[-1] if len(levels) == len(stack) else None

    def _take(self, level: _Level, complete: int) -> None:
        """Validate what has closed at a level since the last time."""
        raw, taken = level.raw, level.taken
        if complete <= taken:
            return
        level.taken = complete
        if isinstance(raw, dict):
            members: list[tuple[str | int, Any]] = list(islice(raw.items(), taken, complete))
        else:
            closed = raw[taken:complete]
            try:
                level.built += level.each.wholes(closed)
            except Exception:  # noqa: BLE001 - a user's validator may raise anything
                members = list(enumerate(closed, taken))  # to see which
            else:
                return
        for key, member in members:
            try:
                level.shape.take(level.built, str(key), member)
            except PydanticUserError:  # it cannot be validated apart from its model, and is not shown before that
                continue
            except Exception as error:  # noqa: BLE001 - as above
                if not (level.is_lenient or level.shape.member(str(key)).is_lenient):
                    self.fault = self.fault or misfit(error, (*self._scanner.place()[: level.depth], key))
                    self._stumble()


class _Level:
    """What is built of one open container."""

    __slots__ = ("built", "depth", "each", "is_lenient", "key", "raw", "shape", "taken", "view")

    def __init__(self, raw: Container, shape: Shape, depth: int, *, is_lenient: bool) -> None:
        self.raw = raw
        self.depth = depth
        self.shape = shape
        self.is_lenient = is_lenient or shape.is_lenient
        self.built: Any = [] if isinstance(raw, list) else {}
        self.view = shape.viewer(self.built)
        self.each = shape.member("")  # of a list
        self.taken = 0
        self.key = ""  # of what is open within it
