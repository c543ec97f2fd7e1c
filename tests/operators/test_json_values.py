from __future__ import annotations

import json
import sys
import time

import pytest
import reactivex
from hypothesis import given, settings
from hypothesis import strategies as st
from laws import OperatorLaws
from reactivex import operators as rx
from reactivex.subject import Subject
from scripted_origin import Seen

from rxllm.errors import ConfigurationError, DecodeError, RxllmError
from rxllm.items import Finish, Ping, ReasoningDelta, Rollback, Started, TextDelta, ToolCall, ToolCallDelta
from rxllm.operators._json_path import every, parse_path, path_text
from rxllm.operators.json_values import json_values
from rxllm.testing import play

DOCUMENT = {"title": "The sea é😀", "n": 12, "items": [{"t": "a\n"}, {"t": ""}, {"t": [1.5, None]}], "": {}}
TEXT = json.dumps(DOCUMENT)


def cut(text, sizes):
    at = 0
    for size in [*sizes, len(text)]:
        if at < len(text):
            yield TextDelta(text[at : at + size])
        at += size


def read(*items, path="$.items[*]", **settings_):
    """What was given, as (path, value, closed, attempt) at the time, and how it ended."""
    seen = []
    reactivex.from_iterable(items).pipe(json_values(path, **settings_)).subscribe(
        lambda it: seen.append((it.path, it.value, it.closed, it.attempt)),
        seen.append,
        lambda: seen.append("completed"),
    )
    return seen


def closed(*items, **settings_):
    return [(each[0], each[1]) for each in read(*items, **settings_) if isinstance(each, tuple) and each[2]]


def titles(source):
    return source.pipe(json_values("$.t"), rx.map(lambda it: it.value))


def rows(source):
    return source.pipe(json_values("$[*]"), rx.map(lambda it: it.value))


class TestGrowing(OperatorLaws):
    operator = titles
    source = """-'{"t": "a'-'b'-'"'-'}'|"""
    played = "-a-'ab'-'ab'--|"
    failed = "-a-'ab'-'ab'--#"


class TestElements(OperatorLaws):
    operator = rows
    source = "'[{'-'}, 2'-', 3'-']'|"
    played = "--{{}}-{2}-{3}|"
    failed = "--{{}}-{2}-{3}#"

    def test_a_late_second_subscriber_has_a_state_of_its_own(self):
        """It missed the opening bracket: what it sees is no document, and without a Finish that is no fault."""
        assert play(self.piped, self.source, subscription="-^") == "-------|"


def test_each_member_comes_with_the_piece_that_closes_it_whatever_its_kind():
    pieces = ['[{"a": 1}', ", ", '{"b"', ': ["x", ', '"y"]', "}, 2", ", 3, ", "[4", '], "z', '"', ", {}, tru", "e", "]"]
    given = [closed(*map(TextDelta, pieces[:at]), path="$[*]") for at in range(1, len(pieces) + 1)]
    assert [len(each) for each in given] == [1, 1, 1, 1, 1, 2, 4, 4, 5, 6, 7, 8, 8]
    assert [value for _, value in given[-1]] == [{"a": 1}, {"b": ["x", "y"]}, 2, 3, [4], "z", {}, True]
    assert [path for path, _ in given[-1]] == [f"$[{at}]" for at in range(8)]


@given(
    st.lists(st.integers(1, 6), max_size=60),
    st.sampled_from(["$", "$.title", "$.n", "$.items", "$.items[1]", "$.items[*]", "$.items[*].t", "$['']", "$.no"]),
    st.sampled_from(["", "Here you are:\n```json\n", "\n"]),
)
@settings(deadline=None, max_examples=100)
def test_however_it_is_cut_the_same_closes(sizes, path, before):
    items = [*cut(before + TEXT + ("\n```" if before else ""), sizes), Finish("stop")]
    assert closed(*items, path=path) == [
        (path_text(place), value) for place, value in every(DOCUMENT, parse_path(path))
    ]


@given(st.lists(st.integers(1, 6), max_size=60), st.integers(0, 30))
@settings(deadline=None, max_examples=60)
def test_a_rollback_at_any_place_leaves_nothing_of_the_void_attempt(sizes, at):
    pieces = list(cut(TEXT, sizes))
    seen = read(*pieces[:at], Rollback(1), *pieces, Finish("stop"))
    assert [each for each in seen if each[3:] == (1,)] == [
        (*each[:3], 1) for each in read(*pieces) if each != "completed"
    ]
    assert seen[-1] == "completed"


