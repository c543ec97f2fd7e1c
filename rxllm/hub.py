"""The multicast: one source, many observers, on one thread, without a lock or a copy.

The hub keeps a log of all that came, and how far it has been delivered. Whoever is called back may push, pause,
subscribe or leave: it only changes the log or the seats, and the one loop that is already walking goes on with them.
"""

from __future__ import annotations

from array import array
from bisect import bisect_right
from itertools import groupby
from typing import TYPE_CHECKING, Any, Final, cast

from loguru import logger

from rxllm.items import (
    Delta,
    Finish,
    ReasoningDelta,
    RefusalDelta,
    Rollback,
    Stamped,
    Started,
    StreamItem,
    TextDelta,
    ToolCallDelta,
    Usage,
    joined,
    part,
)
from rxllm.turn_items import StageStarted, TurnStarted

if TYPE_CHECKING:
    from collections.abc import Callable

    from rxllm.observable import Sink

__all__ = ["Hub", "Seat"]

_DELTAS: Final = {TextDelta, ReasoningDelta, RefusalDelta, ToolCallDelta}


class Seat:
    """One observer's place in the hub."""

    __slots__ = ("_hub", "final_on_error", "leave", "on_next", "seated", "sink", "stamps", "taken")

    def __init__(self, hub: Hub, sink: Sink, *, stamps: bool, leave: Callable[[], None]) -> None:
        self._hub = hub
        self.sink = sink
        self.stamps = stamps
        self.on_next = self._stamped if stamps else sink.on_next
        self.leave = leave
        self.final_on_error: Callable[[Exception], None] | None = None  # at the end of the pipe, if there is one
        self.taken = True
        self.seated = False

    def _stamped(self, item: StreamItem) -> None:
        self.sink.on_next(self._hub.stamp(item))

    def dispose(self) -> None:
        """Leave; the hub forgets this observer."""
        if self.taken:
            self.taken = False
            self.on_next = _ignore  # also for the walk that is under way
            if self.seated:
                self._hub.vacate(self)
                self.leave()


