from __future__ import annotations

import reactivex
from laws import OperatorLaws
from reactivex import operators as rx

from rxllm.items import ChoiceFinished, Finish, ReasoningDelta, Started, TextDelta, ToolCall, Usage
from rxllm.operators.choice import choice
from rxllm.operators.final import final
from rxllm.testing import play

BOTH = [
    Started("1"),
    TextDelta("a"),
    TextDelta("x", 1),
    ReasoningDelta("hm", 1),
    ToolCall(0, "id", "f", {}, "{}", 1),
    ChoiceFinished(0, "stop"),
    ChoiceFinished(1, "length", "max"),
    Usage(3, 4),
    Finish("stop", "end", Usage(3, 4), native={"wire": ["a"]}),
]


def given_to(index):
    return reactivex.from_iterable(BOTH).pipe(choice(index), rx.to_list()).run()


class TestLaws(OperatorLaws):
    operator = choice(1)
    source = "a-{text b choice=1}-{ping}|"
    played = "--b-{ping}|"
    failed = "--b-{ping}#"


def test_choice_0_keeps_its_items_as_they_are():
    assert given_to(0) == [each for each in BOTH if getattr(each, "choice", 0) == 0]


def test_another_choice_is_told_as_if_it_had_been_the_only_one():
    assert given_to(1) == [
        Started("1"),
        TextDelta("x"),
        ReasoningDelta("hm"),
        ToolCall(0, "id", "f", {}, "{}"),
        ChoiceFinished(0, "length", "max"),
        Usage(3, 4),
        Finish("length", "max", Usage(3, 4)),
    ]


def test_what_follows_sees_one_answer():
    completion = reactivex.from_iterable(BOTH).pipe(choice(1), final()).run()
    assert (completion.text, completion.finish_reason, len(completion.choices)) == ("x", "length", 1)


def test_a_cancelled_stream_is_cancelled_for_every_choice():
    items = "{text b choice=1}{choice_finished 1 stop}({finish cancelled}|)"
    assert play(choice(1), items) == "b{choice_finished}({finish cancelled}|)"


def test_a_rollback_passes_and_voids_how_the_choice_had_ended():
    items = "{choice_finished 1 length}{rollback 1}({finish stop}|)"
    assert play(choice(1), items) == "{choice_finished reason=length}{rollback 1}({finish stop}|)"


def test_a_choice_that_nobody_gave_is_empty():
    assert play(choice(7), "a-({finish stop}|)") == "--({finish stop}|)"
