"""A server whose one page is answered by a function of the test's, and what a client reads of it."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from aiohttp import web
from yarl import URL

from rxllm.wire import sse

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable

__all__ = ["events_of", "served", "silent_client"]


@asynccontextmanager
async def served(handler: Callable[[web.Request], Awaitable[web.StreamResponse]]) -> AsyncIterator[URL]:
    """Run a server that answers `/` so, with a function or an object's `answer`."""
    app = web.Application()
    app.router.add_get("/", getattr(handler, "answer", handler))
    runner = web.AppRunner(app, shutdown_timeout=1.0)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        yield URL(f"http://127.0.0.1:{runner.addresses[0][1]}/")
    finally:
        await runner.cleanup()


def events_of(body: bytes) -> list[sse.Event]:
    """What our own reader, of the WHATWG's rules, makes of a body."""
    decoder = sse.Decoder()
    return [*decoder.feed(body), *decoder.finish()]


@asynccontextmanager
async def silent_client(url: URL) -> AsyncIterator[asyncio.StreamReader]:
    """Ask, and read nothing until the test does."""
    reader, writer = await asyncio.open_connection(url.host, url.port, limit=1024)
    writer.write(b"GET / HTTP/1.1\r\nHost: test\r\nConnection: close\r\n\r\n")
    try:
        yield reader
    finally:
        writer.close()
