"""A list shown again and again while it grows: `lent`."""

from __future__ import annotations

from sys import getrefcount
from typing import TYPE_CHECKING, Any, Final

from rxllm.operators._nothing import NOTHING

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["lent"]


_FEW: Final = 64
"""The most members of which a copy costs no more."""


def lent(growing: list[Any]) -> Callable[..., list[Any]]:
    """Make what shows all that a list holds so far, while that grows at its end.

    Each time it is another list, as a copy would be; but one that nobody has kept beyond the next, nor changed, is
    taken back and shown again, so that a live table does not cost more with each row. A copy counts a reference to each
    member, wherever in memory that is, and one less when it goes; comparing lists of the same members looks at none.

    >>> rows = [1, 2]
    >>> so_far = lent(rows)
    >>> kept = so_far("", 3)
    >>> rows.append(4)
    >>> kept, so_far("", NOTHING)
    ([1, 2, 3], [1, 2, 4])

    Args:
        growing: The list.

    Returns:
        What gives a list that never changes by itself, of the members so far, and of one behind them that is open, or
        `NOTHING`. The key that it takes, as other viewers do, means nothing; it may be told where the members end.
    """
    shown: list[Any] = []  # what was shown last
    count = 0  # of the members that had closed then
    before: tuple[list[Any], int] = ([], 0)  # both of the time before: whoever reads may still have the last

    def so_far(_: str, begun: Any, end: int | None = None) -> list[Any]:
        nonlocal shown, count, before
        if len(growing) < _FEW:
            return growing[:end] if begun is NOTHING else [*growing[:end], begun]
        (shown, count), before = before, (shown, count)
        is_own = getrefcount(shown) == _OWN
        if is_own:
            del shown[count:]
            shown += growing[count:]
            try:
                is_own = shown == growing
            except Exception:  # noqa: BLE001 - somebody has put there what cannot be compared
                is_own = False
        if not is_own:
            shown = growing.copy()
        if end is not None:
            del shown[end:]
        count = len(shown)
        if begun is not NOTHING:
            shown.append(begun)
        return shown

    return so_far


def _references() -> int:
    shown: list[Any] = []

    def count() -> int:
        return getrefcount(shown)

    return count()


_OWN: Final = _references()
"""How many references are counted to a list that nobody has."""
