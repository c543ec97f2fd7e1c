"""`async for item in stream`: a bounded mailbox between the hub and one reader.

The reader is a class, not an async generator: when a `break` drops it, it lets go of the stream at once, where a
generator would wait for the loop to close it. For that the stream must not keep it alive, so it holds the inbox only.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import TYPE_CHECKING, Final, Protocol, Self

from rxllm.errors import ConfigurationError, MailboxOverflowError, RxllmError
from rxllm.mailbox import Mailbox, Overflow
from rxllm.observable import HomeScheduler, Sink, at_home

if TYPE_CHECKING:
    from collections.abc import Callable

    from reactivex import abc

    from rxllm.items import StreamItem

__all__ = ["Reader"]

_CANCELLED: Final = (
    "Waiting for this reader's next item was cancelled, which let go of the stream. Read on with a new one: "
    "stream.items(), which gives what has been too."
)
_STOPPED: Final = (
    "What is read here failed with a {}, which a loop would take for its end. Look where __cause__ was raised, and let "
    "that code return, or raise another error."
)
_TWO_TASKS: Final = "Two tasks wait on one reader. Give each its own: stream.items()."


class Readable(Protocol):
    """What a reader needs of a stream."""

    def read_with(self, sink: Sink) -> abc.DisposableBase:
        """Subscribe."""
        ...

    def pause(self, holder: object = None) -> None:
        """Stop reading from the socket."""
        ...

    def resume(self, holder: object = None) -> None:
        """Go on."""
        ...


class _Inbox:
    """The stream's side of a reader."""

    __slots__ = ("_capacity", "_stream", "ended", "error", "holding", "mailbox", "pausing", "waiting")

    def __init__(self, stream: Readable, capacity: int, overflow: Overflow) -> None:
        self._stream = stream
        self._capacity = capacity
        self.mailbox = Mailbox(capacity, overflow)
        self.pausing = overflow == "pause"
        self.holding = False
        self.ended = False
        self.error: Exception | None = None
        self.waiting: Callable[[], None] | None = None

    def on_next(self, item: StreamItem) -> None:
        if self.ended:
            return
        try:
            self.mailbox.put(item)
        except MailboxOverflowError as error:
            self.on_error(error)
            raise  # the hub takes away the seat
        if self.pausing and not self.holding and self.mailbox.full:
            self.holding = True
            self._stream.pause(self)
        if self.waiting is not None:
            self.waiting()

    def on_error(self, error: Exception) -> None:
        if not self.ended:
            self.error = error
            self.on_completed()

    def on_completed(self) -> None:
        self.ended = True
        if self.waiting is not None:
            self.waiting()

    def relax(self) -> None:
        """Let the socket be read again when half of the mailbox is free, or nobody reads it any more."""
        if self.holding and (self.ended or self.mailbox.deltas <= self._capacity // 2):
            self.holding = False
            self._stream.resume(self)


class _WaitAfar:
    """A wait in another thread's loop; all but `settle` runs on the stream's own thread."""

    def __init__(self, inbox: _Inbox, next_: Callable[[], StreamItem], let_go: Callable[[], None]) -> None:
        self._inbox = inbox
        self._next = next_
        self._let_go = let_go
        self._loop = asyncio.get_running_loop()
        self._is_sent = False
        self.answer: asyncio.Future[StreamItem | Exception] = self._loop.create_future()

    def look(self) -> None:
        """Take what is there, or be called when there is something."""
        if self._inbox.waiting is not None:
            self._send(ConfigurationError(_TWO_TASKS))
        elif len(self._inbox.mailbox) or self._inbox.ended:
            self._take()
        else:
            self._inbox.waiting = self._take

    def give_up(self) -> None:
        """Let go of the stream, unless another task waits on it."""
        if self._inbox.waiting not in (None, self._take):
            return
        if self._is_sent:  # and lost: nobody may read on as if it had never been
            self._inbox.ended = False
            self._inbox.mailbox = Mailbox()
        self._let_go()

    def _take(self) -> None:
        self._inbox.waiting = None
        self._is_sent = True
        try:
            self._send(self._next())
        except Exception as error:  # noqa: BLE001 - raised where it is waited for
            self._send(error)

    def _send(self, taken: StreamItem | Exception) -> None:
        with suppress(RuntimeError):  # that loop is closed, and nobody waits there any more
            self._loop.call_soon_threadsafe(self._settle, taken)

    def _settle(self, taken: StreamItem | Exception) -> None:
        if not self.answer.done():
            self.answer.set_result(taken)


class Reader:
    """An async iterator over a stream's items.

    Differs from a subscriber in that it takes items when it is ready for them; what to do in the meantime is the
    mailbox's `overflow`.

    Args:
        stream: What is read.
        scheduler: The stream's own, to let go from another thread.
        capacity: Deltas.
        overflow: See `Mailbox`.
    """

    def __init__(
        self, stream: Readable, scheduler: abc.SchedulerBase | None, *, capacity: int, overflow: Overflow
    ) -> None:
        self._subscription: abc.DisposableBase | None = None
        self._home = scheduler if isinstance(scheduler, HomeScheduler) else None
        self._inbox = inbox = _Inbox(stream, capacity, overflow)
        self._subscription = stream.read_with(Sink(inbox.on_next, inbox.on_error, inbox.on_completed))

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> StreamItem:
        """Wait for the next item.

        Raises:
            StopAsyncIteration: The stream is complete or cancelled, or `aclose` was called.
            ConfigurationError: Another task is waiting on this reader.
            RxllmError: The stream failed; everything that came was given before. Or an earlier wait was cancelled,
                which let go of the stream.
        """
        inbox = self._inbox
        if inbox.waiting is not None:
            raise ConfigurationError(_TWO_TASKS)
        if self._home is not None and not self._home.here():
            return await self._from_afar(self._home)
        if not len(inbox.mailbox) and not inbox.ended:
            await self._wait()
        return self._next()

    def _next(self) -> StreamItem:
        """Take what is there; there is something, or the end."""
        inbox = self._inbox
        if not len(inbox.mailbox):
            self._let_go()
            error, inbox.error = inbox.error, None
            if isinstance(error, (StopAsyncIteration, StopIteration)):  # `async for` would take it for the end
                raise RxllmError(_STOPPED.format(type(error).__name__)) from error
            raise error or StopAsyncIteration
        item = inbox.mailbox.take()
        if inbox.holding:
            inbox.relax()
        return item

    async def _wait(self) -> None:
        inbox = self._inbox
        arrived: asyncio.Future[None] = asyncio.get_running_loop().create_future()

        def tell() -> None:
            if not arrived.done():
                arrived.set_result(None)

        inbox.waiting = tell
        try:
            await arrived
        except asyncio.CancelledError:
            self._give_up()
            raise
        finally:
            inbox.waiting = None

    async def _from_afar(self, home: HomeScheduler) -> StreamItem:
        """Let the stream's own thread take the next item, since the mailbox is of that thread."""
        wait = _WaitAfar(self._inbox, self._next, self._give_up)
        at_home(home, wait.look)
        try:
            taken = await wait.answer
        except asyncio.CancelledError:
            at_home(home, wait.give_up)
            raise
        if isinstance(taken, Exception):
            raise taken
        return taken

    def _give_up(self) -> None:
        """Let go in the middle of a wait; whoever asks again must not take that for the end of the stream."""
        self._inbox.waiting = None
        if not self._inbox.ended:
            self._inbox.error = RxllmError(_CANCELLED)
        self._let_go()

    async def aclose(self) -> None:
        """Let go of the stream; what was queued is forgotten."""
        at_home(self._home, self._forget)

    def _forget(self) -> None:
        self._inbox.mailbox = Mailbox()
        self._let_go()

    def __del__(self) -> None:
        if self._subscription is not None:
            at_home(self._home, self._let_go)

    def _let_go(self) -> None:
        subscription, self._subscription = self._subscription, None
        self._inbox.ended = True
        if subscription is not None:
            subscription.dispose()
        self._inbox.relax()  # after that: what is still undelivered is then not for us
