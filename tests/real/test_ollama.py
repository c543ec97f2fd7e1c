"""Ollama for real, through its own format and through Chat Completions."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest

from rxllm import ConfigurationError, InvalidRequestError, Model, TextDelta

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from rxllm.stream import CompletionStream

QUESTION = "What is the weather in Paris?"
WEATHER = {
    "name": "get_weather",
    "description": "Get the weather of a city.",
    "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
}
NAMES = {"type": "array", "items": {"type": "string", "maxLength": 20}, "minItems": 300}
LONG: dict[str, Any] = {
    "response_format": {"type": "json_schema", "json_schema": {"name": "names", "schema": NAMES}},
    "max_tokens": 3000,
}
AT_ONCE = 4  # more answers than an Ollama that was told nothing else writes at the same time
LONG_BEFORE_THE_END = 5.0  # seconds; the four take about a minute
SOME_TRIES = 25  # the model thinks, and calls a tool, in about one answer of three


@pytest.fixture(params=["ollama", "ollama-native"])
async def model(request: pytest.FixtureRequest, ollama_url: str) -> AsyncIterator[Model]:
    url = ollama_url + ("/v1" if request.param == "ollama" else "")
    async with Model(f"{request.param}:tiny-kjv-chat", base_url=url) as model:
        yield model


@pytest.fixture
async def native(ollama_url: str) -> AsyncIterator[Model]:
    async with Model("ollama-native:tiny-kjv-chat", base_url=ollama_url) as model:
        yield model


async def test_text_streams_in_pieces_that_make_the_answer(model: Model):
    pieces: list[str] = []
    stream = model.stream("Tell me about the light.", max_tokens=40, temperature=0)
    stream.subscribe(lambda item: pieces.append(item.text) if isinstance(item, TextDelta) else None)
    completion = await stream
    assert len(pieces) > 10
    assert "".join(pieces) == completion.text != ""
    assert completion.model == "tiny-kjv-chat"


async def test_usage_is_told_and_not_counted_by_us(model: Model):
    completion = await model.stream("Tell me about the light.", max_tokens=20, temperature=0)
    assert (completion.usage.output_tokens, completion.finish_reason) == (20, "length")
    assert completion.usage.input_tokens > 0
    assert not completion.usage.estimated


async def test_reasoning_streams_apart_from_the_text(native: Model):
    for seed in range(SOME_TRIES):
        completion = await native.stream("What is wisdom?", seed=seed, max_tokens=100, extra={"think": True})
        if completion.reasoning and completion.text:
            break
    assert completion.reasoning
    assert "think>" not in completion.reasoning + completion.text


async def test_a_tool_call_arrives_whole(model: Model):
    for seed in range(SOME_TRIES):
        completion = await model.stream(QUESTION, tools=[WEATHER], seed=seed, temperature=0.3, max_tokens=60)
        if completion.tool_calls:
            break
    (call,) = completion.tool_calls
    assert (call.name, completion.finish_reason) == ("get_weather", "tool_calls")
    assert isinstance(call.arguments["city"], str)


async def test_a_forced_tool_call_is_refused_before_a_byte_is_sent(native: Model):
    with pytest.raises(ConfigurationError, match="cannot be forced"):
        native.stream(QUESTION, tools=[WEATHER], tool_choice="required")


async def test_a_missing_model_is_told_in_the_servers_words(ollama_url: str):
    async with Model("ollama-native:nobody", base_url=ollama_url) as model:
        with pytest.raises(InvalidRequestError, match="nobody"):
            await model.stream("Hi")


async def test_health_lists_the_models(model: Model):
    assert any(name.startswith("tiny-kjv-chat") for name in (await model.health()).models)


async def test_a_cancel_in_the_middle_frees_the_server_for_the_next_in_the_queue(model: Model):
    """It tells no count of its own: that it stopped is seen by who waits for it."""
    long = [model.stream("Go on.", **LONG).start() for _ in range(AT_ONCE)]
    pieces = [asyncio.ensure_future(first_piece(stream)) for stream in long]
    await asyncio.wait(pieces, return_when="FIRST_COMPLETED")
    waiting = asyncio.ensure_future(whole(model.stream("Hi", max_tokens=2)))
    await asyncio.wait({waiting}, timeout=0.5)
    assert not waiting.done()

    for stream in long:
        stream.cancel()

    async with asyncio.timeout(LONG_BEFORE_THE_END):
        assert await waiting == "length"
    await asyncio.gather(*pieces)
    assert {(await stream).finish_reason for stream in long} == {"cancelled"}


async def first_piece(stream: CompletionStream) -> None:
    async for item in stream:
        if isinstance(item, TextDelta):
            return


async def whole(stream: CompletionStream) -> str | None:
    return (await stream).finish_reason
