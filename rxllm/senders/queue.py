"""`QueueSender`: a bounded queue of asyncio, read at the reader's own pace."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, Self

from rxllm.senders.async_sender import mailbox_of
from rxllm.senders.sender import Sender

if TYPE_CHECKING:
    from rxllm.mailbox import Mailbox, Overflow

__all__ = ["QueueSender"]


class _MailboxQueue(asyncio.Queue[Any]):
    """An asyncio queue that is never full: its mailbox decides what one more means."""

    def __init__(self, mailbox: Mailbox) -> None:
        self._mailbox = mailbox
        super().__init__()

    def qsize(self) -> int:
        """Tell how many items wait."""
        return len(self._mailbox)

    def empty(self) -> bool:
        """Tell whether none waits."""
        return not len(self._mailbox)

    def _put(self, item: Any) -> None:
        self._mailbox.put(item)

    def _get(self) -> Any:
        return self._mailbox.take()


class QueueSender(Sender):
    """Fills a bounded queue, to be read with `await sender.queue.get()` or `async for item in sender`, by one reader.

    Unlike `stream.items()` it can stand behind any pipe, and hand over whatever that makes. The last thing in the queue
    is None, or the error if the stream failed.

    >>> from rxllm.items import TextDelta
    >>> sender = QueueSender(maxsize=2)
    >>> for text in "abcd": sender.on_next(TextDelta(text))
    >>> sender.on_completed()
    >>> [sender.queue.get_nowait() for _ in range(sender.queue.qsize())]
    [TextDelta(text='a'), TextDelta(text='bcd'), None]

    Args:
        maxsize: Deltas that wait before `overflow` decides.
        overflow: `merge` (lossless), `drop_oldest`, `drop_newest` or `error`, which fails the sender.

    Raises:
        ConfigurationError: The size is not positive, or the policy none that a sender can keep.
    """

    def __init__(self, maxsize: int = 100, overflow: Overflow = "merge") -> None:
        super().__init__()
        self._mailbox = mailbox_of(maxsize, overflow)
        self.queue: asyncio.Queue[Any] = _MailboxQueue(self._mailbox)
        """What is read; its `join` counts merged items singly and is of no use."""
        self._read = False

    @property
    def dropped(self) -> int:
        """How many deltas the policy has dropped."""
        return self._mailbox.dropped

    def send(self, value: Any) -> None:
        """Put a value into the queue."""
        self.queue.put_nowait(value)

    def end(self, error: Exception | None) -> None:
        """Put the end into the queue."""
        self.queue.put_nowait(error)
        self.close()

    def release(self) -> None:
        """Let a reader know that nothing comes any more."""
        if not self.ended:
            self.queue.put_nowait(self.failure)

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> Any:
        """Wait for the next value.

        Raises:
            StopAsyncIteration: The stream has ended, or the sender was closed.
            RxllmError: The stream failed, or the queue refused one more.
        """
        if self._read or (self.closed and self.queue.empty()):
            raise StopAsyncIteration
        value = await self.queue.get()
        if value is None or isinstance(value, Exception):
            self._read = True
            raise value or StopAsyncIteration
        return value
