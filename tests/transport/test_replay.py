"""`ReplayTransport`: recorded bytes that behave like a socket's."""

from __future__ import annotations

import asyncio

import pytest

from rxllm.errors import ConfigurationError, OverloadedError
from rxllm.transport.exchange import HttpRequest
from rxllm.transport.replay import ReplayTransport

ASK = HttpRequest("POST", "http://recorded/")


async def reads(transport: ReplayTransport) -> list[bytes]:
    stream = await transport.open(ASK)
    got = []
    while data := await stream.read():
        got.append(data)
    return got


async def turns(count: int = 5) -> None:
    for _ in range(count):
        await asyncio.sleep(0)


async def test_a_recording_is_read_in_reads_of_64_kib():
    assert [len(data) for data in await reads(ReplayTransport(b"x" * 70_000))] == [65_536, 4_464]


async def test_a_recording_is_cut_as_told():
    assert await reads(ReplayTransport("ü1".encode(), chunk=1)) == [b"\xc3", b"\xbc", b"1"]


async def test_each_request_gets_the_whole_recording():
    transport = ReplayTransport(b"abc")
    assert await reads(transport) == await reads(transport) == [b"abc"]
    assert (transport.opened, transport.closed) == (2, 0)


@pytest.mark.parametrize("kind", [str, lambda path: path])
async def test_a_recording_may_be_a_file(tmp_path, kind):
    (tmp_path / "a.sse").write_bytes(b"data: 1\n\n")
    assert await reads(ReplayTransport(kind(tmp_path / "a.sse"))) == [b"data: 1\n\n"]


def test_a_missing_file_is_a_configuration_error(tmp_path):
    with pytest.raises(ConfigurationError, match=r"none.sse cannot be read: No such file"):
        ReplayTransport(tmp_path / "none.sse")


@pytest.mark.parametrize("wrong", [{"chunk": 0}, {"delay": -1.0}, {"delay": float("nan")}])
def test_a_wrong_setting_is_a_configuration_error(wrong):
    with pytest.raises(ConfigurationError, match="expected"):
        ReplayTransport(b"", **wrong)


async def test_another_status_is_the_refusal_that_the_network_would_give():
    transport = ReplayTransport(b'{"error": {"type": "overloaded_error", "message": "Busy"}}', status=529)
    with pytest.raises(OverloadedError, match="Busy"):
        await transport.open(ASK)
    assert transport.opened == 1


async def test_reads_are_as_far_apart_as_told():
    loop = asyncio.get_running_loop()
    start = loop.time()
    assert await reads(ReplayTransport(b"ab", chunk=1, delay=0.02)) == [b"a", b"b"]
    assert loop.time() - start >= 0.04


async def test_a_read_without_delay_lets_others_run():
    stream = await ReplayTransport(b"ab", chunk=1).open(ASK)
    ran = []
    asyncio.get_running_loop().call_soon(ran.append, 1)
    await stream.read()
    assert ran == [1]


async def test_nothing_is_read_while_paused():
    stream = await ReplayTransport(b"ab", chunk=1).open(ASK)
    stream.pause()
    reading = asyncio.ensure_future(stream.read())
    await turns()
    assert not reading.done()
    stream.resume()
    assert await reading == b"a"


@pytest.mark.parametrize("paused", [False, True])
async def test_close_ends_a_pending_read_and_counts_once(paused):
    transport = ReplayTransport(b"ab", delay=60)
    stream = await transport.open(ASK)
    if paused:
        stream.pause()
    reading = asyncio.ensure_future(stream.read())
    await turns()
    stream.close()
    stream.close()
    assert await asyncio.wait_for(reading, 5) == b""
    assert await stream.read() == b""
    assert transport.closed == 1
