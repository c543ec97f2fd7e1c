"""Chat Completions as they come, quirk by quirk; every body is decoded whole, byte by byte and in sevens."""

from __future__ import annotations

import json

import pytest
from fed import DONE, answer, chat, chunk, completed, event, fed, of_type, portions

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
    Logprobs,
    Media,
    Ping,
    ProviderEvent,
    Reasoning,
    ReasoningDelta,
    RefusalDelta,
    Source,
    Started,
    TextDelta,
    ToolCall,
    ToolCallDelta,
    Usage,
)
from rxllm.wire import chat_completions
from rxllm.wire.chat_completions import Decoder


def call(arguments: str | None = None, **keys) -> dict:
    """A fragment of a tool call."""
    function = {name: keys.pop(name) for name in ("name",) if name in keys}
    if arguments is not None:
        function["arguments"] = arguments
    return {**keys, "function": function}


def calls(*fragments: dict) -> bytes:
    return chunk({"tool_calls": list(fragments)})


def told(completion) -> list[tuple]:
    return [(c.id, c.name, c.arguments) for c in completion.tool_calls]


# A plain response


def test_a_response_is_started_text_finish():
    items, error = chat(chunk({"role": "assistant", "content": ""}), chunk({"content": "Hi"}), chunk(finish="stop"))
    assert error is None
    assert items == [
        Started("c1", "m"),
        TextDelta("Hi"),
        ChoiceFinished(0, "stop", "stop"),
        Finish("stop", "stop"),
    ]


def test_content_may_share_a_chunk_with_the_finish_reason():
    assert answer(chunk({"content": "a"}), chunk({"content": "b"}, finish="stop")).text == "ab"


def test_content_after_the_finish_reason_is_kept():
    assert answer(chunk({"content": "a"}, finish="stop"), chunk({"content": "b"})).text == "ab"


def test_a_finish_reason_sent_twice_finishes_once():
    items, _ = chat(chunk({"content": "a"}, finish="length"), chunk(finish="stop"))
    assert of_type(items, ChoiceFinished) == [ChoiceFinished(0, "length", "length")]
    assert items[-1] == Finish("length", "length")


def test_an_empty_finish_reason_is_none():
    completion = answer(chunk({"content": "a"}, finish=""))
    assert (completion.finish_reason, completion.raw_finish_reason) == ("other", None)


def test_started_comes_once_though_ids_change():
    frames = [event({"id": str(n), "choices": [{"index": 0, "delta": {"content": "x"}}]}) for n in range(3)]
    assert of_type(chat(*frames)[0], Started) == [Started("0")]


def test_started_waits_for_an_id_while_no_choice_has_come():
    anonymous = event({"id": "", "model": "", "choices": [], "prompt_filter_results": [1]})
    items, _ = chat(anonymous, chunk({"content": "a"}, finish="stop"))
    assert items[0] == Started("c1", "m")
    assert items[-1].response == {"prompt_filter_results": [1]}


def test_started_comes_without_id_where_there_is_none():
    assert chat(event({"choices": [{"delta": {"content": "a"}}]}))[0][:2] == [Started(), TextDelta("a")]


def test_choices_without_delta_are_nothing():
    assert answer(event({"choices": [{"index": 0, "content_filter_offsets": {}}]}), chunk({"content": "a"})).text == "a"


def test_null_choices_are_nothing():
    assert answer(event({"choices": None}), chunk({"content": "a"}, finish="stop")).text == "a"


def test_an_answer_that_comes_as_one_message_is_its_text():
    whole = event({"choices": [{"index": 0, "message": {"content": "all"}, "finish_reason": "stop"}]})
    assert answer(whole).text == "all"


def test_message_snapshots_beside_deltas_are_not_appended():
    frames = [
        event({"choices": [{"delta": {"content": new}, "message": {"content": so_far}}]})
        for new, so_far in (("1", "1"), (" 2", "1 2"), ("", "1 2"))
    ]
    assert answer(*frames, chunk(finish="stop")).text == "1 2"


def test_unknown_fields_are_skipped():
    frame = event({"choices": [{"delta": {"content": "a", "new": [{}]}, "other": 1}], "p": "abc", "x": {"y": None}})
    assert answer(frame).text == "a"


def test_escapes_and_quotes_between_plain_chunks_keep_their_place():
    pieces = ["plain", " more", "\n", 'a "quote"', "\\", "\t", "é", "世", "\x7f", "\u2028", "", "end", "😀"]
    frames = [chunk({"content": piece}) for piece in pieces]
    assert answer(*frames).text == "".join(pieces)
    literal = [
        event(json.dumps(json.loads(frame[6:]), ensure_ascii=False, separators=(",", ":")).encode()) for frame in frames
    ]
    assert answer(*literal).text == "".join(pieces)


