"""The body of one response of the network, as it comes: its idle clock, its pauses and its end."""

from __future__ import annotations

import asyncio
import weakref
from typing import TYPE_CHECKING

import aiohttp

from rxllm.transport.failures import FOREIGN, broken, no_bytes
from rxllm.transport.session import SharedSession, abort

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from rxllm.errors import TransportError

__all__ = ["HttpByteStream"]


class HttpByteStream:
    """The bytes of one response; made by `HttpTransport.open`.

    Args:
        response: The response, its head read.
        place: Who answers, host and port; for messages.
        idle_timeout: Seconds without one byte while somebody reads; None waits for ever.
        shared: The session that the response came by; it must outlive its streams.
    """

    def __init__(
        self,
        response: aiohttp.ClientResponse,
        place: str,
        idle_timeout: float | None,
        shared: SharedSession,
    ) -> None:
        self.place = place
        self._response = response
        self._shared = shared
        shared.carry(self, response)
        self._loop = shared.loop
        self._idle_timeout = idle_timeout
        self._timer: asyncio.TimerHandle | None = None
        self._waiting_since = 0.0
        self._reading = False
        self._running = asyncio.Event()
        self._running.set()
        self._halted: asyncio.Transport | None = None
        self._closed = False
        self._failure: TransportError | None = None
        self._unwatch = _watched(response)

    @property
    def headers(self) -> Mapping[str, str]:
        """The response's headers."""
        return self._response.headers

    async def read(self) -> bytes:
        """Wait for the next bytes, as many as there are, `b""` at the end of the body.

        Returns:
            The bytes, decompressed.

        Raises:
            IdleTimeout: Not one byte came in time.
            TransportError: The connection broke.
        """
        if not self._running.is_set():
            await self._running.wait()
        if self._closed:
            return self._ended()
        self._waiting_since = self._loop.time()
        if self._timer is None:
            self._arm(self._idle_timeout)
        self._reading = True
        try:
            data = await self._response.content.readany()
        except FOREIGN as error:
            data = b"" if self._closed else self._salvaged(error)
        finally:
            self._reading = False
        if not self._running.is_set():
            await self._running.wait()  # paused in the turn in which these bytes came
        if self._closed:
            return self._ended()
        if not data:
            self._disarm()
            self._unwatch()
        return data

    def pause(self) -> None:
        """Stop reading from the socket, so that TCP pushes back on the provider, and the idle clock with it."""
        if self._closed or not self._running.is_set():
            return
        self._running.clear()
        self._disarm()
        connection = self._response.connection
        transport = connection.transport if connection is not None else None
        # Where aiohttp has halted the socket itself, its own account of that must stay right: leave it alone.
        if transport is not None and transport.is_reading():
            transport.pause_reading()
            self._halted = transport

    def resume(self) -> None:
        """Go on reading; the idle clock starts anew."""
        if self._running.is_set():
            return
        self._running.set()
        halted, self._halted = self._halted, None
        if halted is not None and not halted.is_closing():
            halted.resume_reading()
        if self._reading:
            self._waiting_since = self._loop.time()
            self._arm(self._idle_timeout)

    def close(self) -> None:
        """Begin closing the socket, before this call returns; a pending or later `read` then gives `b""`."""
        if self._closed:
            return
        self._closed = True
        self._disarm()
        self._unwatch()
        abort(self._response)
        self.resume()  # wakes a paused reader, and no connection goes back to its pool halted

    def __del__(self) -> None:
        # Forgotten in mid-body, maybe by another thread; what belongs to the loop is done on the loop.
        if not self._closed and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(abort, self._response)

    def _ended(self) -> bytes:
        if self._failure is not None:
            raise self._failure
        return b""

    def _salvaged(self, error: Exception) -> bytes:
        """Give what had arrived before the break, which aiohttp's reader keeps to itself; after that, end."""
        rest: bytes = self._response.content._read_nowait(-1)  # noqa: SLF001  # pyright: ignore[reportPrivateUsage] - no public way
        if not rest:
            self._failure = broken(error, self.place)
            self.close()
        return rest

    def _arm(self, delay: float | None) -> None:
        if delay is not None and not self._closed:
            # Weakly: a stream that is forgotten closes its socket now, not when the clock has run down.
            self._timer = self._loop.call_later(delay, _look, weakref.ref[HttpByteStream](self))

    def _disarm(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def look(self) -> None:
        """Compare the idle clock with its limit; one timer that looks again is cheaper than a timer a read."""
        self._timer = None
        if not self._reading or self._idle_timeout is None:
            return
        left = self._waiting_since + self._idle_timeout - self._loop.time()
        if left > 0:
            self._arm(left)
        else:
            self._failure = no_bytes(self.place, self._idle_timeout)
            self.close()


def _watched(response: aiohttp.ClientResponse) -> Callable[[], object]:
    """End the body when its connection is lost before its end; the result gives up watching.

    aiohttp does so itself, except where it was not the socket that broke but the framing (a chunk's size that is no
    number): then it closes the socket, and a reader would wait for ever.
    """
    protocol = response.connection.protocol if response.connection is not None else None
    lost: asyncio.Future[None] | None = getattr(protocol, "closed", None)  # older ones do not tell: the idle clock does
    if lost is None:
        return lambda: None
    content = response.content

    def end(_lost: object) -> None:
        if not content.is_eof() and content.exception() is None:
            content.set_exception(aiohttp.ClientPayloadError())

    lost.remove_done_callback(_retrieve)  # one for all the responses of a connection
    lost.add_done_callback(_retrieve)
    lost.add_done_callback(end)
    return lambda: lost.remove_done_callback(end)


def _retrieve(lost: asyncio.Future[None]) -> None:
    """Look at what ended a connection, for asyncio logs what nobody looked at."""
    if not lost.cancelled():
        lost.exception()


def _look(forgettable: weakref.ref[HttpByteStream]) -> None:
    stream = forgettable()
    if stream is not None:
        stream.look()
