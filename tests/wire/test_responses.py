"""OpenAI Responses: what its events come to, and what servers really send."""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Any

import pytest
from fed import completed, event, fed, merged, of_type, portions
from hypothesis import given, settings
from hypothesis import strategies as st
from test_random_streams import JSON, TEXT, cut

from rxllm.errors import (
    ContentFilterError,
    DecodeError,
    InvalidRequestError,
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
    RefusalDelta,
    ServerToolCall,
    ServerToolResult,
    Source,
    Started,
    TextDelta,
    ToolCall,
    ToolCallDelta,
    Usage,
)
from rxllm.messages import Message, chat_request
from rxllm.wire.responses import Decoder, encode

OURS = Path(__file__).parents[1] / "recordings" / "llama_cpp"


def ev(kind: str, **fields: Any) -> bytes:
    return event({"type": f"response.{kind}", **fields})


def added(kind: str, index: int | None = 0, **fields: Any) -> bytes:
    place = {} if index is None else {"output_index": index}
    return ev("output_item.added", item={"type": kind, **fields}, **place)


def done(kind: str, index: int | None = 0, **fields: Any) -> bytes:
    place = {} if index is None else {"output_index": index}
    return ev("output_item.done", item={"type": kind, **fields}, **place)


def text(piece: str, index: int = 0, **fields: Any) -> bytes:
    return ev("output_text.delta", output_index=index, content_index=0, delta=piece, **fields)


def end(status: str = "completed", **fields: Any) -> bytes:
    return ev(status, response={"status": status, **fields})


def message(whole: str, **fields: Any) -> dict[str, Any]:
    return {"type": "message", "content": [{"type": "output_text", "text": whole, "annotations": [], **fields}]}


CREATED = ev("created", response={"id": "resp_1", "model": "m", "status": "in_progress"})


def decoded(*frames: bytes) -> tuple[list[Any], RxllmError | None]:
    """Decode frames; every way of cutting them must give the same."""
    body = b"".join(frames)
    ways = [fed(Decoder(), portions(body, size)) for size in (0, 1, 7)]
    items, error = ways[0]
    for other, other_error in ways[1:]:
        assert merged(other) == merged(items)
        assert (type(other_error), str(other_error)) == (type(error), str(error))
    return items, error


def good(*frames: bytes) -> list[Any]:
    items, error = decoded(*frames, end())
    assert error is None
    return items


def answer(*frames: bytes) -> Any:
    return completed(good(*frames))


def native(*frames: bytes) -> list[Any]:
    return of_type(good(*frames), Finish)[0].native["responses"]


# What events come to


def test_a_text_and_its_end():
    items, error = decoded(CREATED, text("Hel"), text("lo"), end(usage={"input_tokens": 3, "output_tokens": 2}))
    assert error is None
    usage = Usage(input_tokens=3, output_tokens=2)
    assert items[:-1] == [
        Started("resp_1", "m"),
        TextDelta("Hel"),
        TextDelta("lo"),
        usage,
        ChoiceFinished(0, "stop", "completed"),
    ]
    assert (items[-1].reason, items[-1].raw_reason, items[-1].usage) == ("stop", "completed", usage)


def test_a_response_begins_once():
    again = ev("in_progress", response={"id": "other"})
    assert good(CREATED, again, CREATED, text("a"))[:4] == [Started("resp_1", "m"), Ping(), Ping(), TextDelta("a")]


def test_a_resumed_stream_begins_where_it_was_cut():
    queued = ev("queued", response={"id": "resp_1", "model": "m"})
    assert good(queued, text("a"))[:2] == [Started("resp_1", "m"), TextDelta("a")]
    assert good(text("a"))[:2] == [Started(), TextDelta("a")]


def test_a_keepalive_is_a_ping():
    assert good(CREATED, event({"type": "keepalive", "sequence_number": 2}))[1] == Ping()
    assert Ping() in fed(Decoder(), [b": waiting\n\n"])[0]


def test_the_event_s_name_counts_where_the_json_has_none():
    frames = b'event: response.output_text.delta\ndata: {"delta": "a", "output_index": 0}\n\n'
    assert completed(good(frames)).text == "a"


def test_ids_that_change_with_each_event_are_not_believed():
    frames = [
        added("message", id="a"),
        ev("content_part.added", output_index=0, content_index=0, item_id="b", part={"type": "output_text"}),
        text("Hi", item_id="c"),
        ev("output_text.done", output_index=0, content_index=0, item_id="d", text="Hi"),
        done("message", id="e", content=message("Hi")["content"]),
        ev("completed", response={"status": "completed", "output": [{**message("Hi"), "id": "f"}]}),
    ]
    items, error = decoded(*frames)
    assert (completed(items).text, error) == ("Hi", None)
    assert [item["id"] for item in items[-1].native["responses"]] == ["f"]


def test_without_indexes_ids_tell_calls_apart():
    def delta(id_: str, piece: str) -> bytes:
        return ev("function_call_arguments.delta", item_id=id_, delta=piece)

    frames = [
        added("function_call", None, id="x", call_id="c1", name="f"),
        added("function_call", None, id="y", call_id="c2", name="g"),
        delta("x", '{"a"'),
        delta("y", "{}"),
        delta("x", ":1}"),
    ]
    calls = answer(*frames).tool_calls
    assert [(c.call, c.id, c.name, c.arguments) for c in calls] == [(0, "c1", "f", {"a": 1}), (1, "c2", "g", {})]


def test_an_index_used_again_is_another_item():
    frames = [
        added("message", id="a"),
        text("A"),
        done("message", id="a", content=message("A")["content"]),
        added("message", id="b"),
        text("B"),
        done("message", id="b", content=message("B")["content"]),
    ]
    assert answer(*frames).text == "AB"
    assert [item["id"] for item in native(*frames)] == ["a", "b"]


