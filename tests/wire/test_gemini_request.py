"""Requests in the form of Gemini's generateContent."""

from __future__ import annotations

import json
from typing import Any

import pytest
from fed import completed, event, fed
from pydantic import BaseModel

from rxllm.errors import ConfigurationError
from rxllm.messages import ImagePart, Message, MessageToolCall, TextPart, ToolSpec, chat_request
from rxllm.providers.gemini import PROVIDER
from rxllm.wire.gemini import Decoder, encode

SCHEMA = {"type": "object", "properties": {"name": {"type": "string"}}}
TOOL = ToolSpec(name="f", description="Does.", parameters=SCHEMA)
WHY = {"contents": [{"role": "user", "parts": [{"text": "Why?"}]}]}


def body(prompt: Any = "Why?", model: str = "gemini-2.5-flash", **settings: Any) -> dict[str, Any]:
    return encode(chat_request(prompt, settings), model=model)


def config(**settings: Any) -> dict[str, Any]:
    return body(**settings)["generationConfig"]


def test_the_model_is_not_in_the_body():
    assert body() == encode(chat_request("Why?"), model="m", stream=False) == WHY


def test_settings_are_the_generation_config():
    assert config(temperature=0.5, top_p=0.9, max_tokens=7, seed=1, n=2, stop="x", logprobs=True, top_logprobs=3) == {
        "temperature": 0.5,
        "topP": 0.9,
        "maxOutputTokens": 7,
        "seed": 1,
        "candidateCount": 2,
        "stopSequences": ["x"],
        "responseLogprobs": True,
        "logprobs": 3,
    }


@pytest.mark.parametrize(
    ("model", "effort", "thinking"),
    [
        ("gemini-2.5-flash", "none", {"thinkingBudget": 0}),
        ("gemini-2.5-pro", "low", {"thinkingBudget": 1024, "includeThoughts": True}),
        ("gemini-2.5-pro", "high", {"thinkingBudget": 24576, "includeThoughts": True}),
        ("models/gemini-3-flash-preview", "minimal", {"thinkingLevel": "minimal", "includeThoughts": True}),
        ("gemini-3.1-pro", "high", {"thinkingLevel": "high", "includeThoughts": True}),
        ("gemini-flash-latest", "medium", {"thinkingLevel": "medium", "includeThoughts": True}),
    ],
)
def test_effort_is_a_budget_or_a_level(model, effort, thinking):
    assert body(model=model, reasoning_effort=effort)["generationConfig"] == {"thinkingConfig": thinking}


class City(BaseModel):
    name: str


@pytest.mark.parametrize(
    ("wanted", "schema"),
    [
        (SCHEMA, SCHEMA),
        ({"type": "json_schema", "json_schema": {"name": "x", "strict": True, "schema": SCHEMA}}, SCHEMA),
        (City, City.model_json_schema()),
    ],
)
def test_a_response_format_is_a_schema(wanted, schema):
    assert config(response_format=wanted) == {"responseMimeType": "application/json", "responseJsonSchema": schema}


@pytest.mark.parametrize("wanted", ["json", {"type": "json_object"}])
def test_json_without_a_schema(wanted):
    assert config(response_format=wanted) == {"responseMimeType": "application/json"}


@pytest.mark.parametrize("wanted", ["text", {"type": "text"}, None])
def test_text_needs_no_format(wanted):
    assert body(response_format=wanted) == WHY


def test_tools():
    assert body(tools=[TOOL, ToolSpec(name="g")])["tools"] == [
        {
            "functionDeclarations": [
                {"name": "f", "description": "Does.", "parametersJsonSchema": SCHEMA},
                {"name": "g", "parametersJsonSchema": {"type": "object", "properties": {}}},
            ]
        }
    ]


@pytest.mark.parametrize(
    ("choice", "calling"),
    [
        ("auto", {"mode": "AUTO"}),
        ("none", {"mode": "NONE"}),
        ("required", {"mode": "ANY"}),
        ("f", {"mode": "ANY", "allowedFunctionNames": ["f"]}),
    ],
)
def test_a_tool_choice_is_a_mode(choice, calling):
    assert body(tools=[TOOL], tool_choice=choice)["toolConfig"] == {"functionCallingConfig": calling}


def test_a_strict_tool_is_a_mode_too():
    strict = ToolSpec(name="f", strict=True)
    assert body(tools=[strict])["toolConfig"] == {"functionCallingConfig": {"mode": "VALIDATED"}}
    assert body(tools=[strict], tool_choice="required")["toolConfig"] == {"functionCallingConfig": {"mode": "ANY"}}
    assert "toolConfig" not in body(tools=[TOOL])


def test_extra_adds_to_objects_and_tools_and_replaces_the_rest():
    extra = {"generationConfig": {"topK": 3}, "tools": [{"googleSearch": {}}], "safetySettings": []}
    sent = body(temperature=0.5, tools=[TOOL], extra=extra)
    assert sent["generationConfig"] == {"temperature": 0.5, "topK": 3}
    assert [list(tool) for tool in sent["tools"]] == [["functionDeclarations"], ["googleSearch"]]
    assert sent["safetySettings"] == []
    assert body(extra={"contents": {"x": 1}}) == {"contents": {"x": 1}}


# The conversation


def test_system_messages_stand_apart():
    messages = [Message.system("Be brief."), Message(role="developer", content="Be kind."), Message.user("Why?")]
    assert body(messages) == {"systemInstruction": {"parts": [{"text": "Be brief."}, {"text": "Be kind."}]}, **WHY}


