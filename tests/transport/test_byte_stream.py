"""The body while it comes: breaks, the idle clock, pauses, and a close that the server sees."""

from __future__ import annotations

import asyncio

import pytest
from loop_clock import turns
from misbehaving_server import Exchange, close_early, flood, garbage, reset, stall, stream

from rxllm.errors import IdleTimeout, TransportError
from rxllm.transport.exchange import HttpRequest
from rxllm.transport.http import HttpTransport


@pytest.fixture
async def opened(misbehaving):
    """Play a script and open a stream on it."""
    transports: list[HttpTransport] = []

    async def opened(*script, idle_timeout: float | None = 300):
        misbehaving.play(*script)
        transport = HttpTransport(idle_timeout=idle_timeout)
        transports.append(transport)
        return await transport.open(HttpRequest("POST", misbehaving.url + "/"))

    yield opened
    for transport in transports:
        await transport.aclose()
    await misbehaving.no_sockets()


async def test_a_reset_in_mid_body_is_told_after_what_had_come(misbehaving, opened):
    body = await opened(reset(b"one", when=misbehaving.release))
    assert await body.read() == b"one"
    misbehaving.release.set()
    with pytest.raises(TransportError, match="broke in mid-body"):
        await body.read()
    with pytest.raises(TransportError, match="broke in mid-body"):
        await body.read()


async def test_bytes_that_came_before_a_break_are_not_lost_on_a_slow_reader(misbehaving, opened):
    body = await opened(close_early(b"one", b"two"))
    await misbehaving.no_sockets()
    await turns()
    assert await body.read() == b"onetwo"
    with pytest.raises(TransportError):
        await body.read()


async def test_a_missing_terminal_chunk_is_a_transport_error(opened):
    body = await opened(close_early(b"one"))
    assert await body.read() == b"one"
    with pytest.raises(TransportError, match="body is not complete"):
        await body.read()


async def test_garbage_in_mid_body_is_a_transport_error(misbehaving, opened):
    body = await opened(garbage(b"no chunk size\r\n", after=b"one", when=misbehaving.release))
    assert await body.read() == b"one"
    misbehaving.release.set()
    with pytest.raises(TransportError, match="broke in mid-body"):
        await body.read()


async def test_silence_is_an_idle_timeout_and_closes_the_socket(misbehaving, opened, clock):
    body = await opened(stall(b"one"), idle_timeout=30)
    assert await body.read() == b"one"
    reading = asyncio.ensure_future(body.read())
    await turns()
    await clock.skip(30)
    with pytest.raises(IdleTimeout, match=r"not one byte for 30 s") as caught:
        await reading
    assert caught.value.seconds == 30
    await misbehaving.exchanges[0].gone()


async def test_keep_alives_hold_off_the_idle_timeout(opened, clock):
    go = asyncio.Semaphore(0)

    async def script(exchange: Exchange) -> None:
        await exchange.head()
        while not exchange.closed.is_set():
            await go.acquire()
            await exchange.send(b": keep-alive\n\n")

    body = await opened(script, idle_timeout=30)
    for _ in range(8):  # for more than one limit
        reading = asyncio.ensure_future(body.read())
        await turns()
        await clock.skip(20)
        go.release()
        assert await reading == b": keep-alive\n\n"
    body.close()
    go.release()


async def test_the_idle_clock_stands_while_nobody_reads(misbehaving, opened, clock):
    body = await opened(stall(b"one"), idle_timeout=30)
    assert await body.read() == b"one"
    await clock.skip(60)
    assert misbehaving.open_sockets == 1
    reading = asyncio.ensure_future(body.read())
    await turns()
    await clock.skip(29)
    assert not reading.done()  # the clock began with the read
    await clock.skip(1)
    with pytest.raises(IdleTimeout):
        await reading


async def test_the_idle_clock_stands_while_paused_and_starts_anew(misbehaving, opened, clock):
    body = await opened(stall(b"one"), idle_timeout=30)
    assert await body.read() == b"one"
    reading = asyncio.ensure_future(body.read())
    await turns()
    body.pause()
    await clock.skip(60)
    assert body._timer is None  # paused costs nothing
    body.resume()
    await clock.skip(29)
    assert not reading.done()
    await clock.skip(1)
    with pytest.raises(IdleTimeout):
        await reading