def test_a_part_may_begin_at_any_index():
    part = {"output_index": 0, "content_index": 1}
    frames = [
        added("message"),
        ev("output_text.delta", delta="Hi", **part),
        ev("output_text.done", text="Hi", **part),
        done("message", content=message("Hi")["content"]),
    ]
    assert answer(*frames).text == "Hi"


@pytest.mark.parametrize(
    "frame",
    [
        ev("output_text.done", output_index=0, content_index=0, text="Hello"),
        ev("content_part.done", output_index=0, content_index=0, part={"type": "output_text", "text": "Hello"}),
        done("message", content=message("Hello")["content"]),
    ],
)
@pytest.mark.parametrize("said", ["", "Hel", "Hello"])
def test_a_whole_text_adds_what_its_pieces_did_not_say(frame, said):
    pieces = [text(said)] if said else []
    items = good(CREATED, added("message"), *pieces, frame)
    assert completed(items).text == "Hello"
    assert not of_type(items, ProviderEvent)


def test_the_whole_output_adds_what_no_event_told():
    call = {"type": "function_call", "call_id": "c", "name": "f", "arguments": "{}"}
    output = [{"type": "reasoning", "summary": [{"type": "summary_text", "text": "Hm"}]}, message("Hello"), call]
    items, _ = decoded(CREATED, text("Hel"), end(output=output))
    completion = completed(items)
    assert (completion.text, completion.reasoning, completion.finish_reason) == ("Hello", "Hm", "tool_calls")
    assert [c.name for c in completion.tool_calls] == ["f"]
    assert items[-1].native["responses"] == output


def test_an_empty_output_is_put_together_from_the_items():
    item = {"id": "m1", "status": "completed", **message("Hi")}
    items, _ = decoded(CREATED, text("Hi"), ev("output_item.done", output_index=0, item=item), end(output=[]))
    assert items[-1].native["responses"] == [item]


def test_items_that_were_never_told_whole_are_put_together_from_their_pieces():
    frames = [
        ev("reasoning_summary_text.delta", output_index=0, summary_index=0, delta="Hm"),
        text("Hi", 1),
        ev("refusal.delta", output_index=1, content_index=1, delta="No"),
        added("function_call", 2, call_id="c", name="f"),
        ev("function_call_arguments.delta", output_index=2, delta="{}"),
    ]
    assert native(*frames) == [
        {"type": "reasoning", "summary": [{"type": "summary_text", "text": "Hm"}]},
        {
            "type": "message",
            "role": "assistant",
            "content": [
                {"type": "output_text", "text": "Hi", "annotations": []},
                {"type": "refusal", "refusal": "No"},
            ],
        },
        {"type": "function_call", "call_id": "c", "name": "f", "arguments": "{}", "status": "incomplete"},
    ]


def test_a_whole_text_that_says_something_else_is_told_once():
    whole = ev("output_text.done", output_index=0, content_index=0, text="Bye")
    items = good(CREATED, text("Hi"), whole, done("message", content=message("Bye")["content"]))
    assert completed(items).text == "Hi"
    assert [e.type for e in of_type(items, ProviderEvent)] == ["response.output_text.done"]


def test_late_repetitions_say_nothing_new():
    item = done("message", content=message("Hi")["content"])
    late = ev("output_text.done", output_index=0, content_index=0, text="Hi")
    assert answer(text("Hi"), item, late, item).text == "Hi"


# Tool calls


def test_a_tool_call_and_its_deltas():
    items = good(
        CREATED,
        added("function_call", id="fc", call_id="c1", name="f", arguments=""),
        ev("function_call_arguments.delta", output_index=0, delta='{"a":'),
        ev("function_call_arguments.delta", output_index=0, delta="1}"),
        ev("function_call_arguments.done", output_index=0, arguments='{"a":1}'),
        done("function_call", id="fc", call_id="c1", name="f", arguments='{"a":1}'),
    )
    assert items[1:5] == [
        ToolCallDelta(0, "f", id="c1"),
        ToolCallDelta(0, arguments='{"a":'),
        ToolCallDelta(0, arguments="1}"),
        ToolCall(0, "c1", "f", {"a": 1}, '{"a":1}'),
    ]
    assert items[-1].reason == "tool_calls"


@pytest.mark.parametrize("is_told_at_done", [True, False])
def test_arguments_may_come_whole_only(is_told_at_done):
    arguments = ev("function_call_arguments.done", output_index=0, arguments='{"a": 1}')
    item = done("function_call", call_id="c", name="f", **({"arguments": '{"a": 1}'} if is_told_at_done else {}))
    items = good(CREATED, added("function_call", call_id="c", name="f"), arguments, item)
    assert of_type(items, ToolCall) == [ToolCall(0, "c", "f", {"a": 1}, '{"a": 1}')]
    assert "".join(d.arguments for d in of_type(items, ToolCallDelta)) == '{"a": 1}'


def test_a_call_of_which_only_the_end_is_told():
    items = good(CREATED, done("function_call", call_id="c", name="f", arguments=""))
    assert of_type(items, ToolCallDelta) == [ToolCallDelta(0, "f", id="c")]
    assert of_type(items, ToolCall) == [ToolCall(0, "c", "f", {}, "")]


def test_deltas_before_their_call_is_announced_belong_to_it():
    delta = ev("function_call_arguments.delta", output_index=0, delta="{}")
    items = good(CREATED, delta, added("function_call", call_id="c", name="f"))
    assert of_type(items, ToolCall) == [ToolCall(0, "c", "f", {}, "{}")]


def test_arguments_that_are_corrected_at_the_end_are_the_call_s():
    items = good(
        CREATED,
        added("function_call", call_id="c", name="f"),
        ev("function_call_arguments.delta", output_index=0, delta='{"a" : 1}'),
        done("function_call", call_id="c", name="f", arguments='{"a":1}'),
    )
    assert of_type(items, ToolCall)[0].arguments_raw == '{"a":1}'