def test_a_text_that_stands_twice_in_its_chunk_is_read_once():
    frames = [
        event({"content": "x", "choices": [{"delta": {"content": text}, "message": {"content": text}}]})
        for text in ("a", "a", "b", "a")
    ]
    assert answer(*frames).text == "aaba"


def test_a_chunk_that_begins_and_ends_like_plain_ones_may_hold_more():
    plain, more = chunk({"content": "Hi!"}), chunk({"content": "Oh!", "refusal": "No!"})
    assert plain.partition(b'Hi!"')[0] == more.partition(b'Oh!"')[0]
    assert plain.partition(b'Hi!"')[2] == more.partition(b'No!"')[2]
    completion = answer(plain, plain, more, plain)
    assert (completion.text, completion.refusal) == ("Hi!Hi!Oh!Hi!", "No!")


def test_a_control_within_text_is_malformed_also_among_plain_chunks():
    plain = chunk({"content": "Hi!"})
    items, error = chat(plain, plain, plain.replace(b"Hi!", b"H\x01!"), plain)
    assert type(error) is DecodeError
    assert completed(items).text == "Hi!Hi!"


def test_text_that_is_empty_once_is_found_where_else_it_stands():
    details = [{"type": "reasoning.text", "text": "B"}]
    frames = [chunk({"reasoning": text, "reasoning_details": details}) for text in ("A", "A", "", "A")]
    assert answer(*frames).reasoning == "AABA"


def test_padding_that_differs_in_each_chunk_changes_nothing():
    frames = [chunk({"content": f" {n}"}, obfuscation="x" * (n % 7)) for n in range(60)]
    assert answer(*frames).text == "".join(f" {n}" for n in range(60))


# Reasons


@pytest.mark.parametrize(
    ("raw", "reason"),
    [
        ("stop", "stop"),
        ("length", "length"),
        ("tool_calls", "tool_calls"),
        ("content_filter", "content_filter"),
        ("STOP", "stop"),
        ("max_tokens", "length"),
        ("SAFETY", "content_filter"),
        ("abort", "cancelled"),
        ("insufficient_system_resource", "other"),
    ],
)
def test_reasons_are_said_in_our_own_words_and_theirs_are_kept(raw, reason):
    completion = answer(chunk({"content": "a"}), chunk(finish=raw))
    assert (completion.finish_reason, completion.raw_finish_reason) == (reason, raw)


@pytest.mark.parametrize(
    ("raw", "reason"),
    [
        ("stop", "tool_calls"),
        ("function_call", "tool_calls"),
        ("length", "length"),
        ("content_filter", "content_filter"),
    ],
)
def test_a_stop_with_tool_calls_is_for_tool_calls(raw, reason):
    assert answer(calls(call("{}", index=0, id="a", name="f")), chunk(finish=raw)).finish_reason == reason


def test_no_reason_with_tool_calls_is_for_tool_calls():
    completion = answer(calls(call("{}", index=0, id="a", name="f")))
    assert (completion.finish_reason, completion.raw_finish_reason) == ("tool_calls", None)


def test_a_stop_after_nothing_but_a_refusal_is_a_refusal():
    completion = answer(chunk({"refusal": "I "}), chunk({"refusal": "can't"}), chunk(finish="stop"))
    assert (completion.refusal, completion.finish_reason, completion.raw_finish_reason) == (
        "I can't",
        "refusal",
        "stop",
    )


def test_a_stop_after_text_and_a_refusal_is_a_stop():
    assert answer(chunk({"content": "a"}), chunk({"refusal": "b"}), chunk(finish="stop")).finish_reason == "stop"


# The end


def test_a_clean_end_without_the_marker_is_truncated():
    items, error = chat(chunk({"content": "a"}, finish="stop"), done=False)
    assert type(error) is TruncatedStreamError
    assert error.retryable
    assert completed(items).text == "a"
    assert not of_type(items, Finish)


def test_nothing_at_all_is_truncated():
    assert type(chat(done=False)[1]) is TruncatedStreamError


def test_the_marker_needs_no_blank_line_after_it():
    assert chat(chunk({"content": "a"}), b"data: [DONE]", done=False)[1] is None


def test_bytes_after_the_marker_are_ignored():
    items, error = chat(chunk({"content": "a"}), DONE, chunk({"content": "b"}), b"\xff\n\ndata: {\n\n", DONE)
    assert error is None
    assert completed(items).text == "a"
    assert type(items[-1]) is Finish


@pytest.mark.parametrize(
    "tail", [b'data: {"choices": [{"delta": {"cont', b"data: [DON", b"data: ", b"da", b"data: {}\ndata: x"]
)
def test_a_last_event_cut_in_the_middle_is_truncation_and_not_malformed(tail):
    items, error = chat(chunk({"content": "a"}), tail, done=False)
    assert type(error) is TruncatedStreamError
    assert completed(items).text == "a"