async def test_at_most_one_timer_is_armed(opened, monkeypatch):
    async def script(exchange: Exchange) -> None:
        await exchange.head()
        for _ in range(50):
            await exchange.send(b"x")
            await asyncio.sleep(0)

    body = await opened(script)
    loop = asyncio.get_running_loop()
    armed = []
    call_later = loop.call_later
    monkeypatch.setattr(loop, "call_later", lambda delay, *a, **k: armed.append(delay) or call_later(delay, *a, **k))
    while await body.read():
        pass
    assert armed.count(300) == 1
    assert body._timer is None


async def test_nothing_is_read_while_paused(misbehaving, opened):
    body = await opened(stream(b"one"))
    body.pause()
    body.pause()
    reading = asyncio.ensure_future(body.read())
    await misbehaving.request()
    await turns(20)
    assert not reading.done()
    body.resume()
    assert await reading == b"one"
    assert await body.read() == b""


async def test_a_paused_stream_pushes_back_on_the_provider(misbehaving, opened):
    size = 50 * 2**20
    sent = 0

    def count(total: int) -> None:
        nonlocal sent
        sent = total

    body = await opened(flood(size, sent=count))
    got = len(await body.read())
    body.pause()
    before = -1
    while sent != before:  # until TCP is full: the server gets rid of nothing more, however often it has its turn
        before = sent
        await turns(100)
    assert sent < size / 2
    body.resume()
    while data := await body.read():
        got += len(data)
    assert got == size


async def test_a_pause_after_aiohttp_has_halted_the_socket_does_not_let_it_run_full(misbehaving, opened):
    body = await opened(flood(8 * 2**20))
    async with asyncio.timeout(5):
        while body._response.connection.transport.is_reading():  # noqa: ASYNC110 - aiohttp tells nobody of its limit
            await asyncio.sleep(0.01)
    body.pause()
    body.resume()
    assert not body._response.connection.transport.is_reading()
    got = 0
    while data := await body.read():
        got += len(data)
    assert got == 8 * 2**20


async def test_close_begins_in_the_same_turn_and_the_server_sees_it(misbehaving, opened):
    body = await opened(stall(b"one"))
    socket = body._response.connection.transport
    body.close()
    assert socket.is_closing()
    await misbehaving.exchanges[0].gone()
    assert await body.read() == b""


async def test_close_ends_a_pending_read(misbehaving, opened):
    body = await opened(stall(b"one"))
    assert await body.read() == b"one"
    reading = asyncio.ensure_future(body.read())
    await turns()
    body.close()
    body.close()
    assert await reading == b""


async def test_close_ends_a_paused_read(opened):
    body = await opened(stall(b"one"))
    body.pause()
    reading = asyncio.ensure_future(body.read())
    await turns()
    body.close()
    assert await reading == b""


async def test_close_does_not_wait_for_a_server_that_floods(misbehaving, opened):
    body = await opened(flood(50 * 2**20))
    await body.read()
    body.close()
    await misbehaving.exchanges[0].gone()


async def test_a_cancelled_read_does_not_harm_the_next(misbehaving, opened):
    async def script(exchange: Exchange) -> None:
        await exchange.head()
        await misbehaving.release.wait()
        await exchange.send(b"one")

    body = await opened(script)
    reading = asyncio.ensure_future(body.read())
    await turns()
    reading.cancel()
    with pytest.raises(asyncio.CancelledError):
        await reading
    misbehaving.release.set()
    assert await body.read() == b"one"


async def test_the_end_of_the_session_is_no_clean_end_of_a_stream(misbehaving):
    misbehaving.play(stall(b"one"))
    transport = HttpTransport()
    body = await transport.open(HttpRequest("POST", misbehaving.url + "/"))
    assert await body.read() == b"one"
    reading = asyncio.ensure_future(body.read())
    await turns()
    await transport.aclose()
    with pytest.raises(TransportError, match="closed on our side"):
        await reading


async def test_a_forgotten_stream_closes_its_socket(misbehaving, opened):
    body = await opened(stall(b"one"))
    assert await body.read() == b"one"
    del body
    await misbehaving.exchanges[0].gone()