def test_a_custom_tool_s_input_is_text():
    items = good(
        CREATED,
        added("custom_tool_call", call_id="c", name="sql", input=""),
        ev("custom_tool_call_input.delta", output_index=0, delta="select 1"),
        done("custom_tool_call", call_id="c", name="sql", input="select 1"),
    )
    assert of_type(items, ToolCall) == [ToolCall(0, "c", "sql", None, "select 1", extra={"type": "custom"})]
    assert items[-1].reason == "tool_calls"


def test_a_custom_tool_that_nobody_declared_is_the_provider_s_own():
    created = ev("created", response={"id": "r", "tools": [{"type": "x_search"}]})
    items = good(created, done("custom_tool_call", call_id="c", name="x_keyword_search", input="{}"), text("So", 1))
    assert of_type(items, ToolCall)[0].extra == {"type": "custom", "execution": "server"}
    assert items[-1].reason == "stop"


def test_a_custom_tool_in_a_namespace_is_declared():
    tools = [{"type": "namespace", "name": "db", "tools": [{"type": "custom", "name": "sql"}]}]
    created = ev("created", response={"id": "r", "tools": tools})
    assert good(created, done("custom_tool_call", call_id="c", name="sql", input="x"))[-1].reason == "tool_calls"
    assert good(created, done("custom_tool_call", call_id="c", name={}, input="x"))[-1].reason == "stop"


# Reasoning


def test_a_block_of_reasoning_comes_whole_after_its_deltas():
    summary = [{"type": "summary_text", "text": "A"}, {"type": "summary_text", "text": "B"}]
    items = good(
        CREATED,
        added("reasoning", id="rs", summary=[], encrypted_content="early"),
        ev("reasoning_summary_part.added", output_index=0, summary_index=0, part={"type": "summary_text", "text": ""}),
        ev("reasoning_summary_text.delta", output_index=0, summary_index=0, delta="A"),
        ev("reasoning_summary_text.done", output_index=0, summary_index=0, text="A"),
        ev("reasoning_summary_text.delta", output_index=0, summary_index=1, delta="B"),
        done("reasoning", id="rs", summary=summary, encrypted_content="late"),
    )
    assert items[1:4] == [ReasoningDelta("A"), ReasoningDelta("B"), Reasoning("AB", "late", extra={"id": "rs"})]
    assert not of_type(items, ProviderEvent)


def test_reasoning_that_is_only_encrypted_is_kept():
    items = good(CREATED, done("reasoning", id="rs", summary=[], encrypted_content="secret"))
    assert items[1] == Reasoning("", "secret", extra={"id": "rs"})


def test_reasoning_itself_is_told_rather_than_its_summary():
    summary = [{"type": "summary_text", "text": "short"}]
    items = good(
        CREATED,
        ev("reasoning_text.delta", output_index=0, content_index=0, delta="long"),
        ev("reasoning_summary_text.delta", output_index=0, summary_index=0, delta="short"),
        ev("reasoning_summary_text.done", output_index=0, summary_index=0, text="short"),
        done("reasoning", summary=summary, content=[{"type": "reasoning_text", "text": "long"}]),
    )
    assert completed(items).reasoning == "long"
    assert of_type(items, Reasoning) == [Reasoning("long", extra={"summary": summary})]
    assert [e.data["delta"] for e in of_type(items, ProviderEvent)] == ["short"]


# The provider's own tools, citations, media, logprobs


@pytest.mark.parametrize(
    ("item", "call", "result"),
    [
        (
            {"type": "web_search_call", "id": "i", "action": {"query": "q", "sources": [1]}},
            ("web_search", {"query": "q", "sources": [1]}),
            ([1], False),
        ),
        (
            {"type": "code_interpreter_call", "id": "i", "code": "1", "outputs": ["o"], "container_id": "k"},
            ("code_interpreter", {"code": "1"}),
            (["o"], False),
        ),
        (
            {"type": "mcp_call", "id": "i", "name": "n", "arguments": '{"a":1}', "output": "o", "error": None},
            ("n", {"a": 1}),
            ("o", False),
        ),
        (
            {"type": "mcp_call", "id": "i", "name": "n", "arguments": "{}", "output": None, "error": "down"},
            ("n", {}),
            ("down", True),
        ),
        ({"type": "file_search_call", "id": "i", "status": "failed"}, ("file_search", {"queries": None}), (None, True)),
    ],
)
def test_what_the_provider_ran_itself(item, call, result):
    items = good(CREATED, ev("output_item.done", output_index=0, item=item))
    [asked], [given] = of_type(items, ServerToolCall), of_type(items, ServerToolResult)
    assert (asked.id, asked.name, asked.arguments) == ("i", *call)
    assert (given.id, given.name, given.content, given.is_error) == ("i", call[0], *result)
    assert items[-1].reason == "stop"


def test_a_shell_of_the_provider_and_its_output():
    items = good(
        CREATED,
        done("shell_call", 0, call_id="c", action={"commands": ["ls"]}, environment={"type": "container_reference"}),
        done("shell_call_output", 1, call_id="c", output=[{"stdout": "a"}]),
    )
    assert (items[1].id, items[1].name, items[1].arguments) == ("c", "shell", {"commands": ["ls"]})
    assert items[2] == ServerToolResult("c", "shell", [{"stdout": "a"}])


@pytest.mark.parametrize(
    "item",
    [
        {"type": "computer_call", "call_id": "c"},
        {"type": "shell_call", "environment": {"type": "local"}},
        {"type": "tool_search_call", "execution": "client"},
        {"type": "mcp_approval_request", "name": "n"},
        {"type": "of the future"},
    ],
)
def test_an_item_that_is_not_known_or_for_somebody_here_is_kept_as_it_is(item):
    items = good(CREATED, ev("output_item.done", output_index=0, item=item))
    assert items[1] == ProviderEvent("response.output_item.done", item)
    assert items[-1].native == {"responses": [item]}


def test_progress_of_the_provider_s_tools_is_told_as_it_is():
    items = good(CREATED, added("web_search_call"), ev("web_search_call.searching", output_index=0))
    assert [e.type for e in of_type(items, ProviderEvent)][:2] == [
        "response.output_item.added",
        "response.web_search_call.searching",
    ]