class Hub:
    """A Subject that remembers, delivers in one order whatever its observers do, and survives those that raise.

    Args:
        replay: Whether a late observer gets what has been.
    """

    __slots__ = (
        "_busy",
        "_error",
        "_log",
        "_marks",
        "_merged",
        "_merged_seqs",
        "_merged_upto",
        "_on_end",
        "_replay",
        "_seats",
        "_sent",
        "_start",
        "_turned",
        "_void",
        "closed",
        "ended",
        "held",
    )

    def __init__(self, *, replay: bool = True) -> None:
        self._log: list[StreamItem] = []
        self._marks = array("q"), array("d")  # up to which index, and when it was read
        self._sent = 0
        self._seats: tuple[Seat, ...] = ()
        self._busy = False
        self._replay = replay
        self._on_end: list[Callable[[], None]] = []
        self._error: Exception | None = None
        self.held = False
        self._turned = False  # a callback held or cut the log: the walk must look again
        self.closed = False  # the source has ended
        self.ended = False  # and everybody has been told
        self._merged: list[StreamItem] = []
        self._merged_seqs: list[int] = []
        self._merged_upto = 0
        self._start = 0  # where the living attempt begins in `_merged`
        self._void: list[StreamItem] = []  # what is left of the attempts before: their usage, their Rollback

    # ---- in

    def push(self, items: list[StreamItem], at: float) -> None:
        """Take what was read together, and deliver it item by item.

        Args:
            items: In order.
            at: When they were read, in seconds since the request.
        """
        if self.closed:
            return
        self._log.extend(items)
        self._marks[0].append(len(self._log))
        self._marks[1].append(at)
        if not self._busy and not self.held:
            self._walk()

    def close(self, error: Exception | None = None) -> None:
        """End: after all that waits has been delivered, tell everybody.

        Args:
            error: Why it failed, or None when it is complete.
        """
        if self.closed:
            return
        self.closed = True
        self._error = error
        if not self._busy and not self.held:
            self._walk()

    def discard_undelivered(self) -> None:
        """Forget what nobody has seen yet, also an end that nobody has been told."""
        del self._log[self._sent :]
        ends, times = self._marks
        while ends and ends[-1] > self._sent:
            at = times.pop()
            ends.pop()
            if self._sent > (ends[-1] if ends else 0):
                ends.append(self._sent)
                times.append(at)
        self.closed = False
        self._error = None
        self._turned = True

    def hold(self) -> None:
        """Deliver nothing more until `release`."""
        self.held = self._turned = True

    def release(self) -> None:
        """Go on after a hold."""
        self.held = False
        if not self._busy:
            self._walk()

    def _walk(self) -> None:
        """Deliver, from where it stopped, until there is no more or somebody holds it."""
        log = self._log
        self._busy = True
        try:
            while self._sent < len(log) and not self.held:
                self._turned = False
                # `_sent` counts an item before it is delivered, so that whoever subscribes from inside has it by replay
                for self._sent, item in enumerate(log[self._sent :], self._sent + 1):  # noqa: B020 - read once, before
                    for seat in self._seats:
                        try:
                            seat.on_next(item)
                        except BaseException as error:  # noqa: BLE001 - also CancelledError, which must not end the source's task
                            self._evict(seat, error)
                    if self._turned:
                        break
            if self.closed and not self.ended and not self.held:
                self._tell_end()
        finally:
            self._busy = False

    def _evict(self, seat: Seat, error: BaseException) -> None:
        if isinstance(error, (KeyboardInterrupt, SystemExit)):
            raise error
        logger.warning("A subscriber raised {!r} and was detached; the stream goes on", error)
        if seat.taken:
            seat.dispose()
            self._call(seat.sink.on_error, cast("Exception", error))
            if seat.final_on_error is not None:
                self._call(seat.final_on_error, cast("Exception", error))

    def _tell_end(self) -> None:
        self.ended = True
        told, self._on_end = self._on_end, []
        for tell in told:
            self._call(tell)
        for seat in self._seats:
            if seat.taken:
                self._dismiss(seat)

    def _dismiss(self, seat: Seat) -> None:
        seat.dispose()
        if self._error is None:
            self._call(seat.sink.on_completed)
        else:
            self._call(seat.sink.on_error, self._error)

    def _call(self, callback: Callable[..., None], *arguments: Any) -> None:
        try:
            callback(*arguments)
        except BaseException as error:
            if isinstance(error, (KeyboardInterrupt, SystemExit)):
                raise
            logger.warning("A subscriber's last callback raised {!r}", error)

    # ---- out

    @property
    def error(self) -> Exception | None:
        """Why the source failed."""
        return self._error

    def take_seat(self, seat: Seat) -> None:
        """Give a new observer what has been, then let it sit with the others.

        Args:
            seat: The observer's place.
        """
        position = self._sent
        if self._replay:
            for seq, item in self._history():
                if not self._replayed(seat, seq, item):
                    return
            while position < self._sent:  # the observer itself made more come
                position += 1
                if not self._replayed(seat, position - 1, self._log[position - 1]):
                    return
        if self.ended:
            self._dismiss(seat)
        else:
            self._seats = (*self._seats, seat)

    def _replayed(self, seat: Seat, seq: int, item: StreamItem) -> bool:
        try:
            seat.sink.on_next(self._stamp(seq, item) if seat.stamps else item)
        except BaseException as error:  # noqa: BLE001 - as in `_walk`
            self._evict(seat, error)
        return seat.taken

    def vacate(self, seat: Seat) -> None:
        """Forget an observer; the tuple is replaced, so that a walk over the old one is not disturbed."""
        self._seats = tuple(other for other in self._seats if other is not seat)

    def when_ended(self, told: Callable[[], None]) -> None:
        """Call back once everybody has been told the end; at once if they have.

        Args:
            told: Called without arguments.
        """
        if self.ended:
            told()
        else:
            self._on_end.append(told)

    def forget(self, told: Callable[[], None]) -> None:
        """Take a `when_ended` back."""
        if told in self._on_end:
            self._on_end.remove(told)

    def stamp(self, item: StreamItem) -> Stamped:
        """Give the item being delivered its position and read time."""
        return self._stamp(self._sent - 1, item)

    def _stamp(self, seq: int, item: StreamItem) -> Stamped:
        ends, times = self._marks
        return Stamped(seq, times[min(bisect_right(ends, seq), len(times) - 1)], item)

    # ---- what has been

    def items(self) -> list[StreamItem]:
        """Give all that was delivered, adjacent deltas of one part merged, of the living attempt only."""
        return [item for _, item in self._history()]

    def whole(self) -> list[StreamItem]:
        """Give what a completion is made of: `items`, and what the void attempts cost."""
        living = self.items()
        return [*self._void, *living]

    def everything(self) -> list[StreamItem]:
        """Give `whole`, and what waits to be delivered."""
        return [*self.whole(), *self._log[self._sent :]]

    @property
    def finished(self) -> bool:
        """Whether the last item is the Finish."""
        return bool(self._log) and type(self._log[-1]) is Finish

    def living(self) -> list[StreamItem]:
        """Give what was delivered of the living attempt, as it came."""
        seen = self._log[: self._sent]
        start = next((n for n in range(len(seen), 0, -1) if type(seen[n - 1]) is Rollback), 0)
        return seen[start:]

    def _history(self) -> list[tuple[int, StreamItem]]:
        """Merge what has come since the last time; each item is looked at once, however many come late."""
        merged, seqs = self._merged, self._merged_seqs
        fresh = self._log[self._merged_upto : self._sent]
        seq = self._merged_upto
        self._merged_upto = self._sent
        for kind, group in groupby(fresh, type):
            alike = list(group)
            if kind in _DELTAS:
                for run in _runs(cast("list[Delta]", alike)):
                    seq += len(run)
                    if len(merged) > self._start and part(merged[-1]) == part(run[0]):
                        seqs.pop()
                        run.insert(0, cast("Delta", merged.pop()))
                    merged.append(joined(run))
                    seqs.append(seq - 1)
                continue
            for item in alike:
                self._keep(item, seq)
                seq += 1
        return list(zip(seqs, merged, strict=True))

    def _keep(self, item: StreamItem, seq: int) -> None:
        """Put a structural item into the history; a Rollback takes out what it voids."""
        merged = self._merged
        if isinstance(item, Rollback):
            self._void += [i for i in merged[self._start :] if isinstance(i, Usage)][-1:]
            self._void.append(item)
            del merged[self._start :]
            del self._merged_seqs[self._start :]
            return
        if isinstance(item, Started):
            self._start = len(merged)
        merged.append(item)
        self._merged_seqs.append(seq)
        if isinstance(item, (TurnStarted, StageStarted)):  # which is not a part of the attempt that follows
            self._start = len(merged)


def _runs(deltas: list[Delta]) -> list[list[Delta]]:
    """Cut deltas of one kind where another part begins; nearly always nowhere."""
    if type(deltas[0]) is not ToolCallDelta and len({d.choice for d in deltas}) == 1:
        return [deltas]
    return [list(run) for _, run in groupby(deltas, part)]


def _ignore(_: StreamItem) -> None:
    """Take the place of an observer that left while an item was on its way round."""