def test_a_last_event_that_is_whole_is_not_lost_to_truncation():
    items, error = chat(chunk({"content": "a"}), chunk({"content": "b"}).rstrip(), done=False)
    assert type(error) is TruncatedStreamError
    assert completed(items).text == "ab"


def test_a_provider_without_the_marker_ends_after_its_finish_reason():
    items, error = chat(chunk({"content": "a"}, finish="stop"), done=False, done_marker=False)
    assert error is None
    assert items[-1] == Finish("stop", "stop")


def test_a_provider_without_the_marker_is_truncated_before_every_choice_has_finished():
    frames = [chunk({"content": "a"}, finish="stop"), chunk({"content": "b"}, index=1)]
    assert type(chat(*frames, done=False, done_marker=False)[1]) is TruncatedStreamError
    assert type(chat(done=False, done_marker=False)[1]) is TruncatedStreamError


def test_finish_may_be_called_again():
    decoder = Decoder()
    decoder.feed(chunk({"content": "a"}) + DONE)
    assert decoder.finish() == decoder.finish() == []
    decoder = Decoder()
    for _ in range(2):
        with pytest.raises(TruncatedStreamError):
            decoder.finish()


# Tool calls


def test_fragments_of_a_call_become_one_call_with_its_deltas_before():
    items, _ = chat(
        calls(call("", index=0, id="a", name="f")),
        calls(call('{"x":', index=0)),
        calls(call(" 1}", index=0)),
        chunk(finish="tool_calls"),
    )
    assert items[1:] == [
        ToolCallDelta(0, "f", "", id="a"),
        ToolCallDelta(0, arguments='{"x":'),
        ToolCallDelta(0, arguments=" 1}"),
        ToolCall(0, "a", "f", {"x": 1}, '{"x": 1}'),
        ChoiceFinished(0, "tool_calls", "tool_calls"),
        Finish("tool_calls", "tool_calls"),
    ]


TWO = [("a", "f", {"x": 1}), ("b", "f", {"x": 2})]


@pytest.mark.parametrize("first", [0, 1, 5])
def test_the_index_is_a_key_and_no_position(first):
    heads = [calls(call("", index=first + n, id=id_, name="f")) for n, id_ in enumerate("ab")]
    bodies = [calls(call(f'{{"x": {n + 1}}}', index=first + n)) for n in (0, 1)]
    assert told(answer(*heads, *bodies)) == TWO


def test_calls_without_index_are_told_apart_by_id():
    assert told(answer(calls(call('{"x": 1}', id="a", name="f"), call('{"x": 2}', id="b", name="f")))) == TWO


def test_fragments_without_index_go_on_with_their_id():
    frames = [
        call("", id="a", name="f"),
        call("", id="b", name="f"),
        call('{"x": 1}', id="a"),
        call('{"x": 2}', id="b"),
    ]
    assert told(answer(*map(calls, frames))) == TWO


def test_fragments_without_any_key_go_on_with_the_last_call():
    frames = [call("", id="a", name="f"), call('{"x":'), call(" 1}"), call("", id="b", name="f"), call('{"x": 2}')]
    assert told(answer(*map(calls, frames))) == TWO


def test_whole_calls_without_any_key_are_told_apart_by_their_heads():
    whole = [call('{"x": 1}', name="f"), call('{"x": 2}', name="f")]
    want = [(None, name, arguments) for _, name, arguments in TWO]
    assert told(answer(calls(*whole))) == want
    assert told(answer(*map(calls, whole))) == want
    assert told(answer(*(calls({**c, "index": 0}) for c in whole))) == want


def test_parallel_calls_that_share_an_index_are_told_apart_by_id():
    frames = [
        call("", index=0, id="a", name="f"),
        call('{"x": 1}', index=0, id="a"),
        call("", index=0, id="b", name="f"),
        call('{"x": 2}', index=0),
    ]
    assert told(answer(*map(calls, frames))) == TWO


def test_id_and_name_in_each_fragment_are_not_put_together():
    frames = [call(piece, index=0, id="a", name="f", type="function") for piece in ('{"x"', ": ", "1}")]
    items, _ = chat(*map(calls, frames))
    assert told(completed(items)) == TWO[:1]
    assert [(d.id, d.name) for d in of_type(items, ToolCallDelta)] == [("a", "f"), (None, None), (None, None)]


def test_an_id_made_up_for_each_fragment_makes_no_new_calls():
    frames = [call("", index=0, id="a", name="f"), call('{"x":', index=0, id="r1"), call(" 1}", index=0, id="r2")]
    assert told(answer(*map(calls, frames))) == TWO[:1]


