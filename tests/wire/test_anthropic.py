"""What comes on the wire of Anthropic Messages, event by event."""

from __future__ import annotations

import json
from typing import Any

import pytest
from fed import completed, event, fed, merged, of_type, portions

from rxllm.errors import (
    DecodeError,
    InvalidRequestError,
    OverloadedError,
    ProviderError,
    RateLimitError,
    TruncatedStreamError,
)
from rxllm.items import (
    ChoiceFinished,
    Finish,
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
from rxllm.messages import chat_request
from rxllm.wire.anthropic import Decoder, encode


def said(kind: str, **fields: Any) -> bytes:
    return f"event: {kind}\n".encode() + event({"type": kind, **fields})


def message(**fields: Any) -> bytes:
    return said("message_start", message={"id": "m1", "model": "claude", "content": [], **fields})


def start(index: int | None, kind: str, **fields: Any) -> bytes:
    return said("content_block_start", index=index, content_block={"type": kind, **fields})


def delta(index: int | None, kind: str, **fields: Any) -> bytes:
    return said("content_block_delta", index=index, delta={"type": kind, **fields})


def text(piece: str, index: int = 0) -> bytes:
    return delta(index, "text_delta", text=piece)


def stop(index: int | None = 0) -> bytes:
    return said("content_block_stop", index=index)


def last(reason: str | None = "end_turn", **fields: Any) -> bytes:
    return said("message_delta", delta={"stop_reason": reason, "stop_sequence": None}, **fields)


END = said("message_stop")
HELLO = message() + start(0, "text", text="") + text("Hello")


def decoded(*frames: bytes) -> tuple[list[Any], Exception | None]:
    """Decode frames; every way of cutting them must give the same."""
    body = b"".join(frames)
    ways = [fed(Decoder(), portions(body, size)) for size in (0, 1, 7)]
    items, error = ways[0]
    for other, other_error in ways[1:]:
        assert merged(other) == merged(items)
        assert (type(other_error), str(other_error)) == (type(error), str(error))
    return items, error


def answer(*frames: bytes) -> list[Any]:
    items, error = decoded(*frames)
    assert error is None
    return items


# An answer


def test_a_text_from_its_start_to_its_end():
    usage = {"input_tokens": 3, "output_tokens": 1}
    assert answer(
        message(usage=usage),
        start(0, "text", text=""),
        text("Hel"),
        said("ping"),
        text("lo"),
        stop(),
        last(usage={"output_tokens": 2}),
        END,
    ) == [
        Started("m1", "claude"),
        Usage(3, 1),
        TextDelta("Hel"),
        Ping(),
        TextDelta("lo"),
        Usage(3, 2),
        ChoiceFinished(0, "stop", "end_turn"),
        Finish("stop", "end_turn", Usage(3, 2), native={"anthropic": [{"type": "text", "text": "Hello"}]}),
    ]


def test_the_end_is_told_once_and_nothing_after_it_is_looked_at():
    items = answer(HELLO, stop(), last(), END, b"event: data\ndata: [DONE]\n\n", END, b"data: {nonsense\n\n")
    assert len(of_type(items, Finish)) == 1


def test_the_last_event_needs_no_blank_line():
    assert of_type(answer(HELLO, stop(), last(), END.rstrip()), Finish)


def test_lines_with_the_event_s_name_are_not_needed():
    body = b"".join(line + b"\n" for line in (HELLO + stop() + last() + END).split(b"\n") if b"event:" not in line)
    assert completed(answer(body)).finish_reason == "stop"


@pytest.mark.parametrize("names", [b"event: ping\nevent: content_block_delta\n", b"event: content_block_delta\n"])
def test_of_several_names_the_last_one_stands_however_it_is_cut(names):
    body = HELLO + names + b"data: nonsense\n\n"
    for size in (1, 7, len(body)):
        items, error = fed(Decoder(), portions(body, size))
        assert completed(items).text == "Hello"
        assert "not JSON" in str(error)


def test_data_may_stand_in_several_lines_and_end_in_any_way():
    body = HELLO + stop() + last() + END
    for end in (b"\n", b"\r\n", b"\r"):
        lines = body.replace(b', "delta"', b',\ndata: "delta"').replace(b"\n", end)
        assert completed(answer(lines)).text == "Hello"


def test_padding_and_unknown_fields_are_skipped():
    told = {"type": "text_delta", "text": "!", "y": {}}
    frame = event({"type": "content_block_delta", "index": 0, "x": [1], "delta": told}).rstrip() + b"     \n\n"
    assert completed(answer(HELLO, frame, stop(), last(), END)).text == "Hello!"


def test_text_may_come_with_the_block_s_start():
    items = answer(message(), start(0, "text", text="A"), text("b"), stop(), last(), END)
    assert completed(items).text == "Ab"
    assert items[-1].native == {"anthropic": [{"type": "text", "text": "Ab"}]}


@pytest.mark.parametrize(
    ("raw", "reason"),
    [
        ("end_turn", "stop"),
        ("stop_sequence", "stop"),
        ("max_tokens", "length"),
        ("model_context_window_exceeded", "length"),
        ("tool_use", "tool_calls"),
        ("pause_turn", "pause"),
        ("refusal", "refusal"),
        ("a_new_one", "other"),
        (None, "other"),
    ],
)
def test_reasons_to_stop_have_our_words_and_keep_their_own(raw, reason):
    finish = answer(HELLO, stop(), last(raw), END)[-1]
    assert (finish.reason, finish.raw_reason) == (reason, raw)


def test_a_stop_with_tool_calls_is_tool_calls():
    call = start(1, "tool_use", id="t", name="f", input={})
    assert answer(HELLO, stop(), call, stop(1), last("end_turn"), END)[-1].reason == "tool_calls"


def test_what_else_is_said_at_the_end_stands_in_the_response():
    details = {"type": "refusal", "category": "cyber"}
    finish = answer(
        message(container={"id": "c"}, provider="Amazon Bedrock"),
        said("message_delta", delta={"stop_reason": "stop_sequence", "stop_sequence": "```", "stop_details": details}),
        END,
    )[-1]
    assert finish.response == {
        "container": {"id": "c"},
        "provider": "Amazon Bedrock",
        "stop_sequence": "```",
        "stop_details": details,
    }


# Usage


def test_usage_is_overwritten_and_null_says_nothing():
    items = answer(
        message(usage={"input_tokens": 10, "cache_read_input_tokens": 5, "output_tokens": 1, "service_tier": None}),
        last(usage={"input_tokens": 12, "cache_read_input_tokens": None, "output_tokens": 7}),
        END,
    )
    assert of_type(items, Usage) == [Usage(10, 1, cached_tokens=5), Usage(12, 7, cached_tokens=5)]
    assert items[-1].usage == Usage(12, 7, cached_tokens=5)


def test_usage_has_the_provider_s_numbers_unchanged():
    numbers = {
        "input_tokens": 1,
        "output_tokens": 2,
        "cache_read_input_tokens": 3,
        "cache_creation_input_tokens": 4,
        "output_tokens_details": {"thinking_tokens": 5},
        "server_tool_use": {"web_search_requests": 6},
    }
    extra = {name: numbers[name] for name in ("output_tokens_details", "server_tool_use")}
    assert answer(message(usage=numbers), last(), END)[-1].usage == Usage(
        1, 2, cached_tokens=3, cache_write_tokens=4, reasoning_tokens=5, extra=extra
    )


def test_an_answer_without_usage_has_none():
    assert answer(HELLO, stop(), last(usage={}), END)[-1].usage is None


# Thinking


def test_thinking_is_told_and_then_given_whole_with_the_last_signature():
    items = answer(
        message(),
        start(0, "thinking", thinking="", signature=""),
        delta(0, "thinking_delta", thinking="Hm"),
        delta(0, "signature_delta", signature="first"),
        delta(0, "signature_delta", signature="last"),
        stop(),
        last(),
        END,
    )
    assert items[1:3] == [ReasoningDelta("Hm"), Reasoning("Hm", "last")]
    assert items[-1].native == {"anthropic": [{"type": "thinking", "thinking": "Hm", "signature": "last"}]}


def test_thinking_that_is_not_shown_keeps_its_signature():
    items = answer(
        message(), start(0, "thinking", thinking=""), delta(0, "signature_delta", signature="s"), stop(), last(), END
    )
    assert of_type(items, Reasoning) == [Reasoning("", "s")]


def test_redacted_thinking():
    items = answer(message(), start(0, "redacted_thinking", data="xyz"), stop(), last(), END)
    assert of_type(items, Reasoning) == [Reasoning(redacted="xyz")]
    assert items[-1].native == {"anthropic": [{"type": "redacted_thinking", "data": "xyz"}]}


# Tools


def test_a_tool_call_in_pieces():
    items = answer(
        message(),
        start(1, "tool_use", id="t1", name="add", input={}),
        delta(1, "input_json_delta", partial_json=""),
        delta(1, "input_json_delta", partial_json='{"a":'),
        delta(1, "input_json_delta", partial_json=" 1}"),
        stop(1),
        last("tool_use"),
        END,
    )
    assert [item for item in items if isinstance(item, (ToolCallDelta, ToolCall))] == [
        ToolCallDelta(0, "add", id="t1"),
        ToolCallDelta(0, None, '{"a":'),
        ToolCallDelta(0, None, " 1}"),
        ToolCall(0, "t1", "add", {"a": 1}, '{"a": 1}'),
    ]
    assert items[-1].native == {"anthropic": [{"type": "tool_use", "id": "t1", "name": "add", "input": {"a": 1}}]}


@pytest.mark.parametrize("opening", [{}, "", None])
def test_a_tool_call_without_input(opening):
    items = answer(message(), start(0, "tool_use", id="t", name="f", input=opening), stop(), last("tool_use"), END)
    assert of_type(items, ToolCall) == [ToolCall(0, "t", "f", {}, "")]
    assert items[-1].native["anthropic"][0]["input"] == {}


def test_input_may_come_whole_with_the_block_s_start():
    items = answer(message(), start(0, "tool_use", id="t", name="f", input={"a": 1}), stop(), last("tool_use"), END)
    assert of_type(items, ToolCall) == [ToolCall(0, "t", "f", {"a": 1}, '{"a": 1}')]
    assert "".join(piece.arguments for piece in of_type(items, ToolCallDelta)) == '{"a": 1}'


def test_input_that_comes_both_ways_counts_once():
    items = answer(
        message(),
        start(0, "tool_use", id="t", name="f", input={"a": 1}),
        delta(0, "input_json_delta", partial_json='{"a": 1}'),
        stop(),
        last("tool_use"),
        END,
    )
    assert completed(items).tool_calls[0].arguments_raw == '{"a": 1}'


def test_a_call_that_was_cut_off_does_not_go_back():
    items = answer(
        HELLO,
        stop(),
        start(1, "tool_use", id="t", name="f", input={}),
        delta(1, "input_json_delta", partial_json='{"a'),
        stop(1),
        last("max_tokens"),
        END,
    )
    assert of_type(items, ToolCall) == [ToolCall(0, "t", "f", None, '{"a')]
    assert items[-1].native == {"anthropic": [{"type": "text", "text": "Hello"}]}


def test_what_else_a_call_brings_is_kept():
    caller = {"type": "code_execution_20250825", "tool_id": "s"}
    items = answer(message(), start(0, "tool_use", id="t", name="f", input={}, caller=caller), stop(), last(), END)
    assert of_type(items, ToolCall)[0].extra == {"caller": caller}


def test_the_provider_s_own_tool_and_its_result():
    hits = [{"type": "web_search_result", "url": "https://a"}]
    items = answer(
        message(),
        start(0, "server_tool_use", id="s", name="web_search", input={}),
        delta(0, "input_json_delta", partial_json='{"query": "a"}'),
        stop(),
        start(1, "web_search_tool_result", tool_use_id="s", content=hits),
        stop(1),
        last(),
        END,
    )
    assert [item for item in items if not isinstance(item, Ping)][1:3] == [
        ServerToolCall("s", "web_search", {"query": "a"}),
        ServerToolResult("s", "web_search", hits),
    ]
    assert items[-1].reason == "stop"
    assert [block["type"] for block in items[-1].native["anthropic"]] == ["server_tool_use", "web_search_tool_result"]


def test_a_growing_input_of_the_provider_s_own_tool_is_a_sign_of_life():
    decoder = Decoder()
    decoder.feed(message() + start(0, "server_tool_use", id="s", name="bash", input={}))
    assert decoder.feed(delta(0, "input_json_delta", partial_json="{")) == [Ping()]


@pytest.mark.parametrize(
    "fields",
    [
        {"content": {"type": "web_search_tool_result_error", "error_code": "max_uses_exceeded"}},
        {"content": [], "is_error": True},
    ],
)
def test_a_result_that_is_an_error(fields):
    items = answer(message(), start(0, "web_search_tool_result", tool_use_id="s", **fields), stop(), last(), END)
    (result,) = of_type(items, ServerToolResult)
    assert (result.is_error, result.name, result.content) == (True, "web_search", fields["content"])


def test_a_tool_of_an_mcp_server():
    items = answer(
        message(), start(0, "mcp_tool_use", id="m", name="ask", server_name="wiki", input={}), stop(), last(), END
    )
    assert of_type(items, ServerToolCall) == [ServerToolCall("m", "ask", {}, extra={"server_name": "wiki"})]


# Other blocks


def test_citations_are_sources_and_go_back_with_their_text():
    web = {
        "type": "web_search_result_location",
        "url": "https://a",
        "title": "A",
        "cited_text": "a",
        "encrypted_index": "e",
    }
    place = {"type": "char_location", "cited_text": "b", "document_index": 0, "document_title": "B"}
    items = answer(
        HELLO,
        delta(0, "citations_delta", citation=web),
        delta(0, "citations_delta", citation=place),
        stop(),
        last(),
        END,
    )
    assert of_type(items, Source) == [
        Source("https://a", "A", "a", extra={"type": "web_search_result_location", "encrypted_index": "e"}),
        Source(None, "B", "b", extra={"type": "char_location", "document_index": 0, "document_title": "B"}),
    ]
    assert items[-1].native["anthropic"][0]["citations"] == [web, place]


def test_a_compaction_is_an_event_and_goes_back():
    block = {"type": "compaction", "content": "summary", "encrypted_content": "e"}
    items = answer(
        message(),
        start(0, "compaction", content=None),
        delta(0, "compaction_delta", content="summary", encrypted_content="e"),
        stop(),
        last(),
        END,
    )
    assert of_type(items, ProviderEvent) == [ProviderEvent("compaction", block)]
    assert items[-1].native == {"anthropic": [block]}


@pytest.mark.parametrize("kind", ["container_upload", "fallback", "a_new_one", "input"])
def test_other_blocks_are_events_and_go_back(kind):
    items = answer(message(), start(0, kind, x=1), stop(), last(), END)
    assert of_type(items, ProviderEvent) == [ProviderEvent(kind, {"type": kind, "x": 1})]
    assert items[-1].native == {"anthropic": [{"type": kind, "x": 1}]}


def test_other_events_and_deltas_are_kept():
    whole = {"type": "content_block_delta", "index": 0, "delta": {"type": "a_new_delta", "text": "x"}}
    misplaced = {"type": "content_block_delta", "index": 0, "delta": {"type": "thinking_delta", "thinking": "x"}}
    items = answer(
        HELLO, event(whole), event(misplaced), said("a_new_event", error="no", x=1), event([1]), stop(), last(), END
    )
    assert of_type(items, ProviderEvent) == [
        ProviderEvent("content_block_delta", whole),
        ProviderEvent("content_block_delta", misplaced),
        ProviderEvent("a_new_event", {"type": "a_new_event", "error": "no", "x": 1}),
        ProviderEvent("unknown", [1]),
    ]


def test_an_empty_text_does_not_go_back():
    assert answer(message(), start(0, "text", text=""), stop(), last("refusal"), END)[-1].native == {"anthropic": []}


# Disorder


def test_blocks_may_be_open_at_the_same_time():
    items = answer(
        message(),
        start(0, "thinking", thinking=""),
        delta(0, "thinking_delta", thinking="Hm"),
        start(1, "tool_use", id="t", name="f", input={}),
        delta(1, "input_json_delta", partial_json="{}"),
        delta(0, "signature_delta", signature=""),
        stop(0),
        stop(1),
        last("tool_use"),
        END,
    )
    assert of_type(items, Reasoning) == [Reasoning("Hm")]
    assert of_type(items, ToolCall) == [ToolCall(0, "t", "f", {}, "{}")]
    assert items[-1].native["anthropic"][0] == {"type": "thinking", "thinking": "Hm", "signature": ""}


def test_an_index_may_be_used_again_and_blocks_never_stopped():
    call = [start(5, "tool_use", id=f"t{n}", name="f", input={}) for n in range(2)]
    items = answer(message(), call[0], call[1], delta(5, "input_json_delta", partial_json="{}"), last("tool_use"), END)
    assert [(c.call, c.id, c.arguments_raw) for c in of_type(items, ToolCall)] == [(0, "t0", ""), (1, "t1", "{}")]


def test_text_without_a_block_s_start():
    items = answer(message(), text("a", 3), stop(0), last(), END)
    assert completed(items).text == "a"
    assert items[-1].native == {"anthropic": [{"type": "text", "text": "a"}]}


def test_the_whole_answer_may_be_in_the_message_s_start():
    content = [
        {"type": "thinking", "thinking": "Hm", "signature": "s"},
        {"type": "text", "text": "Hi", "citations": [{"url": "https://a"}]},
        {"type": "tool_use", "id": "t", "name": "f", "input": {"a": 1}},
    ]
    items = answer(message(content=content, stop_reason="tool_use", usage={"input_tokens": 0, "output_tokens": 4}), END)
    completion = completed(items)
    assert (completion.text, completion.reasoning, completion.finish_reason) == ("Hi", "Hm", "tool_calls")
    assert completion.tool_calls == [ToolCall(0, "t", "f", {"a": 1}, '{"a": 1}')]
    assert completion.sources == [Source("https://a")]
    assert completion.usage == Usage(0, 4)
    assert items[-1].native == {"anthropic": content}


def test_a_second_message_start_begins_nothing_anew():
    items = answer(HELLO, message(id="m2"), start(0, "text", text="!"), stop(), last(), END)
    assert of_type(items, Started) == [Started("m1", "claude")]
    assert [each.type for each in of_type(items, ProviderEvent)] == ["message_start"]
    assert completed(items).text == "Hello!"


def test_a_message_without_a_start():
    assert answer(text("a"), END)[:2] == [Started(), TextDelta("a")]


def test_comments_and_empty_data_are_signs_of_life():
    assert answer(b":\n\n", b"data:\n\n", b"event: ping\ndata: ping\n\n", said("ping"), END)[:4] == [Ping()] * 4


# Characters


def test_text_that_looks_like_framing():
    odd = "\u2028\u0085\n\ndata: [DONE]\r\n"
    frame = json.dumps(
        {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": odd}}, ensure_ascii=False
    )
    assert completed(answer(HELLO, f"data: {frame}\n\n".encode(), stop(), last(), END)).text == "Hello" + odd


@pytest.mark.parametrize(("kind", "field"), [("text", "text"), ("thinking", "thinking"), ("tool_use", "partial_json")])
def test_a_character_may_be_cut_between_two_deltas(kind, field):
    told = {"tool_use": "input_json_delta"}.get(kind, f"{kind}_delta")
    items = answer(
        message(),
        start(0, kind, name="f"),
        delta(0, told, **{field: '"\ud83d'}),
        delta(0, told, **{field: '\ude00"'}),
        stop(),
        last(),
        END,
    )
    completion = completed(items)
    raw = [call.arguments_raw for call in completion.tool_calls]
    assert [completion.text, completion.reasoning, *raw].count('"😀"') == 1


def test_half_a_character_ends_as_a_replacement():
    items = answer(message(), start(0, "text", text=""), text("a\ud83d"), stop(), last(), END)
    assert completed(items).text == "a\ufffd"
    assert items[-1].native == {"anthropic": [{"type": "text", "text": "a\ufffd"}]}


def test_half_a_character_before_a_fault_is_not_lost():
    items, error = decoded(message(), start(0, "text", text=""), text("a\ud83d"))
    assert type(error) is TruncatedStreamError
    assert completed(items).text == "a\ufffd"


def test_half_characters_within_arguments_are_mended():
    items = answer(
        message(),
        start(0, "tool_use", id="t", name="f"),
        delta(0, "input_json_delta", partial_json='{"a": "\\ud83d"}'),
        stop(),
        last(),
        END,
    )
    assert of_type(items, ToolCall)[0].arguments == {"a": "\ufffd"}


def test_json_that_only_python_reads():
    frame = (
        b'data: {"type": "content_block_delta", "index": 0, "x": NaN, "delta": {"type": "text_delta", "text": "!"}}\n\n'
    )
    assert completed(answer(HELLO, frame, stop(), last(), END)).text == "Hello!"


# Faults


@pytest.mark.parametrize(
    ("said_type", "error_type"),
    [
        ("overloaded_error", OverloadedError),
        ("rate_limit_error", RateLimitError),
        ("invalid_request_error", InvalidRequestError),
        ("api_error", ProviderError),
    ],
)
def test_an_error_in_mid_stream(said_type, error_type):
    items, error = decoded(HELLO, said("error", error={"type": said_type, "message": "Sorry"}, request_id="req_1"))
    assert type(error) is error_type
    assert isinstance(error, ProviderError)
    assert (str(error), error.code, error.request_id) == ("Sorry", said_type, "req_1")
    assert error.retryable is (said_type != "invalid_request_error")
    assert completed(items).text == "Hello"


@pytest.mark.parametrize(
    "frame",
    [
        b'data: {"error": {"code": 500, "message": "Sorry", "type": "server_error"}}\n\n',
        b"event: error\ndata: Sorry\n\n",
        b'event: error\ndata: {"message": "Sorry"}\n\n',
        b'{"error": {"code": 500, "message": "Sorry", "type": "server_error"}}',
        b'{"type": "error", "error": {"type": "api_error", "message": "Sorry"}}',
    ],
)
def test_errors_in_other_shapes(frame):
    _, error = decoded(frame)
    assert isinstance(error, ProviderError)
    assert "Sorry" in str(error)


def test_an_end_without_its_marker_is_a_truncation():
    for body in (b"", HELLO, HELLO + stop() + last(), HELLO + stop() + last() + b"data: [DONE]\n\n", b"eve", b'{"a'):
        _, error = decoded(body)
        assert type(error) is TruncatedStreamError


def test_a_last_event_that_was_cut_is_a_truncation():
    items, error = decoded(HELLO, text(" there")[:-10])
    assert type(error) is TruncatedStreamError
    assert completed(items).text == "Hello"


def test_a_fault_loses_nothing_and_is_raised_by_the_next_call():
    decoder = Decoder()
    items = decoder.feed(HELLO + b"data: {nonsense\n\n" + text(" there"))
    assert completed(items).text == "Hello"
    assert isinstance(decoder.fault, DecodeError)
    for call in (lambda: decoder.feed(b""), decoder.finish):
        with pytest.raises(DecodeError) as raised:
            call()
        assert raised.value is decoder.fault
    assert (decoder.fault.format, decoder.fault.snippet) == ("anthropic", "{nonsense")


def test_items_of_an_unended_event_before_a_truncation_are_the_rest():
    decoder = Decoder()
    decoder.feed(HELLO + text("!").rstrip())
    with pytest.raises(TruncatedStreamError):
        decoder.finish()
    assert decoder.rest == [TextDelta("!")]


@pytest.mark.parametrize(
    "payload",
    [
        b"{nonsense",
        {"type": "content_block_delta", "index": "0", "delta": {"type": "text_delta", "text": "a"}},
        {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": 1}},
        {"type": "content_block_start", "index": 0, "content_block": 1},
        {"type": "message_start", "message": None},
    ],
)
def test_what_does_not_follow_the_format_is_a_decode_error(payload):
    _, error = decoded(message(), event(payload))
    assert type(error) is DecodeError


@pytest.mark.parametrize("body", [b"<html>", b'{"type": "message", "content": []}'])
def test_something_that_is_no_stream(body):
    _, error = decoded(body)
    assert type(error) is DecodeError
    assert "not a stream" in str(error)


def test_an_event_larger_than_the_limit_is_a_decode_error():
    decoder = Decoder()
    for _ in range(17):
        decoder.feed(b"data: " + b"x" * 2**20 if not decoder._sse._line else b"x" * 2**20)
        if decoder.fault:
            break
    assert type(decoder.fault) is DecodeError


# The way back


def test_an_answer_goes_back_as_it_came():
    thinking = {"type": "thinking", "thinking": "Hm", "signature": "s"}
    call = {"type": "tool_use", "id": "t", "name": "f", "input": {"a": 1}}
    items = answer(
        message(),
        start(0, "thinking", thinking="", signature=""),
        delta(0, "thinking_delta", thinking="Hm"),
        delta(0, "signature_delta", signature="s"),
        stop(),
        start(1, "redacted_thinking", data="xyz"),
        stop(1),
        start(2, "text", text=""),
        text("Well", 2),
        stop(2),
        start(3, "tool_use", id="t", name="f", input={}),
        delta(3, "input_json_delta", partial_json='{"a": 1}'),
        stop(3),
        last("tool_use"),
        END,
    )
    message_ = completed(items).to_message()
    assert encode(chat_request([message_]), model="m")["messages"] == [
        {
            "role": "assistant",
            "content": [thinking, {"type": "redacted_thinking", "data": "xyz"}, {"type": "text", "text": "Well"}, call],
        }
    ]
