"""One aiohttp session a loop, shared by the transports of that loop, closed with the last of them or with the loop."""

from __future__ import annotations

import asyncio
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING, Final
from weakref import WeakSet, WeakValueDictionary

import aiohttp

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator
    from types import SimpleNamespace

__all__ = ["SharedSession", "abort"]


class SharedSession:
    """The session of one loop.

    It lives in an asynchronous generator. A loop closes its generators when it ends (`asyncio.run` and pytest-asyncio
    see to it) and when they are forgotten, so that neither a transport that was never closed nor one that was garbage
    collected leaves a socket behind.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.loop = loop
        self.responses: WeakSet[aiohttp.ClientResponse] = WeakSet()
        """Those in mid-body; the end of the session is theirs, too."""
        self._keeper = _kept_session(self.responses)
        self._users: WeakSet[object] = WeakSet()
        self.session: aiohttp.ClientSession

    @classmethod
    async def join(cls, user: object) -> SharedSession:
        """Give the running loop's session to one more user, opening it for the first."""
        loop = asyncio.get_running_loop()
        shared = _sessions.get(loop)
        if shared is None or shared.session.closed:
            shared = cls(loop)
            shared.session = await anext(shared._keeper)  # does not suspend, so nobody opens a second one meanwhile
            _sessions[loop] = shared
        shared._users.add(user)
        return shared

    async def leave(self, user: object) -> None:
        """Let go; the last user closes the session."""
        self._users.discard(user)
        # On another loop there is nothing to await: being forgotten closes the session on its own loop.
        if not self._users and self.loop is asyncio.get_running_loop():
            await self._keeper.aclose()


_sessions: Final[WeakValueDictionary[asyncio.AbstractEventLoop, SharedSession]] = WeakValueDictionary()


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


async def _kept_session(responses: WeakSet[aiohttp.ClientResponse]) -> AsyncGenerator[aiohttp.ClientSession, None]:
    started = aiohttp.TraceConfig()
    started.on_request_headers_sent.append(_start_idle_clock)
    session = aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(limit=0),  # a hundred at once is few for streams that last minutes
        timeout=aiohttp.ClientTimeout(),  # none at all: aiohttp's total of 300 s would cut long answers
        cookie_jar=aiohttp.DummyCookieJar(),
        headers={"User-Agent": f"rxllm/{_version()}"},
        trace_configs=[started],
    )
    try:
        yield session
    finally:
        for response in list(responses):
            abort(response)
        await session.close()


async def _start_idle_clock(
    _session: aiohttp.ClientSession,
    context: SimpleNamespace,
    _params: aiohttp.TraceRequestHeadersSentParams,
) -> None:
    """Let the wait for the response's head begin: only now is there a connection."""
    clock, idle_timeout = context.trace_request_ctx
    if idle_timeout is not None:
        clock.reschedule(asyncio.get_running_loop().time() + idle_timeout)


def _version() -> str:
    try:
        return version("rxllm")
    except PackageNotFoundError:  # run from a checkout that nobody installed
        return "0"
