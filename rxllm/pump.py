"""The task that reads one response; everything else is called by it."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final

from rxllm.errors import TransportError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from rxllm.transport.exchange import ByteStream

__all__ = ["Pump"]

_DRAIN_SECONDS: Final = 0.1
_running: set[asyncio.Task[None]] = set()


class Pump:
    """Reads one response in one task, and hands over what each read brought.

    Unlike `from_async_iterable` it can be paused without buffering, and closed in the turn of the loop in which that
    is asked for: the socket first, the task after.

    Args:
        open_body: Sends the request; gives the body.
        take: Called with what a read brought; True when that was the last that matters.
        end: Called when the body has ended without that.
        fail: Called with what went wrong.
    """

    def __init__(
        self,
        open_body: Callable[[], Awaitable[ByteStream]],
        take: Callable[[bytes], bool],
        end: Callable[[], None],
        fail: Callable[[Exception], None],
    ) -> None:
        self._open_body = open_body
        self._take = take
        self._end = end
        self._fail = fail
        self._body: ByteStream | None = None
        self._task: asyncio.Task[None] | None = None
        self._resumed = asyncio.Event()
        self._resumed.set()
        self._closed = False

    def start(self) -> None:
        """Begin, in a task of the running loop."""
        self._task = task = asyncio.get_running_loop().create_task(self._run(), name="rxllm pump")
        _running.add(task)  # a loop holds its tasks weakly, and nothing else holds a paused one
        task.add_done_callback(_running.discard)

    def pause(self) -> None:
        """Read nothing more, so that TCP pushes back on the sender."""
        self._resumed.clear()
        if self._body is not None:
            self._body.pause()

    def resume(self) -> None:
        """Go on reading."""
        self._resumed.set()
        if self._body is not None:
            self._body.resume()

    def close(self) -> None:
        """Begin closing the socket before this returns; nothing is handed over any more."""
        if self._closed:
            return
        self._closed = True
        if self._body is not None:
            self._body.close()
        task = self._task
        if task is not None and task is not asyncio.current_task(task.get_loop()):
            task.cancel()

    async def _run(self) -> None:
        try:
            self._body = body = await self._open_body()
            try:
                await self._read(body)
            finally:
                body.close()
        except asyncio.CancelledError:
            if not self._closed:  # not our doing: the loop is ending
                self._fail(TransportError("The event loop was shut down while the answer was being read."))
            raise
        except Exception as error:  # noqa: BLE001 - handed on to the stream, whose observers must not wait for ever
            if not self._closed:
                self._fail(error)

    async def _read(self, body: ByteStream) -> None:
        while not self._closed:
            if not self._resumed.is_set():
                await self._resumed.wait()
            data = await body.read()
            if self._closed:
                return
            if not data:
                self._end()
                return
            if self._take(data):
                await _drain(body)
                return


async def _drain(body: ByteStream) -> None:
    """Read what follows the terminal marker, for a moment, so that the connection can be used again."""
    try:
        async with asyncio.timeout(_DRAIN_SECONDS):
            while await body.read():
                pass
    except (TimeoutError, TransportError):
        return
