"""What people copy from code for OpenAI's SDK is taken where it can mean only one thing."""

from __future__ import annotations

import pytest

from rxllm.errors import ConfigurationError
from rxllm.messages import ImagePart, MessageToolCall, TextPart, ToolSpec, chat_request

SCHEMA = {"type": "object", "properties": {"city": {"type": "string"}}}
WEATHER = {"name": "weather", "description": "Tell it.", "parameters": SCHEMA, "strict": True}


def content(*parts):
    return chat_request([{"role": "user", "content": list(parts)}]).messages[0].content


@pytest.mark.parametrize(
    "tool",
    [WEATHER, {"type": "function", "function": WEATHER}, {"type": "function", **WEATHER}],
    ids=["ours", "chat completions", "responses"],
)
def test_a_tool_may_be_in_any_of_its_forms(tool):
    assert chat_request("a", {"tools": [tool]}).tools == [ToolSpec(**WEATHER)]


def test_a_tool_without_parameters_takes_none():
    tool = {"type": "function", "function": {"name": "now", "description": None}}
    assert chat_request("a", {"tools": [tool]}).tools == [ToolSpec(name="now")]


def test_a_tool_of_the_providers_own_is_told_where_to_go():
    with pytest.raises(ConfigurationError, match=r"tools\[0\]: is no function\. .* extra=\{'tools'"):
        chat_request("a", {"tools": [{"type": "web_search"}]})


@pytest.mark.parametrize(
    ("choice", "meant"),
    [
        ({"type": "function", "function": {"name": "weather"}}, "weather"),
        ({"type": "function", "name": "weather"}, "weather"),
        ({"type": "required"}, "required"),
        ("auto", "auto"),
    ],
)
def test_a_tool_choice_may_be_in_any_of_its_forms(choice, meant):
    assert chat_request("a", {"tool_choice": choice}).tool_choice == meant


def test_a_tool_choice_of_another_kind_is_refused():
    with pytest.raises(ConfigurationError, match=r'tool_choice: .*expected "auto", "none", "required"'):
        chat_request("a", {"tool_choice": {"type": "allowed_tools", "mode": "auto"}})


def test_a_message_as_the_sdk_dumps_it_is_taken():
    dumped = {
        "role": "assistant",
        "content": None,
        "refusal": None,
        "annotations": [],
        "audio": None,
        "tool_calls": [{"id": "1", "type": "function", "function": {"name": "weather", "arguments": '{"city": 1}'}}],
    }
    message = chat_request([dumped]).messages[0]
    assert message.tool_calls == [MessageToolCall(id="1", name="weather", arguments='{"city": 1}')]


def test_a_refusal_that_was_said_is_not_left_out():
    with pytest.raises(ConfigurationError, match="unknown field 'refusal'"):
        chat_request([{"role": "assistant", "refusal": "I will not."}])


def test_arguments_that_are_parsed_already_are_written_again():
    assert MessageToolCall(id="1", name="f", arguments={"a": 1}).arguments == '{"a": 1}'


def test_an_image_url_is_an_image():
    parts = content(
        {"type": "image_url", "image_url": {"url": "https://a.example/1.png", "detail": "low"}},
        {"type": "input_image", "image_url": "https://a.example/2.png"},
    )
    assert parts == [ImagePart(url="https://a.example/1.png", detail="low"), ImagePart(url="https://a.example/2.png")]


def test_a_data_url_is_the_image_itself():
    (image,) = content({"type": "image_url", "image_url": {"url": "data:image/gif;base64,R0lG"}})
    assert (image.url, image.data, image.media_type) == (None, "R0lG", "image/gif")


def test_bytes_are_the_image_itself():
    assert ImagePart(data=b"GIF").data == "R0lG"


def test_text_may_stand_as_it_is_or_in_the_form_of_responses():
    assert content("a", {"type": "input_text", "text": "b"}) == [TextPart(text="a"), TextPart(text="b")]


def test_a_part_of_an_unknown_type_is_told_with_those_that_there_are():
    with pytest.raises(ConfigurationError, match=r"content\[1\]: unknown type of a part\. Known: text, image"):
        content("a", {"type": "input_audio", "input_audio": {}})
