from __future__ import annotations

import pytest
from pydantic import BaseModel, ValidationError

from rxllm.errors import ConfigurationError
from rxllm.messages import ChatRequest, ImagePart, Message, MessageToolCall, TextPart, Timeouts, ToolSpec, chat_request


def test_a_text_is_one_message_of_the_user():
    assert chat_request("Why?").messages == [Message.user("Why?")]


def test_messages_may_be_dicts_in_the_openai_manner():
    request = chat_request([{"role": "system", "content": "Be brief."}, Message.user("Why?")])
    assert request.messages == [Message.system("Be brief."), Message.user("Why?")]


def test_messages_may_be_any_iterable():
    assert len(chat_request(iter([Message.user("a"), Message.user("b")])).messages) == 2


def test_settings_win_over_those_in_the_request():
    request = chat_request(ChatRequest(messages=[Message.user("a")], temperature=1, seed=1), {"temperature": 0.5})
    assert (request.temperature, request.seed) == (0.5, 1)


def test_a_request_given_as_it_is_stays_as_it_is():
    request = ChatRequest(messages=[Message.user("a")], tools=[ToolSpec(name="f")])
    assert chat_request(request) == request


def test_an_unknown_field_is_named_with_those_that_there_are():
    with pytest.raises(ConfigurationError, match=r"(?s)temprature.*temperature.*extra="):
        chat_request("a", {"temprature": 1})


@pytest.mark.parametrize(
    ("prompt", "settings", "named"),
    [
        ([], {}, "messages"),
        ([{"role": "robot", "content": "a"}], {}, "role"),
        ("a", {"n": 0}, "n"),
        ("a", {"temperature": "hot"}, "temperature"),
        (3, {}, "int"),
    ],
)
def test_what_is_wrong_is_named(prompt, settings, named):
    with pytest.raises(ConfigurationError, match=named):
        chat_request(prompt, settings)


@pytest.mark.parametrize("fields", [{}, {"url": "u", "data": "AAAA"}])
def test_an_image_has_either_a_url_or_data(fields):
    with pytest.raises(ValidationError, match="either a url or base64 data"):
        ImagePart(**fields)


def test_a_message_of_parts_knows_which_is_which():
    message = Message.model_validate(
        {"role": "user", "content": [{"type": "text", "text": "a"}, {"type": "image", "url": "u"}]}
    )
    assert message.content == [TextPart(text="a"), ImagePart(url="u")]


def test_messages_of_each_role_are_made_by_name():
    call = MessageToolCall(id="1", name="f")
    assert Message.assistant(None, tool_calls=[call]).tool_calls == [call]
    assert Message.tool("42", tool_call_id="1").tool_call_id == "1"
    assert [m.role for m in (Message.system("a"), Message.user("a"), Message.assistant("a"))] == [
        "system",
        "user",
        "assistant",
    ]


def test_messages_are_frozen():
    with pytest.raises(ValidationError):
        Message.user("a").content = "b"


def test_a_response_format_may_be_a_pydantic_model():
    class Answer(BaseModel):
        text: str

    assert chat_request("a", {"response_format": Answer}).response_format is Answer


@pytest.mark.parametrize("name", ["connect", "idle", "first_item", "progress", "total"])
@pytest.mark.parametrize("seconds", [0, -1])
def test_a_limit_is_a_positive_number_or_none(name, seconds):
    assert getattr(Timeouts(**{name: None}), name) is None
    with pytest.raises(ValidationError):
        Timeouts(**{name: seconds})
