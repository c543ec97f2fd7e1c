"""Requests in the form of Anthropic Messages."""

from __future__ import annotations

from typing import Annotated, Literal

import pytest
from pydantic import BaseModel, Field

from rxllm.errors import ConfigurationError
from rxllm.messages import ImagePart, Message, MessageToolCall, TextPart, ToolSpec, chat_request
from rxllm.providers.anthropic import PROVIDER
from rxllm.wire.anthropic import PATH, encode

TOOLS = [ToolSpec(name="add", description="Add.", parameters={"type": "object"}), ToolSpec(name="sub")]
OLD, NEW = "claude-sonnet-4-5-20250929", "claude-opus-4-6"


def body(prompt="Why?", *, model="m", stream=True, thinking="auto", **settings):
    return encode(chat_request(prompt, settings), model=model, stream=stream, thinking=thinking)


def messages(*given):
    return body(list(given))["messages"]


def refused(prompt="Why?", **settings):
    with pytest.raises(ConfigurationError) as raised:
        body(prompt, **settings)
    assert "Anthropic Messages" in str(raised.value)
    return str(raised.value)


def test_only_what_was_asked_for_is_sent_and_the_limit_that_must_be():
    assert body(stream=False) == {
        "model": "m",
        "max_tokens": 4096,
        "messages": [{"role": "user", "content": "Why?"}],
    }


def test_settings_have_the_names_of_the_wire():
    settings = {"temperature": 0.0, "top_p": 0.5, "stop": "a", "max_tokens": 9, "metadata": {"user_id": "u"}}
    sent = body(**settings)
    assert {name: sent[name] for name in sent.keys() - {"model", "messages"}} == {
        "temperature": 0.0,
        "top_p": 0.5,
        "stop_sequences": ["a"],
        "max_tokens": 9,
        "metadata": {"user_id": "u"},
        "stream": True,
    }
    assert body(stop=["a", "b"])["stop_sequences"] == ["a", "b"]


def test_extra_keys_go_into_the_body_last():
    assert body(max_tokens=9, extra={"max_tokens": 10, "top_k": 5})["max_tokens"] == 10


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("n", 2),
        ("seed", 0),
        ("logprobs", True),
        ("top_logprobs", 0),
        ("metadata", {"user_id": "u", "team": "t"}),
        ("stream_options", {"include_obfuscation": False}),
        ("response_format", "json"),
        ("response_format", {"type": "json_object"}),
    ],
)
def test_what_cannot_be_said_is_refused_by_its_name(field, value):
    assert refused(**{field: value}).startswith(field)


def test_what_is_the_default_anyway_is_not_refused():
    settings = {"n": 1, "logprobs": False, "stream_options": {"include_usage": True}, "response_format": "text"}
    assert body(**settings) == body()


# Messages


def test_system_messages_stand_apart():
    developer = Message(role="developer", content=[TextPart(text="Be kind.")])
    one = body([Message.system("Be brief."), Message.user("Why?")])
    assert (one["system"], len(one["messages"])) == ("Be brief.", 1)
    two = body([Message.system("Be brief."), developer, Message.user("Why?")])
    assert two["system"] == [{"type": "text", "text": "Be brief."}, {"type": "text", "text": "Be kind."}]


def test_results_of_tools_that_follow_each_other_are_one_message():
    calls = [MessageToolCall(id=f"t{n}", name="add", arguments=f'{{"a": {n}}}') for n in range(2)]
    sent = messages(
        Message.user("Add."),
        Message.assistant("Well", tool_calls=calls),
        Message.tool("1", tool_call_id="t0"),
        Message.tool("", tool_call_id="t1"),
        Message.user("Thanks."),
    )
    assert sent == [
        {"role": "user", "content": "Add."},
        {
            "role": "assistant",
            "content": [
                {"type": "text", "text": "Well"},
                {"type": "tool_use", "id": "t0", "name": "add", "input": {"a": 0}},
                {"type": "tool_use", "id": "t1", "name": "add", "input": {"a": 1}},
            ],
        },
        {
            "role": "user",
            "content": [
                {"type": "tool_result", "tool_use_id": "t0", "content": "1"},
                {"type": "tool_result", "tool_use_id": "t1"},
            ],
        },
        {"role": "user", "content": "Thanks."},
    ]


def test_a_call_without_text_has_no_empty_block():
    call = MessageToolCall(id="t", name="f", arguments="")
    assert messages(Message.assistant(None, tool_calls=[call]))[0]["content"] == [
        {"type": "tool_use", "id": "t", "name": "f", "input": {}}
    ]


