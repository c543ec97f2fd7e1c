"""What cannot be said is refused by its field's name, in every format; nothing is left out in silence."""

from __future__ import annotations

import enum
import json
import uuid
from typing import Any

import pytest

from rxllm.errors import ConfigurationError
from rxllm.messages import ChatRequest, ImagePart, Message, MessageToolCall, ToolSpec, chat_request
from rxllm.wire import FORMATS, find_wire
from rxllm.wire.unsayable import check_json

TOOL = ToolSpec(name="add", parameters={"type": "object", "properties": {}})
SCHEMA = {"type": "object", "properties": {"city": {"type": "string"}}}


def encoded(wire: str, prompt: Any = "Why?", **settings: Any) -> dict[str, Any]:
    return find_wire(wire).encode(chat_request(prompt, settings), model="m")


def refused(wire: str, prompt: Any = "Why?", **settings: Any) -> str:
    with pytest.raises(ConfigurationError) as raised:
        encoded(wire, prompt, **settings)
    return str(raised.value)


NO = None
"""Where a format has no word for a field."""

SAID: dict[str, tuple[Any, dict[str, str | None]]] = {
    # field: a value, and what tells of it in the body of each format
    "messages": ("Why?", dict.fromkeys(FORMATS, "Why?")),
    "temperature": (0.25, dict.fromkeys(FORMATS, '"temperature": 0.25')),
    "top_p": (0.75, {**dict.fromkeys(FORMATS, '"top_p": 0.75'), "gemini": '"topP": 0.75'}),
    "max_tokens": (
        77,
        {
            "anthropic": '"max_tokens": 77',
            "chat_completions": '"max_tokens": 77',
            "gemini": '"maxOutputTokens": 77',
            "ollama": '"num_predict": 77',
            "responses": '"max_output_tokens": 77',
        },
    ),
    "stop": (
        ["END"],
        {
            "anthropic": '"stop_sequences": ["END"]',
            "chat_completions": '"stop": ["END"]',
            "gemini": '"stopSequences": ["END"]',
            "ollama": '"stop": ["END"]',
            "responses": NO,
        },
    ),
    "seed": (7, {**dict.fromkeys(FORMATS, '"seed": 7'), "anthropic": NO, "responses": NO}),
    "tools": ([TOOL], dict.fromkeys(FORMATS, '"name": "add"')),
    "tool_choice": (
        "add",
        {
            "anthropic": '{"type": "tool", "name": "add"}',
            "chat_completions": '{"type": "function", "function": {"name": "add"}}',
            "gemini": '"allowedFunctionNames": ["add"]',
            "ollama": NO,
            "responses": '{"type": "function", "name": "add"}',
        },
    ),
    "parallel_tool_calls": (
        False,
        {
            "anthropic": '"disable_parallel_tool_use": true',
            "chat_completions": '"parallel_tool_calls": false',
            "gemini": NO,
            "ollama": NO,
            "responses": '"parallel_tool_calls": false',
        },
    ),
    "response_format": (SCHEMA, dict.fromkeys(FORMATS, json.dumps(SCHEMA))),
    "n": (2, {**dict.fromkeys(FORMATS, NO), "chat_completions": '"n": 2', "gemini": '"candidateCount": 2'}),
    "reasoning_effort": (
        "low",
        {
            "anthropic": '"budget_tokens": 1024',
            "chat_completions": '"reasoning_effort": "low"',
            "gemini": '"thinkingLevel": "low"',
            "ollama": '"think": "low"',
            "responses": '"effort": "low"',
        },
    ),
    "metadata": (
        {"team": "t"},
        {**dict.fromkeys(FORMATS, '"metadata": {"team": "t"}'), "anthropic": NO, "gemini": NO, "ollama": NO},
    ),
    "logprobs": (
        True,
        {
            "anthropic": NO,
            "chat_completions": '"logprobs": true',
            "gemini": '"responseLogprobs": true',
            "ollama": '"logprobs": true',
            "responses": "message.output_text.logprobs",
        },
    ),
    "top_logprobs": (
        3,
        {**dict.fromkeys(FORMATS, '"top_logprobs": 3'), "anthropic": NO, "gemini": '"logprobs": 3'},
    ),
    "stream_options": (
        {"include_obfuscation": False},
        {
            **dict.fromkeys(FORMATS, NO),
            "chat_completions": '"stream_options": {"include_obfuscation": false}',
            "responses": '"stream_options": {"include_obfuscation": false}',
        },
    ),
    "extra": ({"keep_alive": "5m"}, dict.fromkeys(FORMATS, '"keep_alive": "5m"')),
}


