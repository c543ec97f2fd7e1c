"""What waits for its turn: a lossless queue that grows with the parts of an answer, not with its length."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rxllm.items import Rollback, StreamItem, Usage
from rxllm.kinds import BEGINNINGS
from rxllm.mailbox import Mailbox

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["Waiting"]


class Waiting:
    """A mailbox of one delta a part, that forgets what a Rollback voids.

    Unlike the mailbox of a reader it keeps places: the text before a tool call still stands before it.
    """

    __slots__ = ("_mailbox",)

    def __init__(self) -> None:
        self._mailbox = Mailbox(capacity=1, keeps_places=True)

    def __len__(self) -> int:
        return len(self._mailbox)

    def put(self, item: StreamItem) -> None:
        """Queue an item.

        Args:
            item: The newest item of the stream.

        Raises:
            MailboxOverflowError: 10,000 structural items wait.
        """
        if type(item) is Rollback:
            self._forget_void()
        self._mailbox.put(item)

    def _forget_void(self) -> None:
        """Keep what came before the void attempt, and what it cost."""
        items: list[StreamItem] = []
        self.take_all(items.append)
        begun = max((i + 1 for i, item in enumerate(items) if type(item) in BEGINNINGS), default=0)
        for i, item in enumerate(items):
            if i < begun or type(item) is Usage:
                self._mailbox.put(item)

    def take(self) -> StreamItem:
        """Take the oldest item.

        Returns:
            The item, of several merged deltas one.
        """
        return self._mailbox.take()

    def take_all(self, emit: Callable[[StreamItem], None]) -> None:
        """Take one item after the other, also those that are queued in the meantime.

        Args:
            emit: Called with each.
        """
        while len(self._mailbox):
            emit(self._mailbox.take())
