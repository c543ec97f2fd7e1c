"""llama.cpp for real, in each of the three formats that it speaks."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Any

import pytest

from rxllm import ConfigurationError, Finish, InvalidRequestError, Model, TextDelta, ToolCallDelta, TotalTimeout

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable

    from conftest import LlamaCpp

    from rxllm.stream import CompletionStream

WIRES = ["chat_completions", "responses", "anthropic"]
QUESTION = "Tell me about the light."
WEATHER = {
    "name": "weather",
    "description": "What it is like there.",
    "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
}
NO_THINKING = {"chat_template_kwargs": {"enable_thinking": False}}
THINKING = {"chat_template_kwargs": {"force_thinking": True}}
UNSHARED = {"cache_prompt": False}  # a prompt that is taken from the cache is not counted
ENDLESS: dict[str, Any] = {"max_tokens": 7000, "extra": {**NO_THINKING, "ignore_eos": True}}
NAMES = {"type": "array", "items": {"type": "string", "maxLength": 12}, "minItems": 400}
LONG_CALL: dict[str, Any] = {  # unlike `ignore_eos`, which llama.cpp drops there, it is long in each of the formats
    "tools": [{"name": "introduce", "parameters": {"type": "object", "properties": {"names": NAMES}}}],
    "tool_choice": "required",
    "max_tokens": 7000,
    "extra": NO_THINKING,
}
LONG_BEFORE_THE_END = 4000  # tokens


@pytest.fixture(params=WIRES)
async def model(request: pytest.FixtureRequest, llama_cpp: LlamaCpp) -> AsyncIterator[Model]:
    async with Model("local", wire=request.param, temperature=0) as model:
        yield model


@pytest.fixture
async def chat(llama_cpp: LlamaCpp) -> AsyncIterator[Model]:
    async with Model("local", temperature=0) as model:
        yield model


async def test_text_streams_in_pieces_that_make_the_answer(model: Model):
    pieces: list[str] = []
    stream = model.stream(QUESTION, max_tokens=40, extra=NO_THINKING)
    stream.subscribe(lambda item: pieces.append(item.text) if isinstance(item, TextDelta) else None)
    completion = await stream
    assert len(pieces) > 10
    assert "".join(pieces) == completion.text != ""


async def test_all_formats_give_the_same_answer(llama_cpp: LlamaCpp):
    answers: list[tuple[str, str]] = []
    for wire in WIRES:
        async with Model("local", wire=wire, temperature=0) as model:
            completion = await model.stream(QUESTION, max_tokens=60, extra=THINKING | UNSHARED)
            answers.append((completion.reasoning, completion.text))
    assert answers[0] == answers[1] == answers[2]


async def test_reasoning_streams_apart_from_the_text(model: Model):
    completion = await model.stream(QUESTION, max_tokens=100, extra=THINKING)
    assert completion.reasoning
    assert completion.text
    assert "think>" not in completion.reasoning + completion.text


@pytest.mark.parametrize("choice", ["required", "weather"])  # llama.cpp takes any name for "required"
async def test_a_forced_tool_call_arrives_whole(model: Model, choice: str):
    completion = await model.stream(QUESTION, tools=[WEATHER], tool_choice=choice, max_tokens=300, extra=NO_THINKING)
    (call,) = completion.tool_calls
    assert (call.name, completion.finish_reason) == ("weather", "tool_calls")
    assert isinstance(call.arguments["city"], str)
    assert call.id


async def test_a_tools_result_goes_back_and_is_answered(model: Model):
    question = {"role": "user", "content": "What is it like in Oslo?"}
    asked = await model.stream([question], tools=[WEATHER], tool_choice="weather", max_tokens=300, extra=NO_THINKING)
    result = {"role": "tool", "tool_call_id": asked.tool_calls[0].id, "content": "mild"}
    answered = await model.stream(
        [question, asked.to_message(), result], tools=[WEATHER], max_tokens=40, extra=NO_THINKING
    )
    assert answered.finish_reason in ("stop", "length", "tool_calls")
    assert answered.usage.input_tokens + (answered.usage.cached_tokens or 0) > asked.usage.input_tokens


@pytest.mark.parametrize("wire", WIRES)
async def test_usage_is_what_the_server_counted(llama_cpp: LlamaCpp, wire: str):
    before = await llama_cpp.work()
    async with Model("local", wire=wire, temperature=0) as model:
        usage = (await model.stream(QUESTION, max_tokens=33, extra=NO_THINKING)).usage
    done = (await llama_cpp.work()).since(before)
    prompt = usage.input_tokens + (usage.cached_tokens if wire == "anthropic" else 0)  # which counts the cached apart
    assert (prompt, usage.output_tokens) == done
    assert usage.output_tokens == 33
    assert not usage.estimated


@pytest.mark.parametrize("wire", WIRES)
async def test_a_schema_is_obeyed_or_refused(llama_cpp: LlamaCpp, wire: str):
    schema = {"type": "object", "properties": {"a": {"type": "boolean"}}, "required": ["a"]}
    async with Model("local", wire=wire, temperature=0) as model:
        if wire == "anthropic":
            with pytest.raises(ConfigurationError, match="response_format cannot be said"):
                model.stream(QUESTION, response_format=schema)
            return
        answer = json.loads((await model.stream(QUESTION, response_format=schema, extra=NO_THINKING)).text)
    assert answer in ({"a": True}, {"a": False})


async def test_a_prompt_that_does_not_fit_is_refused_in_the_servers_words(model: Model):
    with pytest.raises(InvalidRequestError, match="context size"):
        await model.stream("word " * 9000)


async def test_a_cancel_in_the_middle_stops_the_generation(model: Model, llama_cpp: LlamaCpp):
    before = await llama_cpp.work()
    stream = model.stream(QUESTION, **LONG_CALL)
    async with stream:
        await twenty_pieces(stream)
        assert await llama_cpp.busy() == 1
        stream.cancel()
        await llama_cpp.idle()
    completion = await stream
    assert completion.finish_reason == "cancelled"
    assert completion.usage.estimated
    written = (await llama_cpp.work()).since(before).predicted
    assert 20 <= completion.usage.output_tokens <= written < LONG_BEFORE_THE_END


async def test_after_a_cancel_the_server_writes_what_is_asked_next_and_nothing_else(chat: Model, llama_cpp: LlamaCpp):
    stream = chat.stream(QUESTION, **LONG_CALL)
    async with stream:
        await twenty_pieces(stream)
        stream.cancel()
    await llama_cpp.idle()
    before = await llama_cpp.work()
    await chat.stream(QUESTION, max_tokens=7, extra={**NO_THINKING, "ignore_eos": True})
    assert (await llama_cpp.work()).since(before).predicted == 7


async def twenty_pieces(stream: CompletionStream) -> None:
    pieces = 0
    async for item in stream.items(capacity=1, overflow="pause"):
        pieces += isinstance(item, (TextDelta, ToolCallDelta))
        if pieces == 20:
            return


async def leave_the_loop(stream: CompletionStream) -> None:
    await twenty_pieces(stream)


async def dispose_the_subscription(stream: CompletionStream) -> None:
    written = asyncio.Event()
    subscription = stream.subscribe(lambda item: written.set() if isinstance(item, TextDelta) else None)
    await written.wait()
    subscription.dispose()


async def cancel_the_task_that_waits(stream: CompletionStream) -> None:
    async def wait() -> None:
        await stream

    written = asyncio.Event()
    task = asyncio.create_task(wait())
    watch = stream.subscribe(lambda item: written.set() if isinstance(item, TextDelta) else None)
    await written.wait()
    watch.dispose()
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def close_the_scope(stream: CompletionStream) -> None:
    async with stream:
        await anext(aiter(stream))


@pytest.mark.parametrize(
    "let_go", [leave_the_loop, dispose_the_subscription, cancel_the_task_that_waits, close_the_scope]
)
async def test_however_the_last_one_lets_go_the_generation_stops(
    chat: Model, llama_cpp: LlamaCpp, let_go: Callable[[CompletionStream], Awaitable[None]]
):
    before = await llama_cpp.work()
    stream = chat.stream(QUESTION, **ENDLESS)
    await let_go(stream)
    await llama_cpp.idle()
    assert (await stream).finish_reason == "cancelled"
    assert (await llama_cpp.work()).since(before).predicted < LONG_BEFORE_THE_END


async def test_one_who_leaves_does_not_stop_it_for_another(chat: Model, llama_cpp: LlamaCpp):
    before = await llama_cpp.work()
    stream = chat.stream(QUESTION, max_tokens=400, extra={**NO_THINKING, "ignore_eos": True})
    ends: list[Finish] = []
    stream.subscribe(lambda item: ends.append(item) if isinstance(item, Finish) else None)
    await twenty_pieces(stream)
    assert (await stream).finish_reason == "length"
    assert (await llama_cpp.work()).since(before).predicted == 400
    assert [end.reason for end in ends] == ["length"]


async def test_a_time_out_stops_the_generation(llama_cpp: LlamaCpp):
    before = await llama_cpp.work()
    async with Model("local", timeouts={"total": 1.0}) as model:
        with pytest.raises(TotalTimeout) as caught:
            await model.stream(QUESTION, **LONG_CALL)
        await llama_cpp.idle()
    assert caught.value.partial.tool_calls[0].arguments_raw
    assert (await llama_cpp.work()).since(before).predicted < LONG_BEFORE_THE_END


async def test_two_answers_at_once_are_told_apart(chat: Model):
    completion = await chat.stream(QUESTION, n=2, seed=1, temperature=1, max_tokens=20, extra=NO_THINKING)
    first, second = completion.choices
    assert first.text != second.text
    assert (completion.text, second.finish_reason) == (first.text, "length")


async def test_a_schema_is_obeyed(chat: Model):
    schema = {"type": "object", "properties": {"age": {"type": "integer"}}, "required": ["age"]}
    wanted = {"type": "json_schema", "json_schema": {"name": "person", "schema": schema}}
    completion = await chat.stream(QUESTION, response_format=wanted, max_tokens=200, extra=NO_THINKING)
    assert isinstance(json.loads(completion.text)["age"], int)


async def test_log_probabilities_belong_to_the_text(chat: Model):
    completion = await chat.stream(QUESTION, logprobs=True, top_logprobs=2, max_tokens=8, extra=NO_THINKING)
    assert "".join(entry["token"] for entry in completion.logprobs) == completion.text