def test_an_image_and_a_piece_of_audio():
    items = good(
        CREATED,
        ev("audio.delta", delta="UklG"),
        done("image_generation_call", id="ig", result="aW1n", output_format="webp", revised_prompt="a cat"),
    )
    assert of_type(items, Media) == [Media("audio/pcm", "UklG"), Media("image/webp", "aW1n", extra={"id": "ig"})]
    assert of_type(items, ServerToolCall)[0].arguments == {"prompt": "a cat"}


def test_citations_come_once_though_they_are_told_twice():
    cited = [
        {"type": "url_citation", "url": "u", "title": "t"},
        {"type": "file_citation", "filename": "f", "file_id": "x"},
    ]
    first = ev("output_text.annotation.added", output_index=0, content_index=0, annotation=cited[0])
    whole = {"type": "output_text", "text": "a", "annotations": cited}
    items = good(CREATED, text("a"), first, done("message", content=[whole]))
    assert of_type(items, Source) == [
        Source("u", "t", extra={"type": "url_citation"}),
        Source(title="f", extra={"type": "file_citation", "file_id": "x"}),
    ]


def test_logprobs_come_once_though_they_are_told_twice():
    tokens = [{"token": "a", "logprob": -1}]
    item = done("message", content=[{"type": "output_text", "text": "a", "logprobs": tokens}])
    assert good(CREATED, text("a", logprobs=tokens), item)[1:3] == [TextDelta("a"), Logprobs(tokens)]
    assert of_type(good(CREATED, text("a", logprobs=[]), item), Logprobs) == [Logprobs(tokens)]


def test_parts_that_are_not_known_are_kept_and_told_once():
    part = {"type": "of the future", "x": 1}
    told = ev("content_part.done", output_index=0, content_index=0, part=part)
    items = good(CREATED, added("message"), told, done("message", content=[part]))
    assert [e.data["part"] for e in of_type(items, ProviderEvent)] == [part]
    assert of_type(good(CREATED, done("message", content=[part])), ProviderEvent)[0].data == {"part": part}


@pytest.mark.parametrize("value", [{"type": "response.new", "x": 1}, {"x": 1}, [1], 3])
def test_what_is_not_known_is_kept(value):
    items = good(CREATED, event(value))
    assert items[1].data == value


# Ends


@pytest.mark.parametrize(
    ("why", "reason"),
    [("max_output_tokens", "length"), ("content_filter", "content_filter"), ("of the future", "other")],
)
def test_an_incomplete_response_is_a_completed_stream(why, reason):
    items, error = decoded(CREATED, text("Hi"), end("incomplete", incomplete_details={"reason": why}))
    assert error is None
    assert (items[-1].reason, items[-1].raw_reason) == (reason, "incomplete")
    assert items[-1].response == {"incomplete_details": {"reason": why}}


def test_a_cancelled_response_is_a_completed_stream():
    items, error = decoded(CREATED, text("Hi"), end("cancelled"))
    assert (items[-1].reason, error) == ("cancelled", None)


def test_a_refusal():
    refusal = ev("refusal.delta", output_index=0, content_index=0, delta="I cannot.")
    items = good(CREATED, refusal)
    assert items[1] == RefusalDelta("I cannot.")
    assert items[-1].reason == "refusal"


def test_a_cut_answer_goes_back_without_what_no_request_may_hold():
    frames = [
        text("Hi"),
        ev("reasoning_text.delta", output_index=1, content_index=0, delta="Hm"),
        added("function_call", 2, call_id="c", name="f"),
        ev("function_call_arguments.delta", output_index=2, delta='{"a'),
        end("incomplete", incomplete_details={"reason": "max_output_tokens"}),
    ]
    items, _ = decoded(CREATED, *frames)
    assert of_type(items, ToolCall) == [ToolCall(0, "c", "f", None, '{"a')]
    assert [item["type"] for item in items[-1].native["responses"]] == ["message"]


def test_the_end_tells_what_else_there_is_but_not_the_request_again():
    response = {
        "instructions": "secret",
        "tools": [],
        "service_tier": "default",
        "model": "late",
        "status": "completed",
    }
    last = event({"type": "response.completed", "response": response, "timings": {"n": 1}})
    items, _ = decoded(ev("created", response={"id": "r"}), last)
    assert items[-1].response == {"service_tier": "default", "timings": {"n": 1}, "model": "late"}
    assert completed(items).model == "late"


def test_nothing_behind_the_end_is_looked_at():
    items, error = decoded(CREATED, text("Hi"), end(), b"data: [DONE]\n\n", b"data: nonsense\n\n", text("more"))
    assert (completed(items).text, error) == ("Hi", None)
    assert isinstance(items[-1], Finish)


def test_usage_is_the_provider_s_own():
    numbers = {
        "input_tokens": 9,
        "input_tokens_details": {"cached_tokens": 5, "image_tokens": 1},
        "output_tokens": 7,
        "output_tokens_details": {"reasoning_tokens": 3},
        "total_tokens": 16,
        "cost": 0.5,
    }
    usage = completed(decoded(CREATED, end(usage=numbers))[0]).usage
    extra = {"input_tokens_details": {"image_tokens": 1}, "cost": 0.5}
    assert usage == Usage(9, 7, 16, cached_tokens=5, reasoning_tokens=3, extra=extra)


@pytest.mark.parametrize(
    ("code", "kind", "retryable"),
    [
        ("rate_limit_exceeded", RateLimitError, True),
        ("server_error", ProviderError, True),
        ("invalid_prompt", InvalidRequestError, False),
        ("image_too_large", InvalidRequestError, False),
        ("image_content_policy_violation", ContentFilterError, False),
        ("content_filter", ContentFilterError, False),
        ("server_overloaded", OverloadedError, True),
        ("vector_store_timeout", ProviderError, True),
    ],
)
def test_a_failed_response_is_an_error_by_its_code(code, kind, retryable):
    failed = end("failed", error={"code": code, "message": "No."}, usage={"input_tokens": 3})
    items, error = decoded(CREATED, text("Hi"), failed)
    assert (type(error), str(error), error.code, error.retryable) == (kind, "No.", code, retryable)
    assert items[-2:] == [TextDelta("Hi"), Usage(input_tokens=3)]


