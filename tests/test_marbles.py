"""The grammar of marble diagrams: what is drawn is read, and what is read is drawn."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from rxllm import items, turn_items
from rxllm.completion import Completion
from rxllm.errors import ConfigurationError
from rxllm.items import (
    ChoiceFinished,
    Finish,
    Logprobs,
    Media,
    Ping,
    ProviderEvent,
    ReasoningDelta,
    RefusalDelta,
    Rollback,
    Started,
    TextDelta,
    Timing,
    ToolCall,
    ToolCallDelta,
    Usage,
)
from rxllm.marbles import Mark, parse, render
from rxllm.operators import CodeBlock, MarkdownBlock, Tagged

A, B = TextDelta("a"), TextDelta("b")
REQUIRED = {
    TextDelta: {"text": "a"},
    ReasoningDelta: {"text": "a"},
    RefusalDelta: {"text": "a"},
    ToolCallDelta: {"call": 0},
    ToolCall: {"call": 0},
    Media: {"media_type": "image/png"},
    Logprobs: {"content": []},
    ProviderEvent: {"type": "new"},
    Finish: {"reason": "stop"},
    Rollback: {"attempt": 1},
    Tagged: {"name": "a", "item": None},
    CodeBlock: {"language": "c", "code": "x"},
    MarkdownBlock: {"type": "code", "text": "x"},
    turn_items.TurnStarted: {"turn": 1},
    turn_items.ToolApprovalRequested: {"call": 0, "name": "f"},
    turn_items.ToolStarted: {"call": 0, "name": "f"},
    turn_items.ToolProgress: {"call": 0, "name": "f"},
    turn_items.ToolCompleted: {"call": 0, "name": "f", "duration_ms": 1.5},
    turn_items.TurnCompleted: {"turn": 1},
    turn_items.AgentCompleted: {"duration_ms": 1.5},
    turn_items.StageStarted: {"name": "s"},
    turn_items.StageCompleted: {"name": "s", "duration_ms": 1.5},
}

numbers = st.none() | st.integers(0, 9999)
leaves = st.none() | st.booleans() | st.integers() | st.text(max_size=5)
json = leaves | st.lists(leaves, max_size=2) | st.dictionaries(st.text(max_size=5), leaves, max_size=2)
words = st.text(max_size=8) | st.sampled_from(["stop", "None", "nan", "1", "a=b", "it's", "{", "gpt-4o-mini"])
usages = st.builds(Usage, numbers, numbers, reasoning_tokens=numbers, estimated=st.booleans())
simple_items = st.one_of(
    st.builds(Started, st.none() | words, st.none() | words),
    st.builds(TextDelta, words | st.characters(), st.integers(0, 3)),
    st.builds(ReasoningDelta, words, st.integers(0, 3)),
    st.builds(RefusalDelta, words),
    st.builds(ToolCallDelta, st.integers(0, 3), st.none() | words, words, id=st.none() | words),
    st.builds(ToolCall, st.integers(0, 3), words, words, json, words),
    st.builds(Logprobs, st.lists(json, max_size=2)),
    st.builds(ProviderEvent, words, json),
    usages,
    st.just(Ping()),
    st.builds(ChoiceFinished, st.integers(0, 3), words),
    st.builds(Finish, words, usage=st.none() | usages, timing=st.none() | st.just(Timing(0.25, None, 2.0))),
    st.builds(Rollback, st.integers(1, 5)),
)
literals = st.none() | st.booleans() | st.integers() | st.dictionaries(st.text(max_size=5), json, max_size=2)
values = st.one_of(
    simple_items,
    st.lists(simple_items, max_size=3),
    literals,
)


# A machine may be busy with other things; how long the drawing of examples takes is not what is tested.
BUSY = settings(suppress_health_check=[HealthCheck.too_slow], deadline=None)


@st.composite
def timelines(draw):
    frames = sorted(draw(st.lists(st.integers(0, 12), max_size=8)))
    events = [(frame, draw(values)) for frame in frames]
    end = draw(st.none() | st.sampled_from([Mark.COMPLETED, Mark.FAILED]))
    return events if end is None else [*events, ((frames or [0])[-1] + draw(st.integers(0, 3)), end)]


@BUSY
@given(timelines())
def test_what_is_rendered_parses_to_the_same(timeline):
    assert parse(render(timeline)) == timeline


@BUSY
@given(timelines())
def test_what_is_rendered_parses_to_the_same_also_with_named_values(timeline):
    names = {"a": Usage(1, 2), "X": [Ping()], "1": "one"}
    assert parse(render(timeline, **names), **names) == timeline


def test_an_unknown_name_is_told_with_all_that_are_known():
    with pytest.raises(ConfigurationError) as told:
        parse("{nothing}")
    assert len(items.item_types()) > 15
    for kind in items.item_types():
        drawn = render([(0, msgspec.convert(REQUIRED.get(kind, {}), kind))])
        name = drawn.strip("{}").split()[0] if drawn != "a" else "text"
        assert f" {name}" in str(told.value)


def test_letters_take_one_frame_each():
    assert parse("ab-1") == [(0, A), (1, B), (3, TextDelta("1"))]


def test_a_group_takes_one_frame():
    assert parse("(ab|)") == [(0, A), (0, B), (0, Mark.COMPLETED)]
    assert parse("(ab)-a") == [(0, A), (0, B), (2, A)]


def test_spaces_only_align():
    assert parse("  a - ( b | ) ") == parse("a-(b|)")


def test_quoted_values_take_one_frame_and_are_python_strings():
    assert parse("'ab''c'") == [(0, TextDelta("ab")), (1, TextDelta("c"))]
    assert parse(r"'it\'s' '\n'") == [(0, TextDelta("it's")), (1, TextDelta("\n"))]
    assert parse('"it\'s"') == [(0, TextDelta("it's"))]


@pytest.mark.parametrize(
    ("diagram", "item"),
    [
        ("{started}", Started()),
        ("{started id-1 model=gpt-4o-mini}", Started("id-1", "gpt-4o-mini")),
        ("{text hello choice=1}", TextDelta("hello", 1)),
        ("{ reason  'so be it' }", ReasoningDelta("so be it")),
        ("{refusal no}", RefusalDelta("no")),
        ("{call 0 weather '{\"city\":'}", ToolCallDelta(0, "weather", '{"city":')),
        ("{tool_call 0 id weather {'city': 'Ulm'}}", ToolCall(0, "id", "weather", {"city": "Ulm"})),
        ("{usage 3 5}", Usage(3, 5)),
        ("{ping}", Ping()),
        ("{choice_finished 1 length}", ChoiceFinished(1, "length")),
        ("{finish stop}", Finish("stop")),
        ("{finish stop usage={usage 3 5}}", Finish("stop", usage=Usage(3, 5))),
        ("{rollback 2}", Rollback(2)),
        ("{3}", 3),
        ("{{'a': 1}}", {"a": 1}),
        ("[ab{ping}]", [A, B, Ping()]),
        ("[]", []),
    ],
)
def test_braces_and_brackets_hold_one_value_of_one_frame(diagram, item):
    assert parse(f"{diagram}a") == [(0, item), (1, A)]


def test_names_stand_for_values_both_ways():
    assert parse("X-[X]|", X=3) == [(0, 3), (2, [3]), (3, Mark.COMPLETED)]
    assert render([(0, 3), (2, [3]), (3, Mark.COMPLETED)], X=3) == "X-[X]|"


def test_a_letter_that_is_taken_by_a_name_is_drawn_in_quotes():
    assert render([(0, A), (1, Ping())], a=Ping()) == "'a'a"


def test_a_name_for_one_is_no_name_for_true():
    assert render([(0, True)], X=1) == "{True}"


@pytest.mark.parametrize("name", ["XY", "-", "(", "'", " "])
def test_a_name_is_one_character_that_is_no_glyph(name):
    with pytest.raises(ConfigurationError, match="cannot name a value"):
        parse("a", **{name: 1})
    with pytest.raises(ConfigurationError, match="cannot name a value"):
        render([], **{name: 1})


def test_lifetimes_are_marks():
    assert parse("-^--!") == [(1, Mark.SUBSCRIBED), (4, Mark.UNSUBSCRIBED)]
    assert render(parse("^--(!^)-!")) == "^--(!^)-!"


def test_nothing_is_drawn_after_the_last_event_and_nothing_for_no_events():
    assert render(parse("a-b---")) == "a-b"
    assert render([]) == ""


def test_plain_strings_are_drawn_like_their_deltas():
    assert render([(0, "a"), (1, "Hi"), (2, ""), (3, "-"), (4, " ")]) == "a'Hi''''-'' '"


def test_objects_without_a_notation_are_drawn_as_their_repr():
    assert render([(1, Completion())]) == "-{Completion('', finish_reason=None)}"


def test_frames_that_go_back_are_refused():
    with pytest.raises(ConfigurationError, match="Frame 1 comes too late"):
        render([(2, A), (1, B)])


@pytest.mark.parametrize(
    ("diagram", "column", "said"),
    [
        ("a-(bc", 3, "opened but never closed"),
        ("ab)", 3, "closes nothing"),
        ("ab]", 3, "closes nothing"),
        ("ab}", 3, "closes nothing"),
        ("a-'bc", 3, "quote is opened but never closed"),
        ("a-[b", 3, "opened but never closed"),
        ("a-{usage 1", 3, "opened but never closed"),
        ("a-{(1, 2", 3, "opened but never closed"),
        ("a{call 0 'x}", 10, "quote is opened but never closed"),
        ("a{nope}", 3, "no item 'nope'"),
        ("a{usage x}", 2, "makes no Usage"),
        ("a{text 5}", 2, "makes no TextDelta"),
        ("a{rollback}", 2, "makes no Rollback"),
        ("a{ping 1}", 2, "makes no Ping"),
        ("a{Oops}", 3, "no Python literal"),
        ("a{finish reason=}", 17, "value is missing"),
        ("a--()", 4, "group is empty"),
        ("(a-b)", 3, "is no value"),
        ("(a(b))", 3, "is no value"),
        ("[a|]", 3, "is no value"),
        ("a|b", 3, "follows the end"),
        ("(a#b)", 4, "follows the end"),
    ],
)
def test_a_fault_is_told_with_its_column(diagram, column, said):
    with pytest.raises(ConfigurationError) as told:
        parse(diagram)
    message, shown, arrow = str(told.value).split("\n")
    assert said in message
    assert f"column {column} " in message
    assert shown[2:] == diagram
    assert arrow.index("^") - 2 == column - 1