@pytest.mark.parametrize("arguments", ['{"a"', "[1]"])
def test_arguments_that_are_no_object_are_refused(arguments):
    call = MessageToolCall(id="t", name="f", arguments=arguments)
    assert refused([Message.assistant(None, tool_calls=[call])]).startswith("messages[0].tool_calls[0].arguments")


def test_an_answer_that_said_nothing_is_left_out():
    assert [each["role"] for each in messages(Message.user("a"), Message.assistant(None), Message.user("b"))] == [
        "user",
        "user",
    ]


def test_an_answer_of_this_wire_goes_back_as_it_came_and_that_of_another_as_its_text():
    blocks = [{"type": "thinking", "thinking": "Hm", "signature": "s"}, {"type": "text", "text": "Hi"}]
    native = Message(role="assistant", content="Hi", native={"anthropic": blocks})
    foreign = Message(role="assistant", content="Hi", reasoning="Hm", native={"gemini": [{"text": "Hi"}]})
    assert [each["content"] for each in messages(native, foreign)] == [blocks, "Hi"]


def test_images_are_blocks_by_address_or_by_data():
    parts = [
        TextPart(text="What?"),
        ImagePart(url="https://a/b.png"),
        ImagePart(data="QQ==", media_type="image/gif"),
        ImagePart(url="data:image/jpeg;base64,QUE="),
    ]
    assert messages(Message.user(parts))[0]["content"] == [
        {"type": "text", "text": "What?"},
        {"type": "image", "source": {"type": "url", "url": "https://a/b.png"}},
        {"type": "image", "source": {"type": "base64", "media_type": "image/gif", "data": "QQ=="}},
        {"type": "image", "source": {"type": "base64", "media_type": "image/jpeg", "data": "QUE="}},
    ]


@pytest.mark.parametrize(
    ("message", "field"),
    [
        (Message(role="user", content="a", name="Ann"), "messages[0].name"),
        (Message(role="system", content=[ImagePart(url="https://a")]), "messages[0].content"),
        (Message(role="assistant", content=[ImagePart(url="https://a")]), "messages[0].content"),
        (Message(role="tool", content="a"), "messages[0].tool_call_id"),
        (Message.user([ImagePart(url="https://a", detail="high")]), "messages[0].content[0].detail"),
        (Message.user([ImagePart(url="data:image/svg+xml,a")]), "messages[0].content[0].url"),
    ],
)
def test_what_a_message_cannot_hold_is_refused_by_its_place(message, field):
    assert refused([message]).startswith(field)


# Tools


def test_tools():
    strict = ToolSpec(name="f", strict=True)
    assert body(tools=[TOOLS[0], strict])["tools"] == [
        {"name": "add", "description": "Add.", "input_schema": {"type": "object"}},
        {"name": "f", "input_schema": {"type": "object", "properties": {}}, "strict": True},
    ]


@pytest.mark.parametrize(
    ("choice", "parallel", "sent"),
    [
        ("auto", None, {"type": "auto"}),
        ("none", False, {"type": "none"}),
        ("required", True, {"type": "any"}),
        ("required", False, {"type": "any", "disable_parallel_tool_use": True}),
        ("add", None, {"type": "tool", "name": "add"}),
        (None, False, {"type": "auto", "disable_parallel_tool_use": True}),
        (None, True, None),
    ],
)
def test_the_choice_of_a_tool(choice, parallel, sent):
    assert body(tools=TOOLS, tool_choice=choice, parallel_tool_calls=parallel).get("tool_choice") == sent


def test_one_call_at_a_time_says_nothing_without_tools():
    assert "tool_choice" not in body(parallel_tool_calls=False)


def test_a_choice_that_is_no_tool_is_refused():
    with pytest.raises(ConfigurationError, match="Expected one of: auto, none, required, add, sub"):
        body(tools=TOOLS, tool_choice="mul")


# Thinking


@pytest.mark.parametrize(("effort", "budget"), [("minimal", 1024), ("low", 1024), ("medium", 8192), ("high", 24576)])
def test_older_models_get_a_budget_on_top_of_the_answer(effort, budget):
    sent = body(model=OLD, reasoning_effort=effort)
    assert sent["thinking"] == {"type": "enabled", "budget_tokens": budget}
    assert sent["max_tokens"] == budget + 4096
    assert "output_config" not in sent


def test_a_budget_leaves_half_of_a_given_limit_for_the_answer():
    assert body(model=OLD, reasoning_effort="high", max_tokens=10_000)["thinking"]["budget_tokens"] == 5000
    assert body(model=OLD, reasoning_effort="high", max_tokens=1100)["thinking"]["budget_tokens"] == 1024
    assert refused(model=OLD, reasoning_effort="low", max_tokens=1024).startswith("max_tokens")


