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


@pytest.mark.parametrize("message", [Message.user("Why?"), {"role": "user", "content": "Why?"}])
def test_a_single_message_is_a_prompt(message):
    assert chat_request(message).messages == [Message.user("Why?")]


def test_what_is_wrong_is_told_without_the_prompt():
    with pytest.raises(ConfigurationError) as caught:
        chat_request([{"role": "user", "content": "my secret", "foo": "my secret"}, {"role": "my secret"}])
    error = caught.value
    assert (error.__cause__, error.__context__) == (None, None)  # pydantic's error has the values
    assert "my secret" not in str(error)


def test_none_is_no_tools_and_no_extra():
    request = chat_request("a", {"tools": None, "extra": None})
    assert (request.tools, request.extra) == ([], {})


def test_messages_may_be_any_iterable():
    assert len(chat_request(iter([Message.user("a"), Message.user("b")])).messages) == 2


def test_settings_win_over_those_in_the_request():
    request = chat_request(ChatRequest(messages=[Message.user("a")], temperature=1, seed=1), {"temperature": 0.5})
    assert (request.temperature, request.seed) == (0.5, 1)


def test_what_a_request_says_itself_wins_over_defaults_and_what_it_does_not_say_comes_of_them():
    defaults = {"temperature": 0, "top_p": 0.5, "seed": 7}
    request = chat_request(ChatRequest(messages=[Message.user("a")], temperature=1), {"seed": 8}, defaults=defaults)
    assert (request.temperature, request.top_p, request.seed) == (1, 0.5, 8)


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
        ("a", {"temperature": float("nan")}, "temperature: got nan, expected a finite number"),
        ("a", {"stop": 3}, "stop: got 3, expected a str, a list of them, or None"),
        ("a", {"response_format": "xml"}, 'response_format: .* expected "text", "json"'),
        ("a", {"max_completion_tokens": 3}, "Did you mean 'max_tokens'"),
        ("a", {"messages": []}, "the messages are the prompt"),
        (
            [{"role": "user", "content": "a", "foo": 1}],
            {},
            r"messages\[0\]: unknown field 'foo'\. Known: role, content",
        ),
        ([{"role": "user", "content": b"a"}], {}, r"messages\[0\]\.content: .* of type bytes, expected a str"),
        (["a"], {}, r"messages\[0\]: got a value of type str"),
        (b"a", {}, "A prompt is a str.* of type bytes"),
        (3, {}, "int"),
    ],
)
def test_what_is_wrong_is_named(prompt, settings, named):
    with pytest.raises(ConfigurationError, match=named):
        chat_request(prompt, settings)


@pytest.mark.parametrize("fields", [{}, {"url": "u", "data": "AAAA"}])
def test_an_image_has_either_a_url_or_data(fields):
    with pytest.raises(ConfigurationError, match="either a url or base64 data"):
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
@pytest.mark.parametrize("seconds", [0, -1, float("nan"), float("inf"), "5", True])
def test_a_limit_is_a_positive_number_or_none(name, seconds):
    assert getattr(Timeouts(**{name: None}), name) is None
    with pytest.raises(ConfigurationError, match=rf"Timeouts\.{name}: got .*, expected a positive number of seconds"):
        Timeouts(**{name: seconds})
