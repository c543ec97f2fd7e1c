"""`code_blocks`: each fenced block of code, whole, behind its text."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rxllm.items import StreamItem, TextDelta
from rxllm.operators._by_choice import BESIDE, by_choice
from rxllm.operators._markdown_line import Fence, closes, fence_in_item, is_open

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rxllm.observable import Operator

__all__ = ["CodeBlock", "code_blocks"]


class CodeBlock(StreamItem, frozen=True):
    """A fenced block of code, after its text; not `closed` where the text ended within it."""

    language: str
    code: str
    choice: int = 0
    closed: bool = True


def code_blocks() -> Operator:
    r"""Add a `CodeBlock` behind each fenced block of code, when its closing fence has come.

    Unlike `rx.filter` with a regular expression over the whole text it is live, and unlike `markdown_blocks` it sees
    code only, wherever it is indented, in a list too. The text passes as it is, cut behind a closing fence;
    `ops.of_type` would take the blocks alone. Each choice has blocks of its own.

    >>> from rxllm.testing import play
    >>> play(code_blocks(), r"'```py\nx'-'=1\n``'-'`\nSo'-|")
    "'```py\\nx'-'=1\\n``'-('`\\n'{code_block py 'x=1\\n'}'So')-|"

    Returns:
        An operator over stream items; joined, the text is the same.
    """
    return by_choice(_Code, BESIDE)


class _Code:
    """The line that may be a fence, and the lines of the code that has begun."""

    __slots__ = ("_choice", "_code", "_fence", "_line", "_plain")

    def __init__(self, choice: int) -> None:
        self._choice = choice
        self._fence: Fence | None = None
        self._code: list[str] = []
        self._line: list[str] = []  # in pieces, for a line of code may be long
        self._plain = False  # the line is outside of code, and no fence

    def feed(self, delta: TextDelta) -> Sequence[StreamItem]:
        text = delta.text
        if "\n" not in text:
            self._add(text)
            return (delta,)
        found: list[StreamItem] = []
        at = 0
        told = 0
        while (end := text.find("\n", at) + 1) > 0:
            self._add(text[at:end])
            at = end
            if block := self._ended_line():
                found += TextDelta(text[told:end], self._choice), block
                told = end
        if at < len(text):
            self._add(text[at:])
        if told < len(text):
            found.append(TextDelta(text[told:], self._choice) if told else delta)
        return found

    def flush(self) -> Sequence[StreamItem]:
        block = self._ended_line()
        if block is None and self._fence:
            block = self._block(self._fence, closed=False)
        return [block] if block else ()

    def _add(self, piece: str) -> None:
        if self._plain:
            return
        self._line.append(piece)
        if self._fence is None and not piece.endswith("\n") and not is_open("".join(self._line), None):
            self._plain = True
            self._line.clear()

    def _ended_line(self) -> CodeBlock | None:
        line = "".join(self._line)
        self._line.clear()
        fence = self._fence
        if fence is None:
            self._fence = None if self._plain else fence_in_item(line)
            self._plain = False
        elif closes(fence, line):
            return self._block(fence, closed=True)
        else:
            blanks = len(line) - len(line.lstrip(" \t"))
            self._code.append(line[min(blanks, fence.indent) :])
        return None

    def _block(self, fence: Fence, *, closed: bool) -> CodeBlock:
        block = CodeBlock(fence.language, "".join(self._code), self._choice, closed)
        self._code.clear()
        self._fence = None
        return block
