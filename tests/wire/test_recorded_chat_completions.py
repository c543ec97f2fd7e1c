"""Our own recordings of llama.cpp's Chat Completions."""

from __future__ import annotations

from typing import Any

import pytest
from fed import completed, fed
from recorded import OURS

from rxllm.errors import InvalidRequestError
from rxllm.items import ProviderEvent
from rxllm.wire.chat_completions import Decoder


def ours(name: str) -> Any:
    items, error = fed(Decoder(), [(OURS / "llama_cpp" / f"{name}.sse").read_bytes()])
    assert error is None
    return completed(items)


def test_a_text():
    completion = ours("text")
    assert completion.text.startswith("And they said unto him, We am Christ;")
    assert (completion.finish_reason, completion.model) == ("stop", "tiny-kjv-chat")
    assert (completion.usage.input_tokens, completion.usage.output_tokens, completion.usage.cached_tokens) == (
        17,
        70,
        16,
    )
    assert completion.response["timings"]["predicted_n"] == 70


def test_reasoning_stands_apart_from_the_text():
    completion = ours("reasoning")
    assert completion.reasoning.startswith("The question is of judgment.")
    assert completion.text.startswith("Thou makest the souls of the wicked")


@pytest.mark.parametrize(
    ("name", "calls"),
    [
        ("tool-required", [("add", {"a": 19, "b": 43})]),
        ("tool-parallel", [("get_weather", {"city": "Paris"}), ("add", {"a": 99, "b": 80})]),
    ],
)
def test_tool_calls(name, calls):
    completion = ours(name)
    assert [(c.name, c.arguments) for c in completion.tool_calls] == calls
    assert completion.finish_reason == "tool_calls"
    assert all(c.id for c in completion.tool_calls)


def test_two_choices():
    first, second = ours("n2").choices
    assert first.text.startswith("And they said unto him, We")
    assert second.text.startswith("That thou mayest be ")
    assert (first.finish_reason, second.finish_reason) == ("length", "length")


def test_logprobs_of_each_token():
    completion = ours("logprobs")
    assert "".join(entry["token"] for entry in completion.logprobs) == completion.text


def test_prompt_progress_and_timings():
    completion = ours("timings")
    assert [type(e) for e in completion.events] == [ProviderEvent, ProviderEvent]
    assert [e.data["processed"] for e in completion.events] == [3, 17]
    assert completion.response["timings"]["predicted_n"] == 6


def test_text_that_looks_like_framing():
    assert "\u2028" in ours("unicode").text
    assert "data: [DONE]\n\nevent: x" in ours("unicode").text


def test_a_cut_answer_ends_with_length():
    assert ours("length").finish_reason == "length"


def test_an_error_body_where_a_stream_was_expected():
    error = fed(Decoder(), [(OURS / "llama_cpp" / "error-too-long.json").read_bytes()])[1]
    assert type(error) is InvalidRequestError
    assert error.status == 400
    assert "exceeds the available context size" in str(error)
