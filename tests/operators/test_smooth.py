from __future__ import annotations

import pytest
import reactivex
from hypothesis import given, settings
from hypothesis import strategies as st
from laws import OperatorLaws
from reactivex import operators as rx
from reactivex.scheduler import VirtualTimeScheduler
from reactivex.subject import Subject
from scripted_origin import Seen

from rxllm.completion import fold
from rxllm.errors import ConfigurationError
from rxllm.items import Finish, Ping, ReasoningDelta, TextDelta, ToolCall, Usage
from rxllm.operators import smooth, text
from rxllm.testing import lifetimes, play, subscribers


class TestLaws(OperatorLaws):
    operator = smooth(3)
    source = "abc-d-|"
    played = "a--'bc'--(d|)"
    failed = "a--'bc'--(d#)"


@pytest.mark.parametrize(
    ("source", "result"),
    [
        ("ab---c|", "a--b--(c|)"),
        ("abc---|", "a--'bc'--|"),
        ("a-----b-----|", "a-----b-----|"),
        ("abcdefgh|", "a--'bcd'--'efg'-(h|)"),
    ],
)
def test_at_most_one_delta_leaves_in_each_window(source, result):
    played = play(smooth(3), source)
    assert played == result


def test_the_first_token_leaves_at_once():
    assert play(smooth(100), "--a--|").startswith("--a")


def test_an_idle_window_emits_nothing():
    assert play(smooth(1), "a---------|") == "a---------|"


def test_an_idle_source_arms_no_timer():
    clock = VirtualTimeScheduler()
    armed: list[float] = []
    clock.schedule_relative = lambda due, *_: armed.append(due)
    Subject().pipe(smooth(1)).subscribe(scheduler=clock)
    assert armed == []


def test_an_empty_source_completes():
    assert play(smooth(3), "|") == "|"


def test_an_error_flushes_first():
    assert play(smooth(5), "abc-#") == "a---('bc'#)"


def test_completion_flushes_first():
    assert play(smooth(5), "abc-|") == "a---('bc'|)"


def test_a_structural_item_flushes_first_and_keeps_its_place():
    assert play(smooth(9), "abc{tool_call 0 id f}-|") == "a--('bc'{tool_call 0 id f})-|"


@pytest.mark.parametrize("item", ["{reason hm}", "{call 0 f}", "{refusal no}", "{started one}", "{choice_finished}"])
def test_whatever_is_not_text_passes_unchanged_behind_the_text_before_it(item):
    assert play(smooth(9), f"(ab{item}|)") == f"(ab{item}|)"


@pytest.mark.parametrize("item", ["{ping}", "{usage 1 2}", "{logprobs [1]}"])
def test_what_says_nothing_of_a_place_passes_without_a_flush(item):
    assert play(smooth(9), f"ab{item}-|") == f"a-{item}-(b|)"


def test_choices_that_alternate_give_one_delta_each_in_a_window():
    assert play(smooth(3), "a{text w 1}b{text x 1}c|") == "a--({text wx 1}b)-(c|)"


def test_a_rollback_forgets_what_was_held():
    assert play(smooth(5), "abc{rollback 1}--d-----|") == "a--{rollback 1}--d-----|"


def test_leaving_it_leaves_the_source_in_the_same_frame():
    assert lifetimes(smooth(3), "abcdef|", until=2) == ["^-!"]


def test_leaving_it_while_text_is_held_emits_nothing_more():
    assert play(smooth(5), "abc-----|", until=3) == "a"


def test_a_late_second_subscriber_has_its_own_window():
    assert subscribers(smooth(3), "abcd---|", "^", "--^") == ["a--'bcd'---|", "--c--d-|"]


def test_one_operator_value_serves_two_sources():
    operator = smooth(3)
    assert play(lambda one, two: one.pipe(operator, rx.merge(two.pipe(operator))), "ab---|", "-xy--|") == "ax-by|"


def test_it_uses_the_scheduler_it_is_subscribed_with_and_makes_none():
    seen = Seen()
    Subject().pipe(smooth(1)).subscribe(None, seen.on_error)
    assert isinstance(seen.errors[0], ConfigurationError)


@pytest.mark.parametrize("window", [0, -1, float("nan"), float("inf"), "1", None])
def test_a_window_that_is_not_positive_is_refused(window):
    with pytest.raises(ConfigurationError, match="positive"):
        smooth(window)


STEP = st.one_of(
    st.builds(TextDelta, st.text(max_size=3), st.integers(0, 1)),
    st.builds(ReasoningDelta, st.text(max_size=2)),
    st.just(ToolCall(0)),
    st.just(Usage(1)),
    st.just(Ping()),
    st.floats(0.1, 3),
)


@given(st.lists(STEP, max_size=30), st.sampled_from(["complete", "fail"]))
@settings(deadline=None)
def test_however_it_is_cut_the_text_joined_is_the_same(steps, end):
    clock = VirtualTimeScheduler()
    source: Subject = Subject()
    seen = Seen()
    source.pipe(smooth(1.0)).subscribe(seen, scheduler=clock)
    sent = [step for step in steps if not isinstance(step, float)]
    for step in steps:
        if isinstance(step, float):
            clock.advance_by(step)
        else:
            source.on_next(step)
    if end == "fail":
        source.on_error(ValueError("mine"))
    else:
        source.on_completed()
    assert fold([*seen, Finish("stop")]) == fold([*sent, Finish("stop")])
    structural = (TextDelta, Usage, Ping)
    assert [i for i in seen if not isinstance(i, structural)] == [i for i in sent if not isinstance(i, structural)]


def joined(source):
    """Plain reactivex, made to emit text deltas again."""
    return source.pipe(
        rx.buffer_with_time(3.0), rx.filter(bool), rx.map(lambda held: TextDelta("".join(item.text for item in held)))
    )


@pytest.mark.parametrize("source", ["abc-d|", "--abcdefgh-|", "a----b----|"])
def test_it_gives_the_text_of_plain_buffer_with_time(source):
    whole = rx.reduce(lambda so_far, piece: so_far + piece, "")
    ours, plain = (play(lambda s, op=op: s.pipe(op, text(), whole), source) for op in (smooth(3), joined))
    assert ours == plain


def test_the_traps_of_plain_buffer_with_time_a_late_first_token_empty_windows_and_a_lost_rest():
    assert play(joined, "-ab#") == "---#"
    assert play(smooth(3), "-ab#") == "-a-(b#)"
    assert play(rx.buffer_with_time(3.0), "a--------|") == "---[a]--[]--([]|)"
    assert play(smooth(3), "a--------|") == "a--------|"


def test_a_thousand_words_do_not_cost_a_thousand_timers():
    clock = VirtualTimeScheduler()
    armed = 0
    schedule = clock.schedule_relative

    def counting(*arguments, **keywords):
        nonlocal armed
        armed += 1
        return schedule(*arguments, **keywords)

    clock.schedule_relative = counting
    reactivex.from_iterable([TextDelta("word ")] * 1000).pipe(smooth(1)).subscribe(scheduler=clock)
    assert armed <= 2
