"""`CompletionStream`: one request as a hot Observable of items, with one honest final value."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Self

from loguru import logger
from reactivex.disposable import Disposable, SingleAssignmentDisposable
from reactivex.internal import noop

from rxllm.completion import Completion, fold
from rxllm.guard import callbacks
from rxllm.holders import Holders, OnAbandon
from rxllm.hub import Hub, Seat
from rxllm.items import StreamItem
from rxllm.observable import FINAL_ON_ERROR, Lifted, LoopObservable, Operator, Sink, at_home
from rxllm.passage import Passage
from rxllm.reader import Reader

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Sequence
    from types import TracebackType

    from reactivex import abc

    from rxllm.items import Stamped
    from rxllm.mailbox import Overflow
    from rxllm.messages import Timeouts
    from rxllm.origin import Origin

__all__ = ["CompletionStream"]


class CompletionStream(LoopObservable[StreamItem]):
    """A hot observable of one answer, which costs one request for its whole life.

    Unlike a Subject, it starts when somebody first listens, gives late subscribers what has been, survives subscribers
    that raise, closes the socket when the last holder has gone, and has a final value: `await stream`.

    Args:
        origin: Where the items come from.
        scheduler: The loop's scheduler, or virtual time.
        through: Operators before the multicast: their end is the stream's end, for everybody and for the socket.
        replay: Whether a late subscriber gets what has been.
        on_abandon: When nobody holds the stream any more: `"cancel"`, `"keep"`, or cancel after that many seconds.
        timeouts: The limits that the stream itself keeps: first item, progress and total.
    """

    def __init__(
        self,
        origin: Origin,
        *,
        scheduler: abc.SchedulerBase,
        through: Sequence[Operator] = (),
        replay: bool = True,
        on_abandon: OnAbandon = "cancel",
        timeouts: Timeouts | None = None,
    ) -> None:
        super().__init__(Lifted(self._enter), scheduler)
        self._origin = origin
        self._hub = Hub(replay=replay)
        self._passage = Passage(
            origin, self._hub, scheduler, through=through, timeouts=timeouts, on_end=self._let_all_go
        )
        self._holders = Holders(on_abandon, scheduler, self._passage.cancel)
        self._start_held = False
        self._trace: TracebackType | None = None  # of the error, which each `await` raises anew
        self._value: Completion | None = None

    # ---- subscribing

    def subscribe(
        self,
        on_next: abc.ObserverBase[StreamItem] | abc.OnNext[StreamItem] | None = None,
        on_error: abc.OnError | None = None,
        on_completed: abc.OnCompleted | None = None,
        *,
        scheduler: abc.SchedulerBase | None = None,  # noqa: ARG002 - there is no time operator above
    ) -> abc.DisposableBase:
        """Subscribe an observer or up to three callbacks, from any thread; see `LoopObservable.subscribe`."""
        next_, on_error, on_completed = callbacks(on_next, on_error, on_completed)
        return self.read_with(Sink(next_ or noop, on_error or _unheard, on_completed or noop))

    def read_with(self, sink: Sink) -> abc.DisposableBase:
        """Subscribe a sink as it is, from any thread; the hub is its guard."""
        return self._seat(sink)

    def watch_with(self, sink: Sink) -> None:
        """Let a sink see all items, stamped; unlike a subscriber it neither starts nor holds the stream."""
        self._hub.take_seat(Seat(self._hub, sink, stamps=True, leave=noop))

    def stamped(self) -> LoopObservable[Stamped]:
        """Give each item with its position and the time it was read, in seconds since the request.

        Returns:
            An observable of `Stamped`.
        """
        return LoopObservable(Lifted(lambda sink, _: self._seat(sink, stamps=True, piped=True)), self._home)

    def _enter(self, sink: Sink, _scheduler: abc.SchedulerBase | None) -> abc.DisposableBase:
        return self._seat(sink, piped=True)

    def _seat(self, sink: Sink, *, stamps: bool = False, piped: bool = False) -> abc.DisposableBase:
        seat = Seat(self._hub, sink, stamps=stamps, leave=self._release)
        if piped:
            seat.final_on_error = FINAL_ON_ERROR.get()

        def sit() -> None:
            if seat.taken:
                seat.seated = True
                self._holders.add()
                self._hub.take_seat(seat)
                self._passage.open()  # after that, since an origin may give all it has at once

        at_home(self._home, sit)
        return Disposable(lambda: at_home(self._home, seat.dispose))

    # ---- the one final value

    @property
    def completion(self) -> LoopObservable[Completion]:
        """The final value as an observable of exactly one: the whole, or the partial after a cancel."""

        def core(sink: Sink, _: abc.SchedulerBase | None) -> abc.DisposableBase:
            def tell() -> None:
                error = self._hub.error
                if error is None:
                    sink.on_next(self._result())
                    sink.on_completed()
                else:
                    sink.on_error(error)

            return self._when_ended(tell)

        return LoopObservable(Lifted(core), self._home)

    def _when_ended(self, tell: Callable[[], None]) -> abc.DisposableBase:
        """Hold the stream until its end, without looking at its items."""
        self._hold()
        self._hub.when_ended(tell)
        held = [True]

        def let_go() -> None:
            if held.pop() if held else False:
                self._hub.forget(tell)
                self._release()

        return Disposable(let_go)

    def _result(self) -> Completion:
        if self._value is None:
            self._value = fold(self._hub.whole())
        return self._value

    def __await__(self) -> Generator[Any, None, Completion]:  # pyright: ignore[reportIncompatibleMethodOverride] - the last item would be of no use
        """Wait for the end; from any loop.

        Returns:
            The completion, or the partial one when the stream was cancelled.

        Raises:
            RxllmError: The stream failed; `.partial` holds what had arrived.
        """
        import asyncio

        loop = asyncio.get_running_loop()
        ended: asyncio.Future[None] = loop.create_future()

        def tell() -> None:
            if not ended.done():
                ended.set_result(None)

        def tell_from_home() -> None:
            if self._hub.error is None:
                self._result()  # made here, where nobody else looks at the log
            if asyncio._get_running_loop() is loop:  # noqa: SLF001  # pyright: ignore[reportPrivateUsage, reportAttributeAccessIssue] - get_running_loop raises where virtual time has none
                tell()
            else:
                loop.call_soon_threadsafe(tell)

        waiting = SingleAssignmentDisposable()

        def wait_here() -> None:
            waiting.disposable = self._when_ended(tell_from_home)

        at_home(self._home, wait_here)
        try:
            yield from ended
        finally:
            at_home(self._home, waiting.dispose)
        error = self._hub.error
        if error is not None:
            raise error.with_traceback(self._trace)  # or it would grow with each await
        return self._result()

    @property
    def answered_by(self) -> str | None:
        """Which model's content is heard, as `"provider:model"`; None before, and where there is no model."""
        return getattr(self._origin, "answered_by", None)

    # ---- reading at one's own pace

    def items(self, *, overflow: Overflow = "merge", capacity: int = 1024) -> Reader:
        """Read the items with `async for`, through a bounded mailbox.

        Differs from `subscribe` in that a slow reader gets larger deltas instead of a longer queue.

        Args:
            overflow: `merge` (lossless), `pause` (the provider waits), `drop_oldest`, `drop_newest` or `error`.
            capacity: Deltas that are queued before `overflow` decides.

        Returns:
            An async iterator.

        Raises:
            ConfigurationError: The policy is unknown or the capacity not positive.
        """
        return Reader(self, self._home, capacity=capacity, overflow=overflow)

    def __aiter__(self) -> Reader:
        return self.items()

    # ---- holding on

    def start(self) -> Self:
        """Send the request now, and hold the stream until its end even if nobody listens.

        Returns:
            The stream itself.
        """

        def start_here() -> None:
            if not self._start_held:
                self._start_held = True
                self._hold()

        at_home(self._home, start_here)
        return self

    async def __aenter__(self) -> Self:
        at_home(self._home, self._hold)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        at_home(self._home, self._release)

    def _hold(self) -> None:
        self._holders.add()
        self._passage.open()

    def _release(self) -> None:
        self._holders.remove()

    def _let_all_go(self, error: Exception | None) -> None:
        self._holders.close()
        self._trace = error.__traceback__ if error is not None else None

    # ---- controls

    def cancel(self) -> None:
        """End the stream and begin closing the provider's socket; what was delivered is the final value.

        May be called at any time and from any thread; after the end it does nothing.
        """
        at_home(self._home, self._passage.cancel)

    @property
    def is_paused(self) -> bool:
        """Whether somebody has paused the stream."""
        return self._passage.is_paused

    def pause(self, holder: object = None) -> None:
        """Deliver nothing more and stop reading from the socket, so that TCP pushes back on the provider.

        Args:
            holder: Who pauses; the stream goes on when each holder has resumed as often as it paused.
        """
        at_home(self._home, lambda: self._passage.pause(holder))

    def resume(self, holder: object = None) -> None:
        """Undo one `pause` of the same holder; without one it does nothing.

        Args:
            holder: Who paused.
        """
        at_home(self._home, lambda: self._passage.resume(holder))

    def __repr__(self) -> str:
        passage = self._passage
        state = "ended" if self._hub.ended else "paused" if passage.is_paused else None
        state = state or ("running" if passage.started else "waiting")
        return f"<CompletionStream {state}, {self._holders.count} holding>"


def _unheard(error: Exception) -> None:
    logger.debug("A stream failed with {!r}; this subscriber has no on_error", error)
