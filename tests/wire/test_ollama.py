"""Ollama's /api/chat: each trap of the format in lines made by hand, and requests."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest
from fed import completed, fed, merged, of_type, portions
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import BaseModel
from test_random_streams import FINITE_JSON, JSON, TEXT, cut

from rxllm.errors import (
    ConfigurationError,
    DecodeError,
    InvalidRequestError,
    OverloadedError,
    ProviderError,
    RxllmError,
    TruncatedStreamError,
)
from rxllm.items import (
    ChoiceFinished,
    Finish,
    Logprobs,
    Media,
    ProviderEvent,
    Reasoning,
    ReasoningDelta,
    Started,
    TextDelta,
    ToolCall,
    ToolCallDelta,
    Usage,
)
from rxllm.messages import ImagePart, Message, MessageToolCall, TextPart, ToolSpec, chat_request
from rxllm.wire.ollama import Decoder, encode


def line(content: str | None = None, **fields: Any) -> bytes:
    """A line with a piece of the message; `thinking`, `tool_calls` and `images` belong to it."""
    message = {name: fields.pop(name) for name in ("thinking", "tool_calls", "images") if name in fields}
    message = {"role": "assistant", "content": content or "", **message}
    return json.dumps({"model": "m", "created_at": "t", "message": message, "done": False, **fields}).encode() + b"\n"


def last(content: str = "", *, reason: str | None = "stop", **fields: Any) -> bytes:
    return line(content, done=True, **({"done_reason": reason} if reason is not None else {}), **fields)


def call(name: str, arguments: Any, **fields: Any) -> dict[str, Any]:
    return {"function": {"name": name, "arguments": arguments}, **fields}


def chat(*lines: bytes) -> tuple[list[Any], RxllmError | None]:
    """Decode lines; every way of cutting them must give the same."""
    body = b"".join(lines)
    ways = [fed(Decoder(), portions(body, size)) for size in (0, 1, 7)]
    items, error = ways[0]
    for other, other_error in ways[1:]:
        assert merged(other) == merged(items)
        assert (type(other_error), str(other_error)) == (type(error), str(error))
    return items, error


def items_of(*lines: bytes) -> list[Any]:
    items, error = chat(*lines)
    assert error is None
    return items


# The answer


def test_a_text_and_its_end():
    assert items_of(line("He"), line("llo"), last(prompt_eval_count=3, eval_count=2, total_duration=5)) == [
        Started(None, "m"),
        TextDelta("He"),
        TextDelta("llo"),
        Usage(3, 2),
        ChoiceFinished(0, "stop", "stop"),
        Finish(
            "stop",
            "stop",
            Usage(3, 2),
            {"created_at": "t", "total_duration": 5},
            native={"ollama": [{"role": "assistant", "content": "Hello"}]},
        ),
    ]


def test_the_last_line_may_have_content():
    assert completed(items_of(line("He"), last("llo"))).text == "Hello"


def test_a_whole_answer_on_one_line_needs_no_line_feed():
    items, error = chat(last("Hello").rstrip())
    assert (completed(items).text, error) == ("Hello", None)


def test_reasoning_ends_as_a_block_where_the_text_begins():
    items = items_of(line(thinking="Hm"), line(thinking="m."), line("Yes"), last())
    assert items[1:5] == [ReasoningDelta("Hm"), ReasoningDelta("m."), Reasoning("Hmm."), TextDelta("Yes")]


def test_reasoning_may_begin_again():
    items = items_of(line(thinking="a"), line("b"), line(thinking="c"), last())
    assert [block.text for block in of_type(items, Reasoning)] == ["a", "c"]
    assert items[-1].native["ollama"][0]["thinking"] == "ac"


def test_tool_calls_come_whole_and_with_their_own_reason():
    items = items_of(line(tool_calls=[call("f", {"a": "é", "b": 1}, id="c1"), call("g", {})]), last())
    assert of_type(items, ToolCallDelta) == [
        ToolCallDelta(0, "f", '{"a":"é","b":1}', id="c1"),
        ToolCallDelta(1, "g", "{}"),
    ]
    assert of_type(items, ToolCall) == [
        ToolCall(0, "c1", "f", {"a": "é", "b": 1}, '{"a":"é","b":1}'),
        ToolCall(1, None, "g", {}, "{}"),
    ]
    assert (items[-1].reason, items[-1].raw_reason) == ("tool_calls", "stop")


def test_arguments_may_be_the_text_of_json():
    (whole,) = of_type(items_of(line(tool_calls=[call("f", '{"a": "\\ud83d"}')]), last()), ToolCall)
    assert (whole.arguments, whole.arguments_raw) == ({"a": "\ufffd"}, '{"a": "\\ud83d"}')


def test_what_else_a_call_says_is_kept():
    (whole,) = of_type(items_of(line(tool_calls=[call("f", {}, thought_signature="s")]), last()), ToolCall)
    assert whole.extra == {"thought_signature": "s"}


@pytest.mark.parametrize(
    ("raw", "reason"),
    [("stop", "stop"), ("length", "length"), ("load", "other"), ("unload", "other"), ("new", "other"), (None, "other")],
)
def test_finish_reasons(raw, reason):
    items = items_of(last(reason=raw))
    assert (items[-1].reason, items[-1].raw_reason) == (reason, raw)
    assert items[-2] == ChoiceFinished(0, reason, raw)


def test_a_call_that_was_cut_off_ends_with_length():
    assert items_of(line(tool_calls=[call("f", {})]), last(reason="length"))[-1].reason == "length"


def test_an_answer_without_counts_has_no_usage():
    items = items_of(last())
    assert items[-1].usage is None
    assert of_type(items, Usage) == []


def test_counts_that_are_none_are_not_counted():
    assert items_of(last(prompt_eval_count=True, eval_count=7.0))[-1].usage == Usage(None, 7)


def test_logprobs_of_each_token():
    assert of_type(items_of(line("a", logprobs=[{"token": "a", "logprob": -1}]), last()), Logprobs) == [
        Logprobs([{"token": "a", "logprob": -1}])
    ]


def test_images_are_media():
    assert of_type(items_of(line(images=["iVBORw0", "x"]), last()), Media) == [
        Media("image/png", "iVBORw0"),
        Media("image/*", "x"),
    ]


# What is unknown


def test_an_unknown_field_is_an_event_each_time_it_changes():
    items = items_of(line("a", mood=1), line("b", mood=1), line("c", mood=2), last())
    assert of_type(items, ProviderEvent) == [ProviderEvent("mood", 1), ProviderEvent("mood", 2)]
    assert completed(items).text == "abc"
    assert items[-1].response == {"created_at": "t", "mood": 2}


def test_an_unknown_field_of_the_message_goes_back_with_it():
    message = {"role": "assistant", "content": "a", "seal": "x"}
    items = items_of(json.dumps({"message": message}).encode() + b"\n", last())
    assert of_type(items, ProviderEvent) == [ProviderEvent("message.seal", "x")]
    assert items[-1].native == {"ollama": [message]}


@pytest.mark.parametrize("value", [{"status": "pulling"}, [1], 3, {"done": False}])
def test_an_unknown_line_is_an_event(value):
    items = items_of(json.dumps(value).encode() + b"\n", last())
    assert [event.data for event in of_type(items, ProviderEvent)] == [value]


# The end


def test_a_response_without_its_last_line_is_truncated():
    items, error = chat(line("He"))
    assert completed(items).text == "He"
    assert type(error) is TruncatedStreamError


@pytest.mark.parametrize("rest", [b"", b"\n", b'{"mess', b'{"message": {"content": "\xf0\x9f'])
def test_a_cut_line_is_truncation(rest):
    items, error = chat(line("He"), rest)
    assert completed(items).text == "He"
    assert type(error) is TruncatedStreamError


def test_nothing_at_all_is_truncation():
    assert type(chat(b"")[1]) is TruncatedStreamError


def test_what_comes_after_the_end_is_ignored():
    items = items_of(last("a"), b"nonsense\n", line("b"))
    assert completed(items).text == "a"
    assert type(items[-1]) is Finish


# Faults


def test_an_error_in_the_middle_keeps_what_came():
    items, error = chat(line("He"), b'{"error":"model runner has unexpectedly stopped"}\n', line("never"))
    assert completed(items).text == "He"
    assert type(error) is ProviderError
    assert str(error) == "model runner has unexpectedly stopped"


@pytest.mark.parametrize(
    ("value", "kind"),
    [
        ({"error": "no", "status_code": 404}, InvalidRequestError),
        ({"error": {"message": "no", "code": 503}}, OverloadedError),
        ({"error": {"message": "no", "type": "overloaded_error"}, "done": True}, OverloadedError),
        ({"error": {}}, ProviderError),
    ],
)
def test_an_error_may_be_the_whole_body(value, kind):
    error = chat(json.dumps(value).encode())[1]
    assert type(error) is kind
    assert str(error)


@pytest.mark.parametrize(
    "payload",
    [
        b"<html>",
        b"{]\n",
        b'{"message": {"content": 1}}\n',
        b'{"message": {"tool_calls": [1]}}\n',
        b'{"message": {"tool_calls": [{"id": "x"}]}}\n',
        b'{"message": {"content": "\xff"}}\n',
        b"[" * 100_000 + b"\n",
    ],
)
def test_nonsense_is_malformed(payload):
    items, error = fed(Decoder(), [line("He"), payload if payload.endswith(b"\n") else payload + b"\n"])
    assert completed(items).text == "He"
    assert type(error) is DecodeError
    assert (error.format, error.snippet) == ("ollama", payload[:200].decode("utf-8", "replace").rstrip("\n"))


def test_a_page_for_people_is_malformed():
    assert type(chat(b"<html>no</html>")[1]) is DecodeError


def test_a_fault_comes_after_what_came_before_it():
    decoder = Decoder()
    assert [type(item) for item in decoder.feed(line("He") + b"{]\n")] == [Started, TextDelta]
    for again in (decoder.finish, lambda: decoder.feed(b"")):
        with pytest.raises(DecodeError):
            again()


def test_a_line_without_end_is_refused():
    decoder = Decoder()
    for _ in range(40):
        if decoder.fault is None:
            decoder.feed(b"x" * 1_000_000)
    assert type(decoder.fault) is DecodeError


# Rarities of JSON


def test_half_a_character_waits_for_the_other():
    first, second = json.dumps("a\U0001f600b").split("\\ude00")
    pieces = [f'{{"message": {{"content": {piece}}}}}\n'.encode() for piece in (first + '"', '"\\ude00' + second)]
    assert [item.text for item in of_type(items_of(*pieces, last()), TextDelta)] == ["a", "\U0001f600b"]


@pytest.mark.parametrize("field", ["content", "thinking"])
def test_half_a_character_without_the_other_is_replaced(field):
    items = items_of(f'{{"message": {{"{field}": "a\\ud83d"}}}}\n'.encode(), last())
    completion = completed(items)
    assert completion.text + completion.reasoning == "a\ufffd"
    assert [block.text for block in of_type(items, Reasoning)] == (["a\ufffd"] if field == "thinking" else [])


def test_half_a_character_before_a_truncation_is_replaced():
    assert completed(chat(b'{"message": {"content": "a\\ud83d"}}\n')[0]).text == "a\ufffd"


def test_not_a_number_is_taken():
    assert items_of(b'{"message": {"content": "a"}, "x": NaN}\n', last(eval_count=float("nan")))[-1].usage is None


# The request


def body(prompt: Any = "Why?", **settings_: Any) -> dict[str, Any]:
    return encode(chat_request(prompt, settings_), model="m")


def test_settings_are_options():
    assert body(temperature=0.5, top_p=0.9, seed=1, max_tokens=7, stop="x", extra={"options": {"num_ctx": 99}}) == {
        "model": "m",
        "messages": [{"role": "user", "content": "Why?"}],
        "stream": True,
        "options": {"temperature": 0.5, "top_p": 0.9, "seed": 1, "num_predict": 7, "stop": ["x"], "num_ctx": 99},
    }


def test_extra_goes_into_the_body_last():
    assert body(extra={"keep_alive": "5m", "model": "other"}) == body() | {"keep_alive": "5m", "model": "other"}


@pytest.mark.parametrize(("effort", "think"), [("none", False), ("low", "low"), ("high", "high")])
def test_effort_is_think(effort, think):
    assert body(reasoning_effort=effort)["think"] == think


class City(BaseModel):
    name: str


SCHEMA = {"type": "object", "properties": {"name": {"type": "string"}}}


@pytest.mark.parametrize(
    ("wanted", "format_"),
    [
        ("json", "json"),
        ({"type": "json_object"}, "json"),
        (SCHEMA, SCHEMA),
        ({"type": "json_schema", "json_schema": {"name": "x", "strict": True, "schema": SCHEMA}}, SCHEMA),
        (City, City.model_json_schema()),
    ],
)
def test_a_response_format_is_the_schema_itself(wanted, format_):
    assert body(response_format=wanted)["format"] == format_


@pytest.mark.parametrize("wanted", ["text", {"type": "text"}, None])
def test_text_needs_no_format(wanted):
    assert "format" not in body(response_format=wanted)


def test_logprobs_are_asked_for():
    assert body(logprobs=True, top_logprobs=2) == body() | {"logprobs": True, "top_logprobs": 2}


def test_tools():
    tool = ToolSpec(name="f", description="Does.", parameters=SCHEMA)
    wanted = [{"type": "function", "function": {"name": "f", "description": "Does.", "parameters": SCHEMA}}]
    assert body(tools=[tool], tool_choice="auto")["tools"] == wanted
    assert "tools" not in body(tools=[tool], tool_choice="none")


def test_a_conversation_with_tools_and_images():
    calls = [MessageToolCall(id="c1", name="f", arguments='{"a": 1}')]
    messages = [
        Message(role="developer", content="Be brief."),
        Message.user([TextPart(text="See"), ImagePart(data="AAAA"), ImagePart(url="data:image/png;base64,BBBB")]),
        Message(role="assistant", content=None, reasoning="Hm", tool_calls=calls),
        Message.tool("4", tool_call_id="c1"),
    ]
    assert body(messages)["messages"] == [
        {"role": "system", "content": "Be brief."},
        {"role": "user", "content": "See", "images": ["AAAA", "BBBB"]},
        {
            "role": "assistant",
            "content": "",
            "thinking": "Hm",
            "tool_calls": [{"id": "c1", "function": {"name": "f", "arguments": {"a": 1}}}],
        },
        {"role": "tool", "content": "4", "tool_name": "f", "tool_call_id": "c1"},
    ]


@pytest.mark.parametrize(
    ("settings_", "field"),
    [
        ({"n": 2}, "n"),
        ({"metadata": {"a": "b"}}, "metadata"),
        ({"stream_options": {"x": 1}}, "stream_options"),
        ({"tools": [ToolSpec(name="f")], "tool_choice": "required"}, "tool_choice"),
        ({"tools": [ToolSpec(name="f")], "tool_choice": "f"}, "tool_choice"),
        ({"tools": [ToolSpec(name="f", strict=True)]}, "strict"),
        ({"parallel_tool_calls": False}, "parallel_tool_calls"),
        ({"reasoning_effort": "minimal"}, "minimal"),
        ({"response_format": {"type": "json_schema"}}, "response_format"),
        ({"messages": [Message(role="user", content="x", name="Ann")]}, "name"),
        ({"messages": [Message.user([ImagePart(url="https://x/y.png")])]}, "url"),
        ({"messages": [Message.user([ImagePart(data="A", detail="high")])]}, "detail"),
        ({"messages": [Message.assistant("", tool_calls=[MessageToolCall(id="1", name="f", arguments="[")])]}, "JSON"),
    ],
)
def test_what_the_format_cannot_say_is_refused(settings_, field):
    with pytest.raises(ConfigurationError, match=field) as caught:
        body(settings_.pop("messages", "Why?"), **settings_)
    assert "Ollama" in str(caught.value) or field == "response_format"


def test_an_answer_goes_back_as_it_came():
    lines = [line(thinking="Hm"), line("Yes", tool_calls=[call("f", {"a": 1}, seal="x")]), last()]
    message = completed(items_of(*lines)).to_message()
    back = Message.model_validate_json(message.model_dump_json())
    id_ = back.tool_calls[0].id
    assert body([Message.user("?"), back, Message.tool("4", tool_call_id=id_)])["messages"][1:] == [
        {"role": "assistant", "content": "Yes", "thinking": "Hm", "tool_calls": [call("f", {"a": 1}, seal="x")]},
        {"role": "tool", "content": "4", "tool_name": "f", "tool_call_id": id_},
    ]


def test_a_result_names_the_tool_of_the_turn_it_stands_in_though_two_turns_use_one_id():
    turns = [
        message
        for name in ("rain", "time")
        for message in (
            Message.assistant(None, tool_calls=[MessageToolCall(id="call_0", name=name)]),
            Message.tool("4", tool_call_id="call_0"),
        )
    ]
    assert [m.get("tool_name") for m in body(turns)["messages"]] == [None, "rain", None, "time"]


def test_the_best_logprobs_are_asked_for_with_the_logprobs_that_they_are_a_part_of():
    asked = body("Why?", top_logprobs=3)
    assert (asked["logprobs"], asked["top_logprobs"]) == (True, 3)


# Streams made at random

OBJECTS = st.dictionaries(TEXT, FINITE_JSON, max_size=3)


@st.composite
def streams(draw: st.DrawFn) -> tuple[list[tuple[str, Any]], bytes]:
    """Parts of an answer, and a response that is made of them."""
    parts = draw(
        st.lists(
            st.tuples(st.just("content") | st.just("thinking"), TEXT) | st.tuples(st.just("tool_calls"), OBJECTS),
            max_size=20,
        )
    )
    ascii_ = draw(st.booleans())
    unknown = draw(st.just({}) | st.dictionaries(TEXT.map("x-{}".format), JSON, max_size=2))
    out: list[Any] = []
    for kind, value in parts:
        if draw(st.integers(0, 9)) == 0:
            out.append({**unknown, "x": 1})
        message = {kind: [call("f", value)] if kind == "tool_calls" else value, **unknown}
        out.append({"model": "m", "message": message, "done": False, **unknown})
    out.append({"done": True, "done_reason": "stop"})
    end = draw(st.sampled_from(["\n", "\r\n", "\n\n"]))
    return parts, "".join(json.dumps(each, ensure_ascii=ascii_) + end for each in out).encode()


@given(st.data())
@settings(max_examples=200, deadline=None)
def test_what_comes_out_is_what_went_in(data):
    parts, response = data.draw(streams())
    items, error = fed(Decoder(), data.draw(cut(response)))
    assert error is None
    completion = completed(items)
    said = {kind: [value for k, value in parts if k == kind] for kind in ("content", "thinking", "tool_calls")}
    assert completion.text == "".join(said["content"])
    assert completion.reasoning == "".join(said["thinking"])
    assert "".join(block.text for block in completion.reasoning_blocks) == completion.reasoning
    assert [c.arguments for c in completion.tool_calls] == said["tool_calls"]
    assert type(items[-1]) is Finish
    msgspec.json.encode(items)


FIELDS = st.sampled_from(["content", "thinking", "tool_calls", "images", "role", "x"])


@given(st.dictionaries(FIELDS, JSON), JSON, JSON)
@settings(max_examples=200, deadline=None)
def test_any_value_of_any_field_gives_items_or_our_error(message, value, other):
    for payload in (value, {"message": message, "logprobs": value, "eval_count": other}, {"error": value, "x": other}):
        _, error = fed(Decoder(), [json.dumps(payload).encode() + b"\n", last()])
        assert error is None or isinstance(error, RxllmError)


@given(st.lists(st.binary(max_size=30) | st.sampled_from([b"\n", b'{"message":{', b'"content":"', b'"}}', b"\\ud83d"])))
@settings(max_examples=200, deadline=None)
def test_any_bytes_give_items_or_our_error(pieces):
    _, error = fed(Decoder(), pieces)
    assert isinstance(error, RxllmError)