def test_an_id_that_comes_late_is_taken_and_told_once():
    frames = [call("{", index=0, name="f"), call('"x": 1', index=0, id="a"), call("}", index=0, id="a")]
    items, _ = chat(*map(calls, frames))
    assert told(completed(items)) == TWO[:1]
    assert [d.id for d in of_type(items, ToolCallDelta)] == [None, "a", None]


def test_ids_that_are_not_unique_do_not_merge_calls():
    frames = [call('{"x": 1}', index=0, id="a", name="f"), call('{"x": 2}', index=1, id="a", name="f")]
    assert told(answer(calls(*frames))) == [("a", "f", {"x": 1}), ("a", "f", {"x": 2})]


def test_null_means_absent():
    frames = [
        call(None, index=0, id="a", name="f"),
        {"index": 0, "id": None, "type": None, "function": {"name": None, "arguments": '{"x": 1}'}},
        {"index": 0, "id": "", "function": {"name": "", "arguments": None}},
        {"index": 0, "function": None},
    ]
    assert told(answer(*map(calls, frames), chunk({"tool_calls": None}))) == TWO[:1]


def test_arguments_that_come_as_an_object_are_text():
    completion = answer(calls({"index": 0, "id": "a", "function": {"name": "f", "arguments": {"x": 1}}}))
    assert (told(completion), completion.tool_calls[0].arguments_raw) == (TWO[:1], '{"x": 1}')


def test_no_arguments_are_none_and_cut_ones_are_kept_raw():
    completion = answer(
        calls(call("", index=0, id="a", name="f")),
        calls(call('{"x": ', index=1, id="b", name="g")),
        chunk(finish="length"),
    )
    assert [(c.arguments, c.arguments_raw) for c in completion.tool_calls] == [({}, ""), (None, '{"x": ')]
    assert completion.finish_reason == "length"


def test_a_fragment_after_the_finish_reason_corrects_its_call():
    items, _ = chat(
        calls(call('{"x"', index=0, id="a", name="f")), chunk(finish="tool_calls"), calls(call(": 1}", index=0))
    )
    assert [c.arguments for c in of_type(items, ToolCall)] == [None, {"x": 1}]
    assert told(completed(items)) == TWO[:1]


def test_a_call_after_the_finish_reason_is_given_at_the_end():
    items, _ = chat(chunk(finish="stop"), calls(call('{"x": 1}', index=0, id="a", name="f")))
    assert told(completed(items)) == TWO[:1]
    assert items[-1].reason == "tool_calls"


def test_a_legacy_function_call_is_a_call_without_id():
    pieces = [{"name": "f", "arguments": ""}, {"arguments": '{"x":'}, {"arguments": " 1}"}]
    completion = answer(*(chunk({"function_call": piece}) for piece in pieces), chunk(finish="function_call"))
    assert told(completion) == [(None, "f", {"x": 1})]
    assert completion.finish_reason == "tool_calls"


def test_a_custom_tools_input_is_its_raw_arguments():
    frames = [{"index": 0, "id": "a", "type": "custom", "custom": {"name": "sql", "input": "SEL"}}]
    frames += [{"index": 0, "custom": {"input": "ECT 1"}}]
    only = answer(*map(calls, frames)).tool_calls[0]
    assert (only.name, only.arguments, only.arguments_raw, only.extra) == ("sql", None, "SELECT 1", {"type": "custom"})


def test_a_thought_signature_stays_with_its_call():
    content = {"google": {"thought_signature": "sig"}}
    only = answer(calls({**call("{}", index=0, id="a", name="f"), "extra_content": content})).tool_calls[0]
    assert (only.signature, only.extra) == ("sig", {"extra_content": content})


def test_choices_have_calls_of_their_own():
    frames = [
        chunk({"tool_calls": [call(f'{{"x": {n + 1}}}', index=0, id=id_, name="f")]}, index=n)
        for n, id_ in enumerate("ab")
    ]
    items, _ = chat(*frames)
    assert [[(c.id, c.name, c.arguments) for c in choice.tool_calls] for choice in completed(items).choices] == [
        TWO[:1],
        TWO[1:],
    ]
    assert len({d.call for d in of_type(items, ToolCallDelta)}) == 2


# Several choices


def test_choices_are_interleaved_by_index():
    frames = [chunk({"content": text}, index=n) for text, n in (("a", 0), ("x", 1), ("b", 0), ("y", 1))]
    completion = answer(*frames, chunk(finish="stop"), chunk(finish="length", index=1))
    assert [(c.text, c.finish_reason) for c in completion.choices] == [("ab", "stop"), ("xy", "length")]
    assert completion.finish_reason == "stop"


def test_several_choices_may_share_a_chunk():
    both = event({"choices": [{"index": n, "delta": {"content": str(n)}} for n in (0, 1)]})
    assert [c.text for c in answer(both, both).choices] == ["00", "11"]


