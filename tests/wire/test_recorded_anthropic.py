"""Recorded responses of Anthropic Messages: the provider's own tools, and what goes back."""

from __future__ import annotations

from typing import Any

import pytest
from fed import completed, fed, of_type
from recorded import OURS, recording, recordings

from rxllm.items import ServerToolCall, ServerToolResult
from rxllm.messages import Message, chat_request
from rxllm.wire.anthropic import Decoder, encode

RECORDINGS = recordings("anthropic-messages/*.json")
WHOLE = [case for case in RECORDINGS if not str(case.id).startswith("anthropic-messages/composed--")]
"""Those that do not end with an error."""


@pytest.mark.parametrize("path", RECORDINGS)
def test_the_provider_s_own_tools_are_answered(path):
    items, _ = fed(Decoder(), [recording(path)[0]])
    calls = {call.id: call.name for call in of_type(items, ServerToolCall)}
    for result in of_type(items, ServerToolResult):
        assert result.content is not None
        assert result.name == calls.get(result.id, result.name)


@pytest.mark.parametrize("path", WHOLE)
def test_an_answer_can_go_back(path):
    body, said = recording(path)
    items, _ = fed(Decoder(), [body])
    message = completed(items).to_message()
    results = [Message.tool("done", tool_call_id=call.id) for call in message.tool_calls]
    sent = encode(chat_request([Message.user("Why?"), message, *results]), model="m")["messages"]
    if "empty-output" in said["quirks"]:
        assert [each["role"] for each in sent] == ["user"]
        return
    blocks = sent[1]["content"]
    kinds = [block["type"] for block in blocks]
    if "N:unclosed_block" not in said["quirks"]:
        assert kinds == said["extra"]["block_types"]
    assert all(block["text"] for block in blocks if block["type"] == "text")
    assert all(isinstance(block["input"], dict) for block in blocks if block["type"].endswith("tool_use"))
    assert [block["id"] for block in blocks if block["type"] == "tool_use"] == [c.id for c in message.tool_calls]
    assert "".join(block["text"] for block in blocks if block["type"] == "text") == said["expected"]["text"]
    if message.tool_calls:
        assert [block["tool_use_id"] for block in sent[2]["content"]] == [c.id for c in message.tool_calls]


# Our own recordings of llama.cpp


def ours(name: str) -> Any:
    items, error = fed(Decoder(), [(OURS / "llama_cpp" / f"messages-{name}.body").read_bytes()])
    assert error is None
    return completed(items)


def test_a_text():
    completion = ours("text")
    assert completion.text.endswith("ts of the earth, and")
    assert (completion.finish_reason, completion.model) == ("length", "tiny-kjv-chat")
    assert completion.usage.output_tokens == 40


def test_a_forced_tool_call():
    completion = ours("tool")
    assert [(c.name, c.arguments) for c in completion.tool_calls] == [
        ("get_weather", {"city": "Rome", "unit": "fahrenheit"})
    ]
    assert completion.finish_reason == "tool_calls"


def test_blocks_that_are_open_at_the_same_time():
    completion = ours("thinking-tools")
    assert completion.reasoning == "I should call get_weather.\n"
    assert [call.name for call in completion.tool_calls] == ["get_weather", "add"]
    assert all(isinstance(call.arguments, dict) and call.id for call in completion.tool_calls)
    assert completion.finish_reason == "tool_calls"
    assert [block["type"] for block in completion.to_message().native["anthropic"]] == [
        "thinking",
        "tool_use",
        "tool_use",
    ]
    assert (completion.usage.input_tokens, completion.usage.cached_tokens, completion.usage.output_tokens) == (
        15,
        199,
        69,
    )
