"""Recording and replaying end to end: a real server once, then its recording as a provider."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING

import msgspec
import pytest
from misbehaving_server import answer, reset, stall, stream

from rxllm import ConfigurationError, Model, Retry, TextDelta, TruncatedStreamError
from rxllm.testing import ReplayTransport

if TYPE_CHECKING:
    from pathlib import Path

    from misbehaving_server import MisbehavingServer


def chunk(**delta):
    made = {"id": "c1", "model": "m", "choices": [{"index": 0, "delta": delta, "finish_reason": None}]}
    return b"data: " + json.dumps(made).encode() + b"\n\n"


STOP = b'data: {"choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}\n\n'
USAGE = b'data: {"choices":[],"usage":{"prompt_tokens":3,"completion_tokens":2}}\n\n'
DONE = b"data: [DONE]\n\n"
CALL = {"index": 0, "id": "t1", "function": {"name": "f", "arguments": '{"a": 1}'}}
WHOLE = [
    b": waiting\n\n",
    chunk(reasoning_content="hm"),
    chunk(content="Grü"),
    chunk(content="ße"),
    chunk(tool_calls=[CALL]),
    STOP,
    USAGE,
    DONE,
]


@pytest.fixture
def path(tmp_path) -> Path:
    return tmp_path / "answer.sse"


@pytest.fixture
async def model(misbehaving, path):
    async with Model("openai:m", base_url=misbehaving.url, api_key="sk-secret", record=path) as model:
        yield model


async def items_of(model: Model) -> list:
    """All items of an answer; what the clock of this very run said is taken out of the last one."""
    seen = []
    stream = model.stream("My secret question")
    stream.subscribe(seen.append)
    await stream
    return [*seen[:-1], msgspec.structs.replace(seen[-1], timing=None, answered_by=None)]


async def test_a_timed_replay_gives_the_very_items_of_the_recorded_stream(model, misbehaving, path):
    misbehaving.play(stream(*WHOLE))
    live = await items_of(model)
    async with Model("replay", path=path, timing=50.0) as replay:
        assert await items_of(replay) == live
    assert len(live) > 5


async def test_a_recording_answers_every_question_without_a_request(model, misbehaving, path):
    misbehaving.play(stream(*WHOLE))
    live = await model.stream("Hi")
    async with Model("replay", path=path) as replay:
        for question in ("Hi", "Another"):
            replayed = await replay.stream(question)
            assert (replayed.text, replayed.reasoning, replayed.usage) == (live.text, live.reasoning, live.usage)
            assert (replayed.text, replayed.tool_calls) == ("Grüße", live.tool_calls)
            assert replayed.finish_reason == live.finish_reason
    assert misbehaving.requests == 1


async def test_neither_key_nor_prompt_is_in_any_written_file(model, misbehaving, path):
    misbehaving.play(stream(*WHOLE))
    await items_of(model)
    sent = await misbehaving.request()
    assert (b"My secret question" in sent.body, sent.headers["Authorization"]) == (True, "Bearer sk-secret")
    written = {file.name: file.read_bytes() for file in path.parent.iterdir()}
    assert set(written) == {"answer.sse", "answer.sse.reads.json"}
    assert [name for name, data in written.items() if b"secret" in data or misbehaving.url.encode() in data] == []
    assert written["answer.sse"] == b"".join(WHOLE)


async def test_a_cancelled_answer_is_recorded_as_far_as_it_came(model, misbehaving, path):
    misbehaving.play(stall(chunk(content="Hel"), chunk(content="lo")))
    answered = model.stream("Hi")
    read = ""
    async for item in answered:
        read += item.text if isinstance(item, TextDelta) else ""
        if read == "Hello":
            answered.cancel()
    completion = await answered
    await (await misbehaving.request()).gone()
    assert (completion.finish_reason, completion.text) == ("cancelled", "Hello")
    for timing in (None, 50.0):
        async with Model("replay", path=path, timing=timing) as replay:
            with pytest.raises(TruncatedStreamError) as caught:
                await replay.stream("Hi")
        assert caught.value.partial.text == "Hello"


async def test_what_came_before_a_reset_is_recorded(model, misbehaving, path):
    seen = asyncio.Event()
    misbehaving.play(reset(chunk(content="Hel"), when=seen))
    answered = model.stream("Hi")
    answered.subscribe(lambda item: seen.set() if isinstance(item, TextDelta) else None, lambda error: None)
    with pytest.raises(Exception, match="broke") as live:
        await answered
    async with Model("replay", path=path) as replay:
        with pytest.raises(TruncatedStreamError) as caught:
            await replay.stream("Hi")
    assert caught.value.partial.text == live.value.partial.text == "Hel"


async def test_a_refused_attempt_is_not_in_the_recording(misbehaving: MisbehavingServer, path):
    misbehaving.play(answer(503, b'{"error": {"message": "busy"}}', {"Retry-After": "0"}), stream(*WHOLE))
    retry = Retry(attempts=2)
    async with Model("openai:m", base_url=misbehaving.url, api_key="k", record=path, retry=retry) as model:
        assert (await model.stream("Hi")).text == "Grüße"
    assert path.read_bytes() == b"".join(WHOLE)
    assert misbehaving.requests == 2


async def test_a_path_that_cannot_be_written_fails_before_a_request(misbehaving, tmp_path):
    async with Model("openai:m", base_url=misbehaving.url, api_key="k", record=tmp_path) as model:
        with pytest.raises(ConfigurationError, match="cannot be written: Is a directory"):
            await model.stream("Hi")
    assert misbehaving.requests == 0


async def test_health_is_asked_of_the_server_and_not_recorded(model, misbehaving, path):
    misbehaving.play(answer(200, b'{"data": [{"id": "m1"}]}'))
    assert (await model.health()).models == ["m1"]
    assert list(path.parent.iterdir()) == []


async def test_the_wire_of_a_recording_is_named(path):
    path.write_bytes(b"".join(WHOLE))
    async with Model("replay", path=path, wire="chat_completions") as replay:
        assert (await replay.stream("Hi")).text == "Grüße"
        assert replay.full_name == "replay:recording"


async def test_a_recording_is_played_with_the_quirks_of_its_provider(path):
    path.write_bytes(b"".join(WHOLE[:-1]))  # without the end that this provider never sends
    async with Model("perplexity:sonar", path=path) as recorded, Model("replay", path=path) as replay:
        assert (await recorded.stream("Hi")).text == "Grüße"
        with pytest.raises(TruncatedStreamError):
            await replay.stream("Hi")


@pytest.mark.parametrize(
    ("name", "wrong", "told"),
    [
        ("openai:m", {"path": "a.sse"}, "a.sse cannot be read"),
        ("openai:m", {"timing": 1.0}, "give its path="),
        ("replay", {}, "give its path="),
        ("replay", {"timing": 1.0}, "give its path="),
        ("replay", {"path": "a.sse", "transport": ReplayTransport(b"")}, "no transport="),
        ("replay", {"timing": 1.0, "transport": ReplayTransport(b"")}, "no transport="),
        ("replay", {"path": "missing.sse"}, "missing.sse cannot be read"),
        ("replay", {"path": __file__, "timing": 1.0}, "has no arrival times"),
    ],
)
def test_a_recording_that_is_not_there_is_a_configuration_error(name, wrong, told):
    with pytest.raises(ConfigurationError, match=told):
        Model(name, **wrong)