def test_a_choice_may_never_be_finished():
    completion = answer(chunk({"content": "a"}, finish="stop"), chunk({"content": "b"}, index=1))
    assert [c.finish_reason for c in completion.choices] == ["stop", None]


# Reasoning


@pytest.mark.parametrize("field", ["reasoning_content", "reasoning"])
def test_reasoning_has_two_names(field):
    completion = answer(
        chunk({field: "Hm", "content": None}), chunk({field: "m.", "content": ""}), chunk({"content": "a"})
    )
    assert (completion.reasoning, completion.text) == ("Hmm.", "a")


def test_reasoning_may_come_in_details_only():
    details = [{"type": "reasoning.text", "text": "Hm", "index": 0}, {"type": "reasoning.summary", "summary": "m."}]
    assert answer(chunk({"reasoning_details": details})).reasoning == "Hmm."


def test_reasoning_said_in_three_spellings_is_said_once():
    delta = {
        "reasoning_content": "Hm",
        "reasoning": "Hm",
        "reasoning_details": [{"type": "reasoning.text", "text": "Hm"}],
    }
    assert answer(chunk(delta), chunk({**delta, "content": "a"})).reasoning == "HmHm"


def test_what_must_go_back_with_the_next_request_is_kept():
    detail = {"type": "reasoning.encrypted", "data": "secret", "id": "r1", "format": "x", "index": 0}
    signed = {"type": "reasoning.text", "text": "Hm", "signature": "sig"}
    completion = answer(chunk({"reasoning_details": [signed]}), chunk({"reasoning_details": [detail]}))
    assert completion.reasoning == "Hm"
    assert completion.reasoning_blocks == [
        Reasoning(signature="sig", extra=signed),
        Reasoning(redacted="secret", extra=detail),
    ]


def test_content_may_be_a_list_of_parts_and_later_a_string():
    thinking = {"type": "thinking", "thinking": [{"type": "text", "text": "Hm"}], "closed": False}
    completion = answer(
        chunk({"content": [thinking]}),
        chunk({"content": [{"type": "thinking", "thinking": "m."}, {"type": "text", "text": "a"}]}),
        chunk({"content": "b"}),
    )
    assert (completion.reasoning, completion.text) == ("Hmm.", "ab")


def test_an_unknown_part_of_content_is_not_dropped():
    part = {"type": "reference", "reference_ids": [1]}
    assert answer(chunk({"content": [part]})).events == [ProviderEvent("reference", part)]


