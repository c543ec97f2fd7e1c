"""Our own recordings of Ollama's /api/chat."""

from __future__ import annotations

from typing import Any

from fed import completed, fed
from recorded import OURS

from rxllm.wire.ollama import Decoder


def ours(name: str) -> Any:
    items, error = fed(Decoder(), [(OURS / "ollama" / f"{name}.ndjson").read_bytes()])
    assert error is None
    return completed(items)


def test_reasoning_stands_apart_from_the_text():
    completion = ours("thinking")
    assert completion.reasoning.startswith("The question is")
    assert completion.text
    assert (completion.finish_reason, completion.model) == ("length", "tiny-kjv-chat")
    assert (completion.usage.input_tokens, completion.usage.output_tokens) == (12, 60)
    assert completion.response["eval_duration"] == 38898111


def test_a_tool_call():
    completion = ours("tool")
    assert [(c.name, c.arguments, c.arguments_raw) for c in completion.tool_calls] == [
        ("get_weather", {"city": "Paris"}, '{"city":"Paris"}')
    ]
    assert (completion.finish_reason, completion.raw_finish_reason) == ("tool_calls", "stop")


def test_loading_a_model_is_an_answer_without_words():
    completion = ours("load")
    assert (completion.text, completion.finish_reason, completion.raw_finish_reason) == ("", "other", "load")
