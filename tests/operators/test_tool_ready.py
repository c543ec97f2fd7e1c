from __future__ import annotations

import json

import pytest
import reactivex
from hypothesis import given, settings
from hypothesis import strategies as st
from laws import OperatorLaws
from reactivex import operators as rx

from rxllm.completion import fold
from rxllm.items import Finish, Rollback, Started, TextDelta, ToolCall, ToolCallDelta
from rxllm.operators.tool_ready import tool_ready


class TestLaws(OperatorLaws):
    operator = tool_ready()
    source = "({call 0 f '{' id=x}{call 0 arguments='}'})-a-{tool_call 0 x f {} '{}'}|"
    played = "({call 0 f '{' id=x}{call 0 arguments='}'}{tool_call 0 x f {} '{}'})-a--|"
    failed = "({call 0 f '{' id=x}{call 0 arguments='}'}{tool_call 0 x f {} '{}'})-a--#"


def given_to(*items):
    return reactivex.from_iterable(items).pipe(tool_ready(), rx.to_list()).run()


def calls(*items):
    return [item for item in given_to(*items) if isinstance(item, ToolCall)]


@given(
    st.dictionaries(st.text(max_size=3), st.integers() | st.text() | st.lists(st.booleans(), max_size=2), max_size=4),
    st.lists(st.integers(1, 5)),
)
@settings(deadline=None, max_examples=50)
def test_however_it_is_cut_the_call_comes_right_behind_its_last_bracket(arguments, cuts):
    raw = json.dumps(arguments)
    pieces, at = [], 0
    for size in [*cuts, len(raw)]:
        pieces.append(raw[at : at + size])
        at += size
    deltas = [ToolCallDelta(0, "f", piece) for piece in pieces if piece]
    whole = ToolCall(0, None, "f", arguments, raw)
    assert given_to(*deltas, TextDelta("a"), whole) == [*deltas, whole, TextDelta("a")]


def test_parallel_calls_are_kept_apart():
    got = calls(
        ToolCallDelta(0, "f", '{"a":'),
        ToolCallDelta(1, "g", "{"),
        ToolCallDelta(1, None, "}"),
        ToolCallDelta(0, None, "1}"),
    )
    assert [(call.call, call.name, call.arguments) for call in got] == [(1, "g", {}), (0, "f", {"a": 1})]


def test_a_name_that_comes_late_is_waited_for():
    got = calls(ToolCallDelta(0, None, "{}", id="x"), ToolCallDelta(0, "f"))
    assert got == [ToolCall(0, "x", "f", {}, "{}")]


@pytest.mark.parametrize("raw", ["", "not json", '{"a": NaN}', "12"])
def test_what_does_not_close_comes_when_the_provider_gives_it(raw):
    whole = ToolCall(0, None, "f", None, raw)
    assert given_to(ToolCallDelta(0, "f", raw), TextDelta("a"), whole)[-1] == whole


def test_a_call_that_came_without_deltas_passes():
    assert calls(ToolCall(0, "x", "f", {}, "{}")) == [ToolCall(0, "x", "f", {}, "{}")]


def test_a_provider_that_says_something_else_at_the_end_is_heard():
    whole = ToolCall(0, None, "f", {"a": 1}, '{"a": 1}')
    assert calls(ToolCallDelta(0, "f", "{}"), whole) == [ToolCall(0, None, "f", {}, "{}"), whole]


def test_the_whole_that_only_adds_white_space_is_left_out():
    assert (
        len(calls(ToolCallDelta(0, "f", "{}"), ToolCallDelta(0, None, "\n"), ToolCall(0, None, "f", {}, "{}\n"))) == 1
    )


@pytest.mark.parametrize("reset", [Rollback(1), Started("2")])
def test_a_call_that_is_void_is_forgotten(reset):
    got = calls(ToolCallDelta(0, "f", '{"a": '), reset, ToolCallDelta(0, "g", "{}"), ToolCall(0, None, "g", {}, "{}"))
    assert got == [ToolCall(0, None, "g", {}, "{}")]


def test_the_whole_stream_tells_the_same():
    items = [
        Started("1"),
        ToolCallDelta(0, "f", "{}"),
        TextDelta("a"),
        ToolCall(0, None, "f", {}, "{}"),
        Finish("stop"),
    ]
    assert fold(given_to(*items)) == fold(items)


@pytest.mark.parametrize("pieces", [['{"a":1}{"a":1}'], ['{"a":1}', '{"a":1}']])
def test_arguments_with_something_behind_them_come_as_the_provider_gives_them(pieces):
    whole = ToolCall(0, "x", "f", None, '{"a":1}{"a":1}')
    given = calls(ToolCallDelta(0, "f"), *(ToolCallDelta(0, None, piece) for piece in pieces), whole)
    assert given[-1] == whole