@pytest.mark.parametrize(
    ("effort", "told"), [("minimal", "low"), ("low", "low"), ("medium", "medium"), ("high", "high")]
)
def test_newer_models_are_told_the_effort(effort, told):
    sent = body(model=NEW, reasoning_effort=effort, max_tokens=100)
    assert (sent["thinking"], sent["output_config"]) == ({"type": "adaptive"}, {"effort": told})
    assert sent["max_tokens"] == 100


@pytest.mark.parametrize(
    ("model", "kind"),
    [
        ("claude-3-7-sonnet-20250219", "enabled"),
        ("us.anthropic.claude-opus-4-20250514-v1:0", "enabled"),
        ("anthropic/claude-haiku-4.5", "enabled"),
        ("tiny-kjv-chat", "enabled"),
        ("claude-sonnet-4-6", "adaptive"),
        ("anthropic/claude-4.7-opus", "adaptive"),
        ("claude-fable-5", "adaptive"),
        ("claude-mythos-preview", "adaptive"),
    ],
)
def test_the_model_s_name_tells_how_it_is_asked_to_think(model, kind):
    assert body(model=model, reasoning_effort="low")["thinking"]["type"] == kind


def test_how_to_ask_may_be_said():
    assert body(model=OLD, thinking="adaptive", reasoning_effort="low")["thinking"]["type"] == "adaptive"
    assert body(model=NEW, thinking="budget", reasoning_effort="low")["thinking"]["type"] == "enabled"


def test_no_thinking():
    assert "thinking" not in body(model=OLD, reasoning_effort="none")
    assert body(model=NEW, reasoning_effort="none")["thinking"] == {"type": "disabled"}
    assert body(model=NEW, reasoning_effort="none", temperature=0.5)["temperature"] == 0.5


def test_a_temperature_is_not_sent_with_thinking():
    assert refused(reasoning_effort="low", temperature=0.5).startswith("temperature")
    assert "temperature" not in body(reasoning_effort="low", temperature=1.0)


@pytest.mark.parametrize("model", [OLD, NEW])
def test_no_tool_is_forced_on_a_model_that_thinks(model):
    for forced in ("required", "add"):
        assert refused(model=model, reasoning_effort="low", tools=TOOLS, tool_choice=forced).startswith("tool_choice")
        calm = body(model=model, reasoning_effort="none", tools=TOOLS, tool_choice=forced)
        assert calm["tool_choice"]["type"] in {"any", "tool"}
    for free in ("auto", "none"):
        assert body(model=model, reasoning_effort="low", tools=TOOLS, tool_choice=free)["tool_choice"] == {"type": free}


# Structured output


class Size(BaseModel):
    width: Annotated[int, Field(ge=1, description="In cm.")] = 1


class Thing(BaseModel):
    kind: Literal["a", "b"]
    size: Size | None
    tags: Annotated[list[str], Field(max_length=3)]


def test_a_json_schema_goes_as_it_is():
    schema = {"type": "object", "properties": {}, "additionalProperties": False}
    wrapped = {"type": "json_schema", "json_schema": {"name": "thing", "schema": schema, "strict": True}}
    assert body(response_format=wrapped)["output_config"] == {"format": {"type": "json_schema", "schema": schema}}
    bare = {"type": "json_schema", "schema": schema}
    assert body(response_format=bare)["output_config"] == {"format": bare}


def test_a_format_stands_beside_the_effort():
    sent = body(model=NEW, reasoning_effort="high", response_format=Size)["output_config"]
    assert (sent["effort"], sent["format"]["type"]) == ("high", "json_schema")


def test_a_model_s_schema_is_closed_and_says_in_words_what_would_be_refused():
    schema = body(response_format=Thing)["output_config"]["format"]["schema"]
    assert schema["additionalProperties"] is False
    assert schema["properties"]["size"]["anyOf"] == [{"$ref": "#/$defs/Size"}, {"type": "null"}]
    assert schema["properties"]["tags"] == {
        "type": "array",
        "items": {"type": "string"},
        "title": "Tags",
        "description": '{"maxItems": 3}',
    }
    assert schema["$defs"]["Size"]["additionalProperties"] is False
    assert schema["$defs"]["Size"]["properties"]["width"]["description"] == 'In cm. {"minimum": 1}'


@pytest.mark.parametrize(
    "wanted", [{"type": "json_schema"}, {"type": "grammar"}, {"type": "json_schema", "json_schema": 1}]
)
def test_a_format_without_a_schema_is_refused(wanted):
    assert refused(response_format=wanted).startswith("response_format")


# The provider


def test_the_key_and_the_version_are_headers():
    assert PROVIDER.auth("key") == {"x-api-key": "key", "anthropic-version": "2023-06-01"}
    assert PROVIDER.base_url + PATH == "https://api.anthropic.com/v1/messages"
