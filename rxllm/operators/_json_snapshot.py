"""What JSON is so far, as plain values that never change: `Snapshots`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rxllm.operators._lent import lent
from rxllm.operators._nothing import NOTHING

if TYPE_CHECKING:
    from collections.abc import Callable

    from rxllm.operators._json_scan import Container, JsonScanner

__all__ = ["Snapshots"]


class Snapshots:
    """Makes snapshots of what a scanner has read: of what is still open, while all that has closed is shared by them.

    Args:
        scanner: Who reads.
    """

    def __init__(self, scanner: JsonScanner) -> None:
        self._scanner = scanner
        self._lists: dict[int, tuple[Container, Callable[..., list[Any]]]] = {}  # by their levels

    def take(self, depth: int, begun: list[Any] | None) -> Any:
        """Take one.

        Args:
            depth: How many of the open containers to leave out.
            begun: More members of the innermost one, a list, which were not fed yet.

        Returns:
            Plain values.
        """
        scanner = self._scanner
        stack, keys, key = scanner.stack, scanner.keys, scanner.key
        is_open = scanner.is_in_string
        inner: Any = scanner.text_so_far() if is_open else scanner.root
        end = None  # of the members that have closed, in a list
        for level in range(len(stack) - 1, depth - 1, -1):
            container = stack[level]
            if isinstance(container, dict):
                inner = {**container, key: inner} if is_open else container.copy()
            else:
                members = self._closed(container, level, end)
                members += [inner] if is_open else begun or ()
                inner = members
            is_open, end, key = True, -1, keys[level]
        return inner

    def _closed(self, container: list[Any], level: int, end: int | None) -> list[Any]:
        known = self._lists.get(level)
        if known is None or known[0] is not container:
            known = self._lists[level] = container, lent(container)
        return known[1]("", NOTHING, end)
