"""`RecordingTransport`: what comes is written as it comes, and nothing else is."""

from __future__ import annotations

import asyncio
import gc
import json
import resource
from pathlib import Path

import pytest
from loguru import logger

from rxllm.errors import ConfigurationError, OverloadedError
from rxllm.transport.exchange import HttpRequest
from rxllm.transport.record import RecordingTransport, recorded_reads
from rxllm.transport.replay import ReplayTransport

ASK = HttpRequest("POST", "http://recorded/v1?key=sk-query", {"Authorization": "sk-header"}, b'"the prompt"')
BODY = b"data: 1\n\ndata: 2\n\n"


@pytest.fixture
def path(tmp_path) -> Path:
    return tmp_path / "answer.sse"


@pytest.fixture
def warnings():
    said: list[str] = []
    logger.enable("rxllm")
    sink = logger.add(said.append, level="WARNING", format="{message}")
    yield said
    logger.remove(sink)
    logger.disable("rxllm")


def times(path: Path) -> list[list[float]]:
    """The times as anybody would read them, without us."""
    return json.loads(Path(f"{path}.reads.json").read_text("utf-8"))


async def read_to_its_end(transport: RecordingTransport) -> bytes:
    stream = await transport.open(ASK)
    whole = b""
    while data := await stream.read():
        whole += data
    return whole


async def test_the_body_and_the_reads_are_written_and_passed_on(path):
    assert await read_to_its_end(RecordingTransport(ReplayTransport(BODY, chunk=8), path)) == BODY
    assert path.read_bytes() == BODY
    assert [size for _, size in times(path)] == [8, 8, 2]


async def test_the_times_are_seconds_since_the_request(path):
    await read_to_its_end(RecordingTransport(ReplayTransport(b"ab", chunk=1, delay=0.03), path))
    (first, _), (second, _) = recorded_reads(path)
    assert 0.025 < first < 5
    assert second - first > 0.025


async def test_the_wait_for_the_head_is_part_of_the_times(path):
    class LateHead(ReplayTransport):
        async def open(self, request):
            await asyncio.sleep(0.03)
            return await super().open(request)

    await read_to_its_end(RecordingTransport(LateHead(b"a"), path))
    assert recorded_reads(path)[0][0] > 0.025


async def test_each_read_is_in_the_files_before_the_next_one(path):
    stream = await RecordingTransport(ReplayTransport(b"abc", chunk=1), path).open(ASK)
    assert times(path) == []
    for number in (1, 2, 3):
        await stream.read()
        assert path.read_bytes() == b"abc"[:number]
        assert [size for _, size in times(path)] == [1] * number
    stream.close()


async def test_nothing_of_the_request_is_written(path):
    await read_to_its_end(RecordingTransport(ReplayTransport(BODY), path))
    written = b"".join(file.read_bytes() for file in path.parent.iterdir())
    assert [word for word in (b"prompt", b"sk-", b"recorded") if word in written] == []


async def test_each_further_response_has_its_own_numbered_files(path):
    transport = RecordingTransport(ReplayTransport(BODY), path)
    for _ in range(3):
        await read_to_its_end(transport)
    names = ["answer.sse", "answer.2.sse", "answer.3.sse"]
    assert {file.name for file in path.parent.iterdir()} == {*names, *(f"{name}.reads.json" for name in names)}
    assert [path.with_name(name).read_bytes() for name in names] == [BODY] * 3


async def test_two_responses_at_once_are_not_mixed(path):
    transport = RecordingTransport(ReplayTransport(b"ab", chunk=1), path)
    first, second = await transport.open(ASK), await transport.open(ASK)
    assert [await first.read(), await second.read(), await first.read()] == [b"a", b"a", b"b"]
    assert (path.read_bytes(), path.with_name("answer.2.sse").read_bytes()) == (b"ab", b"a")
    first.close()
    second.close()


async def test_a_refused_request_takes_no_number_and_leaves_what_was_there(path):
    path.write_bytes(b"an older one")
    transport = RecordingTransport(ReplayTransport(b"{}", status=529), path)
    with pytest.raises(OverloadedError):
        await transport.open(ASK)
    assert path.read_bytes() == b"an older one"
    transport._inner = ReplayTransport(BODY)
    await read_to_its_end(transport)
    assert path.read_bytes() == BODY
    assert not path.with_name("answer.2.sse").exists()


@pytest.mark.parametrize("wrong", ["nowhere/answer.sse", ".", "a\0b"])
async def test_a_path_that_cannot_be_written_is_told_before_anything_is_sent(tmp_path, wrong):
    inner = ReplayTransport(BODY)
    with pytest.raises(ConfigurationError, match="cannot be written"):
        await RecordingTransport(inner, tmp_path / wrong).open(ASK)
    assert inner.opened == 0


async def test_times_that_cannot_be_written_are_told_too(path):
    path.with_name("answer.sse.reads.json").mkdir()
    inner = ReplayTransport(BODY)
    with pytest.raises(ConfigurationError, match="Is a directory"):
        await RecordingTransport(inner, path).open(ASK)
    assert inner.opened == 0


async def test_a_full_disk_ends_the_recording_and_not_the_stream(path, warnings):
    path.symlink_to("/dev/full")
    assert await read_to_its_end(RecordingTransport(ReplayTransport(BODY, chunk=1), path)) == BODY
    assert len(warnings) == 1
    assert "answer.sse is not complete: No space left on device" in warnings[0]


async def test_a_disk_that_fills_up_in_mid_entry_leaves_a_whole_list(path, warnings):
    stream = await RecordingTransport(ReplayTransport(b"x" * 40, chunk=1), path).open(ASK)
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100, before[1]))  # 40 bytes fit, the list of their times does not
    try:
        while await stream.read():
            pass
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert 0 < len(times(path)) < len(path.read_bytes()) < 40
    assert len(warnings) == 1


async def test_close_closes_the_inner_stream_and_keeps_what_came(path):
    inner = ReplayTransport(b"ab", chunk=1)
    stream = await RecordingTransport(inner, path).open(ASK)
    await stream.read()
    stream.close()
    assert (await stream.read(), inner.closed) == (b"", 1)
    assert (path.read_bytes(), len(times(path))) == (b"a", 1)


async def test_the_files_are_closed_at_the_end_though_nobody_closes_the_stream(path):
    stream = await RecordingTransport(ReplayTransport(b"a"), path).open(ASK)
    files = list(stream._tape._files)
    while await stream.read():
        assert [file.closed for file in files] == [False, False]
    assert [file.closed for file in files] == [True, True]


async def test_a_forgotten_stream_leaves_no_open_file(path):
    stream = await RecordingTransport(ReplayTransport(b"ab", chunk=1), path).open(ASK)
    await stream.read()
    del stream
    gc.collect()  # an open file would be a ResourceWarning, which is an error here
    assert path.read_bytes() == b"a"


@pytest.mark.parametrize(
    "wrong", [b"", b"{}", b"[[1]]", b"[[0.1, -1]]", b"[[-0.1, 1]]", b'[["0", 1]]', b"\xff", b"[[0.1, 0]]"]
)
def test_what_is_no_list_of_reads_is_a_configuration_error(path, wrong):
    Path(f"{path}.reads.json").write_bytes(wrong)
    with pytest.raises(ConfigurationError, match=r"expected a JSON list of \[seconds, bytes\]"):
        recorded_reads(path)
