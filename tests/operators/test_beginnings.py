"""Where an answer begins, with whatever word a source has for it: nothing of the one before goes on in it."""

from __future__ import annotations

import pytest
import reactivex
from cutting import through
from reactivex import operators as rx
from reactivex.scheduler import VirtualTimeScheduler

from rxllm import operators as ops
from rxllm.items import ChoiceFinished, Finish, ReasoningDelta, Rollback, Started, TextDelta, Usage
from rxllm.turn_items import StageStarted, TurnStarted

WAYS = {
    "the provider's own word": [Started("2")],
    "a turn's": [TurnStarted(2)],
    "a stage's": [StageStarted("b")],
    "all of them": [StageStarted("b"), TurnStarted(1), Started("2")],
}


@pytest.fixture(params=WAYS.values(), ids=WAYS)
def beginning(request):
    return request.param


def test_a_tag_that_was_never_closed_does_not_make_the_next_answer_reasoning(beginning):
    came = through(ops.think_tags(), [TextDelta("<think>a"), *beginning, TextDelta("b")])
    assert came == [ReasoningDelta("a"), *beginning, TextDelta("b")]


def test_tokens_of_two_answers_are_added(beginning):
    items = [Usage(1, 10), *beginning, TextDelta("b"), Usage(1, 10), Finish("stop", usage=Usage(2, 20))]
    assert [usage.output_tokens for usage in through(ops.count_tokens(), items)] == [10, 11, 20, 20]


def test_a_budget_holds_over_both(beginning):
    came = through(ops.budget(15), [Usage(1, 10), *beginning, TextDelta("b"), Usage(1, 10), TextDelta("c")])
    assert came[-2:] == [Usage(1, 10), Finish("length", "budget_tokens", Usage(1, 20, estimated=True))]


def test_a_rollback_takes_back_the_tokens_of_its_own_answer_only(beginning):
    items = [*map(TextDelta, "ab"), *beginning, TextDelta("c"), Rollback(1)]
    assert [usage.output_tokens for usage in through(ops.count_tokens(), items)] == [1, 2, 3, 2]


def test_a_rollback_takes_back_the_characters_of_its_own_answer_only(beginning):
    source = reactivex.from_iterable([TextDelta("ab"), *beginning, TextDelta("c"), Rollback(1)])
    seen = []
    clock = VirtualTimeScheduler()
    source.pipe(ops.measure(), rx.last()).subscribe(seen.append, scheduler=clock)
    clock.start()
    assert seen[0].chars == 2


def test_how_a_choice_ended_is_not_how_it_ends_in_the_next_answer(beginning):
    came = through(ops.choice(1), [ChoiceFinished(1, "length"), *beginning, TextDelta("b", 1), Finish("stop")])
    assert came[-1] == Finish("stop")


def test_what_one_answer_repeats_of_the_one_before_is_no_circle(beginning):
    said = [TextDelta("abcd"), *beginning]
    assert through(ops.repetition_guard(2, min_chars=4), said * 5) == said * 5


def test_what_waits_of_an_answer_before_is_not_void(beginning):
    gate = ops.Gate(is_open=False)
    seen = []
    items = [TextDelta("a"), *beginning, TextDelta("c"), Rollback(1)]
    reactivex.concat(reactivex.from_iterable(items), reactivex.never()).pipe(ops.pausable(gate)).subscribe(seen.append)
    gate.set()
    assert seen == [TextDelta("a"), *beginning, Rollback(1)]
