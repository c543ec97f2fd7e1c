"""`BroadcastSender`: several senders as one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rxllm.senders.as_sender import as_sender
from rxllm.senders.queue import QueueSender
from rxllm.senders.sender import Sender

if TYPE_CHECKING:
    from rxllm.mailbox import Overflow

__all__ = ["BroadcastSender"]


class BroadcastSender(Sender):
    """Gives each value to several senders; one that fails is not missed by the others.

    Unlike several subscriptions it is one observer, whose receivers may join and leave while it runs. Who joins late
    gets what comes from then on; `stream.subscribe` gives what has been, too.

    >>> from rxllm.senders.memory import MemorySender
    >>> from rxllm.items import TextDelta
    >>> one, other = MemorySender(), MemorySender()
    >>> both = BroadcastSender(one, other, print)
    >>> both.on_next(TextDelta("a"))
    TextDelta(text='a')
    >>> one.text, other.text, both.failures
    ('a', 'a', 0)

    Args:
        to: Whatever `to=` takes, each.

    Raises:
        ConfigurationError: One of them is nothing that can be sent to.
    """

    def __init__(self, *to: Any) -> None:
        super().__init__()
        self._senders = [as_sender(each) for each in to]
        self._error: Exception | None = None

    @property
    def senders(self) -> tuple[Sender, ...]:
        """Who receives, those that have failed too."""
        return tuple(self._senders)

    @property
    def failures(self) -> int:
        """How many of them have failed."""
        return sum(sender.failure is not None for sender in self._senders)

    def add(self, to: Any) -> Sender:
        """Let one more receive; after the end it is told the end.

        Args:
            to: Whatever `to=` takes.

        Returns:
            The sender made of it.
        """
        sender = as_sender(to)
        self._senders.append(sender)
        if self.ended or self.closed:
            _tell_end(sender, self._error)
        return sender

    def queue(self, maxsize: int = 100, overflow: Overflow = "merge") -> QueueSender:
        """Let a reader of a bounded queue receive.

        Args:
            maxsize: Deltas that wait before `overflow` decides.
            overflow: See `QueueSender`.

        Returns:
            What is read.
        """
        sender = QueueSender(maxsize, overflow)
        self.add(sender)
        return sender

    def remove(self, sender: Sender) -> None:
        """Let a receiver go, and close it.

        Args:
            sender: What `add` or `queue` gave; one that has gone already is not an error.
        """
        if sender in self._senders:
            self._senders.remove(sender)
        sender.close()

    def send(self, value: Any) -> None:
        """Give a value to each."""
        for sender in tuple(self._senders):
            sender.on_next(value)

    def end(self, error: Exception | None) -> None:
        """Tell each; those that write in a task of their own still do."""
        self._error = error
        for sender in tuple(self._senders):
            _tell_end(sender, error)

    def release(self) -> None:
        """Close each."""
        for sender in tuple(self._senders):
            sender.close()

    async def wait_closed(self) -> None:
        """Wait for each."""
        for sender in tuple(self._senders):
            await sender.wait_closed()


def _tell_end(sender: Sender, error: Exception | None) -> None:
    if error is None:
        sender.on_completed()
    else:
        sender.on_error(error)