def test_the_table_has_every_field_and_every_format():
    assert set(SAID) == set(ChatRequest.model_fields)
    assert all(set(told) == set(FORMATS) for _, told in SAID.values())


@pytest.mark.parametrize("wire", FORMATS)
@pytest.mark.parametrize("field", SAID)
def test_each_field_is_said_or_refused_by_its_name(field, wire):
    value, told = SAID[field]
    settings = {} if field == "messages" else {field: value}
    if field in {"tool_choice", "parallel_tool_calls"}:
        settings["tools"] = [TOOL]
    expected = told[wire]
    if expected is NO:
        message = refused(wire, **settings)
        assert message.startswith(field)
        assert "cannot be said in" in message
    else:
        assert expected in json.dumps(encoded(wire, **settings))


@pytest.mark.parametrize("wire", [wire for wire in FORMATS if SAID["logprobs"][1][wire] is not NO])
def test_top_logprobs_alone_ask_for_logprobs_too(wire):
    assert encoded(wire, top_logprobs=3) == encoded(wire, top_logprobs=3, logprobs=True)
    assert str(SAID["logprobs"][1][wire]) in json.dumps(encoded(wire, top_logprobs=0))


class Color(enum.Enum):
    RED = "red"


class Unknown:
    """Nothing that JSON knows."""


NAN, INFINITY = float("nan"), float("inf")
LONE = "a\ud83d"


@pytest.mark.parametrize("wire", FORMATS)
@pytest.mark.parametrize(
    ("prompt", "settings", "place"),
    [
        (LONE, {}, "messages[0].content"),
        ([Message.user("a"), Message.user([ImagePart(url=LONE)])], {}, "messages[1].content[0].url"),
        ([Message(role="assistant", native={"ollama": [{"x": NAN}]})], {}, "messages[0].native.ollama[0].x"),
        ("Why?", {"metadata": {LONE: "x"}}, "metadata"),
        ("Why?", {"stop": ["END", LONE]}, "stop[1]"),
        ("Why?", {"tools": [ToolSpec(name="f", description=LONE)]}, "tools[0].description"),
    ],
)
def test_what_no_bytes_can_carry_is_refused_by_its_place(wire, prompt, settings, place):
    message = refused(wire, prompt, **settings)
    assert place in message
    message.encode()


@pytest.mark.parametrize(
    ("value", "place"),
    [
        ({"temperature": NAN}, "temperature is nan"),
        ({"extra": {"min_p": -INFINITY}}, "extra.min_p is -inf"),
        ({"extra": {"list": [1, {"x": object()}]}}, "extra.list[1].x is of type object"),
        ({"extra": {"when": {"at": Unknown()}}}, "extra.when.at is of type Unknown"),
        ({"a": {LONE: 1}}, "a name in a holds half"),
        ([{1, LONE}], "[0]"),
    ],
)
def test_what_json_has_no_word_for_is_refused_by_its_place(value, place):
    with pytest.raises(ConfigurationError) as raised:
        check_json(value)
    assert place in str(raised.value)


def test_what_is_nested_without_end_is_refused():
    around: dict[str, Any] = {}
    around["self"] = around
    with pytest.raises(ConfigurationError, match="nested too deeply"):
        check_json(around)


@pytest.mark.parametrize("value", [Color.RED, uuid.UUID(int=1), (1, 2), {1, 2}, True, 2**70, "\U0001f600"])
def test_what_can_be_written_as_json_is_taken(value):
    assert encoded("chat_completions", extra={"x": value})["x"] == value


def test_a_private_text_does_not_stand_in_the_message():
    assert "secret" not in refused("chat_completions", "secret \udc00")


@pytest.mark.parametrize("wire", ["anthropic", "gemini", "ollama"])
@pytest.mark.parametrize("raw", ['{"a":', "[1]", "null"])
def test_half_a_call_is_refused_where_its_arguments_must_be_an_object(wire, raw):
    calls = [MessageToolCall(id="1", name="f"), MessageToolCall(id="2", name="f", arguments=raw)]
    prompt = [Message.user("Why?"), Message.assistant("", tool_calls=calls)]
    assert refused(wire, prompt).startswith("messages[1].tool_calls[1].arguments cannot be said in")
