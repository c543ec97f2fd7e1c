"""Recorded responses of OpenAI Responses: the provider's own tools, and what goes back."""

from __future__ import annotations

from typing import Any

import pytest
from fed import completed, fed, of_type
from recorded import OURS, recording, recordings

from rxllm.errors import InvalidRequestError
from rxllm.items import ServerToolCall, ServerToolResult
from rxllm.messages import Message, chat_request
from rxllm.wire.responses import Decoder, encode

RECORDINGS = recordings("openai-responses/*.json")


@pytest.mark.parametrize("path", RECORDINGS)
def test_nothing_of_a_recording_contradicts_itself(path):
    items, _ = fed(Decoder(), [recording(path)[0]])
    disputed = {"response.output_text.done", "response.content_part.done", "response.function_call_arguments.done"}
    events = completed(items).events
    assert not [event.type for event in events if event.type in disputed]
    done = [event.data["type"] for event in events if event.type == "response.output_item.done"]
    assert done == (["tool_search_call"] if path.stem == "openai--openai-client-tool-search-1" else [])


@pytest.mark.parametrize("path", RECORDINGS)
def test_the_provider_s_own_results_have_their_calls(path):
    items, _ = fed(Decoder(), [recording(path)[0]])
    calls = {each.id: each.name for each in of_type(items, ServerToolCall)}
    assert all(calls[result.id] == result.name for result in of_type(items, ServerToolResult))


@pytest.mark.parametrize("path", RECORDINGS)
def test_an_answer_can_go_back(path):
    body, said = recording(path)
    items, error = fed(Decoder(), [body])
    if error is not None:
        pytest.skip("a response that failed")
    completion = completed(items)
    message = completion.to_message()
    results = [Message.tool("done", tool_call_id=each.id) for each in message.tool_calls]
    sent = encode(chat_request([Message.user("Why?"), message, *results]), model="m")["input"]
    answer = sent[1 : len(sent) - len(results)]
    assert [item["type"] for item in answer] == said["extra"]["item_types"]
    texts = [p["text"] for item in answer if item["type"] == "message" for p in item["content"] if "text" in p]
    assert "".join(texts) == said["expected"]["text"]
    kinds = {"function_call": "function_call_output", "custom_tool_call": "custom_tool_call_output"}
    assert [(item["type"], item["call_id"]) for item in sent[len(sent) - len(results) :]] == [
        (kinds[item["type"]], item["call_id"])
        for item in answer
        if item["type"] in kinds and completion.finish_reason == "tool_calls"  # else xAI has answered them itself
    ]


# Our own recordings of llama.cpp, which counts nothing and names no model before the end


def ours(name: str) -> Any:
    items, error = fed(Decoder(), [(OURS / "llama_cpp" / f"responses-{name}.body").read_bytes()])
    assert error is None
    return completed(items)


def test_a_text():
    completion = ours("text")
    assert completion.text.startswith("And they said unto him, We am Christ;")
    assert (completion.finish_reason, completion.raw_finish_reason) == ("stop", "completed")
    assert (completion.usage.input_tokens, completion.usage.output_tokens, completion.usage.cached_tokens) == (
        17,
        40,
        6,
    )
    assert completion.response["timings"]["predicted_n"] == 40
    assert completion.response["model"] == "tiny-kjv-chat"


def test_reasoning_stands_apart_from_the_text():
    completion = ours("reasoning")
    assert completion.reasoning.startswith("The question is of judgment.")
    assert completion.text.startswith("Thou makest the souls of the wicked")
    assert [block.text for block in completion.reasoning_blocks] == [completion.reasoning]


def test_parallel_tool_calls():
    completion = ours("tool-parallel")
    assert [(c.call, c.name, c.arguments) for c in completion.tool_calls] == [
        (0, "get_weather", {"city": "Paris"}),
        (1, "add", {"a": 99, "b": 80}),
    ]
    assert completion.finish_reason == "tool_calls"
    assert all(c.id for c in completion.tool_calls)


def test_an_error_body_where_a_stream_was_expected():
    error = fed(Decoder(), [(OURS / "llama_cpp" / "error-too-long.json").read_bytes()])[1]
    assert type(error) is InvalidRequestError
    assert error.status == 400
