r"""`paragraphs`: one text delta a paragraph."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from rxllm.items import StreamItem, TextDelta
from rxllm.operators._by_choice import PLACELESS, by_choice

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rxllm.observable import Operator

__all__ = ["paragraphs"]

_STEP: Final = re.compile(r"\n|[^\s]+(?:[^\S\n]+[^\s]+)*")  # a line feed, or the words of a line
_BLANK_LINE: Final = 2  # line feeds


def paragraphs() -> Operator:
    r"""Cut the text at blank lines: one delta a paragraph, with the blank lines behind it.

    Unlike `markdown_blocks` it knows nothing of fences, lists and tables: a blank line within them is a border too.
    A paragraph leaves when the first word of the next one comes (there may be more blank lines before it), at the end,
    on an error, or before an item that has a place, such as a tool call. Each choice has paragraphs of its own.

    >>> from rxllm.testing import play
    >>> play(paragraphs(), r"a-'\n'-'\nb'-c|")
    "----'a\\n\\n'--('bc'|)"

    Returns:
        An operator over stream items; joined, the text is the same.
    """
    return by_choice(_Paragraphs, PLACELESS)


class _Paragraphs:
    """The paragraph that has begun; behind a line feed, what may be the next one's indent is kept apart."""

    __slots__ = ("_choice", "_feeds", "_held", "_indent")

    def __init__(self, choice: int) -> None:
        self._choice = choice
        self._held: list[str] = []
        self._indent: list[str] = []
        self._feeds = 0  # line feeds since the last word

    def feed(self, delta: TextDelta) -> Sequence[StreamItem]:
        text = delta.text
        if not self._feeds and "\n" not in text:
            self._held.append(text)
            return ()
        closed: list[StreamItem] = []
        at = 0  # what is before it is held
        for step in _STEP.finditer(text):
            if step[0] == "\n":
                self._feeds += 1
                self._held += *self._indent, text[at : step.end()]
                self._indent.clear()
                at = step.end()
            elif self._feeds:
                if self._feeds >= _BLANK_LINE and (paragraph := "".join(self._held)).strip():
                    closed.append(TextDelta(paragraph, self._choice))
                    self._held.clear()
                self._held += self._indent
                self._indent.clear()
                self._feeds = 0
        (self._indent if self._feeds else self._held).append(text[at:])
        return closed

    def flush(self) -> Sequence[StreamItem]:
        rest = "".join([*self._held, *self._indent])
        self._held.clear()
        self._indent.clear()
        self._feeds = 0
        return [TextDelta(rest, self._choice)] if rest else ()