@pytest.mark.parametrize(
    "frame",
    [
        event({"type": "error", "code": "rate_limit_exceeded", "message": "Slow down.", "param": None}),
        event({"type": "error", "error": {"type": "tokens", "code": "rate_limit_exceeded", "message": "Slow down."}}),
        event({"error": {"code": 429, "type": "rate_limit_error", "message": "Slow down."}}),
        b'event: error\ndata: {"code": "rate_limit_exceeded", "message": "Slow down."}\n\n',
    ],
)
def test_an_error_event_ends_the_stream(frame):
    items, error = decoded(CREATED, text("Hi"), frame, end())
    assert (type(error), str(error)) == (RateLimitError, "Slow down.")
    assert items[-1] == TextDelta("Hi")


def test_a_failure_without_a_reason_says_so():
    assert "does not say why" in str(decoded(CREATED, end("failed", error=None))[1])


@pytest.mark.parametrize(
    "last", [b"", b"data: [DONE]\n\n", b'data: {"type": "response.comp', b": ping\n\n", b"event: r"]
)
def test_a_stream_without_its_end_is_truncated(last):
    items, error = decoded(CREATED, text("Hi"), last)
    assert type(error) is TruncatedStreamError
    assert completed(items).text == "Hi"
    assert error.retryable


def test_a_last_event_that_nothing_ended_counts():
    items, error = decoded(CREATED, text("Hi"), end()[:-2])
    assert (items[-1].reason, error) == ("stop", None)


def test_a_faulty_last_event_that_nothing_ended_leaves_its_items():
    decoder = Decoder()
    decoder.feed(CREATED + end("failed", error={"message": "No."}, usage={"input_tokens": 1})[:-2])
    with pytest.raises(ProviderError):
        decoder.finish()
    assert decoder.rest == [Usage(input_tokens=1)]


def test_a_page_for_people_is_named_as_such():
    error = decoded(b"<html><body>Bad gateway</body></html>")[1]
    assert type(error) is DecodeError
    assert "server-sent events" in str(error)


def test_an_answer_that_was_not_streamed_is_named_as_such():
    error = decoded(json.dumps({"id": "r", "object": "response", "output": []}).encode())[1]
    assert type(error) is DecodeError
    assert "one JSON document" in str(error)


@pytest.mark.parametrize(
    "frame",
    [
        b"data: {nonsense\n\n",
        b"data: \xff\xfe\n\n",
        ev("output_text.delta", output_index=0, delta=3),
        ev("output_text.delta", output_index="first", delta="a"),
        ev("output_item.added", output_index=0, item=3),
        ev("completed", response=None),
        ev("content_part.added", output_index=0, part=[]),
        b'data: {"type": "response.completed", "response": ' + b"[" * 5000 + b"]" * 5000 + b"}\n\n",
    ],
)
def test_a_malformed_event_is_an_error_that_loses_nothing(frame):
    items, error = decoded(CREATED, text("Hi"), frame, end())
    assert type(error) is DecodeError
    assert (error.format, bool(error.snippet)) == ("responses", True)
    assert items == [Started("resp_1", "m"), TextDelta("Hi")]


def test_a_fault_stays():
    decoder = Decoder()
    decoder.feed(b"data: {nonsense\n\n")
    with pytest.raises(DecodeError):
        decoder.feed(CREATED)
    with pytest.raises(DecodeError):
        decoder.finish()


# Characters


def test_a_character_may_be_cut_between_two_deltas():
    first = b'data: {"type":"response.output_text.delta","output_index":0,"content_index":0,"delta":"a\\ud83d"}\n\n'
    second = b'data: {"type":"response.output_text.delta","output_index":0,"content_index":0,"delta":"\\ude00b"}\n\n'
    whole = ev("output_text.done", output_index=0, content_index=0, text="a😀b")
    items = good(CREATED, first, second, whole)
    assert completed(items).text == "a😀b"
    assert not of_type(items, ProviderEvent)


def test_half_a_character_that_stays_alone_is_replaced():
    half = b'data: {"type":"response.output_text.delta","output_index":0,"delta":"a\\ud83d"}\n\n'
    assert completed(good(CREATED, half)).text == "a\ufffd"
    assert completed(good(CREATED, half, done("message", content=message("a😀")["content"]))).text == "a😀"
    assert completed(decoded(CREATED, half, event({"type": "error", "message": "x"}))[0]).text == "a\ufffd"


def test_nan_in_a_field_that_nobody_reads():
    frame = b'data: {"type": "response.output_text.delta", "output_index": 0, "delta": "a", "logprobs": NaN}\n\n'
    assert completed(good(CREATED, frame)).text == "a"


def test_line_separators_within_a_text():
    assert (
        answer(event(json.dumps({"type": "response.output_text.delta", "delta": "a\u2028b"}).encode())).text
        == "a\u2028b"
    )


# Requests


def body(*messages: Any, model: str = "m", **given: Any) -> dict[str, Any]:
    return encode(chat_request(messages or "Why?", given), model=model)


def test_a_plain_request():
    assert body() == {"model": "m", "input": [{"role": "user", "content": "Why?"}], "stream": True}
    assert encode(chat_request("Why?"), model="m", stream=False).get("stream") is None


def test_leading_system_messages_are_instructions():
    sent = body(Message.system("A"), Message.system("B"), Message.user("Why?"), Message.system("C"))
    assert sent["instructions"] == "A\n\nB"
    assert sent["input"] == [{"role": "user", "content": "Why?"}, {"role": "system", "content": "C"}]
    assert body(Message(role="developer", content="A"))["input"] == [{"role": "developer", "content": "A"}]


