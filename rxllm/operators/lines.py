r"""`lines`: one text delta a line."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rxllm.items import StreamItem, TextDelta
from rxllm.operators._by_choice import PLACELESS, by_choice

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rxllm.observable import Operator

__all__ = ["lines"]


def lines() -> Operator:
    r"""Cut the text into lines: one delta each, with its line feed, as soon as that has come.

    Unlike `rx.scan` over the text so far, it costs the same for the last line as for the first; unlike
    `str.splitlines` it cuts at "\n" alone (so "\r\n" too), and the text joined is the same. A last line without a
    line feed comes at the end, on an error, or before an item that has a place, such as a tool call. Each choice has
    lines of its own.

    >>> from rxllm.testing import play
    >>> play(lines(), r"'a\nb'-'c\n'-d|")
    "'a\\n'-'bc\\n'--(d|)"

    Returns:
        An operator over stream items; joined, the text is the same.
    """
    return by_choice(_Lines, PLACELESS)


class _Lines:
    """The line that has begun, in pieces: it may be long, and joining it at each piece would be quadratic."""

    __slots__ = ("_choice", "_held")

    def __init__(self, choice: int) -> None:
        self._choice = choice
        self._held: list[str] = []

    def feed(self, delta: TextDelta) -> Sequence[StreamItem]:
        text = delta.text
        if "\n" not in text:
            self._held.append(text)
            return ()
        first, *others = text.split("\n")
        self._held.append(first)
        whole = ["".join(self._held), *others]
        self._held = [whole.pop()]
        return [TextDelta(f"{line}\n", self._choice) for line in whole]

    def flush(self) -> Sequence[StreamItem]:
        rest = "".join(self._held)
        self._held.clear()
        return [TextDelta(rest, self._choice)] if rest else ()
