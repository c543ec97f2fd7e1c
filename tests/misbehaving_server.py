"""A real HTTP server on loopback that does what providers do on a bad day, and remembers what it was asked.

A *script* is an async function of one `Exchange`; it answers that request, well or badly:

    async def test_a_reset_is_told(misbehaving):
        misbehaving.play(reset(b"data: 1\n\n"))       # a ready-made script ...

        async def slow(exchange):                     # ... or one of your own
            await exchange.head()
            await exchange.send(b"data: 1\n\n")
            await exchange.closed.wait()              # stall until the client goes away
        misbehaving.play(slow, stream(b"data: 2\n\n"))  # the first request, and all that follow

        ... use misbehaving.url ...
        exchange = await misbehaving.request(0)       # the first request, waited for
        assert exchange.headers["Authorization"] == "Bearer k"
        await exchange.gone()                         # the client's socket has closed

Nothing here sleeps: a script waits for an `asyncio.Event` (its own, `exchange.closed`, or `server.release`).
"""

from __future__ import annotations

import asyncio
import socket
import struct
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Self

from aiohttp import web

if TYPE_CHECKING:
    import ssl
    from collections.abc import Mapping

__all__ = [
    "Exchange",
    "MisbehavingServer",
    "Script",
    "answer",
    "close_early",
    "flood",
    "garbage",
    "hold_head",
    "reset",
    "stall",
    "stream",
]

PATIENCE = 5.0
"""Seconds after which a wait for something that must happen is a failed test."""

EVENT_STREAM = {"Content-Type": "text/event-stream"}


class Exchange:
    """One request and the way to answer it; its attributes stay readable after the test's client has gone."""

    def __init__(self, request: web.BaseRequest, body: bytes) -> None:
        self._request = request
        self._response: web.StreamResponse | None = None
        self.method = request.method
        self.path = request.path
        self.query = dict(request.query)
        self.headers = request.headers.copy()
        self.body = body
        self.connection: object = request.protocol  # the same object for two requests on one socket
        self.closed = asyncio.Event()  # the client's socket has closed

    async def head(self, status: int = 200, headers: Mapping[str, str] | None = None) -> None:
        """Send the response's head at once, by default that of a chunked event stream."""
        self._response = web.StreamResponse(status=status, headers=EVENT_STREAM if headers is None else headers)
        await self._response.prepare(self._request)

    async def send(self, *chunks: bytes) -> None:
        """Send each chunk in a packet of its own (TCP_NODELAY is on), in the HTTP framing of the head."""
        if self._response is None:
            await self.head()
        assert self._response is not None
        for chunk in chunks:
            await self._response.write(chunk)
            await asyncio.sleep(0)  # let the socket have it before the next one

    async def answer(self, status: int = 200, body: bytes = b"", headers: Mapping[str, str] | None = None) -> None:
        """Send a whole response with a Content-Length."""
        self._response = web.Response(status=status, body=body, headers=headers)
        await self._response.prepare(self._request)
        await self._response.write_eof()

    def raw(self, data: bytes) -> None:
        """Write bytes past all HTTP framing."""
        assert self._request.transport is not None
        self._request.transport.write(data)

    def close(self) -> None:
        """Close the socket in good order, but without the terminal chunk."""
        if self._request.transport is not None:
            self._request.transport.close()

    def reset(self) -> None:
        """Reset the connection: the client sees ECONNRESET."""
        transport = self._request.transport
        assert transport is not None
        sock: socket.socket = transport.get_extra_info("socket")
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        transport.abort()

    async def gone(self, within: float = PATIENCE) -> None:
        """Wait until the client's socket has closed; a test fails with TimeoutError where it does not."""
        await asyncio.wait_for(self.closed.wait(), within)

    def _finished(self) -> web.StreamResponse:
        """Give aiohttp the response to end; one was begun, or the socket is no longer fit for one."""
        if self._response is None:
            self.close()
            return web.Response()
        return self._response


Script = Callable[[Exchange], Awaitable[None]]


class _Protocols(web.Server):
    """aiohttp's low-level server; its one seam that tells of sockets that came and went."""

    def __init__(self, owner: MisbehavingServer) -> None:
        super().__init__(owner._handle, access_log=None)
        self._owner = owner

    def connection_made(self, handler: Any, transport: asyncio.Transport) -> None:
        super().connection_made(handler, transport)
        self._owner._opened(handler)

    def connection_lost(self, handler: Any, exc: BaseException | None = None) -> None:
        super().connection_lost(handler, exc)
        self._owner._lost(handler)


