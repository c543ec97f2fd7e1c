"""`ReplayTransport`: recorded bytes that behave like a socket's."""

from __future__ import annotations

import asyncio
import json

import pytest
from loop_clock import turns

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


@pytest.mark.parametrize(
    "wrong",
    [
        {"chunk": 0},
        {"chunk": "3"},
        {"chunk": 1.5},
        {"delay": -1.0},
        {"delay": float("nan")},
        {"delay": "1"},
        {"status": "ok"},
    ],
)
def test_a_wrong_setting_is_a_configuration_error(wrong):
    with pytest.raises(ConfigurationError, match="expected"):
        ReplayTransport(b"", **wrong)


@pytest.mark.parametrize("body", [5, None, ""])
def test_what_is_neither_bytes_nor_a_path_is_a_configuration_error(body):
    with pytest.raises(ConfigurationError, match="expected that of a file"):
        ReplayTransport(body)


@pytest.mark.parametrize("kind", [bytearray, memoryview])
async def test_bytes_of_any_kind_are_a_recording(kind):
    assert await reads(ReplayTransport(kind(b"abc"))) == [b"abc"]


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


def recorded(path, body, times):
    path.write_bytes(body)
    path.with_name(f"{path.name}.reads.json").write_text(json.dumps(times), "utf-8")
    return path


async def test_a_timed_recording_is_cut_as_recorded_whatever_the_speed(tmp_path):
    path = recorded(tmp_path / "a.sse", b"abcdef", [[0.001, 1], [0.002, 3], [0.003, 2]])
    assert await reads(ReplayTransport(str(path), timing=1.0)) == [b"a", b"bcd", b"ef"]
    assert await reads(ReplayTransport(path, timing=100.0)) == [b"a", b"bcd", b"ef"]


async def test_a_timed_recording_comes_when_it_came(tmp_path):
    path = recorded(tmp_path / "a.sse", b"abc", [[0.05, 1], [0.06, 1], [0.15, 1]])
    loop = asyncio.get_running_loop()
    start = loop.time()
    stream = await ReplayTransport(path, timing=0.5).open(ASK)
    for due in (0.1, 0.12, 0.3):
        await stream.read()
        assert due - 0.005 <= loop.time() - start < due + 5


async def test_reads_that_came_together_come_together(tmp_path):
    path = recorded(tmp_path / "a.sse", b"a" * 50, [[0.2, 1]] * 50)
    async with asyncio.timeout(5):  # ten seconds, were each of them waited for from the one before
        assert len(await reads(ReplayTransport(path, timing=1.0))) == 50


async def test_a_thousand_times_as_fast_takes_a_thousandth_of_the_time(tmp_path):
    path = recorded(tmp_path / "a.sse", b"a", [[20, 1]])
    stream = await asyncio.wait_for(ReplayTransport(path, timing=1000.0).open(ASK), 5)
    assert await asyncio.wait_for(stream.read(), 5) == b"a"


async def test_bytes_without_a_time_come_at_the_end(tmp_path):
    path = recorded(tmp_path / "a.sse", b"abcdef", [[0.001, 2]])
    assert await reads(ReplayTransport(path, timing=1.0)) == [b"ab", b"cdef"]


async def test_times_without_bytes_do_not_matter(tmp_path):
    path = recorded(tmp_path / "a.sse", b"ab", [[0.001, 2], [60, 5]])
    assert await asyncio.wait_for(reads(ReplayTransport(path, timing=1000.0)), 5) == [b"ab"]


async def test_close_ends_the_wait_for_a_recorded_time(tmp_path):
    stream = await ReplayTransport(recorded(tmp_path / "a.sse", b"a", [[60, 1]]), timing=1.0).open(ASK)
    reading = asyncio.ensure_future(stream.read())
    await turns()
    stream.close()
    assert await asyncio.wait_for(reading, 5) == b""


def test_missing_times_are_a_configuration_error_that_names_them(tmp_path):
    (tmp_path / "a.sse").write_bytes(b"a")
    with pytest.raises(ConfigurationError, match=r"a\.sse\.reads\.json cannot be read \(No such file"):
        ReplayTransport(tmp_path / "a.sse", timing=1.0)


def test_bytes_have_no_times():
    with pytest.raises(ConfigurationError, match="expected its path"):
        ReplayTransport(b"a", timing=1.0)


@pytest.mark.parametrize(
    "wrong",
    [
        {"timing": 0.0},
        {"timing": -1.0},
        {"timing": float("nan")},
        {"timing": float("inf")},
        {"timing": 1.0, "chunk": 7},
        {"timing": 1.0, "delay": 0.1},
    ],
)
def test_a_wrong_timing_is_a_configuration_error(tmp_path, wrong):
    with pytest.raises(ConfigurationError, match="expected"):
        ReplayTransport(recorded(tmp_path / "a.sse", b"a", [[0.001, 1]]), **wrong)
