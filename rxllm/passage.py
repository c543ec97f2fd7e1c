"""The way of a stream's items: from their origin, through the operators, into the hub, to the one end: `Passage`."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

import msgspec

from rxllm.completion import fold
from rxllm.errors import ConfigurationError, TransportError
from rxllm.items import Finish, StreamItem, Timing, Usage, part
from rxllm.limits import Limits
from rxllm.observable import Operator, Sink
from rxllm.through import Through

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from reactivex import abc

    from rxllm.errors import RxllmError
    from rxllm.hub import Hub
    from rxllm.messages import Timeouts
    from rxllm.origin import Origin

__all__ = ["Passage"]


class Passage:
    """What happens to the items of one answer, on the home thread only; who listens is the stream's own business.

    Args:
        origin: Where the items come from.
        hub: Where they go.
        scheduler: The loop's scheduler, or virtual time.
        through: Operators on the way; their end is the end.
        timeouts: The limits to be kept here: first item, progress and total.
        on_end: Called at the end, with the error if it is a bad one, before those who listen are told.
    """

    def __init__(
        self,
        origin: Origin,
        hub: Hub,
        scheduler: abc.SchedulerBase,
        *,
        through: Sequence[Operator],
        timeouts: Timeouts | None,
        on_end: Callable[[Exception | None], None],
    ) -> None:
        self._origin = origin
        self._hub = hub
        self._scheduler = scheduler
        self._operators = tuple(through)
        self._through = Through(Sink(self._emit_one, self._failed, self._completed)) if self._operators else None
        self._limits = Limits(timeouts, scheduler, self._expire)
        self._on_end = on_end
        self._pauses: dict[object, int] = {}
        self.started = False
        """Whether it was opened."""
        self._reading = False  # between the origin's start and its end
        self._own_finish: Finish | None = None  # the origin's, while the operators are told of the end

    def open(self) -> None:
        """Send the request, the first time only."""
        if self._hub.closed:
            return
        if getattr(self._scheduler, "closed", False):
            self._reading = False  # whatever was reading has died with it
            self._failed(TransportError("The event loop of this stream is closed. Make a new stream in the new loop."))
            return
        if self.started:
            return
        self.started = True
        self._limits.begin()
        try:
            if self._through is not None:
                self._through.open(self._operators, self._scheduler)
                if self._hub.closed:  # they want nothing, like `rx.take(0)`
                    return
            self._reading = True
            if self._pauses:
                self._origin.pause()
            self._origin.start(self)
        except Exception as error:  # noqa: BLE001 - all who listen are told, not only who came first
            self._failed(error)

    # ---- controls

    def cancel(self) -> None:
        """End by our own will; after the end it does nothing."""
        if self._hub.ended:
            return
        self._close_origin()
        self._hub.discard_undelivered()
        self._forget_pauses()
        if self._hub.finished:  # whoever cancels from inside the Finish's delivery is too late: there is only one
            self._end(None)
        else:
            self._finish()

    @property
    def is_paused(self) -> bool:
        """Whether somebody has paused it."""
        return bool(self._pauses)

    def pause(self, holder: object) -> None:
        """Deliver nothing more and stop reading.

        Args:
            holder: Who pauses.
        """
        if self._hub.ended:
            return
        self._pauses[holder] = self._pauses.get(holder, 0) + 1
        self._hub.hold()
        self._limits.pause()
        if self._reading:
            self._origin.pause()

    def resume(self, holder: object) -> None:
        """Undo one `pause` of the same holder.

        Args:
            holder: Who paused.
        """
        count = self._pauses.get(holder, 0)
        if count > 1:
            self._pauses[holder] = count - 1
        elif count == 1:
            del self._pauses[holder]
            if not self._pauses:
                self._go_on()

    def _go_on(self) -> None:
        self._limits.resume()
        if self._reading:
            self._origin.resume()
        self._hub.release()

    def _forget_pauses(self) -> None:
        self._pauses.clear()
        self._hub.held = False

    # ---- from the origin

    def push(self, items: list[StreamItem]) -> None:
        """Take what one read brought; called by the origin."""
        if self._hub.closed or not items:
            return
        if self._limits.watchful:
            self._limits.note(items)
        if self._through is None:
            self._emit(items)
        else:
            self._through.push(items)
            last = items[-1]
            if type(last) is Finish:
                self._own_finish = last

    def complete(self) -> None:
        """Note the end; called by the origin."""
        self._reading = False
        if self._through is None:
            self._end(None)
        else:
            self._through.complete()
            self._own_finish = None

    def fail(self, error: Exception) -> None:
        """Note a bad end; called by the origin."""
        self._reading = False
        if self._through is None:
            self._end(error)
        else:
            self._through.fail(error)

    def _emit(self, items: list[StreamItem]) -> None:
        limits = self._limits
        now = limits.clock() - limits.since
        last = items[-1]
        if type(last) is Finish:
            timing = Timing(self._first_item(), limits.first_content, now)
            items = [*items[:-1], msgspec.structs.replace(last, timing=timing)]
        self._hub.push(items, now)

    def _first_item(self) -> float | None:
        """Tell when the first item came, also where it was kept back until there was content."""
        at = getattr(self._origin, "first_item_at", None)
        return self._limits.first_item if at is None else at - self._limits.since

    def _emit_one(self, item: object) -> None:
        if self._hub.closed or self._hub.finished:  # there is one Finish, whatever they make of it
            return
        if not isinstance(item, StreamItem):
            self._failed(
                ConfigurationError(
                    f"What stands in through= must give stream items, and gave {item!r}. Put ops.text() and the like "
                    "into the pipe of a subscriber."
                )
            )
            return
        self._emit([item])

    def _completed(self) -> None:
        """End because the operators before the hub did, perhaps before the origin."""
        if self._hub.closed:
            return
        self._close_origin()
        if not self._hub.finished:
            if self._own_finish is None:
                self._finish()
                return
            self._emit([self._own_finish])  # they let the end through and not its Finish, like a filter of texts
        self._end(None)

    def _finish(self) -> None:
        """End by our own will; where the origin does not know what it cost, the usage is what we counted."""
        self._emit([Finish("cancelled", None, getattr(self._origin, "usage", None) or self._counted())])
        self._end(None)

    def _counted(self) -> Usage:
        seen = self._hub.living()
        told = next((i.input_tokens for i in reversed(seen) if isinstance(i, Usage)), None)
        return Usage(input_tokens=told, output_tokens=sum(1 for i in seen if part(i) is not None), estimated=True)

    def _failed(self, error: Exception) -> None:
        self._close_origin()
        self._end(error)

    def _end(self, error: Exception | None) -> None:
        if self._hub.closed:
            return
        self._limits.stop()
        if error is not None and getattr(error, "partial", None) is None:  # a foreign one comes from an operator
            cast("RxllmError", error).partial = fold(self._hub.everything())
        self._on_end(error)
        self._hub.close(error)

    def _close_origin(self) -> None:
        if self._reading:
            self._reading = False
            self._origin.close()
        if self._through is not None:
            self._through.close()

    def _expire(self, error: Exception) -> None:
        """End because a limit was reached; a pause does not keep that back."""
        if self._reading:
            self._reading = False
            self._origin.close()
        self._forget_pauses()
        self.fail(error)
