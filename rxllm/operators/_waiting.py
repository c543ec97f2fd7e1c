"""What waits for its turn: a lossless queue that grows with what has a place, not with an answer's length."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Final, cast

from rxllm.errors import MailboxOverflowError
from rxllm.items import Ping, Rollback, StreamItem, Usage, joined, part
from rxllm.kinds import BEGINNINGS
from rxllm.mailbox import STRUCTURAL_LIMIT

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable

    from rxllm.items import Delta

__all__ = ["Waiting"]

_LATEST: Final = frozenset({Usage, Ping})
"""Of these a newer one takes the place of one that waits."""


class Waiting:
    """A queue of one delta a part, that forgets what a Rollback voids.

    Unlike a `Mailbox`, which merges across whatever does not end the part, it merges across other deltas, a Usage and
    a Ping only: below this operator the text before a tool call still stands before it, and the text behind it behind.
    """

    __slots__ = ("_open", "_queue", "_structural")

    def __init__(self) -> None:
        self._queue: deque[StreamItem | list[StreamItem]] = deque()
        self._open: dict[Hashable, list[StreamItem]] = {}  # what may still grow, or be replaced
        self._structural = 0

    def __len__(self) -> int:
        return len(self._queue)

    def put(self, item: StreamItem) -> None:
        """Queue an item.

        Args:
            item: The newest item of the stream.

        Raises:
            MailboxOverflowError: 10,000 structural items wait.
        """
        if type(item) is Rollback:
            self._forget_void()
        key = _place(item)
        if key is None:
            self._put_structural(item)
            return
        run: list[StreamItem] | None = self._open.get(key)
        if run is None:
            self._open[key] = run = []
            self._queue.append(run)
        elif type(item) in _LATEST:
            run.clear()
        run.append(item)

    def _put_structural(self, item: StreamItem) -> None:
        if self._structural >= STRUCTURAL_LIMIT:
            raise MailboxOverflowError(
                f"{STRUCTURAL_LIMIT} structural items wait for this pipe, which are never dropped. Let them go sooner."
            )
        self._structural += 1
        self._open.clear()
        self._queue.append(item)

    def _forget_void(self) -> None:
        """Keep what came before the void attempt, and what it cost."""
        items: list[StreamItem] = []
        self.take_all(items.append)
        begun = max((i + 1 for i, item in enumerate(items) if type(item) in BEGINNINGS), default=0)
        for i, item in enumerate(items):
            if i < begun or type(item) is Usage:
                self.put(item)

    def take(self) -> StreamItem:
        """Take the oldest item.

        Returns:
            The item, of several merged deltas one.
        """
        taken = self._queue.popleft()
        if not isinstance(taken, list):
            self._structural -= 1
            return taken
        key = _place(taken[0])
        if self._open.get(key) is taken:
            del self._open[key]
        return taken[0] if len(taken) == 1 else joined(cast("list[Delta]", taken))

    def take_all(self, emit: Callable[[StreamItem], None]) -> None:
        """Take one item after the other, also those that are queued in the meantime.

        Args:
            emit: Called with each.
        """
        while self._queue:
            emit(self.take())


def _place(item: StreamItem) -> Hashable:
    """Tell what an item shares its place in the queue with, or None for one that has a place of its own."""
    kind = type(item)
    return kind if kind in _LATEST else part(item)
