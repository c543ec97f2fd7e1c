"""A subscriber's bounded queue: pure, no I/O, no clock. A slow reader gets larger deltas, never fewer characters."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Any, Final, Literal, TypeAlias, cast

from rxllm.errors import ConfigurationError, MailboxOverflowError
from rxllm.items import (
    ChoiceFinished,
    Delta,
    Logprobs,
    Media,
    Ping,
    Reasoning,
    ReasoningDelta,
    Rollback,
    Source,
    StreamItem,
    TextDelta,
    ToolCall,
    ToolCallDelta,
    Usage,
    joined,
    part,
)
from rxllm.kinds import BEGINNINGS

if TYPE_CHECKING:
    from collections.abc import Hashable

__all__ = ["STRUCTURAL_LIMIT", "Mailbox", "Overflow"]

Overflow: TypeAlias = Literal["merge", "pause", "drop_oldest", "drop_newest", "error"]
STRUCTURAL_LIMIT: Final = 10_000
_POLICIES: Final = ("merge", "pause", "drop_oldest", "drop_newest", "error")


class _Run:
    """Deltas of one part on their way to become one; joined when taken, so that merging is linear."""

    __slots__ = ("deltas",)

    def __init__(self, first: Delta) -> None:
        self.deltas = [first]


class _Latest:
    """The place of an item of which only the newest counts."""

    __slots__ = ("item",)

    def __init__(self, item: StreamItem) -> None:
        self.item = item


def _closes(item: StreamItem, key: Hashable) -> bool:
    """Tell whether a structural item ends the part `key`: its own tool call, block or choice, or everything."""
    kind, choice, *call = cast("tuple[Any, ...]", key)
    match item:
        case ToolCall():
            return kind is ToolCallDelta and call == [item.call] and item.choice == choice
        case Reasoning():
            return kind is ReasoningDelta and item.choice == choice
        case Source() | Media() | Logprobs():
            return kind is TextDelta and item.choice == choice
        case ChoiceFinished():
            return item.choice == choice
        case _:
            return part(item) is None


class Mailbox:
    """Holds items until their reader takes them.

    The bound counts deltas. When it is reached, `overflow` decides: `merge` joins a delta to the queued one of its
    part, lossless, across other parts' deltas but never across a structural item of its own; `pause` keeps all and
    says so through `full`; `drop_oldest` and `drop_newest` lose deltas; `error` refuses. Structural items are never
    dropped; a newer Usage or Ping replaces a queued one.

    >>> box = Mailbox(capacity=1)
    >>> for text in "abc": box.put(TextDelta(text))
    >>> box.take(), len(box)
    (TextDelta(text='abc'), 0)

    Args:
        capacity: Deltas, at least 1.
        overflow: What to do with a delta more.
        keeps_places: Whether each structural item is a border, which nothing of any part merges across, nor a newer
            Usage or Ping.

    Raises:
        ConfigurationError: The policy is unknown or the capacity not positive.
    """

    __slots__ = ("_capacity", "_keeps_places", "_latest", "_open", "_overflow", "_queue", "deltas", "dropped")

    def __init__(self, capacity: int = 1024, overflow: Overflow = "merge", *, keeps_places: bool = False) -> None:
        if overflow not in _POLICIES:
            raise ConfigurationError(f"overflow={overflow!r} is unknown. Choose one of {', '.join(_POLICIES)}.")
        if capacity < 1:
            raise ConfigurationError(f"A mailbox holds at least one delta; capacity={capacity}.")
        self._queue: deque[StreamItem | _Run | _Latest] = deque()
        self._capacity = capacity
        self._overflow: Overflow = overflow
        self._keeps_places = keeps_places
        self._open: dict[Hashable, _Run] = {}
        self._latest: dict[type[StreamItem], _Latest] = {}
        self.deltas = 0
        self.dropped = 0

    def __len__(self) -> int:
        return len(self._queue)

    @property
    def full(self) -> bool:
        """Whether the bound is reached."""
        return self.deltas >= self._capacity

    def put(self, item: StreamItem) -> None:
        """Queue an item.

        Args:
            item: The newest item of the stream.

        Raises:
            MailboxOverflowError: `overflow="error"` and the bound is reached, or 10,000 structural items are queued.
        """
        kind = type(item)
        if kind is TextDelta or kind is ReasoningDelta or kind is ToolCallDelta or part(item) is not None:
            if self.deltas < self._capacity:
                self.deltas += 1
                self._queue.append(item)
                if self._open:  # a run queued before this one must not grow any more
                    self._open.pop(part(item), None)
            else:
                self._put_over(cast("Delta", item))
        elif kind is Usage or kind is Ping:
            self._put_latest(item)
        else:
            self._put_structural(item)

    def _put_over(self, delta: Delta) -> None:
        match self._overflow:
            case "merge":
                self._merge(delta)
            case "pause":
                self.deltas += 1
                self._queue.append(delta)
            case "drop_newest":
                self.dropped += 1
            case "drop_oldest":
                self._drop_oldest()
                self.deltas += 1
                self._queue.append(delta)
            case "error":
                raise MailboxOverflowError(
                    f"The reader is {self._capacity} deltas behind and its mailbox refuses more. Read faster, raise "
                    'capacity=, or choose overflow="merge", which loses nothing.'
                )

    def _merge(self, delta: Delta) -> None:
        key = part(delta)
        run = self._open.get(key)
        if run is None:
            run = self._reopened(key, delta)
        else:
            run.deltas.append(delta)
        if run is None:  # nothing of this part is queued: one more, however full; there are few parts
            run = _Run(delta)
            self.deltas += 1
            self._queue.append(run)
        self._open[key] = run

    def _reopened(self, key: Hashable, delta: Delta) -> _Run | None:
        """Find the queued delta of this part, not beyond a structural item of its own, and make it a run."""
        queue = self._queue
        for i in range(len(queue) - 1, -1, -1):
            queued = queue[i]
            if isinstance(queued, _Latest):
                continue
            if isinstance(queued, _Run):
                if part(queued.deltas[0]) == key:
                    queued.deltas.append(delta)
                    return queued
            elif part(queued) == key:
                run = _Run(cast("Delta", queued))
                run.deltas.append(delta)
                queue[i] = run
                return run
            elif self._ends(queued, key):
                return None
        return None

    def _ends(self, item: StreamItem, key: Hashable) -> bool:
        """Tell whether nothing of a part may merge across an item."""
        return part(item) is None if self._keeps_places else _closes(item, key)

    def _drop_oldest(self) -> None:
        for i, queued in enumerate(self._queue):
            if isinstance(queued, StreamItem) and part(queued) is not None:
                del self._queue[i]
                self.deltas -= 1
                self.dropped += 1
                return

    def _put_latest(self, item: StreamItem) -> None:
        place = self._latest.get(type(item))
        if place is not None:
            place.item = item
            return
        self._latest[type(item)] = place = _Latest(item)
        self._queue.append(place)

    def _put_structural(self, item: StreamItem) -> None:
        if len(self._queue) - self.deltas >= STRUCTURAL_LIMIT:
            raise MailboxOverflowError(
                f"{STRUCTURAL_LIMIT} structural items wait for this reader, which are never dropped. Read faster."
            )
        for key in [key for key in self._open if self._ends(item, key)]:
            del self._open[key]
        if self._keeps_places or type(item) in BEGINNINGS or type(item) is Rollback:
            self._latest.clear()  # what the void attempt cost is told before its Rollback
        self._queue.append(item)

    def take(self) -> StreamItem:
        """Take the oldest item; IndexError when there is none.

        Returns:
            The item, of several merged deltas one.
        """
        queued = self._queue.popleft()
        if isinstance(queued, _Run):
            self.deltas -= 1
            key = part(queued.deltas[0])
            if self._open.get(key) is queued:
                del self._open[key]
            return joined(queued.deltas)
        if isinstance(queued, _Latest):
            if self._latest.get(type(queued.item)) is queued:
                del self._latest[type(queued.item)]
            return queued.item
        if part(queued) is not None:
            self.deltas -= 1
        return queued
