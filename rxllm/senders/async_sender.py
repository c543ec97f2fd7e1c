"""`AsyncSender`: a bounded mailbox, and the one task that empties it; what all senders share that must wait."""

from __future__ import annotations

import asyncio
from abc import abstractmethod
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final

from rxllm.errors import ConfigurationError
from rxllm.mailbox import Mailbox
from rxllm.senders.sender import Sender

if TYPE_CHECKING:
    from rxllm.mailbox import Overflow

__all__ = ["AsyncSender", "mailbox_of"]

_writers: Final[set[asyncio.Task[None]]] = set()  # a loop holds its tasks weakly, and nothing else holds a waiting one


def mailbox_of(capacity: int, overflow: Overflow) -> Mailbox:
    """Make a sender's mailbox.

    Raises:
        ConfigurationError: The capacity is not positive, or the policy none that a sender can keep.
    """
    if overflow == "pause":
        raise ConfigurationError(
            'A sender never slows the stream, so overflow="pause" is not for it. Choose "merge", which loses nothing, '
            '"drop_oldest", "drop_newest" or "error"; or read with stream.items(overflow="pause").'
        )
    return Mailbox(capacity, overflow)


class AsyncSender(Sender):
    """Writes in a task of its own, so that whatever it waits for never slows the stream.

    Unlike `map_async` in a pipe it is bounded without losing a character: while a write takes its time, what comes is
    merged to larger deltas. The stream's end is written last; `close` writes nothing more.

    Args:
        capacity: Deltas that wait before they are merged.
        overflow: What is done with one more; see `Mailbox`.

    Raises:
        ConfigurationError: The capacity is not positive, or the policy none that a sender can keep.
    """

    def __init__(self, *, capacity: int = 1024, overflow: Overflow = "merge") -> None:
        super().__init__()
        self.mailbox = mailbox_of(capacity, overflow)
        self._task: asyncio.Task[None] | None = None
        self._waiting: asyncio.Future[None] | None = None
        self._error: Exception | None = None
        self._begun = False

    # ---- what a sender of your own says

    async def open(self) -> None:
        """Prepare; called once, before the first write."""

    @abstractmethod
    async def write(self) -> None:
        """Take at least one item from the mailbox, which has some, and put it where it belongs."""

    async def finish(self, error: Exception | None) -> None:
        """Say that this was all.

        Args:
            error: Why the stream failed, or None.
        """

    async def shut(self) -> None:
        """Let go of what must be waited for, however it ended."""

    # ---- the mailbox

    def send(self, value: Any) -> None:
        """Queue a value."""
        self.mailbox.put(value)
        self.wake()

    def end(self, error: Exception | None) -> None:
        """Let the task write what is queued, then the end."""
        self._error = error
        self.wake()

    def wake(self) -> None:
        """Let the task look; the first time, begin it on the running loop."""
        if self._task is None:
            if self.closed:
                return
            self._task = task = asyncio.get_running_loop().create_task(self._run(), name=f"rxllm {self._name}")
            _writers.add(task)
            task.add_done_callback(_writers.discard)
        elif self._waiting is not None and not self._waiting.done():
            self._waiting.set_result(None)

    # ---- the task

    async def _run(self) -> None:
        self._begun = True
        try:
            await self._write_all()
        except asyncio.CancelledError as error:
            task = asyncio.current_task()
            if self.closed or (task is not None and task.cancelling()):  # by `close`, or because the loop ends
                raise
            self.fail(error)  # what it waited for was cancelled
        except Exception as error:  # noqa: BLE001 - a sender's failure is its own
            self.fail(error)
        finally:
            self.close()
            try:
                await self.shut()
            except Exception as error:  # noqa: BLE001 - as above
                self.fail(error)

    async def _write_all(self) -> None:
        if not self.closed:
            await self.open()
        while not self.closed:
            if len(self.mailbox):
                await self.write()
            elif self.ended:
                await self.finish(self._error)
                return
            else:
                self._waiting = asyncio.get_running_loop().create_future()
                await self._waiting

    def release(self) -> None:
        """Stop the task; from any thread."""
        self.lost += len(self.mailbox)
        task = self._task
        if task is None or task.done() or not self._begun:  # a task that is cancelled before it began shuts nothing
            return
        try:
            here = asyncio.get_running_loop() is task.get_loop()
        except RuntimeError:
            here = False
        if not here:
            with suppress(RuntimeError):  # that loop is closed, and its tasks are gone
                task.get_loop().call_soon_threadsafe(task.cancel)
        elif task is not asyncio.current_task():
            task.cancel()

    async def wait_closed(self) -> None:
        """Wait until everything is written and the task has ended; for ever, if the stream does not end."""
        if self._task is None and not self.closed:
            self.wake()
        if self._task is not None:
            await asyncio.wait([self._task])
