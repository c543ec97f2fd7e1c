"""What came of a document and is not read yet: `Unread`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from rxllm.operators._json_scan import JsonScanner

__all__ = ["MOST_UNREAD", "Unread"]

MOST_UNREAD: Final = 64
"""The most pieces that wait, so that a fault is told soon also where nobody looks."""


class Unread:
    """Pieces that wait until somebody looks, until something may close, or until they are many.

    A scanner that reads each piece as it comes reads in small steps; what has waited is read at C speed where whole
    values stand in it. Nobody sees the difference: `snapshot` looks into what waits.

    >>> from rxllm.operators._json_scan import JsonScanner
    >>> unread = Unread(JsonScanner())
    >>> for piece in ('[{"a": 1}, {"a": "b', 'c'):
    ...     unread.push(piece)
    >>> unread.pieces, unread.snapshot()
    ([', {"a": "b', 'c'], [{'a': 1}, {'a': 'bc'}])

    Args:
        scanner: Who reads them.
    """

    def __init__(self, scanner: JsonScanner) -> None:
        self.pieces: list[str] = []
        """They, in their order."""
        self._scanner = scanner
        self._stack = scanner.stack
        self._ends = 0  # closing brackets among them, also those that are text

    def push(self, piece: str, floor: int = 0) -> None:
        """Take a piece.

        Args:
            piece: More of the document.
            floor: How many of the open containers may stay open while what is in them closes unnoticed.
        """
        self.pieces.append(piece)
        self.weigh(piece, floor)

    def weigh(self, piece: str, floor: int = 0) -> bool:
        """Read what waits if it must be read because of its last piece.

        Args:
            piece: The last of `pieces`.
            floor: As for `push`.

        Returns:
            Whether nothing was read but members of the innermost list, which goes on.
        """
        self._ends += piece.count("}") + piece.count("]")
        if self._ends >= len(self._stack) - floor:  # with fewer of them it closed in no case
            return self._read_to_last_end()
        if len(self.pieces) < MOST_UNREAD:
            return True
        self.catch_up()
        return False

    def catch_up(self) -> None:
        """Read all."""
        if self.pieces:
            text = "".join(self.pieces)
            self.pieces.clear()
            self._ends = 0
            self._scanner.feed(text)

    def _read_to_last_end(self) -> bool:
        """Read up to the last bracket; a member that begins behind it waits, to be read when it is whole."""
        text = "".join(self.pieces)
        self.pieces.clear()
        self._ends = 0
        scanner = self._scanner
        if scanner.leap_members(text):  # as nearly always in a table
            return True
        end = max(text.rfind("}"), text.rfind("]")) + 1
        text, rest = text[:end], text[end:]
        if text and not (rest and scanner.leap_members(text)):
            scanner.feed(text)
        if rest and scanner.is_behind_member():
            self.pieces.append(rest)
        elif rest:
            scanner.feed(rest)
        return False

    def begun(self, depth: int = 0) -> list[Any] | None:
        """Look into what waits where it only adds to the innermost list.

        Args:
            depth: How many of the open containers are looked past.

        Returns:
            The members that wait, the last as far as it goes; None if nothing waits any more.
        """
        if self._ends:
            self._read_to_last_end()
        if not self.pieces:
            return None
        if len(self._stack) > depth:
            members = self._scanner.begun_members("".join(self.pieces))
            if members is not None:
                return members
        self.catch_up()
        return None

    def snapshot(self, depth: int = 0) -> Any:
        """Tell what there is, read or not; see the scanner's `snapshot`.

        Args:
            depth: How many of the open containers to leave out.

        Returns:
            What never changes later.
        """
        return self._scanner.snapshot(depth, self.begun(depth))
