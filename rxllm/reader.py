"""`async for item in stream`: a bounded mailbox between the hub and one reader.

The reader is a class, not an async generator: when a `break` drops it, it lets go of the stream at once, where a
generator would wait for the loop to close it. For that the stream must not keep it alive, so it holds the inbox only.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final, Protocol, Self

from rxllm.errors import ConfigurationError, MailboxOverflowError, RxllmError
from rxllm.mailbox import Mailbox, Overflow
from rxllm.observable import Sink, at_home

if TYPE_CHECKING:
    from reactivex import abc

    from rxllm.items import StreamItem

__all__ = ["Reader"]

_CANCELLED: Final = (
    "Waiting for this reader's next item was cancelled, which let go of the stream. Read on with a new one: "
    "stream.items(), which gives what has been too."
)


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
        self.waiting: asyncio.Future[None] | None = None

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
        waiting = self.waiting
        if waiting is not None and not waiting.done():
            waiting.set_result(None)

    def on_error(self, error: Exception) -> None:
        if not self.ended:
            self.error = error
            self.on_completed()

    def on_completed(self) -> None:
        self.ended = True
        if self.waiting is not None and not self.waiting.done():
            self.waiting.set_result(None)

    def relax(self) -> None:
        """Let the socket be read again when half of the mailbox is free, or nobody reads it any more."""
        if self.holding and (self.ended or self.mailbox.deltas <= self._capacity // 2):
            self.holding = False
            self._stream.resume(self)


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
        self._scheduler = scheduler
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
        while not len(inbox.mailbox):
            if inbox.ended:
                self._let_go()
                error, inbox.error = inbox.error, None
                if error is not None:
                    raise error
                raise StopAsyncIteration
            if inbox.waiting is not None:
                raise ConfigurationError("Two tasks wait on one reader. Give each its own: stream.items().")
            inbox.waiting = asyncio.get_running_loop().create_future()
            try:
                await inbox.waiting
            except asyncio.CancelledError:
                if not inbox.ended:  # whoever asks again must not take this for the end of the stream
                    inbox.error = RxllmError(_CANCELLED)
                self._let_go()
                raise
            finally:
                inbox.waiting = None
        item = inbox.mailbox.take()
        if inbox.holding:
            inbox.relax()
        return item

    async def aclose(self) -> None:
        """Let go of the stream; what was queued is forgotten."""
        self._inbox.mailbox = Mailbox()
        self._let_go()

    def __del__(self) -> None:
        if self._subscription is not None:
            at_home(self._scheduler, self._let_go)

    def _let_go(self) -> None:
        subscription, self._subscription = self._subscription, None
        self._inbox.ended = True
        if subscription is not None:
            subscription.dispose()
        self._inbox.relax()  # after that: what is still undelivered is then not for us
