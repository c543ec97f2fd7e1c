"""A connection that has served before, and that its server closes just when the next request is on its way."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager

import pytest

from rxllm.errors import TransportError
from rxllm.transport.exchange import HttpRequest
from rxllm.transport.http import HttpTransport

GOOD = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: keep-alive\r\n\r\nok"


@asynccontextmanager
async def server(answers_a_connection: int):
    """Answer so many requests a connection, and close it on the next one without a word."""
    seen: list[int] = []  # the connection of each request
    connections = 0

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal connections
        connections += 1
        number = connections
        for turn in range(answers_a_connection + 1):
            try:
                await reader.readuntil(b"\r\n\r\n")
            except (asyncio.IncompleteReadError, ConnectionError):
                break
            seen.append(number)
            if turn < answers_a_connection:
                writer.write(GOOD)
        writer.close()

    listening = await asyncio.start_server(serve, "127.0.0.1", 0)
    port = listening.sockets[0].getsockname()[1]
    async with listening:
        yield f"http://127.0.0.1:{port}/", seen


async def test_a_request_on_a_connection_that_was_closed_meanwhile_is_sent_on_another_one():
    async with server(answers_a_connection=1) as (url, seen):
        transport = HttpTransport()
        bodies = [await transport.fetch(HttpRequest("POST", url)) for _ in range(4)]
        await transport.aclose()
    assert bodies == [b"ok"] * 4
    assert seen == [1, 1, 2, 2, 3, 3, 4]


async def test_a_request_that_a_new_connection_swallowed_is_sent_once_only():
    async with server(answers_a_connection=0) as (url, seen):
        transport = HttpTransport()
        with pytest.raises(TransportError):
            await transport.fetch(HttpRequest("POST", url))
        await transport.aclose()
    assert seen == [1]


async def test_a_request_that_was_cut_off_later_may_have_been_read_and_is_sent_once_only(monkeypatch):
    monkeypatch.setattr("rxllm.transport.http._STALE_SECONDS", 0.0)
    async with server(answers_a_connection=1) as (url, seen):
        transport = HttpTransport()
        await transport.fetch(HttpRequest("POST", url))
        with pytest.raises(TransportError):
            await transport.fetch(HttpRequest("POST", url))
        await transport.aclose()
    assert seen == [1, 1]
