"""`ScriptedModel`: it stands wherever a model stands, on virtual time and on a loop."""

from __future__ import annotations

import asyncio
import json
import math
from pathlib import Path
from types import SimpleNamespace

import pytest
from msgspec import structs
from reactivex.scheduler import VirtualTimeScheduler
from scripted_origin import watch

from rxllm import (
    ConfigurationError,
    FirstItemTimeout,
    Message,
    Model,
    RateLimitError,
    Retry,
    Rollback,
    RxllmError,
    Started,
    TextDelta,
    Timeouts,
    ToolCall,
    TruncatedStreamError,
    Usage,
    fallback,
    hedge,
)
from rxllm.operators.budget import budget
from rxllm.testing import ReplayTransport, ScriptedModel, recorded

RECORDINGS = Path(__file__).parent / "recordings"


def played(answer, until=60.0, **settings):
    """The stamped items of one answer on virtual time, and the stream."""
    clock = VirtualTimeScheduler()
    stream = ScriptedModel(answer, **settings).stream("Hi", scheduler=clock)
    seen = watch(stream.stamped())
    clock.advance_by(until)
    return seen, stream


def text_times(seen):
    return [(each.at, each.item.text) for each in seen if isinstance(each.item, TextDelta)]


def test_a_frame_of_a_diagram_is_a_second_of_virtual_time():
    seen, _ = played("--a-(bc)|")
    assert text_times(seen) == [(2.0, "a"), (4.0, "b"), (4.0, "c")]
    assert (seen[-1].item.reason, seen[-1].at, seen.completed) == ("stop", 5.0, 1)


def test_a_frame_may_be_shorter():
    seen, _ = played("--a|", frame=0.5)
    assert text_times(seen) == [(1.0, "a")]


def test_a_list_has_items_and_seconds():
    seen, _ = played([Started("1"), 0.5, "Hel", TextDelta("lo"), 2, Usage(1, 2)])
    assert [each.at for each in seen] == [0.0, 0.5, 0.5, 2.5, 2.5]
    assert seen[-1].item.reason == "stop"


async def test_on_a_loop_it_does_not_wait():
    async with ScriptedModel("-----'Hel'-----'lo'-----|") as model:
        completion = await asyncio.wait_for(model.stream("Hi"), 1)
    assert (completion.text, completion.finish_reason) == ("Hello", "stop")


async def test_on_a_loop_it_waits_for_the_seconds_of_a_list():
    completion = await ScriptedModel(["a", 0.02, "b"]).stream("Hi")
    assert completion.timing.total >= 0.02


def test_an_answer_may_have_its_own_finish():
    seen, _ = played("a{finish length usage={usage 1 2}}|")
    assert [each.item.reason for each in seen[1:]] == ["length"]


def test_an_answer_that_calls_a_tool_finishes_so():
    seen, _ = played([ToolCall(0, "id", "f", {}, "{}")])
    assert seen[-1].item.reason == "tool_calls"


def test_a_diagram_without_an_end_stalls():
    seen, stream = played("a--", timeouts=Timeouts(progress=9))
    assert [type(error).__name__ for error in seen.errors] == ["ProgressTimeout"]
    assert seen.errors[0].partial.text == "a"
    assert "ended" in repr(stream)


def test_seconds_without_end_stall():
    seen, _ = played([math.inf, "never"], timeouts=Timeouts(first_item=3))
    assert isinstance(seen.errors[0], FirstItemTimeout)


@pytest.mark.parametrize("answer", ["a-#", ["a", 1, RxllmError("The diagram says '#' here.")]])
def test_an_answer_may_fail_and_keeps_what_came(answer):
    seen, _ = played(answer)
    assert (type(seen.errors[0]), seen.errors[0].partial.text) == (RxllmError, "a")


def test_a_glyph_may_stand_for_an_error_or_an_item():
    error = RateLimitError("busy", status=429)
    seen, _ = played("aU-X", X=error, U=Usage(1, 2))
    assert (seen.errors, seen[1].item) == ([error], Usage(1, 2))


def test_answers_are_given_in_order_and_requests_remembered():
    clock = VirtualTimeScheduler()
    model = ScriptedModel("a|", "b|", temperature=0.5)
    first = model.stream([Message.user("One?")], scheduler=clock)
    second = model.stream("Two?", scheduler=clock, max_tokens=3)
    assert model.requests == []  # nothing is sent before somebody listens
    seen = [watch(second), watch(first)]
    clock.advance_by(9)
    assert [each.text for each in seen] == ["a", "b"]
    assert [(r.messages[0].content, r.temperature, r.max_tokens) for r in model.requests] == [
        ("Two?", 0.5, 3),
        ("One?", 0.5, None),
    ]


def test_whoever_resumes_an_answer_that_was_closed_gets_nothing_of_it():
    clock, came = VirtualTimeScheduler(), []
    origin = ScriptedModel("a|").origin("Hi", clock)
    origin.pause()
    origin.start(SimpleNamespace(push=came.append))
    clock.advance_by(1)
    origin.close()
    origin.resume()
    assert came == []


def test_a_request_too_many_fails_and_says_so():
    clock = VirtualTimeScheduler()
    model = ScriptedModel()
    seen = watch(model.stream("Hi", scheduler=clock))
    assert isinstance(seen.errors[0], ConfigurationError)
    assert "0 answers" in str(seen.errors[0])


def test_a_wrong_setting_is_told_at_once():
    with pytest.raises(ConfigurationError, match="temprature"):
        ScriptedModel("a|", temprature=1)


