"""Requests in the form of Chat Completions."""

from __future__ import annotations

from typing import Annotated

import pytest
from pydantic import BaseModel, Field

from rxllm.errors import ConfigurationError
from rxllm.messages import ImagePart, Message, MessageToolCall, TextPart, ToolSpec, chat_request
from rxllm.providers import PROVIDERS, find_provider
from rxllm.wire import chat_completions
from rxllm.wire.chat_completions import encode


def body(prompt="Why?", *, stream=True, max_tokens_field="max_tokens", reasoning_field=None, **settings):
    return encode(
        chat_request(prompt, settings),
        model="m",
        stream=stream,
        max_tokens_field=max_tokens_field,
        reasoning_field=reasoning_field,
    )


def test_only_what_was_asked_for_is_sent():
    assert body(stream=False) == {"model": "m", "messages": [{"role": "user", "content": "Why?"}]}


def test_a_stream_asks_for_its_usage():
    assert body()["stream_options"] == {"include_usage": True}
    assert body(stream_options={"include_obfuscation": False})["stream_options"] == {"include_obfuscation": False}
    assert "stream_options" not in body(stream_options={})


def test_settings_have_the_names_of_the_wire():
    settings = {
        "temperature": 0.0,
        "top_p": 0.5,
        "stop": ["a"],
        "seed": 0,
        "n": 2,
        "logprobs": True,
        "top_logprobs": 3,
        "parallel_tool_calls": False,
    }
    assert settings.items() <= body(**settings).items()


def test_the_limit_of_tokens_has_the_providers_name():
    assert body(max_tokens=5)["max_tokens"] == 5
    assert body(max_tokens=5, max_tokens_field="max_completion_tokens")["max_completion_tokens"] == 5


def test_extra_fields_win():
    assert body(temperature=1, extra={"temperature": 0, "top_k": 5}).items() >= {"temperature": 0, "top_k": 5}.items()


def test_images_go_by_url_or_as_data():
    parts = [
        TextPart(text="What?"),
        ImagePart(url="https://a/b.png", detail="low"),
        ImagePart(data="AAA=", media_type="image/gif"),
    ]
    assert body([Message.user(parts)])["messages"] == [
        {
            "role": "user",
            "content": [
                {"type": "text", "text": "What?"},
                {"type": "image_url", "image_url": {"url": "https://a/b.png", "detail": "low"}},
                {"type": "image_url", "image_url": {"url": "data:image/gif;base64,AAA="}},
            ],
        }
    ]


def test_calls_and_their_results_go_back():
    conversation = [
        Message.assistant(None, tool_calls=[MessageToolCall(id="a", name="f", arguments='{"x":1}')]),
        Message.tool("2", tool_call_id="a"),
    ]
    assert body(conversation)["messages"] == [
        {
            "role": "assistant",
            "content": None,
            "tool_calls": [{"id": "a", "type": "function", "function": {"name": "f", "arguments": '{"x":1}'}}],
        },
        {"role": "tool", "content": "2", "tool_call_id": "a"},
    ]


def test_an_answer_that_said_nothing_goes_back_as_an_empty_text_for_null_is_refused():
    assert body([Message.user("a"), Message.assistant(None)])["messages"][1] == {"role": "assistant", "content": ""}


def test_a_call_without_arguments_goes_back_with_json():
    said = body([Message.assistant(None, tool_calls=[MessageToolCall(id="a", name="f", arguments="")])])
    assert said["messages"][0]["tool_calls"][0]["function"]["arguments"] == "{}"


def test_reasoning_goes_back_only_to_a_provider_that_wants_it():
    said = [Message(role="assistant", content="a", reasoning="Hm")]
    assert "Hm" not in str(body(said))
    assert body(said, reasoning_field="reasoning_content")["messages"][0]["reasoning_content"] == "Hm"


def test_tools_are_functions():
    schema = {"type": "object", "properties": {"x": {"type": "integer"}}}
    tools = [ToolSpec(name="f", description="F.", parameters=schema, strict=True), ToolSpec(name="g")]
    assert body(tools=tools)["tools"] == [
        {"type": "function", "function": {"name": "f", "description": "F.", "parameters": schema, "strict": True}},
        {"type": "function", "function": {"name": "g", "parameters": {"type": "object", "properties": {}}}},
    ]


@pytest.mark.parametrize("choice", ["auto", "none", "required"])
def test_a_tool_choice_goes_as_it_is(choice):
    assert body(tool_choice=choice)["tool_choice"] == choice


def test_a_tool_choice_may_name_a_tool():
    chosen = body(tools=[ToolSpec(name="f")], tool_choice="f")["tool_choice"]
    assert chosen == {"type": "function", "function": {"name": "f"}}


def test_a_tool_choice_that_is_no_tool_names_the_tools():
    with pytest.raises(ConfigurationError, match="auto, none, required, f"):
        body(tools=[ToolSpec(name="f")], tool_choice="g")


@pytest.mark.parametrize(
    ("given", "sent"),
    [("json", {"type": "json_object"}), ("text", {"type": "text"}), ({"type": "grammar"}, {"type": "grammar"})],
)
def test_a_response_format_has_short_names(given, sent):
    assert body(response_format=given)["response_format"] == sent


class Place(BaseModel):
    city: str


class Trip(BaseModel):
    to: Annotated[Place, Field(description="Where.")]
    via: list[Place] = []
    days: int | None = None


def test_a_model_class_is_a_strict_schema():
    sent = body(response_format=Trip)["response_format"]
    assert (sent["type"], sent["json_schema"]["name"], sent["json_schema"]["strict"]) == ("json_schema", "Trip", True)
    schema = sent["json_schema"]["schema"]
    assert (schema["required"], schema["additionalProperties"]) == (["to", "via", "days"], False)
    assert (schema["properties"]["to"]["required"], schema["properties"]["to"]["description"]) == (["city"], "Where.")
    assert schema["$defs"]["Place"]["additionalProperties"] is False
    assert "default" not in schema["properties"]["days"]


def test_mistral_refuses_to_be_asked_for_usage_and_has_its_own_name_for_the_seed():
    quirks = find_provider("mistral").encoding
    sent = encode(chat_request("Why?", {"seed": 7}), model="m", **quirks)
    assert sent == {**body(stream=False), "stream": True, "random_seed": 7}


@pytest.mark.parametrize("name", [name for name, each in PROVIDERS.items() if each.wire is chat_completions])
def test_a_developer_is_the_system_where_the_provider_does_not_know_developers(name):
    request = chat_request([Message(role="developer", content="Be brief."), Message.system("Be kind.")])
    roles = [each["role"] for each in encode(request, model="m", **find_provider(name).encoding)["messages"]]
    assert roles == ["developer" if name in {"openai", "azure"} else "system", "system"]


def test_usage_is_asked_for_where_somebody_wants_to_even_if_the_provider_needs_no_asking():
    request = chat_request("Why?", {"stream_options": {"include_usage": True}})
    assert encode(request, model="m", asks_usage=False)["stream_options"] == {"include_usage": True}