def test_plain_reasoning_and_plain_text_may_alternate():
    frames = []
    for n in range(30):
        kind = "reasoning_content" if n // 5 % 2 else "content"
        frames.append(chunk({kind: f" {n}"}))
    completion = answer(*frames)
    assert completion.text == "".join(f" {n}" for n in range(30) if not n // 5 % 2)
    assert completion.reasoning == "".join(f" {n}" for n in range(30) if n // 5 % 2)


# Usage and what else is said


def usage_of(*usages, **fields) -> list[Usage]:
    return of_type(chat(*(event({"choices": [], "usage": usage, **fields}) for usage in usages))[0], Usage)


def test_usage_is_the_providers_own():
    raw = {
        "prompt_tokens": 10,
        "completion_tokens": 5,
        "total_tokens": 17,
        "prompt_tokens_details": {"cached_tokens": 4, "cache_write_tokens": 3},
        "completion_tokens_details": {"reasoning_tokens": 2, "audio_tokens": 1},
    }
    assert usage_of(raw) == [Usage(10, 5, 17, 4, 3, 2, 1)]


def test_what_usage_has_no_field_for_is_kept():
    raw = {"prompt_tokens": 1, "completion_tokens_details": {"image_tokens": 2, "x": None}, "cost": 0.5, "y": None}
    assert usage_of(raw) == [Usage(1, extra={"completion_tokens_details": {"image_tokens": 2}, "cost": 0.5})]


def test_the_last_usage_that_is_not_null_wins():
    one, two = {"prompt_tokens": 1, "completion_tokens": 1}, {"prompt_tokens": 1, "completion_tokens": 2}
    items, _ = chat(*(event({"choices": [], "usage": usage}) for usage in (one, one, two, None, {})))
    assert of_type(items, Usage) == [Usage(1, 1), Usage(1, 2)]
    assert items[-1].usage == Usage(1, 2)


def test_usage_may_hide_in_x_groq():
    hidden = event({"choices": [], "x_groq": {"id": "r", "usage": {"prompt_tokens": 1, "completion_tokens": 2}}})
    assert of_type(chat(hidden)[0], Usage) == [Usage(1, 2)]


def test_nonsense_in_usage_is_no_number():
    assert usage_of({"prompt_tokens": True, "completion_tokens": "7", "total_tokens": 7.0}) == [Usage(total_tokens=7)]


def test_what_the_last_chunks_say_besides_is_the_response():
    items, _ = chat(
        chunk({"content": "a"}, system_fingerprint="early"),
        chunk(finish="stop", timings={"predicted_n": 3}, system_fingerprint="fp", provider=None),
        event({"choices": [], "service_tier": "default"}),
    )
    assert items[-1].response == {"timings": {"predicted_n": 3}, "system_fingerprint": "fp", "service_tier": "default"}


def test_prompt_progress_is_an_event():
    progress = {"total": 17, "cache": 3, "processed": 3, "time_ms": 0}
    items, _ = chat(chunk({"role": "assistant", "content": None}, prompt_progress=progress))
    assert of_type(items, ProviderEvent) == [ProviderEvent("prompt_progress", progress)]


def test_logprobs_come_with_their_text():
    token = {"token": "a", "logprob": -0.5, "bytes": [97], "top_logprobs": []}
    choice = {"index": 1, "delta": {"content": "a"}, "logprobs": {"content": [token], "refusal": None}}
    assert of_type(chat(event({"choices": [choice]}))[0], Logprobs) == [Logprobs([token], 1)]


def test_annotations_are_sources():
    citation = {"url": "https://a", "title": "A", "start_index": 0, "end_index": 3}
    delta = {"annotations": [{"type": "url_citation", "url_citation": citation}]}
    extra = {"start_index": 0, "end_index": 3}
    assert answer(chunk({"content": "a"}), chunk(delta)).sources == [Source("https://a", "A", extra=extra)]


def test_citations_are_told_once_and_with_their_title_where_it_is_known():
    known = {
        "search_results": [{"url": "https://a", "title": "A", "snippet": "…"}],
        "citations": ["https://a", "https://b"],
    }
    sources = answer(chunk({"content": "a"}, **known), chunk({"content": "b"}, **known)).sources
    assert sources == [Source("https://a", "A", "…"), Source("https://b")]


def test_audio_and_images_are_media():
    audio = {"id": "au", "data": "AAA=", "transcript": "Hi"}
    images = [{"type": "image_url", "image_url": {"url": "data:image/png;base64,BBB="}}]
    assert answer(chunk({"audio": audio}), chunk({"images": images})).media == [
        Media("audio/pcm", "AAA=", extra={"id": "au", "transcript": "Hi"}),
        Media("image/png", "BBB="),
    ]


# What is no chunk


def test_an_unknown_event_is_neither_dropped_nor_fatal():
    completion = answer(
        event({"type": "keepalive", "n": 1}),
        event({"object": "x.y"}),
        event([1]),
        event("word"),
        chunk({"content": "a"}),
    )
    assert completion.text == "a"
    assert chat(event({"type": "keepalive", "n": 1}), event([1]))[0][:2] == [
        ProviderEvent("keepalive", {"type": "keepalive", "n": 1}),
        ProviderEvent("unknown", [1]),
    ]


def test_a_named_event_may_be_plain_text():
    assert chat(b"event: status\ndata: warming up\n\n")[0][0] == ProviderEvent("status", "warming up")


def test_comments_are_signs_of_life():
    decoder = Decoder()
    assert decoder.feed(b": OPENROUTER PROCESSING\n\n: x\n\n") == [Ping()]
    assert decoder.feed(b":\n\n" + chunk({"content": "a"}) + DONE)[0] == Ping()


def test_an_event_without_data_is_a_sign_of_life():
    assert Decoder().feed(b"data:\n\n") == [Ping()]


# Errors


OVERLOADED = {"message": "busy", "type": "overloaded_error", "code": None}


def test_an_error_under_200_is_typed_and_loses_nothing():
    items, error = chat(chunk({"content": "a"}), event({"error": OVERLOADED}), chunk({"content": "b"}))
    assert type(error) is OverloadedError
    assert (str(error), error.code, error.retryable) == ("busy", "overloaded_error", True)
    assert completed(items).text == "a"
    assert not of_type(items, Finish)


def test_the_fault_waits_until_what_came_before_was_taken():
    decoder = Decoder()
    assert [type(i) for i in decoder.feed(chunk({"content": "a"}) + event({"error": OVERLOADED}))] == [
        Started,
        TextDelta,
    ]
    assert type(decoder.fault) is OverloadedError
    with pytest.raises(OverloadedError):
        decoder.feed(b"")
    with pytest.raises(OverloadedError):
        decoder.finish()


@pytest.mark.parametrize(
    ("frame", "kind", "message"),
    [
        (event({"error": "boom"}), ProviderError, "boom"),
        (event({"error": {"code": 429, "message": "slow down"}}), RateLimitError, "slow down"),
        (b"event: error\n" + event({"error": {"message": "no", "code": 400}}), InvalidRequestError, "no"),
        (b"event: error\n" + event({"message": "no", "code": "invalid_argument"}), InvalidRequestError, "no"),
        (b"event: error\ndata: no more\n\n", ProviderError, "no more"),
        (event({"object": "error", "message": "no", "code": 404}), InvalidRequestError, "no"),
        (event({"type": "error", "error": {"type": "rate_limit_error", "message": "no"}}), RateLimitError, "no"),
        (event({"choices": [], "x_groq": {"error": "over capacity"}}), ProviderError, "over capacity"),
        (event({"error": {"code": "9" * 5000}}), ProviderError, "without a message"),
        (event({"error": [1]}), ProviderError, "[1]"),
    ],
)
def test_errors_come_in_many_forms(frame, kind, message):
    error = chat(chunk({"content": "a"}), frame)[1]
    assert type(error) is kind
    assert message in str(error)


def test_an_error_in_a_chunk_comes_after_what_else_the_chunk_says():
    frame = chunk({"content": "b"}, finish="length", usage={"prompt_tokens": 1}, error={"code": 400, "message": "no"})
    items, error = chat(chunk({"content": "a"}), frame)
    assert type(error) is InvalidRequestError
    completion = completed(items)
    assert (completion.text, completion.usage, completion.finish_reason) == ("ab", Usage(1), "length")


def test_an_error_of_a_choice_is_an_error():
    frame = event({"choices": [{"delta": {"content": ""}, "finish_reason": "error", "error": OVERLOADED}]})
    assert type(chat(frame)[1]) is OverloadedError


def test_a_null_error_is_none():
    assert answer(chunk({"content": "a"}, error=None)).text == "a"


@pytest.mark.parametrize("indent", [None, 2])
def test_a_bare_error_body_is_that_error(indent):
    body = json.dumps({"error": {"message": "too long", "type": "invalid_request_error", "code": 400}}, indent=indent)
    assert type(chat(body.encode(), done=False)[1]) is InvalidRequestError
    assert type(chat(chunk({"content": "a"}), b"\n", body.encode(), done=False)[1]) is InvalidRequestError


@pytest.mark.parametrize(
    ("body", "what"),
    [
        (b'{"object": "chat.completion", "choices": [{"message": {"content": "Hi"}}]}', "one JSON document"),
        (b'{\n  "object": "chat.completion"\n}\n', "one JSON document"),
        (b"<!DOCTYPE html>\n<html><body>Sign in</body></html>\n", "a page for people"),
    ],
)
def test_a_body_that_is_no_stream_is_said_to_be_none(body, what):
    error = chat(body, done=False)[1]
    assert type(error) is DecodeError
    assert what in str(error)


def test_a_bare_body_that_was_cut_is_truncated():
    assert type(chat(b'{"error": {"message": "to', done=False)[1]) is TruncatedStreamError


@pytest.mark.parametrize(
    "payload",
    [
        b"{",
        b"nonsense",
        b'{"choices": 5}',
        b'{"choices": [{"delta": {"content": 5}}]}',
        b'{"choices": [{"delta": "a"}]}',
        b'{"choices": [{"finish_reason": {}}]}',
        b'{"choices": [{"delta": {"tool_calls": "x"}}]}',
        b'{"choices": [{"index": 1e999}]}',
        b'{"choices": [{"delta": {"content": "\xff"}}]}',
        b'{"x": ' + b"[" * 100_000 + b"]" * 100_000 + b', "choices": []}',
    ],
)
def test_malformed_chunks_are_our_error_with_a_snippet_and_lose_nothing(payload):
    items, error = chat(chunk({"content": "a"}), event(payload), chunk({"content": "b"}))
    assert type(error) is DecodeError
    assert (error.format, error.snippet) == ("chat_completions", payload[:200].decode("utf-8", "replace"))
    assert completed(items).text == "a"


def test_a_huge_number_that_nobody_needs_is_skipped():
    assert answer(event(b'{"x": ' + b"9" * 10_000 + b', "choices": [{"delta": {"content": "a"}}]}')).text == "a"


def test_an_event_over_the_limit_loses_nothing_before_it():
    decoder = Decoder()
    decoder._sse._limit = 1000
    items, error = fed(
        decoder, [chunk({"content": "a"}) + event({"choices": [], "x": "y" * 2000}) + chunk({"content": "b"})]
    )
    assert type(error) is DecodeError
    assert completed(items).text == "a"


# What msgspec refuses


def escaped(text: str) -> bytes:
    return b'data: {"choices": [{"index": 0, "delta": {"content": "' + text.encode() + b'"}}]}\n\n'


def test_a_pair_of_surrogates_cut_between_two_deltas_is_one_character():
    items, _ = chat(escaped(r"a\ud83d"), escaped(r"\ude00b"))
    assert of_type(items, TextDelta) == [TextDelta("a"), TextDelta("😀b")]


@pytest.mark.parametrize(
    ("pieces", "text"),
    [
        ([r"a\ud83d", "b"], "a\ufffdb"),
        ([r"a\ud83d"], "a\ufffd"),
        ([r"\ude00a", r"b\ud83dc"], "\ufffdab\ufffdc"),
        ([r"\ud83d", r"\ud83d", r"\ude00"], "\ufffd😀"),
        ([r"\ud83d\ude00", r"\ud83d", "", r"\ude00"], "😀😀"),
    ],
)
def test_half_a_pair_without_its_other_half_is_a_replacement_character(pieces, text):
    assert answer(*map(escaped, pieces)).text == text


def test_half_a_pair_is_not_overtaken_by_plain_chunks():
    known = ["a"] * 20  # by then a chunk's skeleton is known, and the rest of a read is not parsed
    body = b"".join(map(escaped, [*known, r"\ud83d", "c", "d"])) + DONE
    for size in (1, 1000, len(body)):
        items, _ = fed(Decoder(), portions(body, size))
        assert completed(items).text == "a" * 20 + "\ufffdcd", f"in reads of {size} bytes"


def test_half_a_pair_waits_across_other_parts():
    other = chunk({"content": "x"}, index=1)
    assert [c.text for c in answer(escaped(r"a\ud83d"), other, escaped(r"\ude00")).choices] == ["a😀", "x"]


def test_half_a_pair_waits_within_a_calls_arguments():
    frames = [
        rb'{"index": 0, "id": "a", "function": {"name": "f", "arguments": "{\"x\": \"\ud83d"}}',
        rb'{"index": 0, "function": {"arguments": "\ude00\"}"}}',
    ]
    assert told(answer(*(event(b'{"choices": [{"delta": {"tool_calls": [' + f + b"]}}]}") for f in frames))) == [
        ("a", "f", {"x": "😀"})
    ]


def test_arguments_that_escape_half_a_pair_stay_encodable():
    only = answer(calls(call(r'{"x": "\ud83d"}', index=0, id="a", name="f"))).tool_calls[0]
    assert (only.arguments, only.arguments_raw) == ({"x": "\ufffd"}, r'{"x": "\ud83d"}')


def test_half_a_pair_elsewhere_is_replaced():
    token = (
        rb'{"choices": [{"delta": {"content": "a"}, "logprobs": {"content": [{"token": "\ud83d"}]}}], "id": "\udc00"}'
    )
    items, _ = chat(event(token), event(rb'{"error": {"message": "\ud83d!"}}'))
    assert items == [Started("\ufffd"), TextDelta("a"), Logprobs([{"token": "\ufffd"}])]


def test_half_a_pair_is_not_lost_to_a_fault():
    items, error = chat(escaped(r"a\ud83d"), event({"error": "boom"}))
    assert (completed(items).text, str(error)) == ("a\ufffd", "boom")


@pytest.mark.parametrize("number", [b"NaN", b"Infinity", b"-Infinity"])
def test_numbers_that_are_none_are_tolerated_where_nobody_looks(number):
    frame = b'{"x": ' + number + b', "choices": [{"delta": {"content": "a"}, "score": ' + number + b"}]}"
    assert answer(event(frame)).text == "a"


def test_numbers_sent_as_text_are_numbers():
    assert answer(event({"choices": [{"index": "0", "delta": {"content": "a"}}]})).text == "a"


# Framing


@pytest.mark.parametrize("end", [b"\n", b"\r\n", b"\r"])
@pytest.mark.parametrize("colon", [b"data: ", b"data:"])
def test_the_framing_does_not_matter(end, colon):
    frames = [chunk({"content": "a"}), chunk({"content": "b"}, finish="stop")]
    body = b"".join([*frames, DONE]).replace(b"\n", end).replace(b"data: ", colon)
    items, error = chat(b"\xef\xbb\xbf", body, done=False)
    assert (completed(items).text, error) == ("ab", None)


def test_a_chunk_may_be_spread_over_data_lines():
    items, error = chat(b'data: {"choices": [{"delta":\ndata: {"content": "a"}}]}\n\n')
    assert (completed(items).text, error) == ("a", None)


def test_a_line_of_another_field_is_no_part_of_a_chunk_though_it_would_fit():
    error = chat(b'data: {"choices": [{"delta":\n{"content": "a"}}]}\n\n' + DONE, done=False)[1]
    assert type(error) is DecodeError


def test_the_module_is_a_wire():
    assert chat_completions.PATH == "/chat/completions"
    assert callable(chat_completions.encode)


def test_refusals_and_reasoning_have_their_own_deltas():
    items, _ = chat(chunk({"refusal": "no"}), chunk({"reasoning": "Hm"}), chunk({"refusal": "", "reasoning": ""}))
    assert items[1:3] == [RefusalDelta("no"), ReasoningDelta("Hm")]
    assert len(items) == 4