def test_a_text_is_given_as_it_grows_and_once_more_when_it_closes():
    items = [TextDelta('{"t": "'), TextDelta("ab"), Ping(), ReasoningDelta("x"), TextDelta('c"'), TextDelta("}")]
    assert [each[1:3] for each in read(*items, path="$.t")[:-1]] == [("", False), ("ab", False), ("abc", True)]


def test_an_object_is_given_as_it_grows():
    items = [TextDelta('{"o": {"a": [1'), TextDelta(", 2"), TextDelta("]}, "), TextDelta("}")]
    assert [each[1:3] for each in read(*items, path="$.o")[:-1]] == [
        ({"a": []}, False),
        ({"a": [1]}, False),
        ({"a": [1, 2]}, True),
    ]


def test_a_value_is_built_when_it_is_read_and_never_changes_after():
    source: Subject = Subject()
    handles: Seen = Seen()
    source.pipe(json_values("$.o")).subscribe(handles)
    source.on_next(TextDelta('{"o": {"a": "x'))
    early = handles[0].value
    source.on_next(TextDelta('y", "b": 1'))
    late = handles[0].value
    source.on_next(TextDelta("2}"))
    assert (early, late, handles[0].value) == ({"a": "x"}, {"a": "xy"}, {"a": "xy", "b": 12})
    assert all(handle is handles[0] for handle in handles)


def test_a_handle_shows_its_place_and_not_its_content():
    handles = reactivex.of(TextDelta('{"o": "secret"}')).pipe(json_values("$.o"), rx.to_list()).run()
    assert repr(handles) == "[JsonValue($.o, closed)]"
    assert handles[0].place == ("o",)


def test_another_choice_is_another_document():
    items = [TextDelta("[1", 0), TextDelta("[2", 1), TextDelta("]", 0), TextDelta("]", 1)]
    assert closed(*items, path="$[*]", choice=1) == [("$[0]", 2)]


def test_a_piece_of_nothing_begins_no_document():
    assert read(TextDelta(""), Finish("stop"), path="$[*]") == ["completed"]


@pytest.mark.parametrize("choice", [0, 1])
def test_what_another_choice_adds_to_its_own_document_is_left_out(choice):
    texts = [TextDelta("[", 0), TextDelta("[", 1), TextDelta("", 0), TextDelta("1]", 0), TextDelta("2]", 1)]
    calls = [ToolCallDelta(0, "save", "[", choice=0), ToolCallDelta(0, "save", "[", choice=1)]
    calls += [ToolCallDelta(0, None, "1]", choice=0), ToolCallDelta(0, None, "2]", choice=1)]
    expected = [("$[0]", choice + 1)]
    assert closed(*texts, path="$[*]", choice=choice) == expected
    assert closed(*calls, path="$[*]", choice=choice, tool="save") == expected


def test_a_new_turn_begins_a_new_document():
    items = [Started("1"), TextDelta('Let me see: {"a'), Started("2"), TextDelta('{"items": [1]}'), Finish("stop")]
    assert read(*items) == [("$.items[0]", 1, True, 0), "completed"]


def test_a_tools_arguments_are_read_and_no_other_tools():
    items = [
        TextDelta("Let me look."),
        ToolCallDelta(0, "g", '{"items": [0]}'),
        ToolCallDelta(1, "f", '{"items": ['),
        ToolCallDelta(2, "f", '{"items": [3'),
        ToolCallDelta(1, None, "1]}"),
        ToolCallDelta(2, None, "4]}"),
        ToolCall(1, "x", "f"),
        Finish("tool_calls"),
    ]
    handles = reactivex.from_iterable(items).pipe(json_values("$.items[*]", tool="f"), rx.to_list()).run()
    assert [(handle.call, handle.value) for handle in handles] == [(1, 1), (2, 34)]


def test_a_name_that_comes_behind_the_first_arguments_is_waited_for():
    items = [ToolCallDelta(0, None, '{"items":'), ToolCallDelta(0, None, "[1"), ToolCallDelta(0, "f", ", 2]}")]
    assert closed(*items, tool="f") == [("$.items[0]", 1), ("$.items[1]", 2)]


@pytest.mark.parametrize(("raw", "given_"), [('{"a": 1}', [("$", {"a": 1})]), ("", [("$", {})]), ("12", [("$", 12)])])
def test_a_call_that_comes_whole_is_read_too(raw, given_):
    assert closed(ToolCall(0, "x", "f", None, raw), path="$", tool="f") == given_
    assert closed(ToolCallDelta(0, "f", raw), ToolCall(0, "x", "f", None, raw), path="$", tool="f") == given_