@pytest.mark.parametrize("step", [None, object(), b"bytes"])
def test_what_is_no_step_is_refused(step):
    with pytest.raises(ConfigurationError, match="is none"):
        ScriptedModel([step])


def test_cancelling_and_leaving_close_it_once():
    clock = VirtualTimeScheduler()
    model = ScriptedModel("a-----b|", "a-----b|", "a|")
    streams = [model.stream("Hi", scheduler=clock) for _ in range(3)]
    subscriptions = [stream.subscribe() for stream in streams]
    clock.advance_by(2)
    streams[0].cancel()
    subscriptions[1].dispose()
    clock.advance_by(9)
    assert (model.closed, streams[0].completion.run().text) == (2, "a")


def test_nothing_comes_while_it_is_paused():
    clock = VirtualTimeScheduler()
    stream = ScriptedModel("a-b-c|").stream("Hi", scheduler=clock)
    seen = watch(stream)
    clock.advance_by(1)
    stream.pause()
    clock.advance_by(20)
    assert seen.text == "a"
    stream.resume()
    assert seen.text == "ab"
    clock.advance_by(20)
    assert (seen.text, seen.completed) == ("abc", 1)


def test_an_operator_before_the_multicast_closes_it():
    clock = VirtualTimeScheduler()
    model = ScriptedModel("abcdef|")
    watch(model.stream("Hi", scheduler=clock, through=[budget(tokens=2)]))
    clock.advance_by(9)
    assert model.closed == 1


def test_it_stands_in_a_fallback_and_in_a_hedge():
    clock = VirtualTimeScheduler()
    broken, good = ScriptedModel("a#", name="broken"), ScriptedModel("b|", "c|", name="good")
    stream = fallback(broken, good, after_content=True).stream("Hi", scheduler=clock)
    seen = watch(stream)
    hedged = hedge(ScriptedModel("------x|"), good, after=2).stream("Hi", scheduler=clock)
    faster = watch(hedged)
    clock.advance_by(20)
    assert ([type(item) for item in seen[:3]], stream.answered_by) == (
        [TextDelta, Rollback, TextDelta],
        "scripted:good",
    )
    assert (faster.text, hedged.answered_by) == ("c", "scripted:good")


def test_its_repr_tells_no_prompt():
    model = ScriptedModel("a|")
    watch(model.stream("a secret", scheduler=VirtualTimeScheduler()))
    assert repr(model) == "ScriptedModel(1 answers, 1 requests)"


# ---- recordings


def write(tmp_path, body, reads):
    path = tmp_path / "answer.sse"
    path.write_bytes(body)
    Path(f"{path}.reads.json").write_text(json.dumps(reads))
    return path


BODY = (
    b'data: {"id":"c1","choices":[{"index":0,"delta":{"content":"Hel"}}]}\n\n'
    b'data: {"id":"c1","choices":[{"index":0,"delta":{"content":"lo"}}]}\n\n'
    b'data: {"choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}\n\ndata: [DONE]\n\n'
)
CUT = BODY.index(b"lo")


def test_a_recording_is_played_at_its_times_in_virtual_time(tmp_path):
    path = write(tmp_path, BODY, [[1.5, CUT], [61.5, len(BODY) - CUT]])
    seen, _ = played(recorded(path), until=100)
    assert text_times(seen) == [(1.5, "Hel"), (61.5, "lo")]
    assert (seen.completed, seen[-1].item.reason) == (1, "stop")


def test_a_recording_may_come_faster_or_all_at_once(tmp_path):
    path = write(tmp_path, BODY, [[1.5, CUT], [61.5, len(BODY) - CUT]])
    fast, _ = played(recorded(path, timing=10))
    once, _ = played(recorded(path, timing=None))
    assert [at for at, _ in text_times(fast)] == [pytest.approx(0.15), pytest.approx(6.15)]
    assert text_times(once) == [(0.0, "Hel"), (0.0, "lo")]


def test_a_recording_that_was_cut_off_fails_after_what_it_has(tmp_path):
    path = write(tmp_path, BODY[:CUT], [[1.0, CUT]])
    seen, _ = played(recorded(path))
    assert ([text for _, text in text_times(seen)], type(seen.errors[0])) == (["Hel"], TruncatedStreamError)


@pytest.mark.parametrize("recording", ["llama_cpp/text.sse", "llama_cpp/tool-parallel.sse", "llama_cpp/reasoning.sse"])
async def test_a_recording_gives_what_the_same_bytes_give_a_real_model(recording):
    path = RECORDINGS / recording
    real = await Model("openai:m", transport=ReplayTransport(path)).stream("Hi")
    same = await ScriptedModel(recorded(path, timing=None)).stream("Hi")
    assert same.items[:-1] == real.items[:-1]
    finishes = [structs.replace(each.items[-1], timing=None, answered_by=None) for each in (same, real)]
    assert finishes[0] == finishes[1]


def test_another_wire_is_named():
    seen, _ = played(recorded(RECORDINGS / "ollama/thinking.ndjson", wire="ollama", timing=None))
    assert seen.completed == 1


@pytest.mark.parametrize("wrong", [{"timing": 0}, {"wire": "morse", "timing": None}])
def test_what_cannot_be_played_is_refused(wrong):
    with pytest.raises(ConfigurationError):
        recorded(RECORDINGS / "llama_cpp/text.sse", **wrong)


def test_a_recording_that_is_missing_is_told():
    with pytest.raises(ConfigurationError, match=r"nowhere\.sse cannot be read"):
        recorded("nowhere.sse")


def test_it_takes_no_retry_of_its_own():
    with pytest.raises(ConfigurationError, match="retry"):
        ScriptedModel("a|", retry=Retry())