def test_images():
    parts = [
        {"type": "text", "text": "What?"},
        {"type": "image", "url": "https://x/y.png", "detail": "low"},
        {"type": "image", "data": "aW1n", "media_type": "image/webp"},
    ]
    assert body({"role": "user", "content": parts})["input"][0]["content"] == [
        {"type": "input_text", "text": "What?"},
        {"type": "input_image", "image_url": "https://x/y.png", "detail": "low"},
        {"type": "input_image", "image_url": "data:image/webp;base64,aW1n", "detail": "auto"},
    ]


def test_an_answer_of_another_wire_is_written_as_items():
    call = {"id": "c", "name": "f", "arguments": "{}"}
    sent = body(
        Message.user("Why?"),
        {"role": "assistant", "content": "Let me see.", "tool_calls": [call], "native": {"anthropic": [{"type": "x"}]}},
        Message.tool("42", tool_call_id="c"),
    )
    assert sent["input"][1:] == [
        {"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": "Let me see."}]},
        {"type": "function_call", "call_id": "c", "name": "f", "arguments": "{}"},
        {"type": "function_call_output", "call_id": "c", "output": "42"},
    ]


def test_an_answer_goes_back_as_it_came():
    items = [
        {"type": "reasoning", "id": "rs", "summary": [], "encrypted_content": "secret"},
        {"type": "function_call", "id": "fc", "call_id": "c", "name": "f", "arguments": "{}", "status": "completed"},
        {"type": "custom_tool_call", "id": "ct", "call_id": "d", "name": "sql", "input": "select 1"},
    ]
    frames = [ev("output_item.done", output_index=n, item=item) for n, item in enumerate(items)]
    answered = answer(CREATED, *frames).to_message()
    results = [Message.tool("1", tool_call_id="c"), Message.tool("2", tool_call_id="d")]
    sent = body(Message.user("Why?"), answered, *results, extra={"store": False})["input"]
    assert sent[1:] == [
        *items,
        {"type": "function_call_output", "call_id": "c", "output": "1"},
        {"type": "custom_tool_call_output", "call_id": "d", "output": "2"},
    ]


def test_reasoning_that_the_provider_did_not_keep_is_not_sent_by_name_alone():
    item = {"type": "reasoning", "id": "rs", "summary": []}
    answered = answer(CREATED, ev("output_item.done", output_index=0, item=item), text("Hi", 1)).to_message()
    kinds = [each["type"] for each in body(answered)["input"]]
    assert kinds == ["reasoning", "message"]
    assert [each["type"] for each in body(answered, extra={"store": False})["input"]] == ["message"]


def test_tools_are_flat_and_strict_only_if_they_say_so():
    tools = [{"name": "f", "description": "d"}, {"name": "g", "strict": True}]
    sent = body(tools=tools, tool_choice="g", parallel_tool_calls=False)
    empty = {"type": "object", "properties": {}}
    assert sent["tools"] == [
        {"type": "function", "name": "f", "description": "d", "parameters": empty, "strict": False},
        {"type": "function", "name": "g", "parameters": empty, "strict": True},
    ]
    assert (sent["tool_choice"], sent["parallel_tool_calls"]) == ({"type": "function", "name": "g"}, False)
    assert body(tools=tools, tool_choice="required")["tool_choice"] == "required"


def test_settings_have_the_format_s_names():
    sent = body(max_tokens=9, temperature=0.5, top_p=0.9, metadata={"a": "b"}, stream_options={"include_usage": True})
    settings_ = {"max_output_tokens": 9, "temperature": 0.5, "top_p": 0.9, "metadata": {"a": "b"}}
    assert sent == {**body(), **settings_}
    assert body(stream_options={"include_obfuscation": False})["stream_options"] == {"include_obfuscation": False}


SCHEMA = {"type": "object", "properties": {}}


@pytest.mark.parametrize(
    ("wanted", "sent"),
    [
        ("text", {"type": "text"}),
        ("json", {"type": "json_object"}),
        (
            {"type": "json_schema", "json_schema": {"name": "n", "schema": SCHEMA, "strict": True}},
            {"type": "json_schema", "name": "n", "schema": SCHEMA, "strict": True},
        ),
        (
            {"type": "json_schema", "json_schema": {"schema": SCHEMA}},
            {"type": "json_schema", "name": "answer", "schema": SCHEMA},
        ),
        (
            {"type": "json_schema", "name": "n", "schema": SCHEMA},
            {"type": "json_schema", "name": "n", "schema": SCHEMA},
        ),
    ],
)
def test_response_formats(wanted, sent):
    assert body(response_format=wanted)["text"] == {"format": sent}


def test_a_model_class_is_a_strict_schema():
    from pydantic import BaseModel

    class City(BaseModel):
        name: str

    sent = body(response_format=City)["text"]["format"]
    assert (sent["type"], sent["name"], sent["strict"]) == ("json_schema", "City", True)
    assert sent["schema"]["additionalProperties"] is False


def test_reasoning_is_asked_for_with_its_summary():
    assert "reasoning" not in body()
    assert body(reasoning_effort="low")["reasoning"] == {"effort": "low", "summary": "auto"}
    assert body(reasoning_effort="none")["reasoning"] == {"effort": "none"}
    sent = encode(chat_request("Why?", {"reasoning_effort": "low"}), model="m", reasoning_summary=None)
    assert sent["reasoning"] == {"effort": "low"}


def test_reasoning_that_is_not_stored_is_asked_for_encrypted():
    sent = body(reasoning_effort="low", extra={"store": False})
    assert (sent["store"], sent["include"]) == (False, ["reasoning.encrypted_content"])
    assert "include" not in body(extra={"store": False})  # which models that do not reason refuse
    given = {"store": False, "include": ["reasoning.encrypted_content"]}
    assert body(extra=given)["include"] == ["reasoning.encrypted_content"]


