"""`MemorySender`: a list, for tests and for looking at what came."""

from __future__ import annotations

from typing import Any

from rxllm.items import Rollback, Stamped, Started, TextDelta
from rxllm.senders.sender import Sender
from rxllm.turn_items import StageStarted, TurnStarted

__all__ = ["MemorySender"]


class MemorySender(Sender):
    """Keeps the items; those that a Rollback voids are taken out again, and so is the Rollback itself.

    Unlike a list's `append` as a subscriber it also knows how the stream ended.

    >>> sender = MemorySender()
    >>> for item in (Started(), TextDelta("wro"), Rollback(2), Started(), TextDelta("right")): sender.on_next(item)
    >>> sender.text, sender.rollbacks
    ('right', 1)
    """

    def __init__(self) -> None:
        super().__init__()
        self.items: list[Any] = []
        self.error: Exception | None = None
        """Why the stream failed."""
        self.rollbacks = 0
        self._start = 0  # where the living attempt begins

    @property
    def text(self) -> str:
        """The answer so far, of the first choice."""
        items = (value.item if isinstance(value, Stamped) else value for value in self.items)
        return "".join([item.text for item in items if isinstance(item, TextDelta) and item.choice == 0])

    def send(self, value: Any) -> None:
        """Keep a value."""
        item = value.item if isinstance(value, Stamped) else value
        if isinstance(item, Rollback):
            del self.items[self._start :]
            self.rollbacks += 1
            return
        if isinstance(item, Started):
            self._start = len(self.items)
        self.items.append(value)
        if isinstance(item, (TurnStarted, StageStarted)):  # what came before it is another answer
            self._start = len(self.items)

    def end(self, error: Exception | None) -> None:
        """Keep how it ended."""
        self.error = error
        self.close()
