"""What the events of one response amount to: its blocks, which are still open, and how it ends.

Blocks need not come one after the other: an index may be started while another is open, be left out, be used again,
and never be stopped. What a provider says of the message as a whole may come at its start, at its end, or both.
"""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Any, Final, cast

from rxllm.completion import STOPPED
from rxllm.items import ChoiceFinished, Finish, ProviderEvent, Started, StreamItem, Usage
from rxllm.wire.anthropic_block import Block
from rxllm.wire.anthropic_event import usage

if TYPE_CHECKING:
    from rxllm.wire.anthropic_event import Delta

__all__ = ["Answer"]

_WIRE: Final = "anthropic"
_REASON: Final = {
    "end_turn": "stop",
    "stop_sequence": "stop",
    "max_tokens": "length",
    "model_context_window_exceeded": "length",
    "tool_use": "tool_calls",
    "pause_turn": "pause",
    "compaction": "pause",  # asked for with `pause_after_compaction`: the answer goes on in the next request
    "refusal": "refusal",
    "content_filter": "content_filter",
}
_TOLD_APART: Final = frozenset({"type", "message", "delta", "usage", "stop_reason", "id", "role", "model", "content"})
_IMPLIED: Final = {"text_delta": {"type": "text"}, "thinking_delta": {"type": "thinking"}}


class Answer:
    """The answer so far; each method adds the items it makes to `out`.

    Attributes:
        started: Whether something of the message was seen.
        stirred: Whether a delta came since this was last set to False; not each makes an item.
    """

    def __init__(self) -> None:
        self.started = False
        self.stirred = False
        self._blocks: list[Block] = []
        self._open: dict[int | None, Block] = {}
        self._numbers = itertools.count()
        self._called = False
        self._names: dict[str, str] = {}
        self._usage: Usage | None = None
        self._counted: dict[str, Any] = {}
        self._stop: str | None = None
        self._response: dict[str, Any] = {}

    def start(self, message: dict[str, Any], out: list[StreamItem]) -> None:
        """Take the message's start, which may be all of it.

        Args:
            message: The message.
            out: Where the items go.

        Raises:
            ValueError: A block in it is no block.
        """
        if self.started:  # a proxy has spliced two responses; blocks of the first will not go on
            self._close_all(out)
            out.append(ProviderEvent("message_start", message))
        else:
            self.started = True
            id_, model = message.get("id"), message.get("model")
            out.append(Started(str(id_) if id_ else None, str(model) if model else None))
        content = message.get("content")
        self._count(message.get("usage"), out)
        for block in cast("list[Any]", content) if isinstance(content, list) else []:
            self.open(None, block, out)
            self.close(None, out)
        self._told(message)

    def open(self, index: int | None, content: Any, out: list[StreamItem]) -> None:
        """Take the start of a block.

        Args:
            index: Its place; not relied upon but as a key.
            content: The block.
            out: Where the items go.

        Raises:
            ValueError: It is no object.
        """
        if not isinstance(content, dict):
            raise ValueError("content_block is no object")  # noqa: TRY004 - what was read is wrong, not the code
        self._begin(out)
        self.close(index, out)
        fields = cast("dict[str, Any]", content)
        is_call = fields.get("type") == "tool_use"
        block = self._open[index] = Block(fields, next(self._numbers) if is_call else -1)
        self._called = self._called or is_call
        self._blocks.append(block)
        block.start(out)

    def take(self, index: int | None, delta: Delta, out: list[StreamItem]) -> bool:
        """Take a delta of the usual kinds.

        Args:
            index: The block's place.
            delta: The delta.
            out: Where the items go.

        Returns:
            Whether it was understood; if not, nothing has happened.
        """
        block = self._open.get(index)
        if block is None:
            implied = _IMPLIED.get(delta.type or "")
            if implied is None:
                return False
            self.open(index, dict(implied), out)
            block = self._open[index]
        if not block.take(delta, out):
            return False
        self.stirred = True
        return True

    def take_rarer(self, index: int | None, delta: dict[str, Any], out: list[StreamItem]) -> bool:
        """Take a delta of any other kind, and tell whether it was understood; if not, nothing has happened."""
        block = self._open.get(index)
        return block is not None and block.take_rarer(delta, out)

    def close(self, index: int | None, out: list[StreamItem]) -> None:
        """Take the stop of a block; of one that is not open it says nothing."""
        block = self._open.pop(index, None)
        if block is not None:
            block.stop(self._names, out)

    def change(self, fields: dict[str, Any], out: list[StreamItem]) -> None:
        """Take `message_delta`: what is said of the message as a whole, at its end.

        Args:
            fields: The event.
            out: Where the items go.
        """
        self._begin(out)
        delta = fields.get("delta")
        self._told(fields)
        if isinstance(delta, dict):
            self._told(cast("dict[str, Any]", delta))
        self._count(fields.get("usage"), out)

    def end(self, out: list[StreamItem]) -> None:
        """Give what is still open, and the one `Finish`."""
        self._begin(out)
        self._close_all(out)
        reason = self._reason()
        cut = self._cut(reason)
        native = [block.content for block in self._blocks if block.can_go_back() and block not in cut]
        out.append(ChoiceFinished(0, reason, self._stop))
        out.append(Finish(reason, self._stop, self._usage, self._response or None, native={_WIRE: native}))

    def _cut(self, reason: str) -> list[Block]:
        """Give the calls that the answer was cut off in before their first argument.

        A call without arguments is told with none, and its block is stopped, cut off or not. What tells the two apart
        is what follows: a call that another one follows was whole. What the last one was nobody knows; it is left out
        here as in the message's own calls (see `STOPPED`).
        """
        if reason not in STOPPED:
            return []
        calls = [block for block in self._blocks if block.is_call()]
        return [block for block in (*calls[-1:], *self._blocks[-1:]) if block.is_bare()]

    def give_up(self, out: list[StreamItem]) -> None:
        """End what waits for its other half, which will not come."""
        for block in self._open.values():
            block.give_up(out)

    def _begin(self, out: list[StreamItem]) -> None:
        if not self.started:
            self.started = True
            out.append(Started())

    def _close_all(self, out: list[StreamItem]) -> None:
        for index in list(self._open):
            self.close(index, out)

    def _told(self, fields: dict[str, Any]) -> None:
        """Keep what is said of the message: why it stopped, and whatever has no item of its own."""
        reason = fields.get("stop_reason")
        if isinstance(reason, str) and reason:
            self._stop = reason
        self._response |= {k: v for k, v in fields.items() if v is not None and k not in _TOLD_APART}

    def _count(self, numbers: Any, out: list[StreamItem]) -> None:
        """Give usage, if it is new: the numbers are totals, each replaces the one before, and null says nothing."""
        if not isinstance(numbers, dict):
            return
        self._counted |= {k: v for k, v in cast("dict[str, Any]", numbers).items() if v is not None}
        if self._counted and (item := usage(self._counted)) != self._usage:
            self._usage = item
            out.append(item)

    def _reason(self) -> str:
        if self._stop is None:
            return "tool_calls" if self._called else "other"
        reason = _REASON.get(self._stop, "other")
        return "tool_calls" if reason == "stop" and self._called else reason
