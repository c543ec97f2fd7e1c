"""`sentences`: one text delta a sentence, for a voice."""

from __future__ import annotations

import unicodedata
from typing import TYPE_CHECKING, Final

from rxllm.items import StreamItem, TextDelta
from rxllm.operators._by_choice import PLACELESS, by_choice
from rxllm.operators._numbers import check_count
from rxllm.operators._sentence_end import END, MARK, is_end

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rxllm.observable import Operator

__all__ = ["sentences"]

_LEAST: Final = 20
_PAUSES: Final = ",;:，、；：—–"  # noqa: RUF001 - the full-width ones are meant
_JOINERS: Final = frozenset("\u200d\ufe0e\ufe0f")  # they make one emoji of several characters


def sentences(longest: int = 400) -> Operator:
    r"""Cut the text into sentences: one delta each, as soon as it is certain that the sentence has ended.

    Unlike a cut at every ".", "!" and "?" it knows abbreviations, initials, decimals, ellipses, quotes, the marks of
    Chinese and Japanese (which need no space), and that headings and the items of a list end without a mark. It is
    certain when the next word begins: "3." may become "3.5", and "etc. " go on. What is left comes at the end, on an
    error, or before an item that has a place, such as a tool call. Each choice has sentences of its own.

    >>> from rxllm.testing import play
    >>> play(sentences(), "'Dr'-'. No is '-'3.5. '-Yes|")
    "------'Dr. No is 3.5. '--('Yes'|)"
    >>> play(sentences(), "'好。'-'你呢。'-|")
    "--'好。'-('你呢。'|)"

    Args:
        longest: The most characters of one delta; a longer sentence is cut at its last pause, else between words.

    Returns:
        An operator over stream items; joined, the text is the same.

    Raises:
        ConfigurationError: `longest` is too small for words, or no whole number.
    """
    check_count("sentences(longest), in characters,", longest, least=_LEAST)
    return by_choice(lambda choice: _Sentences(choice, longest), PLACELESS)


class _Sentences:
    """The sentence that has begun, never much longer than a sentence may be, and how far its marks are decided."""

    __slots__ = ("_at", "_choice", "_held", "_longest")

    def __init__(self, choice: int, longest: int) -> None:
        self._choice = choice
        self._longest = longest
        self._held = ""
        self._at = 0

    def feed(self, delta: TextDelta) -> Sequence[StreamItem]:
        text = self._held + delta.text
        if len(text) <= self._longest and not MARK.search(text, self._at):
            self._held = text
            self._at = len(text)
            return ()
        return self._cut(text, whole=False)

    def flush(self) -> Sequence[StreamItem]:
        found = self._cut(self._held, whole=True)
        if self._held:
            found.append(TextDelta(self._held, self._choice))
        self._held = ""
        self._at = 0
        return found

    def _cut(self, text: str, *, whole: bool) -> list[StreamItem]:
        found: list[StreamItem] = []
        start = 0
        at = self._at
        while True:
            end, at = self._end(text, start, at, whole=whole)
            if end is None:
                break
            found.append(TextDelta(text[start:end], self._choice))
            start = at = end
        self._held = text[start:]
        self._at = at - start
        return found

    def _end(self, text: str, start: int, at: int, *, whole: bool) -> tuple[int | None, int]:
        """Give where the sentence ends, if that is certain, and how far its marks are decided."""
        limit = start + self._longest + 1
        seen = min(len(text), limit)  # a mark beyond comes too late, and looking further would be quadratic
        while mark := MARK.search(text, at, seen):
            end = END.match(text, mark.start(), seen)
            if end is None or end.end() == limit:
                break
            at = mark.start()
            if end.end() == len(text):
                return None, at
            verdict = is_end(text, end, start, whole=whole)
            if verdict is None:
                return None, at
            if verdict:
                return end.end(), at
            at = max(end.end("marks"), at + 1)
        if len(text) >= limit:
            cut = _pause(text, start, limit - 1)
            return cut, cut
        return None, max(at, seen)


def _pause(text: str, start: int, end: int) -> int:
    """Give where to cut a sentence that is too long."""
    middle = start + (end - start) // 2
    pause = max(text.rfind(mark, middle, end - 1) for mark in _PAUSES)
    space = max(text.rfind(blank, middle, end) for blank in " \n\t")
    if pause >= 0:
        return pause + 1 + text.startswith(" ", pause + 1)
    if space >= 0:
        return space + 1
    for cut in range(end, middle, -1):
        if text[cut - 1] != "\u200d" and text[cut] not in _JOINERS and not unicodedata.combining(text[cut]):
            return cut
    return end
