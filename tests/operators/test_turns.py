from __future__ import annotations

import reactivex
from laws import OperatorLaws
from reactivex import operators as rx

from rxllm.completion import Attempt, fold
from rxllm.items import ChoiceFinished, Finish, Rollback, Started, TextDelta, ToolCall, Usage
from rxllm.operators.turns import turns
from rxllm.testing import play
from rxllm.turn_items import StageCompleted, StageStarted, ToolStarted, TurnStarted


def texts(source):
    return source.pipe(turns(), rx.map(lambda completion: completion.text))


class TestLaws(OperatorLaws):
    operator = texts
    source = "a{started two}-b|"
    played = "-a--(b|)"
    failed = "-a--#"


def given(*items):
    return reactivex.from_iterable(items).pipe(turns(), rx.to_list()).run()


def test_a_turn_is_the_completion_of_its_own_items():
    one = [Started("1"), ToolCall(0, "id", "f"), Usage(1, 1), ChoiceFinished(0, "tool_calls")]
    two = [Started("2"), TextDelta("b"), Usage(2, 2), Finish("stop")]
    assert given(*one, *two) == [fold(one), fold(two)]


def test_a_rollback_voids_the_turn_but_not_those_before_nor_what_it_cost():
    first, second = given(
        Started("1"), TextDelta("a"), Started("2"), TextDelta("x"), Usage(3), Rollback(1), Started("2b"), TextDelta("b")
    )
    assert (first.text, first.attempts) == ("a", ())
    assert (second.text, second.id, second.attempts) == ("b", "2b", (Attempt(1, Usage(3)),))


def test_what_comes_before_the_first_turn_is_no_turn():
    assert play(texts, "{ping}{started one}a|") == "---(a|)"


def test_a_rollback_at_the_end_leaves_no_turn():
    assert play(texts, "{started one}a{rollback 1}|") == "---|"


def test_the_stages_of_a_pipeline_are_turns_of_their_own():
    a = [StageStarted("a"), Started("1"), TextDelta("one"), StageCompleted("a", 1.0)]
    b = [StageStarted("b"), Started("2"), TextDelta("two"), StageCompleted("b", 1.0), Finish("stop")]
    assert [turn.text for turn in given(*a, *b)] == ["one", "two"]


def test_a_turn_that_is_cut_off_while_its_tools_run_is_given_at_the_end():
    (turn,) = given(TurnStarted(1), Started("1"), ToolCall(0, "x", "f"), ToolStarted(0, "f"), Finish("cancelled"))
    assert ([call.name for call in turn.tool_calls], turn.finish_reason) == (["f"], "cancelled")


def test_a_cancelled_turn_is_given():
    (turn,) = given(Started("1"), TextDelta("a"), Finish("cancelled"))
    assert (turn.text, turn.finish_reason) == ("a", "cancelled")