def test_images():
    images = [
        ImagePart(data="AA", media_type="image/jpeg"),
        ImagePart(url="data:image/png;base64,BB"),
        ImagePart(url="https://x/y.jpg"),
        ImagePart(url="gs://x/y", media_type="image/webp"),
    ]
    assert body([Message.user([TextPart(text="See"), *images])])["contents"][0]["parts"] == [
        {"text": "See"},
        {"inlineData": {"mimeType": "image/jpeg", "data": "AA"}},
        {"inlineData": {"mimeType": "image/png", "data": "BB"}},
        {"fileData": {"fileUri": "https://x/y.jpg"}},
        {"fileData": {"fileUri": "gs://x/y", "mimeType": "image/webp"}},
    ]


def calls_of(*names: str) -> Message:
    return Message.assistant(
        None, tool_calls=[MessageToolCall(id=f"c{n}", name=n, arguments='{"a": 1}') for n in names]
    )


def test_results_of_parallel_calls_stand_in_one_content():
    results = [Message.tool('{"x": 2}', tool_call_id="cf"), Message.tool("four", tool_call_id="cg")]
    assert body([Message.user("?"), calls_of("f", "g"), *results, Message.user("And?")])["contents"][1:] == [
        {
            "role": "model",
            "parts": [
                {"functionCall": {"id": "cf", "name": "f", "args": {"a": 1}}},
                {"functionCall": {"id": "cg", "name": "g", "args": {"a": 1}}},
            ],
        },
        {
            "role": "user",
            "parts": [
                {"functionResponse": {"id": "cf", "name": "f", "response": {"x": 2}}},
                {"functionResponse": {"id": "cg", "name": "g", "response": {"output": "four"}}},
            ],
        },
        {"role": "user", "parts": [{"text": "And?"}]},
    ]


def test_a_call_of_another_model_gets_the_signature_that_needs_none():
    parts = body([Message.user("?"), calls_of("f", "g")], model="gemini-3-pro")["contents"][1]["parts"]
    assert [part.get("thoughtSignature") for part in parts] == ["skip_thought_signature_validator", None]


def test_a_result_may_name_its_tool():
    result = Message(role="tool", content="4", name="f")
    assert body([result])["contents"][0]["parts"] == [{"functionResponse": {"name": "f", "response": {"output": "4"}}}]


def test_an_earlier_answer_is_text_and_calls():
    message = Message(role="assistant", content="So.", reasoning="Hm", tool_calls=calls_of("f").tool_calls)
    assert [list(part) for part in body([message])["contents"][0]["parts"]] == [["text"], ["functionCall"]]


def test_an_earlier_answer_that_said_nothing_is_left_out():
    assert body([Message.user("Why?"), Message.assistant(None)]) == WHY


@pytest.mark.parametrize(
    ("settings", "field"),
    [
        ({"metadata": {"a": "b"}}, "metadata"),
        ({"stream_options": {"x": 1}}, "stream_options"),
        ({"parallel_tool_calls": False}, "parallel_tool_calls"),
        ({"reasoning_effort": "none", "model": "gemini-3-pro"}, "reasoning_effort"),
        ({"tools": [TOOL], "tool_choice": "g"}, "tool_choice is 'g'.*auto, none, required, f"),
        ({"response_format": {"type": "json_schema"}}, "response_format"),
        ({"messages": [Message.user("a"), Message.system("b")]}, "system"),
        ({"messages": [Message(role="user", content="x", name="Ann")]}, "name"),
        ({"messages": [Message.user([ImagePart(data="A", detail="high")])]}, "detail"),
        ({"messages": [Message.tool("x", tool_call_id="nobody")]}, "belongs to no call"),
        ({"messages": [Message(role="tool", name="f", content=[ImagePart(data="A")])]}, "image"),
        ({"messages": [Message.assistant("", tool_calls=[MessageToolCall(id="1", name="f", arguments="[")])]}, "JSON"),
    ],
)
def test_what_the_format_cannot_say_is_refused(settings, field):
    with pytest.raises(ConfigurationError, match=field):
        body(settings.pop("messages", "Why?"), **settings)


@pytest.mark.parametrize("id_", ["c1", None])
def test_an_answer_goes_back_as_it_came(id_):
    parts = [
        {"text": "Hm.", "thought": True},
        {"functionCall": {**({"id": id_} if id_ else {}), "name": "f", "args": {"a": 1}}, "thoughtSignature": "s"},
        {"executableCode": {"code": "1", "language": "PYTHON"}},
        {"text": "", "thoughtSignature": "t"},
    ]
    response = event({"candidates": [{"content": {"parts": parts}, "finishReason": "STOP"}]})
    items, error = fed(Decoder(), [response])
    assert error is None
    message = Message.model_validate_json(completed(items).to_message().model_dump_json())
    result = Message.tool("4", tool_call_id=message.tool_calls[0].id)
    assert body([Message.user("?"), message, result], model="gemini-3-pro")["contents"][1:] == [
        {"role": "model", "parts": parts},
        {
            "role": "user",
            "parts": [
                {"functionResponse": {**({"id": id_} if id_ else {}), "name": "f", "response": {"output": "4"}}},
            ],
        },
    ]
    assert json.dumps(message.native)


def test_the_key_goes_into_a_header():
    assert PROVIDER.auth("secret") == {"x-goog-api-key": "secret"}
