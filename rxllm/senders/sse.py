"""`SseSender`: server-sent events, as a browser's `EventSource` reads them."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final

from rxllm.senders.events import Event, EventSender

if TYPE_CHECKING:
    from collections.abc import Mapping

    from aiohttp import web

__all__ = ["SseSender"]

_HEADERS: Final = {
    "Content-Type": "text/event-stream; charset=utf-8",
    "Cache-Control": "no-store",
    "X-Accel-Buffering": "no",  # or nginx would keep the tokens until there are 4 KiB of them
}


class SseSender(EventSender):
    """Answers a request with a stream of events: the body of an aiohttp handler.

        async def answer(request):
            sender = SseSender(request)
            with model.stream("Hi").subscribe(sender):  # who goes away lets go of the stream
                return await sender.respond()

    The events are `token`, `reasoning`, `tool_start`, `tool_progress`, `tool_complete`, `usage`, `rollback` (what came
    since the last `started` is void), `done`, `error`, and by its own name in snake case whatever else comes. Their
    data is the item as JSON; their `id` the position in the stream. Comments keep a silent connection alive.

    An `EventSource` asks again when the response ends, so a page must close it at `done` and `error`.

    Args:
        request: What is answered; aiohttp's.
        headers: More headers, e.g. for CORS.
        keep_alive: Seconds of silence after which a comment is sent, or None.
        timeout: Seconds that a client may not read, then its connection is aborted; or None.
        capacity: Deltas that wait for a slow client before they are merged.
    """

    def __init__(
        self,
        request: web.Request,
        *,
        headers: Mapping[str, str] | None = None,
        keep_alive: float | None = 15.0,
        timeout: float | None = 30.0,
        capacity: int = 1024,
    ) -> None:
        super().__init__(keep_alive=keep_alive, timeout=timeout, capacity=capacity)
        self._request = request
        self._headers = {**_HEADERS, **(headers or {})}
        self._response: web.StreamResponse | None = None
        self._whole = False

    async def respond(self) -> web.StreamResponse:
        """Wait until all is written, or the client has gone.

        Returns:
            What the handler returns.
        """
        from aiohttp import web

        try:
            await self.wait_closed()
        except asyncio.CancelledError:
            self.close()
            raise
        return self._response or web.Response(status=204)

    async def open(self) -> None:
        """Send the headers."""
        from aiohttp import web

        self._response = web.StreamResponse(headers=self._headers)
        await self._response.prepare(self._request)
        await super().open()

    async def transmit(self, events: list[Event]) -> None:
        """Write some events."""
        if self._response is not None:
            await self._response.write(b"".join([_framed(event) for event in events]))

    async def finish(self, error: Exception | None) -> None:
        """Write how it ended, and end the response."""
        await super().finish(error)
        if self._response is not None:
            await self._response.write_eof()
        self._whole = True

    async def shut(self) -> None:
        """Cut the connection, unless all is said: who reads it must not take that for the whole."""
        await super().shut()
        if not self._whole and self._request.transport is not None:
            self._request.transport.abort()


def _framed(event: Event) -> bytes:
    if event.name == "ping":
        return b": ping\n\n"
    identity = b"" if event.position is None else b"\nid: %d" % event.position
    return b"event: %b%b\ndata: %b\n\n" % (event.name.encode(), identity, event.data)