class MisbehavingServer:
    """A scripted server: `async with MisbehavingServer() as server`, or the fixture `misbehaving`."""

    def __init__(self, *scripts: Script, ssl: ssl.SSLContext | None = None) -> None:
        self._scripts: tuple[Script, ...] = scripts or (stream(),)
        self._ssl = ssl
        self._open: set[object] = set()
        self._played = 0
        self._changed = asyncio.Event()
        self.exchanges: list[Exchange] = []
        self.connections = 0  # sockets ever accepted
        self.release = asyncio.Event()  # for scripts that wait for the test
        self.port = 0

    def play(self, *scripts: Script) -> None:
        """Set the scripts: one a request from now on, the last one for all that follow."""
        self._scripts = scripts
        self._played = len(self.exchanges)

    @property
    def url(self) -> str:
        """The server's base URL, without a slash at its end."""
        return f"{'https' if self._ssl else 'http'}://127.0.0.1:{self.port}"

    @property
    def requests(self) -> int:
        """How many requests have arrived."""
        return len(self.exchanges)

    @property
    def open_sockets(self) -> int:
        """How many sockets are open now."""
        return len(self._open)

    async def request(self, number: int = 0, within: float = PATIENCE) -> Exchange:
        """Wait for a request by its number, from 0."""
        await self._until(lambda: len(self.exchanges) > number, within)
        return self.exchanges[number]

    async def no_sockets(self, within: float = PATIENCE) -> None:
        """Wait until every socket has closed; a test fails with TimeoutError where one stays."""
        await self._until(lambda: not self._open, within)

    async def __aenter__(self) -> Self:
        self._protocols = _Protocols(self)
        loop = asyncio.get_running_loop()
        self._listener = await loop.create_server(self._protocols, "127.0.0.1", self.port, ssl=self._ssl)
        self.port = self._listener.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_exc: object) -> None:
        self._listener.close()
        self.release.set()
        await self._protocols.shutdown(0.05)  # a stalled script is cancelled after these seconds
        await self._listener.wait_closed()

    async def _handle(self, request: web.BaseRequest) -> web.StreamResponse:
        exchange = Exchange(request, await request.content.read())  # request.read() would refuse more than 1 MiB
        script = self._scripts[min(len(self.exchanges) - self._played, len(self._scripts) - 1)]
        self.exchanges.append(exchange)
        self._notify()
        with suppress(ConnectionError):  # the client went away while we were writing; `closed` tells the test
            await script(exchange)
        return exchange._finished()

    def _opened(self, connection: object) -> None:
        self.connections += 1
        self._open.add(connection)

    def _lost(self, connection: object) -> None:
        self._open.discard(connection)
        for exchange in self.exchanges:
            if exchange.connection is connection:
                exchange.closed.set()
        self._notify()

    def _notify(self) -> None:
        self._changed.set()
        self._changed = asyncio.Event()

    async def _until(self, true: Callable[[], bool], within: float) -> None:
        async with asyncio.timeout(within):
            while not true():
                await self._changed.wait()


def stream(*chunks: bytes, status: int = 200, headers: Mapping[str, str] | None = None) -> Script:
    """Make a script that behaves: head, each chunk in its packet, a proper end."""

    async def script(exchange: Exchange) -> None:
        await exchange.head(status, headers)
        await exchange.send(*chunks)

    return script


def answer(status: int, body: bytes = b"", headers: Mapping[str, str] | None = None) -> Script:
    """Make a script that gives a whole response at once, e.g. an error."""

    async def script(exchange: Exchange) -> None:
        await exchange.answer(status, body, headers)

    return script


def stall(*chunks: bytes) -> Script:
    """Make a script that sends its chunks, then nothing until the client goes away."""

    async def script(exchange: Exchange) -> None:
        await exchange.head()
        await exchange.send(*chunks)
        await exchange.closed.wait()

    return script


def hold_head(until: asyncio.Event | None = None, *chunks: bytes) -> Script:
    """Make a script that sends not even headers until an event, or until the client goes away."""

    async def script(exchange: Exchange) -> None:
        if until is None:
            await exchange.closed.wait()
        else:
            await until.wait()
            await exchange.send(*chunks)

    return script


def reset(*chunks: bytes, when: asyncio.Event | None = None) -> Script:
    """Make a script that resets the connection after its chunks (and after an event); no chunk, no head."""

    async def script(exchange: Exchange) -> None:
        if chunks:
            await exchange.send(*chunks)
        if when is not None:
            await when.wait()
        exchange.reset()

    return script


def close_early(*chunks: bytes) -> Script:
    """Make a script that closes in good order, but without the terminal chunk; no chunk, no head."""

    async def script(exchange: Exchange) -> None:
        if chunks:
            await exchange.send(*chunks)
        exchange.close()

    return script


def garbage(
    data: bytes = b"\x00\x01 this is no HTTP\r\n\r\n", *, after: bytes = b"", when: asyncio.Event | None = None
) -> Script:
    """Make a script that writes what is no HTTP: in place of a head, or in mid-body after good bytes (and an event)."""

    async def script(exchange: Exchange) -> None:
        if after:
            await exchange.send(after)
        if when is not None:
            await when.wait()
        exchange.raw(data)
        exchange.close()

    return script


def flood(size: int, *, chunk: int = 64 * 1024, sent: Callable[[int], None] = lambda _total: None) -> Script:
    """Make a script that writes `size` bytes as fast as the client takes them, and tells how many it got rid of."""

    async def script(exchange: Exchange) -> None:
        total = 0
        while total < size:
            piece = min(chunk, size - total)
            await exchange.send(b"x" * piece)
            total += piece
            sent(total)

    return script
