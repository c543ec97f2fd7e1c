"""`WebSocketSender`: the same events as messages of a WebSocket."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final

from rxllm.senders.events import Event, EventSender

if TYPE_CHECKING:
    from aiohttp import ClientWebSocketResponse, web

__all__ = ["WebSocketSender"]

_CLOSING: Final = 5.0  # seconds that the other side may take to say goodbye
_OK: Final = 1000
_INTERNAL_ERROR: Final = 1011


class WebSocketSender(EventSender):
    """Sends each event as a text message `{"event": "token", "id": 3, "data": {…}}`; see `SseSender` for their names.

    Unlike an `SseSender` it does not own its connection: the socket stays open for the next answer, unless it is told
    to close it. Keeping it alive is the socket's own affair (`heartbeat=` of aiohttp).

    Args:
        socket: A prepared socket of aiohttp, the server's or a client's.
        close_socket: Close it at the end: with 1000, or 1011 where not all could be sent.
        timeout: Seconds that one message may take, then the sender fails; or None.
        capacity: Deltas that wait for a slow reader before they are merged.
    """

    def __init__(
        self,
        socket: web.WebSocketResponse | ClientWebSocketResponse,
        *,
        close_socket: bool = False,
        timeout: float | None = 30.0,
        capacity: int = 1024,
    ) -> None:
        super().__init__(keep_alive=None, timeout=timeout, capacity=capacity)
        self._socket = socket
        self._close_socket = close_socket
        self._code = _INTERNAL_ERROR

    async def transmit(self, events: list[Event]) -> None:
        """Send some events, a message each."""
        for event in events:
            await self._socket.send_str(_message(event))

    async def finish(self, error: Exception | None) -> None:
        """Send how it ended."""
        await super().finish(error)
        self._code = _OK if error is None else _INTERNAL_ERROR

    async def shut(self) -> None:
        """Close the socket, if that is ours to do."""
        await super().shut()
        if self._close_socket:
            async with asyncio.timeout(_CLOSING):
                await self._socket.close(code=self._code)


def _message(event: Event) -> str:
    identity = "" if event.position is None else f'"id":{event.position},'
    return f'{{"event":"{event.name}",{identity}"data":{event.data.decode()}}}'
