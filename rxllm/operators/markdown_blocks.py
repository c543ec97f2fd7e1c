"""`markdown_blocks`: each block of Markdown, whole, behind its live text."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from rxllm.items import StreamItem, TextDelta
from rxllm.operators._by_choice import BESIDE, by_choice
from rxllm.operators._markdown_line import (
    BLANK,
    DELIMITER,
    ITEM,
    ROW,
    UNDERLINE,
    Fence,
    closes,
    fence_in_item,
    is_open,
    kind_of,
    opened_fence,
    recognizable,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rxllm.observable import Operator

__all__ = ["MarkdownBlock", "markdown_blocks"]

_GOES_ON: Final = {"table": ("paragraph", "row"), "quote": ("paragraph", "quote")}


class MarkdownBlock(StreamItem, frozen=True):
    """A whole block, after its text: paragraph, heading, list, table, quote, code or rule.

    `language` is that of code; `closed` is False where the text ended within a fence.
    """

    type: str
    text: str
    choice: int = 0
    language: str = ""
    closed: bool = True


def markdown_blocks() -> Operator:
    r"""Add a `MarkdownBlock` behind each block of the text, when it is closed.

    Unlike `paragraphs` it knows fences, lists and tables, blank lines within them too. The text is the live tail: it
    passes at once, cut so that no delta reaches from one block into the next, and only the first characters of a line
    wait until they tell what it is. So a screen shows the deltas, and at each block renders that once and for all.

    It takes what models write: code is fenced, and a line that begins with "|" begins a table or a paragraph. Blocks
    of HTML and indented code are paragraphs. Each choice has blocks of its own.

    >>> from rxllm.testing import play
    >>> play(markdown_blocks(), r"'# A\n'-'- b\n'-'- c'-|")
    "('# A\\n'{markdown_block heading '# A'})-'- b\\n'-'- c'-({markdown_block list '- b\\n- c'}|)"

    Returns:
        An operator over stream items; joined, the text is the same.
    """
    return by_choice(_Blocks, BESIDE)


class _Blocks:
    """The block that is open, and the beginning of a line that is not sure yet."""

    __slots__ = ("_choice", "_fence", "_held", "_last", "_lines", "_loose", "_marker", "_midline", "_text", "_type")

    def __init__(self, choice: int) -> None:
        self._choice = choice
        self._type = ""  # no block is open
        self._text: list[str] = []
        self._lines = 0
        self._fence: Fence | None = None  # of code, or of code in a list
        self._marker = ""  # of a list's items
        self._loose = False  # a blank line stands at the end of a list
        self._last = False  # the block ends with this line
        self._midline = False  # the line is known
        self._held = ""

    def feed(self, delta: TextDelta) -> Sequence[StreamItem]:
        text = delta.text
        if self._midline and "\n" not in text:
            self._take(text)
            return (delta,)
        text = self._held + text
        found: list[StreamItem] = []
        told = at = 0
        while at < len(text):
            end = text.find("\n", at) + 1 or len(text)
            line = text[at:end]
            if not self._midline:
                if line[-1] != "\n" and is_open(line, self._fence):
                    break
                told = self._put(found, self._begin_line(line), text, told, at)
            self._take(line)
            self._midline = line[-1] != "\n"
            at = end
            if self._last and not self._midline:
                told = self._put(found, self._close(), text, told, at)
        self._held = text[at:]
        if told < at:
            found.append(TextDelta(text[told:at], self._choice))
        return found

    def flush(self) -> Sequence[StreamItem]:
        found: list[StreamItem] = []
        if self._held:
            self._put(found, self._begin_line(self._held), "", 0, 0)
            self._take(self._held)
            found.append(TextDelta(self._held, self._choice))
        self._put(found, self._close(), "", 0, 0)
        self._held = ""
        self._midline = False
        return found

    def _put(self, found: list[StreamItem], block: MarkdownBlock | None, text: str, told: int, at: int) -> int:
        """Put a closed block behind its text, and give what is told with it."""
        if block is None:
            return told
        if told < at:
            found.append(TextDelta(text[told:at], self._choice))
        found.append(block)
        return at

    def _take(self, piece: str) -> None:
        if self._type:
            self._text.append(piece)
            self._lines += piece.endswith("\n")

    def _begin_line(self, line: str) -> MarkdownBlock | None:
        line = recognizable(line)
        kind = self._next_kind(line)
        if kind is None:
            return None
        closed = self._close()
        if kind:
            self._type = "paragraph" if kind == "row" else kind
            self._last = kind in ("heading", "rule")
            if kind == "code":
                self._fence = opened_fence(line)
            elif kind == "list":
                self._marker = _marker(line)
                self._fence = fence_in_item(line)
        return closed

    def _close(self) -> MarkdownBlock | None:
        """Give the open block as it is, and open none."""
        if not self._type:
            return None
        code = self._fence if self._type == "code" else None
        text = "".join(self._text).rstrip()
        language = code.language if code else ""
        block = MarkdownBlock(self._type, text, self._choice, language, self._fence is None or self._last)
        self._type = ""
        self._text.clear()
        self._lines = 0
        self._fence = None
        self._loose = self._last = False
        return block

    def _next_kind(self, line: str) -> str | None:
        """Tell what begins with a line: None where the open block goes on, "" where it ends and none begins."""
        if self._fence and self._type:
            self._next_in_fence(self._fence, line)
            return None
        if BLANK.match(line):
            self._loose = self._type == "list"
            return "" if self._type and not self._loose else None
        kind = kind_of(line)
        if self._type == "paragraph":
            return self._next_in_paragraph(line, kind)
        if self._type == "list":
            return self._next_in_list(line, kind)
        return None if kind in _GOES_ON.get(self._type, ()) else kind

    def _next_in_fence(self, fence: Fence, line: str) -> None:
        if closes(fence, line):
            if self._type == "code":
                self._last = True
            else:
                self._fence = None

    def _next_in_paragraph(self, line: str, kind: str) -> str | None:
        first = "".join(self._text) if self._lines == 1 else ""
        if "|" in first and "|" in line and DELIMITER.match(line):
            self._type = "table"
            return None
        if UNDERLINE.match(line):
            self._type = "heading"
            self._last = True
            return None
        if kind == "row":  # a table may follow its heading without a blank line
            return None if ROW.match(self._text[0]) else kind
        if kind == "list":  # a line may begin with a year, or with a dash
            item = ITEM.match(line)
            interrupts = item and item["number"] in (None, "1") and not BLANK.match(line[item.end() :])
            return kind if interrupts else None
        return None if kind == "paragraph" else kind

    def _next_in_list(self, line: str, kind: str) -> str | None:
        indented = line.startswith(("  ", "\t"))
        if not indented and (kind not in ("paragraph", "list") or (kind == "list" and _marker(line) != self._marker)):
            return kind
        if not indented and kind == "paragraph" and self._loose:
            return kind
        self._loose = False
        self._fence = fence_in_item(line)
        return None


def _marker(line: str) -> str:
    item = ITEM.match(line)
    return (item["bullet"] or item["delimiter"]) if item else ""
