from __future__ import annotations

import pytest
import reactivex
from hypothesis import given, settings
from hypothesis import strategies as st
from laws import OperatorLaws
from reactivex import operators as rx
from reactivex.scheduler import VirtualTimeScheduler
from reactivex.subject import Subject
from scripted_origin import Seen, watch

from rxllm.completion import fold
from rxllm.errors import ConfigurationError, MailboxOverflowError
from rxllm.items import (
    Finish,
    Ping,
    ReasoningDelta,
    Source,
    Started,
    TextDelta,
    ToolCall,
    ToolCallDelta,
    Usage,
)
from rxllm.operators.conflate import conflate
from rxllm.testing import lifetimes, play


def asked(ticker, source):
    return source.pipe(conflate(ticker))


class TestLaws(OperatorLaws):
    operator = conflate(3)
    source = "ab{reason r}c-d|"
    played = "a--('bc'{reason r})--(d|)"
    failed = "a--('bc'{reason r})--(d#)"


class TestLawsOfAFreeDownstream(OperatorLaws):
    operator = conflate()
    source = "ab{reason r}c-d|"
    played = "ab{reason r}c-d|"
    failed = "ab{reason r}c-d#"


def test_the_first_leaves_at_once_and_then_one_round_in_every_so_many_seconds():
    assert play(conflate(3), "abcdefgh|") == "a--'bcd'--'efg'-(h|)"


def test_structural_items_wait_in_their_place():
    assert play(conflate(3), "ab{source u}c------|") == "a--(b{source u}c)------|"


def test_the_text_before_a_tool_call_stays_before_it():
    source = "a'Let me look. '{reason hm}{tool_call 0 x f}{reason ha}'It is '{usage 1 2}'warm.'|"
    assert play(conflate(9), source) == (
        "a-------('Let me look. '{reason hm}{tool_call 0 x f}{reason ha}'It is warm.'{usage 1 2}|)"
    )


def test_a_usage_of_an_earlier_turn_is_not_replaced_by_that_of_a_later_one():
    assert play(conflate(9), "a{usage 1 1}{turn_started 2}{usage 1 2}|") == (
        "a---({usage 1 1}{turn_started 2}{usage 1 2}|)"
    )


def test_a_newer_usage_takes_the_place_of_one_that_waits():
    assert play(conflate(9), "ab{usage 1 1}{usage 1 2}c|") == "a----('bc'{usage 1 2}|)"


def test_an_idle_window_emits_nothing():
    assert play(conflate(2), "a-------b---|") == "a-------b---|"


def test_a_ticker_asks_for_all_that_waits():
    assert play(asked, "--x-xx", "abc-d--|") == "--'ab'-cd-|"


def test_a_ticker_that_fails_fails_the_pipe_after_what_waits():
    assert play(asked, "--#", "abc|") == "--('ab'#)"


def test_a_ticker_that_ends_leaves_the_rest_to_the_end():
    assert play(asked, "--|", "ab-c|") == "----('abc'|)"


def test_both_are_left_in_the_same_frame():
    assert lifetimes(asked, "-x-x-x", "abcdef|", until=3) == ["^--!", "^--!"]
    assert lifetimes(asked, "-x-x-x", "ab|") == ["^-!", "^-!"]


def test_a_rollback_forgets_what_waits_but_not_what_it_cost():
    assert play(conflate(9), "abc{usage 1 2}{rollback 1}d-|") == "a------({usage 1 2}{rollback 1}d|)"


def test_a_rollback_keeps_what_an_earlier_turn_said():
    source = "ab{started two}c{rollback 1}d-|"
    assert play(conflate(9), source) == "a------(b{started two}{rollback 1}d|)"


def test_what_arrives_while_downstream_is_busy_is_merged():
    source, seen = Subject(), Seen()

    def busy(item):
        seen.append(item)
        if len(seen) == 1:
            for text in "bcd":
                source.on_next(TextDelta(text))
            assert len(seen) == 1  # not from inside
            source.on_completed()
            assert seen.completed == 0

    source.pipe(conflate()).subscribe(busy, seen.on_error, seen.on_completed)
    source.on_next(TextDelta("a"))
    assert (seen.cut, seen.completed) == (["a", "bcd"], 1)


def test_the_trap_in_plain_sample_what_lies_between_is_lost():
    assert play(rx.sample(3), "abcdef|") == "---d--(f|)"
    assert play(conflate(3), "abcdef|") == "a--'bcd'--('ef'|)"


def test_too_many_structural_items_fail_that_pipe_after_what_waits():
    items = [Source(url=str(number)) for number in range(10_002)]
    seen = watch(reactivex.from_iterable(items).pipe(conflate(Subject())))
    assert (len(seen), type(seen.errors[0])) == (10_000, MailboxOverflowError)


@pytest.mark.parametrize("every", [0, -1, float("nan"), float("inf"), "1"])
def test_seconds_that_are_not_positive_are_refused(every):
    with pytest.raises(ConfigurationError, match="positive"):
        conflate(every)


def test_seconds_need_a_clock():
    assert isinstance(watch(Subject().pipe(conflate(1))).errors[0], ConfigurationError)


STEP = st.one_of(
    st.builds(TextDelta, st.text(max_size=3), st.integers(0, 1)),
    st.builds(ReasoningDelta, st.text(max_size=2)),
    st.builds(ToolCallDelta, st.integers(0, 1), st.none(), st.text(max_size=2)),
    st.just(ToolCall(0)),
    st.just(Usage(1)),
    st.just(Ping()),
    st.just(Started("1")),
    st.floats(0.1, 3),
)


@given(st.lists(STEP, max_size=30))
@settings(deadline=None, max_examples=60)
def test_however_it_is_paced_the_whole_is_the_same(steps):
    clock = VirtualTimeScheduler()
    source, seen = Subject(), Seen()
    source.pipe(conflate(1.0)).subscribe(seen, scheduler=clock)
    sent = [step for step in steps if not isinstance(step, float)]
    for step in steps:
        if isinstance(step, float):
            clock.advance_by(step)
        else:
            source.on_next(step)
    source.on_completed()
    assert fold([*seen, Finish("stop")]) == fold([*sent, Finish("stop")])
