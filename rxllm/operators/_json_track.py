"""What a path tells, noticed while the document is being read: `PathScanner`."""

from __future__ import annotations

from typing import Any, cast

from rxllm.operators._json_path import EACH, Path, Place
from rxllm.operators._json_scan import Container, JsonScanner
from rxllm.operators._json_unread import MOST_UNREAD, Unread

__all__ = ["PathScanner"]


class PathScanner(JsonScanner):
    """A scanner that tells what closes at a path, and what is open there.

    >>> from rxllm.operators._json_path import parse_path
    >>> scanner = PathScanner(parse_path("$.a[*]"))
    >>> scanner.feed('{"a": [1, "b')
    >>> scanner.hits, scanner.open_hit()
    ([(('a', 0), 1)], ('a', 1))

    Args:
        path: Where to look.
        openers: As for `JsonScanner`.
    """

    def __init__(self, path: Path, openers: str = "") -> None:
        super().__init__(openers)
        self.hits: list[tuple[Place, Any]] = []
        """What closed at the path; whoever reads it clears it."""
        self.unread = Unread(self)
        """What was taken and not fed yet."""
        self._path = path
        self._matched = 0  # how many of the open containers lie on the path
        self._leads_there = not path  # whether what comes next in the innermost one may be at the path's end
        self._is_quiet = False  # whether nothing closes at the path before a bracket does

    def is_open(self) -> bool:
        """Whether something at the path is open; `take` may not know it behind a `[*]`."""
        depth = len(self._path)
        return self._matched > depth or (self.is_in_string and self._leads_there and self._is_next(depth))

    def open_hit(self) -> Place:
        """Tell the place of what is open at the path."""
        return self.place()[: len(self._path)]

    def take(self, piece: str) -> None:
        """Read a piece at once, or later where only the end of what is open at the path matters.

        Args:
            piece: More of the document.
        """
        unread, depth = self.unread, len(self._path)
        if self._is_quiet and not ("}" in piece or "]" in piece) and len(unread.pieces) < MOST_UNREAD:
            unread.pieces.append(piece)
            return
        if self._matched > depth:
            unread.push(piece, depth)
        elif self._is_among_members() and (unread.pieces or self.is_behind_member()):
            unread.push(piece, depth - 1)  # the list stays open while a member in it closes
        else:
            self.feed(piece)
        self._is_quiet = self._waits_for_bracket()

    def _is_among_members(self) -> bool:
        """Whether the innermost container is the list whose members the path means."""
        return self._leads_there and self._path[-1:] == (EACH,)

    def _waits_for_bracket(self) -> bool:
        """Tell whether nothing closes at the path before a bracket does; if it may, read what waits."""
        if self._matched > len(self._path):
            return True
        if not self.unread.pieces:
            return False
        begun = "".join(self.unread.pieces).lstrip(", \t\n\r")
        if self._is_among_members() and (not begun or begun[0] in "{["):
            return bool(begun)  # a comma alone may yet be followed by a plain member
        self.unread.catch_up()
        return self._matched > len(self._path)

    def leap_members(self, text: str) -> bool:
        """Read more members of the innermost list, as `JsonScanner` does, and tell which closed at the path."""
        members = cast("list[Any]", self.stack[-1]) if self.is_behind_member() else []
        first = len(members)
        if not super().leap_members(text):
            return False
        if self._leads_there:
            place = self.place()
            self.hits += [((*place, at), value) for at, value in enumerate(members[first:], first)]
        return True

    def _is_next(self, depth: int) -> bool:
        """Tell whether what comes next stands at the path's step to this depth."""
        if not depth:
            return True
        top = self.stack[-1]
        step = self._path[depth - 1]
        if isinstance(top, dict):
            return step == self.key
        return step is EACH or step == len(top)

    def _is_watched(self) -> bool:
        return self._matched == len(self.stack) <= len(self._path)

    def _may_leap(self) -> bool:
        depth = len(self.stack)
        return not (self._is_watched() and depth < len(self._path) and self._is_next(depth))

    def _put(self, value: Any) -> None:
        if self._leads_there and self._is_next(len(self._path)):
            self.hits.append((self.place(), value))
        super()._put(value)

    def _open(self, container: Container, at: int) -> None:
        depth = len(self.stack)
        if self._matched == depth <= len(self._path) and self._is_next(depth):
            self._matched = depth + 1
        super()._open(container, at)
        self._leads_there = self._matched == len(self.stack) == len(self._path)

    def _close(self) -> None:
        depth = len(self.stack) - 1
        if self._matched > depth:
            if depth == len(self._path):
                self.hits.append((self.place()[:depth], self.stack[-1]))
            self._matched = depth
        super()._close()
        self._leads_there = self._matched == depth == len(self._path)
