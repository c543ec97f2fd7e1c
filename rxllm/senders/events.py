"""`EventSender`: a stream as named events with JSON data, in batches; what browsers are sent."""

from __future__ import annotations

import asyncio
import re
from abc import abstractmethod
from typing import Any, Final, NamedTuple

import msgspec

from rxllm.items import Finish, Ping, Reasoning, ReasoningDelta, Rollback, Stamped, StreamItem, TextDelta, Usage
from rxllm.senders.as_json import as_json
from rxllm.senders.async_sender import AsyncSender
from rxllm.turn_items import ToolCompleted, ToolProgress, ToolStarted

__all__ = ["Event", "EventSender"]

_NAMES: Final[dict[type[Any], str]] = {
    TextDelta: "token",
    ReasoningDelta: "reasoning",
    Reasoning: "reasoning_block",  # repeats its deltas, and must not be taken for one
    ToolStarted: "tool_start",
    ToolProgress: "tool_progress",
    ToolCompleted: "tool_complete",
    Usage: "usage",
    Rollback: "rollback",
    Finish: "done",
}
_CAPITAL: Final = re.compile(r"(?<!^)(?=[A-Z])")


class Event(NamedTuple):
    """One event: its name, its data as JSON, and up to which position of the stream everything has been sent with it.

    The position is missing where later items of the stream were merged into events before this one.
    """

    name: str
    data: bytes
    position: int | None = None


class EventSender(AsyncSender):
    """Writes all that waits as one batch of events, and watches the clock.

    Args:
        keep_alive: Seconds of silence after which a Ping is sent, or None.
        timeout: Seconds that one write may take, looked after once in that time; or None.
        capacity: Deltas that wait before they are merged.
    """

    def __init__(self, *, keep_alive: float | None, timeout: float | None, capacity: int) -> None:
        super().__init__(capacity=capacity)
        self._keep_alive = keep_alive
        self._timeout = timeout
        self._timer: asyncio.TimerHandle | None = None
        self._since: float | None = None  # when the write began that is under way
        self._wrote = 0.0
        self._position = -1
        self._first = self._count = 0  # of the positions that wait
        self._told_end = False

    @abstractmethod
    async def transmit(self, events: list[Event]) -> None:
        """Write some events; at least one."""

    def send(self, value: Any) -> None:
        """Queue an item; a `Stamped` one brings its own position."""
        if isinstance(value, Stamped):
            self._position, value = value.seq, value.item
        else:
            self._position += 1
        if type(value) is not Ping:
            if not self._count:
                self._first = self._position
            self._count += 1
        super().send(value)

    async def open(self) -> None:
        """Begin to watch the clock."""
        self._wrote = asyncio.get_running_loop().time()
        self._watch()

    async def write(self) -> None:
        """Write all that waits."""
        mailbox = self.mailbox
        items: list[StreamItem] = [mailbox.take() for _ in range(len(mailbox))]
        first, last, count = self._first, self._position, self._count
        self._count = 0
        # Where nothing was merged or replaced each event has its own position; else only the last can tell one.
        whole = count == len(items) == last - first + 1
        events = [_event(item, first + n if whole else None) for n, item in enumerate(items)]
        if not whole and count:
            events[-1] = events[-1]._replace(position=last)
        self._told_end = self._told_end or any(event.name == "done" for event in events)
        await self._timed(events)

    async def finish(self, error: Exception | None) -> None:
        """Say how it ended, if that was not said by a Finish."""
        if error is not None:
            told = {"type": type(error).__name__, "message": str(error)}
            await self._timed([Event("error", as_json(told))])
        elif not self._told_end:
            await self._timed([Event("done", b"{}")])

    async def _timed(self, events: list[Event]) -> None:
        loop = asyncio.get_running_loop()
        self._since = loop.time()
        await self.transmit(events)
        self._since = None
        self._wrote = loop.time()

    # ---- the clock: one timer now and then, none an item

    def _watch(self) -> None:
        loop = asyncio.get_running_loop()
        due = [loop.time() + self._timeout] if self._timeout is not None else []
        if self._keep_alive is not None:
            due.append((self._wrote if self._since is None else loop.time()) + self._keep_alive)
        if due:
            self._timer = loop.call_at(min(due), self._look)

    def _look(self) -> None:
        now = asyncio.get_running_loop().time()
        if self._since is None:
            if self._keep_alive is not None and now - self._wrote >= self._keep_alive:
                self.mailbox.put(Ping())
                self.wake()
        elif self._timeout is not None and now - self._since >= self._timeout:
            self.fail(TimeoutError(f"one write took longer than {self._timeout:g} s; the client does not read"))
            return
        self._watch()

    async def shut(self) -> None:
        """Stop watching."""
        if self._timer is not None:
            self._timer.cancel()


def _event(item: StreamItem, position: int | None) -> Event:
    name = _NAMES.get(type(item)) or _CAPITAL.sub("_", type(item).__name__).lower()
    if isinstance(item, Finish):  # the provider's own blocks are for the next request, not for a browser
        item = msgspec.structs.replace(item, native=None, response=None)
    return Event(name, as_json(item), position)
