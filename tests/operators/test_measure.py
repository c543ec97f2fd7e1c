from __future__ import annotations

import time

import pytest
import reactivex
from laws import OperatorLaws
from reactivex import operators as rx
from reactivex.scheduler import VirtualTimeScheduler
from reactivex.subject import Subject
from scripted_origin import Seen, scripted, watch

from rxllm.errors import ConfigurationError
from rxllm.items import Ping, ReasoningDelta, Rollback, Started, TextDelta, ToolCall, Usage
from rxllm.operators.measure import measure
from rxllm.testing import play


def measured(*steps, **settings):
    """The metrics with each item; a number is seconds that pass."""
    clock = VirtualTimeScheduler()
    source, seen = Subject(), Seen()
    source.pipe(measure(**settings)).subscribe(seen, scheduler=clock)
    for step in steps:
        if isinstance(step, (int, float)):
            clock.advance_by(step)
        else:
            source.on_next(TextDelta(step) if isinstance(step, str) else step)
    assert seen.errors == []
    return seen


def counted(source):
    return source.pipe(measure(), rx.map(lambda metrics: metrics.items))


class TestLaws(OperatorLaws):
    operator = staticmethod(counted)
    source = "a-b{ping}|"
    played = "1-23|"
    failed = "1-23#"
    values = {"1": 1, "2": 2, "3": 3}  # noqa: RUF012 - as in the class that it inherits from

    def piped(self, source):
        return counted(source)


def test_the_times_count_from_the_subscription():
    *_, last = measured(1.0, Ping(), 0.5, Started("1"), 0.5, "a", 2.0, "b")
    assert (last.first_item, last.first_content, last.last_content, last.elapsed) == (1.5, 2.0, 4.0, 4.0)


def test_before_anything_came_there_is_nothing_to_tell():
    (only,) = measured(1.0, Ping())
    told = (only.first_item, only.first_content, only.gap_max, only.gap_p50, only.gap_p95)
    assert told == (None,) * 5
    assert (only.tokens_per_second, only.tokens_per_second_now, only.items, only.tokens) == (None, None, 1, 0)


def test_items_tokens_and_characters_are_counted():
    *_, last = measured(Started("1"), "Hel", "lo", ReasoningDelta("hm"), ToolCall(0))
    assert (last.items, last.tokens, last.chars) == (5, 3, 7)


def test_the_rate_is_that_between_the_first_content_and_the_last():
    *_, last = measured(5.0, *["x", 0.1] * 11)
    assert last.tokens_per_second == pytest.approx(10)
    assert last.tokens_per_second_now == pytest.approx(10, rel=0.1)


def test_the_rate_now_follows_what_comes_and_falls_while_nothing_does():
    *_, fast, late = measured(*["x", 0.5] * 20, *["x", 0.05] * 100, 5.0, Ping())
    assert fast.tokens_per_second_now == pytest.approx(20, rel=0.1)
    assert fast.tokens_per_second < 12
    assert late.tokens_per_second_now < 0.5


def test_gaps_are_told_to_within_a_tenth():
    *_, last = measured(*["x", 0.02] * 90, *["x", 0.3] * 9, "x", 1.5, "x")
    assert last.gap_p50 == pytest.approx(0.02, rel=0.1)
    assert last.gap_p95 == pytest.approx(0.3, rel=0.1)
    assert last.gap_max == pytest.approx(1.5)


def test_gaps_of_nothing_and_of_an_hour_have_their_place():
    *_, last = measured("x", "x", "x", 3600.0, "x")
    assert (last.gap_p50, last.gap_max) == (0.0, 3600.0)


def test_a_gap_longer_than_the_limit_is_a_stall():
    *_, last = measured("x", 1.0, "x", 1.1, "x", 5.0, "x", stall=1.05)
    assert last.stalls == 2


def test_a_keep_alive_does_not_shorten_a_gap():
    *_, last = measured("x", 1.0, Ping(), 1.0, "x")
    assert last.gap_max == 2.0


def test_the_providers_count_and_an_encoder_win():
    assert [metrics.tokens for metrics in measured("ab", Usage(1, 9))] == [1, 9]
    assert [metrics.tokens for metrics in measured("ab", encoder=list)] == [2]


def test_what_a_rollback_voids_is_not_counted():
    *_, last = measured(Started("1"), "void", 1.0, "x", Rollback(1), Started("2"), 1.0, "a")
    assert (last.chars, last.tokens, last.first_content, last.first_item) == (1, 1, 2.0, 0.0)


def test_an_older_value_never_changes():
    early, *_ = measured("a", 1.0, "b", 1.0, "c")
    assert (early.items, early.gap_p50, early.gap_max) == (1, None, None)


def test_an_encoder_that_raises_fails_that_pipe_and_not_the_producer():
    source = Subject()
    seen = Seen()
    source.pipe(measure(encoder=lambda _: 1 // 0)).subscribe(seen, scheduler=VirtualTimeScheduler())
    source.on_next(TextDelta("a"))
    assert ([type(error) for error in seen.errors], source.observers) == ([ZeroDivisionError], [])


def test_what_came_merged_has_its_first_time_of_the_finish():
    clock = VirtualTimeScheduler()
    origin, stream = scripted(scheduler=clock)
    watch(stream)
    clock.advance_by(2)
    origin.send("a")
    clock.advance_by(8)
    origin.finish("b", usage=Usage(1, 9))
    *_, before, last = watch(stream.stamped().pipe(measure()))
    assert (before.first_content, last.first_content, last.last_content) == (10.0, 2.0, 10.0)
    assert last.tokens_per_second == 1.0


def test_behind_stamped_the_times_are_the_streams_own_also_for_a_late_subscriber():
    clock = VirtualTimeScheduler()
    origin, stream = scripted(scheduler=clock)
    watch(stream)
    clock.advance_by(2)
    origin.send("a")
    clock.advance_by(1)
    origin.send(ReasoningDelta("b"))
    clock.advance_by(60)
    late = watch(stream.stamped().pipe(measure()))
    assert (late[-1].first_content, late[-1].elapsed, late[-1].chars) == (2.0, 3.0, 2)


def test_its_repr_is_short():
    *_, last = measured("a", 1.0, "b")
    assert repr(last) == "Metrics(elapsed=1.000, items=2, tokens=2, tokens_per_second=1.0)"


def test_its_cost_an_item_does_not_grow_with_the_length():
    def seconds(count):
        source = reactivex.from_iterable([TextDelta("x")] * count)
        clock = VirtualTimeScheduler()
        start = time.process_time()
        source.pipe(measure(), rx.last()).subscribe(scheduler=clock)
        clock.start()
        return (time.process_time() - start) / count

    assert min(seconds(50_000) for _ in range(2)) < 2.5 * min(seconds(1_000) for _ in range(5))


def test_a_stall_must_be_positive():
    with pytest.raises(ConfigurationError, match="positive"):
        measure(stall=0)


def test_it_needs_a_clock():
    assert isinstance(watch(Subject().pipe(measure())).errors[0], ConfigurationError)


def test_it_is_played_as_a_picture():
    rate = rx.map(lambda metrics: metrics.tokens_per_second)
    assert play(lambda source: source.pipe(measure(), rate, rx.last()), "a-b-c|") == "-----({0.5}|)"