def test_logprobs_are_included():
    sent = body(logprobs=True, top_logprobs=2, extra={"include": ["file_search_call.results"], "user": "u"})
    assert sent["include"] == ["message.output_text.logprobs", "file_search_call.results"]
    assert (sent["top_logprobs"], sent["user"]) == (2, "u")


@pytest.mark.parametrize(
    ("given", "field"),
    [
        ({"stop": "x"}, "stop"),
        ({"seed": 1}, "seed"),
        ({"n": 2}, "n"),
        ({"top_logprobs": 2, "logprobs": False}, "top_logprobs"),
        ({"response_format": {"type": "json_schema"}}, "response_format"),
        ({"tool_choice": "f"}, "tool_choice"),
        ({"messages": [{"role": "user", "content": "a", "name": "Bob"}]}, "messages[0].name"),
        ({"messages": [{"role": "tool", "content": "a"}]}, "messages[0].tool_call_id"),
        ({"messages": [{"role": "system", "content": [{"type": "image", "url": "u"}]}]}, "messages[0].content"),
    ],
)
def test_what_the_format_cannot_say_is_refused_by_name(given, field):
    from rxllm.errors import ConfigurationError

    with pytest.raises(ConfigurationError) as refused:
        body(*given.pop("messages", []), **given)
    assert str(refused.value).startswith(field)


# Streams made at random: what comes out is what went in, and nonsense gives nothing but our errors


WAYS = st.sampled_from(["deltas", "deltas and all repetitions", "repetitions only", "the end only", "the output only"])
FIELDS = {"output_text": "message", "refusal": "message", "reasoning_text": "reasoning", "summary_text": "reasoning"}
NAMES = {"summary_text": "reasoning_summary_text", "arguments": "function_call_arguments"}


def whole_item(field: str, said: str, number: int) -> dict[str, Any]:
    """An item that says one text."""
    if field == "arguments":
        return {"type": "function_call", "call_id": f"c{number}", "name": "f", "arguments": said}
    part = {"type": field, "refusal" if field == "refusal" else "text": said}
    holder = "summary" if field == "summary_text" else "content"
    return {"type": FIELDS[field], "summary": [], holder: [part]}


def spoken(draw: st.DrawFn, field: str, pieces: list[str], number: int) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    """The events of an item in one of the ways that servers have, and the item."""
    way = draw(WAYS)
    item = whole_item(field, "".join(pieces), number)
    name = f"response.{NAMES.get(field, field)}"
    place = {"output_index": number, "summary_index" if field == "summary_text" else "content_index": 0}
    text_name = {"arguments": "arguments", "refusal": "refusal"}.get(field, "text")
    head = {"type": item["type"], "status": "in_progress"}
    if item["type"] == "function_call":
        head |= {"call_id": item["call_id"], "name": item["name"]}
    events: list[dict[str, Any]] = []
    if "output only" not in way and draw(st.booleans()):
        events.append({"type": "response.output_item.added", "output_index": number, "item": head})
    if "deltas" in way:
        events += [{"type": f"{name}.delta", "delta": piece, **place} for piece in pieces]
    if "repetitions" in way:
        events.append({"type": f"{name}.done", text_name: "".join(pieces), **place})
    if "repetitions" in way or "end only" in way:
        events.append({"type": "response.output_item.done", "output_index": number, "item": item})
    return events, item


@st.composite
def streams(draw: st.DrawFn) -> tuple[list[tuple[str, str]], bytes]:
    """Texts by field, and a response that says them."""
    count = draw(st.integers(0, 5))
    said: list[tuple[str, str]] = []
    tracks: list[list[dict[str, Any]]] = []
    output: list[dict[str, Any]] = []
    for number in range(count):
        field = draw(st.sampled_from([*FIELDS, "arguments"]))
        pieces = draw(st.lists(TEXT, max_size=5))
        events, item = spoken(draw, field, pieces, number)
        said.append((field, "".join(pieces)))
        tracks.append(events)
        output.append(item)
    order = draw(st.permutations([n for n, track in enumerate(tracks) for _ in track]))
    end_ = draw(st.sampled_from(["\n", "\r\n", "\r"]))
    extra = draw(st.just({}) | st.dictionaries(TEXT.map("x-{}".format), JSON, max_size=2))
    style: Any = {"ensure_ascii": draw(st.booleans())}
    events = [{"type": "response.created", "response": {"id": "r"}}]
    for number in order:
        events.append(tracks[number].pop(0))
        if draw(st.integers(0, 9)) == 0:
            events.append({"type": "response.of_the_future", "x": draw(JSON)})
    events.append({"type": "response.completed", "response": {"status": "completed", "output": output}})
    body_ = ""
    for number, each in enumerate(events):
        if draw(st.integers(0, 9)) == 0:
            body_ += f": ping{end_}{end_}"
        if draw(st.booleans()):
            body_ += f"event: {each['type']}{end_}"
        body_ += f"data: {json.dumps({'sequence_number': number, **extra, **each}, **style)}{end_}{end_}"
    return said, body_.encode()


@given(st.data())
@settings(max_examples=300, deadline=None)
def test_what_comes_out_is_what_went_in(data):
    said, stream = data.draw(streams())
    items, error = fed(Decoder(), data.draw(cut(stream)))
    assert error is None
    completion = completed(items)

    def sorted_texts(*fields: str) -> list[str]:
        return sorted(whole for field, whole in said if field in fields)

    # Items may be told in any order, and each is then whole: the joined text is a shuffle of theirs.
    assert sorted(completion.text) == sorted("".join(sorted_texts("output_text")))
    assert sorted(completion.refusal) == sorted("".join(sorted_texts("refusal")))
    assert sorted(completion.reasoning) == sorted("".join(sorted_texts("reasoning_text", "summary_text")))
    assert sorted(b.text for b in completion.reasoning_blocks) == sorted_texts("reasoning_text", "summary_text")
    calls = [(f"c{n}", "f", whole) for n, (field, whole) in enumerate(said) if field == "arguments"]
    assert sorted((c.id, c.name, c.arguments_raw) for c in completion.tool_calls) == sorted(calls)
    deltas: dict[int, str] = {}
    for item in of_type(items, ToolCallDelta):
        deltas[item.call] = deltas.get(item.call, "") + item.arguments
    assert deltas == {c.call: c.arguments_raw for c in completion.tool_calls}
    for field in ("output_text", "refusal"):
        if len(sorted_texts(field)) == 1:
            assert getattr(completion, "text" if field == "output_text" else field) == sorted_texts(field)[0]
    assert {e.type for e in completion.events} <= {"response.of_the_future"}
    output = items[-1].native["responses"] if items[-1].native else []
    assert [whole_item(field, whole, n) for n, (field, whole) in enumerate(said)] == output


