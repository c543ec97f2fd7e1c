"""The same events over a real WebSocket."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager

import aiohttp
import pytest
from aiohttp import web
from loop_clock import LoopClock, turns
from scripted_origin import scripted, watch
from senders.sse_server import served

from rxllm.errors import TransportError
from rxllm.items import Rollback, TextDelta
from rxllm.senders import WebSocketSender

pytestmark = pytest.mark.usefixtures("nothing_left")


class Handler:
    """Opens a socket, sends a stream over it, then perhaps waits for the client's goodbye."""

    def __init__(self, stream, **settings) -> None:
        self.stream = stream
        self.settings = settings
        self.sender: WebSocketSender
        self.ready = asyncio.Event()

    async def answer(self, request):
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        async with WebSocketSender(socket, **self.settings) as self.sender:
            with self.stream.subscribe(self.sender):
                self.ready.set()
                await self.sender.wait_closed()
        if not self.settings.get("close_socket") and not self.sender.failure:
            await socket.send_str('"still open"')
            await socket.close()
        return socket


@asynccontextmanager
async def connected(handler):
    """A client's socket, once the handler listens to its stream."""
    async with (
        served(handler) as url,
        aiohttp.ClientSession() as session,
        session.ws_connect(url) as socket,
    ):
        await handler.ready.wait()
        yield socket


async def test_each_item_is_a_message_and_the_socket_stays_open():
    origin, stream = scripted()
    handler = Handler(stream)
    async with connected(handler) as socket:
        origin.finish("a", Rollback(2))
        messages = [message.json() async for message in socket]
    assert messages[:2] == [
        {"event": "token", "id": 0, "data": {"kind": "TextDelta", "text": "a"}},
        {"event": "rollback", "id": 1, "data": {"kind": "Rollback", "attempt": 2}},
    ]
    assert (messages[2]["event"], messages[3]) == ("done", "still open")


@pytest.mark.parametrize(("error", "name", "code"), [(None, "done", 1000), (TransportError("reset"), "error", 1011)])
async def test_it_closes_the_socket_if_that_is_its_to_do(error, name, code):
    origin, stream = scripted()
    handler = Handler(stream, close_socket=True)
    async with connected(handler) as socket:
        origin.send("a")
        if error is None:
            origin.finish()
        else:
            origin.fail(error)
        messages = [message.json() async for message in socket]
        assert ([message["event"] for message in messages], socket.close_code) == (["token", name], code)


async def test_close_closes_the_socket_that_is_its_own():
    origin, stream = scripted()
    handler = Handler(stream, close_socket=True)
    async with connected(handler) as socket:
        origin.send("a")
        await socket.receive()
        handler.sender.close()
        await socket.receive()
        assert socket.close_code == 1011
    assert origin.calls == ["start", "close"]


async def test_a_client_that_goes_away_fails_the_sender_only():
    origin, stream = scripted()
    handler = Handler(stream)
    async with connected(handler) as socket:
        seen = watch(stream)
        socket._response.close()  # without a goodbye
        async with asyncio.timeout(5):
            while handler.sender.failure is None:
                origin.send("a")
                await asyncio.sleep(0.01)
        origin.finish()
    assert (seen.completed, isinstance(handler.sender.failure.__cause__, ConnectionError)) == (1, True)


async def test_a_client_that_does_not_read_is_given_up_after_its_time(monkeypatch):
    class Stuck:
        async def send_str(self, message):
            await asyncio.Event().wait()

    clock = LoopClock(monkeypatch)
    origin, stream = scripted()
    sender = WebSocketSender(Stuck(), timeout=30.0)
    stream.subscribe(sender)
    seen = watch(stream)
    origin.send("a")
    await turns()
    await clock.skip(31)
    await clock.skip(31)
    origin.finish("b")
    await sender.wait_closed()
    assert (seen.text, seen.completed) == ("ab", 1)
    assert isinstance(sender.failure.__cause__, TimeoutError)


async def test_a_socket_that_raises_fails_the_sender_only():
    class Broken:
        async def send_str(self, message):
            raise ConnectionResetError("gone")

    sender = WebSocketSender(Broken())
    sender.on_next(TextDelta("a"))
    await sender.wait_closed()
    assert isinstance(sender.failure.__cause__, ConnectionResetError)
