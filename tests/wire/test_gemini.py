"""Gemini's streamGenerateContent: each trap of the format in chunks made by hand."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest
from fed import completed, event, fed, merged, of_type, portions
from hypothesis import given, settings
from hypothesis import strategies as st
from test_random_streams import FINITE_JSON, JSON, TEXT, cut

from rxllm.errors import (
    AuthenticationError,
    ContentFilterError,
    DecodeError,
    OverloadedError,
    ProviderError,
    RateLimitError,
    RxllmError,
    TruncatedStreamError,
)
from rxllm.items import (
    ChoiceFinished,
    Finish,
    Logprobs,
    Media,
    Ping,
    ProviderEvent,
    Reasoning,
    ReasoningDelta,
    ServerToolCall,
    ServerToolResult,
    Source,
    Started,
    TextDelta,
    ToolCall,
    ToolCallDelta,
    Usage,
)
from rxllm.wire.gemini import Decoder, path
from rxllm.wire.gemini_arguments import Arguments


def chunk(*parts: Any, finish: str | None = None, index: int | None = None, **fields: Any) -> bytes:
    """A frame with a chunk of one candidate; fields that only a candidate has are put there."""
    candidate: dict[str, Any] = {"content": {"parts": list(parts), "role": "model"}}
    candidate |= {"finishReason": finish} if finish else {}
    candidate |= {"index": index} if index is not None else {}
    for name in ("groundingMetadata", "citationMetadata", "logprobsResult", "safetyRatings", "finishMessage", "mood"):
        if name in fields:
            candidate[name] = fields.pop(name)
    return event({"candidates": [candidate], "responseId": "r", "modelVersion": "m", **fields})


def text(said: str, **fields: Any) -> dict[str, Any]:
    return {"text": said, **fields}


def call(name: str | None = None, args: Any = None, **fields: Any) -> dict[str, Any]:
    """A part with a function call; a signature belongs to the part."""
    signature = {"thoughtSignature": fields.pop("signature")} if "signature" in fields else {}
    function = {**({"name": name} if name else {}), **({"args": args} if args is not None else {}), **fields}
    return {"functionCall": function, **signature}


def piece(place: str, more: bool = False, **value: Any) -> dict[str, Any]:  # noqa: FBT001, FBT002 - of a call
    return call(
        partialArgs=[{"jsonPath": place, **value, **({"willContinue": True} if more else {})}], willContinue=True
    )


STOP = chunk(finish="STOP")


def chat(*frames: bytes) -> tuple[list[Any], RxllmError | None]:
    """Decode frames; every way of cutting them must give the same."""
    body = b"".join(frames)
    ways = [fed(Decoder(), portions(body, size)) for size in (0, 1, 7)]
    items, error = ways[0]
    for other, other_error in ways[1:]:
        assert merged(other) == merged(items)
        assert (type(other_error), str(other_error)) == (type(error), str(error))
    return items, error


def items_of(*frames: bytes) -> list[Any]:
    items, error = chat(*frames)
    assert error is None
    return items


# The answer


def test_a_text_and_its_end():
    assert items_of(chunk(text("He")), chunk(text("llo"), finish="STOP", createTime="t")) == [
        Started("r", "m"),
        TextDelta("He"),
        TextDelta("llo"),
        ChoiceFinished(0, "stop", "STOP"),
        Finish("stop", "STOP", None, {"createTime": "t"}, native={"gemini": [{"text": "Hello"}]}),
    ]


def test_nothing_is_finished_before_the_bytes_end():
    decoder = Decoder()
    assert not of_type(decoder.feed(chunk(text("a"), finish="STOP")), ChoiceFinished)
    assert decoder.feed(chunk(text("b"), finish="MAX_TOKENS")) == [TextDelta("b")]
    assert decoder.finish()[-1].reason == "length"
    assert decoder.finish() == []


def test_the_last_event_needs_no_blank_line():
    assert completed(items_of(chunk(text("Hello"), finish="STOP").rstrip())).text == "Hello"


@pytest.mark.parametrize(
    "empty",
    [
        {"candidates": [{"content": {"role": "model"}}]},
        {"candidates": [{"content": {}}]},
        {"candidates": [{}]},
        {"candidates": []},
        {"candidates": None, "usageMetadata": None},
        {"candidates": [{"content": {"parts": [{"text": ""}]}}]},
        {"candidates": [{"content": None, "index": None}]},
    ],
)
def test_a_chunk_may_say_nothing(empty):
    items = items_of(chunk(text("a")), event(empty), STOP)
    assert [type(item) for item in items] == [Started, TextDelta, ChoiceFinished, Finish]


@pytest.mark.parametrize(
    ("raw", "reason"),
    [
        ("STOP", "stop"),
        ("MAX_TOKENS", "length"),
        ("SAFETY", "content_filter"),
        ("RECITATION", "content_filter"),
        ("PROHIBITED_CONTENT", "content_filter"),
        ("IMAGE_SAFETY", "content_filter"),
        ("MALFORMED_FUNCTION_CALL", "other"),
        ("FAKE_ENUM", "other"),
    ],
)
def test_finish_reasons(raw, reason):
    items = items_of(chunk(text("a"), finish=raw, finishMessage="why"))
    assert items[-2:] == [
        ChoiceFinished(0, reason, raw),
        Finish(reason, raw, None, {"finishMessage": "why"}, native={"gemini": [{"text": "a"}]}),
    ]


def test_candidates_are_choices():
    items = items_of(
        chunk(text("a"), index=1, safetyRatings=["x"]),
        chunk(text("b"), index=0),
        chunk(text("c"), index=1, finish="MAX_TOKENS"),
        chunk(finish="STOP", index=0),
    )
    assert [(c.text, c.finish_reason) for c in completed(items).choices] == [("b", "stop"), ("ac", "length")]
    assert items[-1].native == {"gemini": [{"text": "b"}]}
    assert items[-1].response == {"candidates": {"1": {"safetyRatings": ["x"]}}}


def test_usage_is_that_of_the_last_chunk_that_has_any():
    first, last = {"promptTokenCount": 3, "candidatesTokenCount": 1}, {"promptTokenCount": 9, "thoughtsTokenCount": 4}
    items = items_of(
        chunk(text("a"), usageMetadata={"trafficType": "ON_DEMAND"}),
        chunk(text("b"), usageMetadata=first),
        chunk(text("c"), usageMetadata=first),
        chunk(text("d"), finish="STOP", usageMetadata={**last, "serviceTier": "x"}),
    )
    assert of_type(items, Usage) == [Usage(3, 1), Usage(9, reasoning_tokens=4, extra={"serviceTier": "x"})]
    assert items[-1].usage == of_type(items, Usage)[-1]


def test_usage_names_cached_and_heard_tokens():
    numbers = {"totalTokenCount": 7, "cachedContentTokenCount": 2}
    details = {"candidatesTokensDetails": [{"modality": "TEXT"}, {"modality": "AUDIO", "tokenCount": 5}]}
    (usage,) = of_type(items_of(chunk(finish="STOP", usageMetadata={**numbers, **details})), Usage)
    assert (usage.total_tokens, usage.cached_tokens, usage.audio_tokens) == (7, 2, 5)


# Reasoning and signatures


def test_thoughts_end_as_a_block_where_the_text_begins():
    thoughts = [text("Hm", thought=True), text("m.", thought=True)]
    items = items_of(chunk(thoughts[0]), chunk(thoughts[1], text("Yes"), finish="STOP"))
    assert items[1:5] == [ReasoningDelta("Hm"), ReasoningDelta("m."), Reasoning("Hmm."), TextDelta("Yes")]
    assert items[-1].native["gemini"] == [{"text": "Hmm.", "thought": True}, {"text": "Yes"}]


def test_a_signature_may_ride_on_an_empty_text():
    parts = [text("Yes"), text("", thoughtSignature="s")]
    items = items_of(*[chunk(part) for part in parts], STOP)
    assert items[1:3] == [TextDelta("Yes"), Reasoning(signature="s")]
    assert items[-1].native["gemini"] == parts


def test_a_signature_belongs_to_the_block_that_is_open():
    items = items_of(chunk(text("Hm", thought=True)), chunk(text("", thoughtSignature="s")), chunk(text("Yes")), STOP)
    assert items[1:4] == [ReasoningDelta("Hm"), Reasoning("Hm", "s"), TextDelta("Yes")]


def test_texts_are_not_joined_across_a_signature():
    parts = [text("a"), text("b", thoughtSignature="s"), text("c")]
    items = items_of(*[chunk(part) for part in parts], STOP)
    assert completed(items).text == "abc"
    assert items[-1].native["gemini"] == parts


# Calls


def test_a_call_comes_whole_and_with_its_own_reason():
    parts = [call("f", {"a": "é"}, id="c1", signature="s"), call("g")]
    items = items_of(chunk(*parts), STOP)
    assert of_type(items, ToolCallDelta) == [ToolCallDelta(0, "f", '{"a":"é"}', id="c1"), ToolCallDelta(1, "g", "{}")]
    assert of_type(items, ToolCall) == [
        ToolCall(0, "c1", "f", {"a": "é"}, '{"a":"é"}', signature="s"),
        ToolCall(1, None, "g", {}, "{}"),
    ]
    assert (items[-1].reason, items[-1].raw_reason) == ("tool_calls", "STOP")
    assert items[-1].native["gemini"] == [parts[0], {"functionCall": {"name": "g", "args": {}}}]


def streamed(*pieces: dict[str, Any], end: bool = True, finish: str = "STOP") -> list[Any]:
    frames = [chunk(call("f", willContinue=True, signature="s")), *[chunk(p) for p in pieces]]
    return items_of(*frames, *([chunk(call())] if end else []), chunk(finish=finish))


@pytest.mark.parametrize("end", [True, False])
def test_arguments_in_pieces(end):
    items = streamed(
        piece("$.who.name", more=True, stringValue="A"),
        piece("$.who.name", more=True, stringValue='n"n'),
        piece("$.who.name", stringValue=""),
        piece("$.who.tags[0]", stringValue="é"),
        piece("$.who.tags[1]", boolValue=False),
        piece("$.n", numberValue=1.5),
        piece("$.nothing", nullValue="NULL_VALUE"),
        end=end,
    )
    wanted = {"who": {"name": 'An"n', "tags": ["é", False]}, "n": 1.5, "nothing": None}
    (whole,) = of_type(items, ToolCall)
    assert (whole.name, whole.arguments, whole.signature) == ("f", wanted, "s")
    assert whole.arguments_raw == json.dumps(wanted, ensure_ascii=False, separators=(",", ":"))
    assert "".join(delta.arguments for delta in of_type(items, ToolCallDelta)) == whole.arguments_raw
    assert items[-1].native["gemini"] == [
        {"functionCall": {"name": "f", "args": wanted}, "thoughtSignature": "s"},
    ]


def test_the_next_call_ends_the_one_before():
    items = items_of(
        chunk(call("f", willContinue=True)),
        chunk(piece("$.a", more=True, stringValue="x")),
        chunk(call("g", willContinue=True)),
        chunk(piece("$.b", stringValue="y")),
        STOP,
    )
    assert [(c.call, c.name, c.arguments) for c in of_type(items, ToolCall)] == [
        (0, "f", {"a": "x"}),
        (1, "g", {"b": "y"}),
    ]
    assert items.index(of_type(items, ToolCall)[0]) < items.index(ToolCallDelta(1, "g"))


def test_a_call_of_pieces_alone_may_be_one_part():
    whole = call("f", partialArgs=[{"jsonPath": "$.a", "stringValue": "x"}, {"jsonPath": "$.b", "numberValue": 2}])
    (found,) = of_type(items_of(chunk(whole), STOP), ToolCall)
    assert found.arguments_raw == '{"a":"x","b":2}'


def test_a_string_may_end_without_a_value():
    items = streamed(piece("$.a", more=True, stringValue="x"), piece("$.a"), piece("$.b", stringValue="y"))
    assert of_type(items, ToolCall)[0].arguments_raw == '{"a":"x","b":"y"}'


def test_an_id_goes_on_with_its_call():
    items = items_of(
        chunk(call("f", id="c", willContinue=True)),
        chunk(call("f", id="c", willContinue=True, partialArgs=[{"jsonPath": "$.a", "stringValue": "x"}])),
        chunk(call("f", id="c")),
        STOP,
    )
    assert [(c.id, c.arguments) for c in of_type(items, ToolCall)] == [("c", {"a": "x"})]


@pytest.mark.parametrize(
    ("places", "wanted"),
    [
        (["$.a.b", "$.c", "$.a.d"], {"a": {"b": 0, "d": 2}, "c": 1}),
        (["$.a[0]", "$.a[2]"], {"a": [0, None, 1]}),
        (["$.a[1]", "$.a[0]"], {"a": [1, 0]}),
        (["$.a", "$.a"], {"a": 1}),
        (["$.a.b", "$.a"], {"a": 1}),
        (["$.a", "$.a.b"], {"a": {"b": 1}}),
    ],
)
def test_values_out_of_order_are_whole_at_the_end(places, wanted):
    items = streamed(*[piece(place, numberValue=at) for at, place in enumerate(places)])
    (whole,) = of_type(items, ToolCall)
    assert (whole.arguments, json.loads(whole.arguments_raw)) == (wanted, wanted)


def test_a_call_that_was_cut_off_has_no_arguments():
    items = streamed(piece("$.a", more=True, stringValue="x"), end=False, finish="MAX_TOKENS")
    (whole,) = of_type(items, ToolCall)
    assert (whole.arguments, whole.arguments_raw) == (None, '{"a":"x')
    assert items[-1].reason == "length"
    assert items[-1].native["gemini"] == []  # nobody could answer it


def test_pieces_of_no_call_are_kept():
    part = piece("$.a", stringValue="x")
    items = items_of(chunk(part), chunk(call("f", willContinue=True)), chunk(piece("$.b", newValue=1)), STOP)
    assert of_type(items, ProviderEvent) == [
        ProviderEvent("functionCall", part),
        ProviderEvent("partialArgs", {"jsonPath": "$.b", "newValue": 1}),
    ]


@pytest.mark.parametrize("place", ["a", "$", "$[0]", "$.a[*]", "$..a", "$.a[99999999]", 3, "$" + ".a" * 101])
def test_a_path_to_no_one_value_is_malformed(place):
    error = chat(chunk(call("f", willContinue=True)), chunk(piece(place, stringValue="x")), STOP)[1]
    assert type(error) is DecodeError


@pytest.mark.parametrize("places", [["$.a[0]", "$.a.b"], ["$.a[0]", "$.a[5000]"]])
def test_contradicting_paths_are_malformed(places):
    frames = [chunk(piece(place, stringValue="x")) for place in places]
    error = chat(chunk(call("f", willContinue=True)), *frames, STOP)[1]
    assert type(error) is DecodeError


def test_keys_may_be_quoted():
    arguments = Arguments()
    for place in ("$['a b']", '$["c\\"d"]', "$['e\\'f\"g\\u00e9']", "$.h['i'][0]"):
        arguments.take(place, 1)
    arguments.close()
    assert arguments.whole()[0] == {"a b": 1, 'c"d': 1, "e'f\"gé": 1, "h": {"i": [1]}}
    assert json.loads(arguments.text) == arguments.whole()[0]


LEAVES = st.text(max_size=5) | st.integers(-9, 9) | st.booleans() | st.none()
TREES = st.recursive(
    LEAVES,
    lambda inner: (
        st.lists(inner, min_size=1, max_size=3)
        | st.dictionaries(st.text("ab'\"\\.[é", min_size=1), inner, min_size=1, max_size=3)
    ),
    max_leaves=8,
)


def leaves(value: Any, place: str) -> list[tuple[str, Any]]:
    if isinstance(value, dict):
        return [leaf for key, each in value.items() for leaf in leaves(each, f"{place}[{json.dumps(key)}]")]
    if isinstance(value, list):
        return [leaf for at, each in enumerate(value) for leaf in leaves(each, f"{place}[{at}]")]
    return [(place, value)]


@given(st.dictionaries(st.text("xyz", min_size=1), TREES, max_size=3), st.randoms(use_true_random=False), st.booleans())
@settings(max_examples=200, deadline=None)
def test_any_arguments_come_out_as_they_went_in(tree, chance, in_order):
    arguments = Arguments()
    places = leaves(tree, "$")
    if not in_order:
        chance.shuffle(places)
    written = ""
    for place, value in places:
        pieces = [value[:1], value[1:], ""] if isinstance(value, str) and chance.random() < 0.5 else [value]
        for at, each in enumerate(pieces):
            written += arguments.take(place, each, more=at < len(pieces) - 1)
    written += arguments.close()
    value, raw = arguments.whole() if places else ({}, written)
    assert (value, json.loads(raw)) == (tree, tree)
    assert not in_order or written == raw


# Other parts


def test_tools_that_google_runs():
    parts = [
        {"executableCode": {"language": "PYTHON", "code": "1", "id": "x"}, "thoughtSignature": "s"},
        {"codeExecutionResult": {"outcome": "OUTCOME_FAILED", "output": "no", "id": "x"}},
        {"toolCall": {"toolType": "GOOGLE_SEARCH_WEB", "args": {"queries": ["q"]}, "id": "y"}},
        {"toolResponse": {"toolType": "GOOGLE_SEARCH_WEB", "response": {"r": 1}, "id": "y"}},
    ]
    items = items_of(chunk(*parts), STOP)
    assert items[1:5] == [
        ServerToolCall("x", "code_execution", {"language": "PYTHON", "code": "1"}, extra={"thoughtSignature": "s"}),
        ServerToolResult("x", "code_execution", {"outcome": "OUTCOME_FAILED", "output": "no"}, is_error=True),
        ServerToolCall("y", "GOOGLE_SEARCH_WEB", {"queries": ["q"]}),
        ServerToolResult("y", "GOOGLE_SEARCH_WEB", {"r": 1}),
    ]
    assert items[-1].reason == "stop"  # nobody here has a tool to run
    assert items[-1].native["gemini"] == parts


def test_media():
    parts = [
        {"inlineData": {"mimeType": "image/png", "data": "AA"}, "thoughtSignature": "s"},
        {"fileData": {"mimeType": "video/mp4", "fileUri": "gs://x"}},
    ]
    assert of_type(items_of(chunk(*parts), STOP), Media) == [
        Media("image/png", "AA", extra={"thoughtSignature": "s"}),
        Media("video/mp4", url="gs://x"),
    ]


def test_sources_are_told_once():
    web = {"web": {"uri": "https://a", "title": "A"}}
    grounding = [
        {"groundingChunks": [web]},
        {"groundingChunks": [web, {"retrievedContext": {"uri": "b", "text": "t"}}]},
    ]
    cited = {"citationSources": [{"uri": "https://c", "startIndex": 1}]}
    items = items_of(
        chunk(text("x"), groundingMetadata=grounding[0], citationMetadata=cited),
        chunk(text("y"), groundingMetadata=grounding[1], citationMetadata=cited),
        STOP,
    )
    assert of_type(items, Source) == [
        Source("https://a", "A", extra={}),
        Source("https://c", extra={"startIndex": 1}),
        Source("b", text="t", extra={"type": "retrievedContext"}),
    ]
    assert items[-1].response == {"groundingMetadata": grounding[1]}


def test_logprobs_of_each_token():
    chosen, top = {"token": "a", "logProbability": -1}, [{"token": "b", "logProbability": -2}]
    result = {"chosenCandidates": [chosen], "topCandidates": [{"candidates": top}]}
    assert of_type(items_of(chunk(text("a"), logprobsResult=result), STOP), Logprobs) == [
        Logprobs([{**chosen, "topCandidates": top}])
    ]


def test_comments_are_signs_of_life():
    assert [type(item) for item in Decoder().feed(b": ping\n\n")] == [Ping]


# What is unknown


def test_unknown_fields_are_events():
    part = {"text": "a", "mood": 1}
    items = items_of(chunk(part, mood=2, weather=3), chunk(text("b"), mood=2, weather=4), STOP)
    assert of_type(items, ProviderEvent) == [
        ProviderEvent("part.mood", part),
        ProviderEvent("candidate.mood", 2),
        ProviderEvent("weather", 3),
        ProviderEvent("weather", 4),
    ]
    assert completed(items).text == "ab"
    assert items[-1].native["gemini"] == [part, {"text": "b"}]
    assert items[-1].response == {"weather": 4, "mood": 2}


def test_an_unknown_part_goes_back_as_it_came():
    items = items_of(chunk({"hologram": {"x": 1}}), STOP)
    assert of_type(items, ProviderEvent) == [ProviderEvent("part.hologram", {"hologram": {"x": 1}})]
    assert items[-1].native["gemini"] == [{"hologram": {"x": 1}}]


@pytest.mark.parametrize("value", [{"x": 1}, [1, 2], "a", 3, None])
def test_an_unknown_event_is_an_event(value):
    items = items_of(b"event: news\n" + event(value), STOP)
    assert of_type(items, ProviderEvent) == [ProviderEvent("news", value)]


def test_a_gateways_done_is_nothing():
    assert [type(i) for i in items_of(STOP, b"data: [DONE]\n\n")][-1] is Finish


# The end


@pytest.mark.parametrize("rest", [b"", b"d", b"data", b"data:", b'data: {"candidates": [{"finishRea', b"data: {}"])
def test_a_response_without_a_finish_reason_is_truncated(rest):
    items, error = chat(chunk(text("He")), rest)
    assert completed(items).text == "He"
    assert type(error) is TruncatedStreamError


@pytest.mark.parametrize("rest", [b"d", b"data", b"data:", b"data: {", b'{\n  "error": {\n', b"[{"])
def test_a_cut_event_after_a_finish_reason_is_truncation(rest):
    items, error = chat(chunk(text("He"), finish="STOP"), rest)
    assert [type(item) for item in items] == [Started, TextDelta]
    assert type(error) is TruncatedStreamError


def test_an_answer_of_two_without_its_end_is_truncated():
    assert type(chat(chunk(text("a"), index=0, finish="STOP"), chunk(text("b"), index=1))[1]) is TruncatedStreamError


def test_nothing_at_all_is_truncation():
    assert type(chat(b"")[1]) is TruncatedStreamError


# Faults

EXHAUSTED = {
    "code": 429,
    "message": "Slow down",
    "status": "RESOURCE_EXHAUSTED",
    "details": [{"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": "34.5s"}],
}


def test_an_error_in_the_middle_keeps_what_came():
    items, error = chat(chunk(text("He")), event({"error": EXHAUSTED}), chunk(text("never")))
    assert completed(items).text == "He"
    assert type(error) is RateLimitError
    assert (str(error), error.code, error.status, error.retry_after) == ("Slow down", "RESOURCE_EXHAUSTED", 429, 34.5)


@pytest.mark.parametrize("wrap", [lambda e: e, lambda e: [e]])
@pytest.mark.parametrize("frames", [[], [chunk(text("He"), finish="STOP")]])
def test_an_error_may_be_bare_json_of_several_lines(wrap, frames):
    items, error = chat(*frames, json.dumps(wrap({"error": EXHAUSTED}), indent=2).encode())
    assert type(error) is RateLimitError
    assert not of_type(items, Finish)
    assert of_type(items, ChoiceFinished) == ([ChoiceFinished(0, "stop", "STOP")] if frames else [])


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        ({"code": 503, "message": "The model is overloaded.", "status": "UNAVAILABLE"}, OverloadedError),
        ({"code": 400, "status": "INVALID_ARGUMENT", "details": [{"reason": "API_KEY_INVALID"}]}, AuthenticationError),
        ({"code": 403, "message": "no", "status": "PERMISSION_DENIED"}, AuthenticationError),
        ({"code": 500, "message": "no", "status": "INTERNAL", "details": "x"}, ProviderError),
        ("no", ProviderError),
        ([1], ProviderError),
    ],
)
def test_errors_by_their_status(error, kind):
    found = chat(event({"error": error}))[1]
    assert type(found) is kind
    assert str(found)


def test_an_error_beside_an_answer_comes_after_it():
    frame = event({"candidates": [{"content": {"parts": [text("He")]}}], "error": EXHAUSTED})
    items, error = chat(frame)
    assert completed(items).text == "He"
    assert type(error) is RateLimitError


def test_a_blocked_prompt_is_refused():
    feedback = {"blockReason": "SAFETY", "blockReasonMessage": "No."}
    items, error = chat(event({"promptFeedback": feedback, "usageMetadata": {"promptTokenCount": 3}}))
    assert type(error) is ContentFilterError
    assert (error.code, error.retryable) == ("SAFETY", False)
    assert "No." in str(error)
    assert of_type(items, Usage) == [Usage(3)]


def test_feedback_that_blocks_nothing_is_told_at_the_end():
    assert items_of(chunk(text("a"), finish="STOP", promptFeedback={"safetyRatings": []}))[-1].response == {
        "promptFeedback": {"safetyRatings": []}
    }


@pytest.mark.parametrize(
    "payload",
    [
        b"{]",
        b'{"candidates": 1}',
        b'{"candidates": [1]}',
        b'{"candidates": [{"index": "x"}]}',
        b'{"candidates": [{"content": 1}]}',
        b'{"candidates": [{"content": {"parts": 1}}]}',
        b'{"candidates": [{"content": {"parts": [1]}}]}',
        b'{"candidates": [{"content": {"parts": [{"text": 1}]}}]}',
        b'{"candidates": [{"content": {"parts": [{"functionCall": 1}]}}]}',
        b'{"candidates": [{"content": {"parts": [{"functionCall": {"name": "f", "args": 1}}]}}]}',
        b'{"candidates": [{"content": {"parts": [{"inlineData": 1}]}}]}',
        b'{"candidates": [{"groundingMetadata": {"groundingChunks": [1]}}]}',
        b'{"usageMetadata": 1}',
        b'{"candidates": [{"content": {"parts": [{"text": "\xff"}]}}]}',
        b"[" * 100_000,
    ],
)
def test_nonsense_is_malformed(payload):
    items, error = fed(Decoder(), [chunk(text("He")), event(payload)])
    assert completed(items).text == "He"
    assert type(error) is DecodeError
    assert (error.format, error.snippet) == ("gemini", payload[:200].decode("utf-8", "replace"))


def test_a_fault_comes_after_what_came_before_it():
    decoder = Decoder()
    assert [type(item) for item in decoder.feed(chunk(text("He")) + event(b"{]"))] == [Started, TextDelta]
    for again in (decoder.finish, lambda: decoder.feed(b"")):
        with pytest.raises(DecodeError):
            again()


def test_what_is_no_stream_of_events_is_malformed():
    for body in (b"<html>no</html>", json.dumps([{"candidates": []}]).encode()):
        error = chat(body)[1]
        assert type(error) is DecodeError
        assert "server-sent events" in str(error)


def test_an_event_without_end_is_refused():
    decoder = Decoder()
    for _ in range(40):
        if decoder.fault is None:
            decoder.feed(b"x" * 1_000_000)
    assert type(decoder.fault) is DecodeError


# Rarities of JSON


def test_half_a_character_waits_for_the_other():
    first, second = json.dumps("a\U0001f600b").split("\\ude00")
    frames = [
        event(f'{{"candidates": [{{"content": {{"parts": [{{"text": {said}}}]}}}}]}}'.encode())
        for said in (first + '"', '"\\ude00' + second)
    ]
    items = items_of(*frames, STOP)
    assert [item.text for item in of_type(items, TextDelta)] == ["a", "\U0001f600b"]
    assert items[-1].native["gemini"] == [{"text": "a\U0001f600b"}]


@pytest.mark.parametrize("thought", ["false", "true"])
def test_half_a_character_without_the_other_is_replaced(thought):
    part = f'{{"text": "a\\ud83d", "thought": {thought}}}'
    frame = event(f'{{"candidates": [{{"content": {{"parts": [{part}]}}}}], "x": NaN}}'.encode())
    completion = completed(items_of(frame, STOP))
    assert completion.text + completion.reasoning == "a\ufffd"
    assert [block.text for block in completion.reasoning_blocks] == (["a\ufffd"] if thought == "true" else [])
    assert completed(chat(frame)[0]).text + completed(chat(frame)[0]).reasoning == "a\ufffd"


# Streams made at random

OBJECTS = st.dictionaries(TEXT, FINITE_JSON, max_size=3)


@st.composite
def streams(draw: st.DrawFn) -> tuple[list[tuple[str, Any, int]], bytes]:
    """Parts of two answers, and a response that is made of them."""
    parts = draw(
        st.lists(
            st.tuples(st.sampled_from(["text", "thought"]), TEXT, st.integers(0, 1))
            | st.tuples(st.just("call"), OBJECTS, st.integers(0, 1)),
            max_size=20,
        )
    )
    end = draw(st.sampled_from(["\n", "\r\n", "\r"]))
    ascii_ = draw(st.booleans())
    unknown = draw(st.just({}) | st.dictionaries(TEXT.map("x-{}".format), JSON, max_size=2))
    out: list[str] = []
    made: list[Any] = []
    for kind, value, index in parts:
        part = (
            call("f", value) if kind == "call" else {"text": value, **({"thought": True} if kind == "thought" else {})}
        )
        made.append({"candidates": [{"content": {"parts": [{**part, **unknown}]}, "index": index}], **unknown})
        if draw(st.integers(0, 9)) == 0:
            made[-1]["candidates"][0]["finishReason"] = "STOP"
            out.append(f": {draw(st.sampled_from(['', 'ping']))}{end}{end}")
        if draw(st.integers(0, 9)) == 0:
            made.append({"x": value})
    made.append({"candidates": [{"index": index, "finishReason": "STOP"} for index in range(2)]})
    out += [f"data: {json.dumps(each, ensure_ascii=ascii_)}{end}{end}" for each in made]
    return parts, "".join(out).encode()


@given(st.data())
@settings(max_examples=200, deadline=None)
def test_what_comes_out_is_what_went_in(data):
    parts, response = data.draw(streams())
    items, error = fed(Decoder(), data.draw(cut(response)))
    assert error is None
    for index, choice in enumerate(completed(items).choices):
        said = {kind: [v for k, v, at in parts if (k, at) == (kind, index)] for kind in ("text", "thought", "call")}
        assert choice.text == "".join(said["text"])
        assert choice.reasoning == "".join(said["thought"])
        assert [c.arguments for c in choice.tool_calls] == said["call"]
        assert choice.finish_reason == ("tool_calls" if said["call"] else "stop")
        blocks = [i.text for i in of_type(items, Reasoning) if i.choice == index]
        assert "".join(blocks) == choice.reasoning
    assert type(items[-1]) is Finish
    msgspec.json.encode(items)


PART_FIELDS = st.sampled_from(
    ["text", "thought", "thoughtSignature", "functionCall", "inlineData", "executableCode", "toolCall", "x"]
)
CALL_FIELDS = st.sampled_from(["name", "id", "args", "partialArgs", "willContinue", "x"])
CANDIDATE_FIELDS = st.sampled_from(
    ["content", "index", "groundingMetadata", "citationMetadata", "logprobsResult", "finishReason", "x"]
)
PIECES = st.fixed_dictionaries({"jsonPath": st.sampled_from(["$.a", "$.a.b", "$.a[0]"]), "stringValue": JSON | TEXT})


@given(
    st.dictionaries(PART_FIELDS, JSON),
    st.dictionaries(CALL_FIELDS, JSON | st.lists(PIECES)),
    st.dictionaries(CANDIDATE_FIELDS, JSON),
    JSON,
)
@settings(max_examples=300, deadline=None)
def test_any_value_of_any_field_gives_items_or_our_error(part, function, candidate, value):
    for payload in (
        {"candidates": [{"content": {"parts": [part]}}]},
        {"candidates": [{"content": {"parts": [{"functionCall": {"name": "f", **function}}]}}]},
        {"candidates": [candidate]},
        {"candidates": value, "usageMetadata": value},
        {"promptFeedback": value, "error": value},
        value,
    ):
        items, error = fed(Decoder(), [event(payload), STOP])
        assert error is None or isinstance(error, RxllmError)
        msgspec.json.encode(items)


@given(st.lists(st.binary(max_size=30) | st.sampled_from([b"data: ", b"\n\n", b"\r", b'{"candidates":[{', b"}]}"])))
@settings(max_examples=200, deadline=None)
def test_any_bytes_give_items_or_our_error(pieces):
    _, error = fed(Decoder(), pieces)
    assert isinstance(error, RxllmError)


# The path


@pytest.mark.parametrize(
    ("model", "wanted"),
    [
        ("gemini-2.5-flash", "/models/gemini-2.5-flash"),
        ("models/gemini-2.5-flash", "/models/gemini-2.5-flash"),
        ("tunedModels/x y?", "/tunedModels/x%20y%3F"),
    ],
)
def test_the_url_names_the_model(model, wanted):
    assert path(model) == wanted + ":streamGenerateContent?alt=sse"
