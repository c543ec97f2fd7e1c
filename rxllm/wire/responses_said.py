"""What was said of an output item: its parts in pieces, and the whole texts that repeat them.

A text comes in deltas, and again whole in up to four later events. Servers are known to leave out any of these, so each
whole text adds what the deltas have not said yet.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, cast

from rxllm.items import ReasoningDelta, RefusalDelta, TextDelta, ToolCallDelta
from rxllm.wire.responses_native import CALLS, Part, text_of
from rxllm.wire.surrogates import Halves, Key

if TYPE_CHECKING:
    from rxllm.items import Delta, StreamItem

__all__ = ["Said"]

_DELTA: Final[dict[str, type[Delta]]] = {
    "output_text": TextDelta,
    "refusal": RefusalDelta,
    "reasoning_text": ReasoningDelta,
    "summary_text": ReasoningDelta,
    "arguments": ToolCallDelta,
    "input": ToolCallDelta,
}


class Said:
    """The texts of one item.

    Args:
        kind: The item's type in the format.
        number: Of a call, our own number, else another that no item of its kind has.
        halves: Keeps half a character until the other half comes.

    Attributes:
        parts: The parts in the order in which they began.
        voice: Which of its two texts a block of reasoning speaks with.
        whole: The arguments of a call, where an event had them whole.
    """

    def __init__(self, kind: str, number: int, halves: Halves) -> None:
        self.parts: list[Part] = []
        self.voice: str | None = None
        self.whole: str | None = None
        self._kind = kind
        self._number = number
        self._halves = halves
        self._by_place: dict[tuple[str, int | None], Part] = {}

    def text(self, field: str) -> str:
        """Join what was said of a field.

        Args:
            field: The field's name.

        Returns:
            Its text so far.
        """
        return "".join([piece for part in self.parts if part.field == field for piece in part.pieces])

    def begin(self, field: str, index: int | None) -> Part:
        """Begin a part, also where there was one of the same index, as with servers that count none.

        Args:
            field: What it is a part of.
            index: Its place among the item's parts.

        Returns:
            The part.
        """
        part = self._by_place[field, index] = Part(field)
        self.parts.append(part)
        return part

    def say(self, field: str, index: int | None, text: str, out: list[StreamItem]) -> bool:
        """Take a piece of a text.

        Args:
            field: What it is a piece of.
            index: Of which part.
            text: The piece.
            out: Where the items go.

        Returns:
            False for a text that is not the item's to say: reasoning's summary beside reasoning itself.
        """
        if self._kind == "reasoning" and field != self.voice:
            if self.voice is not None:
                return False
            self.voice = field
        part = self._by_place.get((field, index)) or self.begin(field, index)
        if self._halves.waiting or not text.isascii():
            text = self._halves.joined(Key(_DELTA[field], 0, self._number), text)
        self._add(part, text, out)
        return True

    def complete(self, field: str, index: int | None, whole: Any, out: list[StreamItem]) -> bool:
        """Take a part's whole text.

        Args:
            field: What it is a part of.
            index: Of which part.
            whole: Its text; what is no text says nothing.
            out: Where the items go.

        Returns:
            False if it says another thing than its pieces did, which can be told once and not be taken back.
        """
        if self._kind == "reasoning" and self.voice not in (None, field):
            return True  # it will stand in the whole item
        text = text_of(whole)
        if text and field in CALLS.values():
            self.whole = text
        part = self._by_place.get((field, index))
        if part is None:
            if not text:
                return True
            part = self.begin(field, index)
        return self._catch_up([part], text, out)

    def settle(self, field: str, whole: str, out: list[StreamItem]) -> bool:
        """Take the whole text of a field, of all its parts together.

        Args:
            field: The field's name.
            whole: Its text.
            out: Where the items go.

        Returns:
            False if it says another thing than its pieces did.
        """
        parts = [part for part in self.parts if part.field == field]
        if not parts:
            if not whole:
                return True
            parts = [self.begin(field, 0)]
        return self._catch_up(parts, whole, out)

    def _catch_up(self, parts: list[Part], whole: str, out: list[StreamItem]) -> bool:
        """Say what the parts have not said yet of their whole text."""
        last = parts[-1]
        half = self._halves.waiting.pop(Key(_DELTA[last.field], 0, self._number), None)
        said = "".join([piece for part in parts for piece in part.pieces])
        if whole.startswith(said) and whole:
            if self._kind == "reasoning":
                self.voice = last.field
            self._add(last, whole[len(said) :], out)
            return True
        if half:
            self._add(last, "\ufffd", out)
        if not whole or any(part.disputed for part in parts):
            return True
        last.disputed = True
        return False

    def _add(self, part: Part, text: str, out: list[StreamItem]) -> None:
        if not text:
            return
        part.pieces.append(text)
        kind = _DELTA[part.field]
        if kind is ToolCallDelta:
            out.append(ToolCallDelta(self._number, None, text))
        else:
            out.append(cast("type[TextDelta]", kind)(text))