@pytest.mark.parametrize(
    ("items", "place"),
    [
        ([TextDelta('{"items": [1, oops'), TextDelta("x")], "at character 14, at $.items[1]"),
        ([TextDelta('{"items": [1, 2'), Finish("length")], "at character 15, at $.items,"),
        ([TextDelta("I cannot do that."), Finish("stop")], "at character 17, at $"),
    ],
)
def test_broken_json_fails_with_the_place_behind_what_was_before_it(items, place):
    *before, error = read(*items)
    assert all(isinstance(each, tuple) for each in before)
    assert isinstance(error, DecodeError)
    assert error.format == "json"
    assert place in str(error)


def test_a_broken_tool_call_fails_when_it_ends():
    error = read(ToolCallDelta(0, "f", '{"items": ['), ToolCall(0, "x", "f"), path="$", tool="f")[-1]
    assert "the text ends where the rest of the document was expected" in str(error)


@pytest.mark.parametrize("end", [[], [Finish("cancelled")]])
def test_what_was_cut_on_purpose_may_end_within_a_document(end):
    assert read(TextDelta('{"items": [1, 2'), *end) == [("$.items[0]", 1, True, 0), "completed"]


@pytest.mark.parametrize("reason", ["tool_calls", "refusal", "content_filter"])
def test_a_text_that_is_no_answer_need_hold_no_document(reason):
    assert read(TextDelta("Let me look."), Finish(reason)) == ["completed"]


def test_the_sources_own_error_passes_as_it_is():
    mine = RxllmError("mine")
    source = reactivex.concat(reactivex.of(TextDelta('{"items": [1,')), reactivex.throw(mine))
    seen = Seen()
    source.pipe(json_values("$.items[*]")).subscribe(seen, seen.on_error)
    assert ([handle.value for handle in seen], seen.errors) == ([1], [mine])


def test_after_a_fault_the_source_is_left_and_nothing_more_is_given():
    source: Subject = Subject()
    seen = Seen()
    source.pipe(json_values("$[*]")).subscribe(seen, seen.on_error)
    source.on_next(TextDelta("[oops"))
    assert not source.observers
    assert len(seen.errors) == 1


@pytest.mark.parametrize(
    "text",
    ["{'items': [{'t': 1}, 2,", '{"items": [{"t": 1}, 2', "```json\n{items: [{t: 1}, 2]}", '{"items": [{"t": 1} 2]}'],
)
@pytest.mark.parametrize("end", [[], [Finish("length")], [Finish("stop")]])
def test_repair_gives_at_the_end_what_was_not_given_yet(text, end):
    pytest.importorskip("json_repair")
    assert closed(*cut(text, [1] * 99), *end, repair=True) == [("$.items[0]", {"t": 1}), ("$.items[1]", 2)]


def test_repair_closes_what_was_growing():
    pytest.importorskip("json_repair")
    seen = read(TextDelta('{"t": "ab'), TextDelta("c"), Finish("length"), path="$.t", repair=True)
    assert [each[1:3] for each in seen[:-1]] == [("ab", False), ("abc", False), ("abc", True)]


def test_repair_finds_no_document_where_there_is_none():
    pytest.importorskip("json_repair")
    assert isinstance(read(TextDelta("I cannot."), Finish("stop"), repair=True)[-1], DecodeError)


def test_repair_without_its_library_is_refused_at_once(monkeypatch):
    monkeypatch.setitem(sys.modules, "json_repair", None)
    with pytest.raises(ConfigurationError, match="pip install"):
        json_values("$", repair=True)


def test_a_path_that_cannot_be_read_is_refused_at_once():
    with pytest.raises(ConfigurationError, match="cannot be read"):
        json_values("$..a")


@pytest.mark.parametrize("path", ["$[*]", "$[1].title"])
def test_a_delta_costs_the_same_in_a_long_document_as_in_a_short_one(path):
    def cost(count):
        text = json.dumps([{"n": n, "title": f"word {n}"} for n in range(count // 8)])
        items = list(cut(text, [4] * len(text)))
        best = float("inf")
        for _ in range(3 if count < 10_000 else 1):
            source: Subject = Subject()
            source.pipe(json_values(path)).subscribe(lambda it: it.value)
            start = time.process_time()
            for item in items:
                source.on_next(item)
            best = min(best, time.process_time() - start)
        return best / len(items)

    assert cost(50_000) < 3 * cost(1_000)


def test_a_fault_within_a_value_is_told_at_its_end_at_the_latest():
    seen = []
    items = [TextDelta('{"rows": [{"a": '), TextDelta("oops"), TextDelta("}"), TextDelta(", {}]}")]
    reactivex.from_iterable(items).pipe(json_values("$.rows[*]")).subscribe(seen.append, seen.append)
    assert "at character 16, at $.rows[0].a" in str(seen[0])
    assert len(seen) == 1