@given(st.lists(TEXT, max_size=10), st.data())
@settings(max_examples=100, deadline=None)
def test_escaped_text_may_be_cut_within_a_character(texts, data):
    units = "".join(texts).encode("utf-16-be")
    codes = [f"\\u{units[at : at + 2].hex()}" for at in range(0, len(units), 2)]
    places = sorted(data.draw(st.lists(st.integers(0, len(codes)), max_size=8)))
    pieces = ["".join(codes[a:b]) for a, b in zip([0, *places], [*places, len(codes)], strict=True)]
    head = '{"type": "response.output_text.delta", "output_index": 0, "content_index": 0, "delta": "'
    stream = "".join(f'data: {head}{piece}"}}\n\n' for piece in pieces).encode()
    whole = ev("output_text.done", output_index=0, content_index=0, text="".join(texts))
    items, error = fed(Decoder(), data.draw(cut(stream + whole + end())))
    assert (completed(items).text, error) == ("".join(texts), None)
    assert not completed(items).events


TEXT_EVENTS = ["output_text", "refusal", "reasoning_text", "function_call_arguments", "custom_tool_call_input"]
EVENTS = ["created", "completed", "incomplete", "failed", "output_item.added", "output_item.done"]
EVENTS += ["content_part.added", "content_part.done", "output_text.annotation.added"]
EVENTS += [f"{name}.{what}" for name in TEXT_EVENTS for what in ("delta", "done")]
KINDS = st.sampled_from([f"response.{name}" for name in EVENTS] + ["error", "keepalive", "of the future"])
CALL_KINDS = ["web_search", "mcp", "shell", "image_generation", "code_interpreter", "tool_search", "custom_tool"]
ITEM_KINDS = st.sampled_from(
    ["message", "reasoning", "function_call", "mcp_list_tools", "shell_call_output", *(f"{k}_call" for k in CALL_KINDS)]
)
ITEM_FIELDS = ["id", "call_id", "name", "arguments", "input", "content", "summary", "action", "result", "outputs"]
ITEM_FIELDS += ["error", "environment", "encrypted_content", "status"]
HOSTILE = st.fixed_dictionaries(
    {"type": KINDS},
    optional={
        "delta": TEXT | JSON,
        "output_index": st.integers(0, 2) | JSON,
        "content_index": st.integers(0, 1) | JSON,
        "item_id": st.sampled_from(["a", "b"]) | JSON,
        "text": TEXT | JSON,
        "arguments": TEXT | JSON,
        "annotation": JSON,
        "logprobs": JSON,
        "error": JSON,
        "part": st.fixed_dictionaries(
            {"type": st.sampled_from(["output_text", "refusal", "reasoning_text", "new"]) | JSON, "text": TEXT | JSON}
        )
        | JSON,
        "item": st.fixed_dictionaries(
            {"type": ITEM_KINDS | JSON},
            optional=dict.fromkeys(ITEM_FIELDS, TEXT | JSON),
        )
        | JSON,
        "response": st.dictionaries(
            st.sampled_from(["id", "model", "output", "usage", "error", "status", "tools", "incomplete_details"]), JSON
        )
        | JSON,
    },
)


@given(st.lists(HOSTILE, max_size=12), st.booleans())
@settings(max_examples=200, deadline=None)
def test_any_value_of_any_field_gives_items_or_our_error(values, is_escaped):
    stream = "".join(f"data: {json.dumps(value, ensure_ascii=is_escaped)}\n\n" for value in values)
    items, error = fed(Decoder(), portions(stream.encode("utf-8", "surrogatepass"), 50))
    assert error is None or isinstance(error, RxllmError)
    assert completed(items).text.encode() is not None
    assert completed(items).to_message() is not None


@given(st.lists(st.binary(max_size=30) | st.sampled_from([b"data: ", b"\n\n", b"\r", b'{"type":"response.', b'"}'])))
@settings(max_examples=200, deadline=None)
def test_any_bytes_give_items_or_our_error(pieces):
    _, error = fed(Decoder(), pieces)
    assert isinstance(error, RxllmError)


@given(st.sampled_from(sorted(OURS.glob("responses-*.body"))), st.integers())
@settings(max_examples=100, deadline=None)
def test_a_mutated_recording_gives_items_or_our_error(path, seed):
    chance = random.Random(seed)  # noqa: S311 - bytes to damage, no secret
    lines = path.read_bytes().split(b"\n\n")
    for _ in range(chance.randint(1, 5)):
        at = chance.randrange(len(lines))
        chance.choice(
            [
                lambda at=at: lines.insert(at, chance.choice(lines)),
                lambda at=at: lines.__setitem__(at, lines[at][: chance.randrange(len(lines[at]) + 1)]),
                lambda at=at: lines.__setitem__(at, lines[at].replace(b'"', b'"\\ud83d', 1)),
                lambda at=at: lines.__setitem__(at, lines[at].replace(b"[]", b"NaN")),
            ]
        )()
    items, error = fed(Decoder(), portions(b"\n\n".join(lines), 512))
    assert error is None or isinstance(error, RxllmError)
    assert completed(items).text.encode() is not None
