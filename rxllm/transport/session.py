"""One aiohttp session a loop, shared by the transports of that loop, closed with the last of them or with the loop."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING, Final
from weakref import WeakSet, ref

import aiohttp

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator
    from types import SimpleNamespace

__all__ = ["Sending", "SharedSession", "abort"]


class Sending:
    """What is known of a request while it is being sent.

    Args:
        clock: The time-out of the response's head, started as soon as the request's headers are sent.
        idle_timeout: Its seconds.
    """

    __slots__ = ("clock", "idle_timeout", "reused")

    def __init__(self, clock: asyncio.Timeout, idle_timeout: float | None) -> None:
        self.clock = clock
        self.idle_timeout = idle_timeout
        self.reused = False


class SharedSession:
    """The session of one loop, opened for the first of its transports and again for the first after the last.

    Transports and streams are held weakly and it strongly, by `_sessions`: were it a part of what the garbage
    collector finds, aiohttp would complain of it before anybody could close it. An asynchronous generator tells the
    end of the loop, for a loop closes those when it ends (`asyncio.run` and pytest-asyncio see to it).
    """

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.loop = loop
        self._session: aiohttp.ClientSession | None = None
        self._closing: asyncio.Task[None] | None = None
        self._until_the_loop_ends = self._close_at_its_end()
        self._transports: set[ref[object]] = set()
        self._streams: set[ref[object]] = set()
        self._responses: WeakSet[aiohttp.ClientResponse] = WeakSet()  # the end of the session is theirs, too

    @classmethod
    async def join(cls, transport: object) -> SharedSession:
        """Give the running loop's session to a transport, which may have it already."""
        loop = asyncio.get_running_loop()
        shared = _sessions.get(loop)
        if shared is None:
            for other in list(_sessions):
                if other.is_closed():  # by hand, without closing its generators
                    _sessions.pop(other, None)
            shared = _sessions[loop] = cls(loop)
            await anext(shared._until_the_loop_ends)  # does not suspend
        shared._transports.add(ref(transport, shared._forget_transport))
        return shared

    def opened(self) -> aiohttp.ClientSession:
        """Give the session, opening it where it is closed."""
        if self._session is None:
            self._session = _new_session()
        return self._session

    def carry(self, stream: object, response: aiohttp.ClientResponse) -> None:
        """Stay open for a stream even when all transports are forgotten, though not when the last one leaves."""
        self._streams.add(ref(stream, self._forget_stream))
        self._responses.add(response)

    async def leave(self, transport: object) -> None:
        """Let go; the last transport closes the session."""
        self._transports.discard(ref(transport))
        if not self._transports:
            if self.loop is asyncio.get_running_loop():
                await self._close()
            else:
                self._look()

    def _forget_transport(self, gone: ref[object]) -> None:
        self._transports.discard(gone)
        self._look()

    def _forget_stream(self, gone: ref[object]) -> None:
        self._streams.discard(gone)
        self._look()

    def _look(self) -> None:
        """See on the loop whether anybody is left; the garbage collector may be at work on any thread."""
        if not self._transports and not self._streams:
            with suppress(RuntimeError):  # the loop is closed, and so is the session
                self.loop.call_soon_threadsafe(self._close_unless_used)

    def _close_unless_used(self) -> None:
        if self._session is not None and not self._transports and not self._streams:
            self._closing = self.loop.create_task(self._close())

    async def _close(self) -> None:
        session, self._session = self._session, None
        for response in list(self._responses):
            abort(response)
        if session is not None:
            await session.close()

    async def _close_at_its_end(self) -> AsyncGenerator[None, None]:
        try:
            yield
        finally:
            _sessions.pop(self.loop, None)
            await self._close()
            if self._closing is not None and not self._closing.done():
                await asyncio.wait([self._closing])


_sessions: Final[dict[asyncio.AbstractEventLoop, SharedSession]] = {}


def abort(response: aiohttp.ClientResponse) -> None:
    """Close a response and its socket now: no farewell of TLS, no waiting for a peer that does not read.

    Args:
        response: Whose connection to close; a complete response has given it back already, and nothing happens.
    """
    connection = response.connection
    transport = connection.transport if connection is not None else None
    response.close()
    if transport is not None:
        transport.abort()


def _new_session() -> aiohttp.ClientSession:
    started = aiohttp.TraceConfig()
    started.on_request_headers_sent.append(_start_idle_clock)
    started.on_connection_reuseconn.append(_note_reuse)
    return aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(limit=0),  # a hundred at once is few for streams that last minutes
        timeout=aiohttp.ClientTimeout(),  # none at all: aiohttp's total of 300 s would cut long answers
        cookie_jar=aiohttp.DummyCookieJar(),
        headers={"User-Agent": f"rxllm/{_version()}"},
        trace_configs=[started],
    )


async def _start_idle_clock(
    _session: aiohttp.ClientSession,
    context: SimpleNamespace,
    _params: aiohttp.TraceRequestHeadersSentParams,
) -> None:
    """Let the wait for the response's head begin: only now is there a connection."""
    sending: Sending = context.trace_request_ctx
    if sending.idle_timeout is not None:
        sending.clock.reschedule(asyncio.get_running_loop().time() + sending.idle_timeout)


async def _note_reuse(
    _session: aiohttp.ClientSession,
    context: SimpleNamespace,
    _params: aiohttp.TraceConnectionReuseconnParams,
) -> None:
    """Remember that this connection has served before, and that its server may just have closed it."""
    context.trace_request_ctx.reused = True


def _version() -> str:
    try:
        return version("rxllm")
    except PackageNotFoundError:  # run from a checkout that nobody installed
        return "0"
