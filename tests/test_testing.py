"""The public testing kit: operators as pictures, on virtual time."""

from __future__ import annotations

from datetime import timedelta

import pytest
import reactivex
from reactivex import operators as rx

from rxllm import testing
from rxllm.errors import ConfigurationError, RxllmError
from rxllm.items import TextDelta, Usage
from rxllm.testing import lifetimes, play, subscribers
from rxllm.transport.replay import ReplayTransport


def same(source):
    return source


@pytest.mark.parametrize(
    "diagram", ["ab---c|", "(ab)-c#", "|", "(a|)", "-a", "", "{usage 3 5}-'text'-(a{finish stop}|)"]
)
def test_a_diagram_comes_out_as_it_went_in(diagram):
    assert play(same, diagram) == diagram


def test_map_keeps_the_frames():
    assert play(rx.map(lambda item: TextDelta(item.text.upper())), "ab-c|") == "AB-C|"


def test_plain_strings_come_out_like_deltas():
    assert play(rx.map(lambda item: item.text * 2), "ab|") == "'aa''bb'|"


def test_delay_shifts_by_its_seconds_in_frames():
    assert play(rx.delay(2), "ab---c|") == "--ab---c|"
    assert play(rx.delay(timedelta(seconds=2)), "(ab)|") == "--(ab)|"


def test_debounce_emits_after_the_silence_and_at_the_end():
    assert play(rx.debounce(2), "ab---c|") == "---b--(c|)"


def test_timers_run_on_after_the_last_thing_drawn():
    assert play(rx.debounce(5), "a") == "-----a"


def test_two_diagrams_merge_and_the_first_goes_first_within_a_frame():
    assert play(lambda a, b: a.pipe(rx.merge(b)), "a--c|", "bx-d--|") == "(ab)x-(cd)--|"


def test_take_until_a_second_diagram():
    assert play(lambda a, stop: a.pipe(rx.take_until(stop)), "abcd|", "--x") == "ab(c|)"
    assert play(lambda stop, a: a.pipe(rx.take_until(stop)), "--x", "abcd|") == "ab|"


def test_no_diagram_is_needed_where_there_is_no_source():
    assert play(lambda: reactivex.timer(2)) == "--({0}|)"


def test_what_the_sources_emit_comes_before_a_timer_of_the_same_frame():
    assert play(rx.buffer_with_time(2), "a-b-c|") == "--[ab]-[c]([]|)"


def test_the_work_of_subscribing_is_done_before_the_first_item():
    assert play(reactivex.merge, "a|", "b|") == "(ab)|"
    assert play(lambda a, b: a.pipe(rx.merge(b)), "abcd|", "|", subscription="--^") == "--cd|"


def test_parts_of_a_frame_are_drawn_in_that_frame():
    assert play(rx.delay(0.5), "a-b|") == "a-b|"
    assert play(rx.delay(1 / 3), "a") == "a"


def test_thirds_add_up_to_a_frame():
    assert play(lambda a: a.pipe(rx.delay(1 / 3), rx.delay(1 / 3), rx.delay(1 / 3)), "a") == "-a"


def test_a_hundred_items_in_one_frame_stay_in_it():
    group = f"({'a' * 500}|)"
    assert play(same, f"-{group}") == f"-{group}"


def test_an_error_in_a_diagram_is_an_rxllm_error():
    caught = []

    def keep(error, _source):
        caught.append(error)
        return reactivex.of("x")

    assert play(rx.catch(keep), "a-#") == "a-(x|)"
    assert [type(error) for error in caught] == [RxllmError]


def test_any_error_is_drawn_the_same():
    assert play(rx.map(lambda item: 1 / (item.text != "b")), "abc|") == "{1.0}#"


def test_the_transport_of_recordings_is_part_of_the_kit():
    assert testing.ReplayTransport is ReplayTransport


def test_names_stand_for_values_in_and_out():
    assert play(rx.map(lambda item: item), "a-X|", X=Usage(1, 2)) == "a-X|"
    assert play(rx.map(lambda _: Usage(3)), "a|", X=Usage(3)) == "X|"


def test_what_raises_below_the_observer_is_not_hidden():
    def broken(source):
        return reactivex.create(lambda observer, scheduler: source.subscribe(lambda _: [].pop(), scheduler=scheduler))

    with pytest.raises(IndexError):
        play(broken, "a|")


def test_until_stops_watching_before_the_frame_emits():
    assert play(same, "abcd|", until=2) == "ab"
    assert play(same, "abcd|", until=0) == ""


def test_a_subscription_is_a_lifetime_diagram():
    assert play(same, "abcdef|", subscription="--^--!") == "--cde"
    assert play(same, "abcdef|", subscription="--^") == "--cdef|"


def test_a_late_subscriber_is_told_the_end():
    assert play(same, "ab|", subscription="----^") == "----|"
    assert play(same, "ab#", subscription="----^") == "----#"


def test_a_timer_without_end_is_cut_a_hundred_frames_after_the_last_thing_drawn():
    ticks = play(lambda: reactivex.interval(1).pipe(rx.map(lambda _: "t")))
    assert ticks == "-" + "t" * 100
    assert play(lambda: reactivex.interval(1).pipe(rx.map(lambda _: "t")), until=150) == "-" + "t" * 149


def test_work_without_end_in_one_frame_is_told():
    with pytest.raises(ConfigurationError, match="frame 0 has not ended"):
        play(lambda: reactivex.interval(0))


def test_a_zero_delay_stays_in_its_frame():
    assert play(rx.delay(0), "a-b|") == "a-b|"
    assert play(lambda: reactivex.timer(0)) == "({0}|)"


def test_a_source_is_held_until_its_end():
    assert lifetimes(same, "a-b|") == ["^--!"]
    assert lifetimes(same, "a-b#") == ["^--!"]
    assert lifetimes(same, "a-b") == ["^"]


def test_a_source_is_left_with_its_subscriber():
    assert lifetimes(same, "a-b--|", until=3) == ["^--!"]
    assert lifetimes(same, "a-b--|", subscription="-^-!") == ["-^-!"]


def test_a_source_is_left_once_enough_was_taken():
    assert lifetimes(rx.take(2), "a-b--c|") == ["^-!"]


def test_a_source_that_nobody_subscribed_has_no_lifetime():
    assert lifetimes(lambda a, _: a, "a|", "b|") == ["^!", ""]


def test_a_source_subscribed_twice_has_two_lifetimes():
    assert lifetimes(lambda a: a.pipe(rx.take(2), rx.repeat(2)), "abcdef|") == ["^(!^)-!"]


def test_concat_subscribes_the_second_after_the_first():
    assert lifetimes(lambda a, b: a.pipe(rx.concat(b)), "a-|", "----b|") == ["^-!", "--^--!"]


def test_subscribers_share_the_one_observable():
    assert subscribers(rx.share(), "a-b-c|", "^", "--^-!") == ["a-b-c|", "--b"]


def test_subscribers_see_what_an_operator_keeps():
    def leaky(source):
        seen = []
        return source.pipe(rx.map(lambda item: (seen.append(item.text), "".join(seen))[1]))

    assert subscribers(leaky, "ab|", "^", "^") == ["a'aab'|", "'aa''aabb'|"]


def test_a_replay_reaches_who_comes_late():
    def replayed(source):
        shared = source.pipe(rx.replay())
        shared.connect()
        return shared

    assert subscribers(replayed, "ab-c|", "^", "---^", "------^") == ["ab-c|", "---(abc)|", "------(abc|)"]


@pytest.mark.parametrize("drawn", ["--", "!", "^-^", "!-^", "^a", "^|", "^-!-!"])
def test_what_is_no_lifetime_is_refused(drawn):
    with pytest.raises(ConfigurationError, match="is no lifetime"):
        play(same, "a|", subscription=drawn)


def test_a_source_is_no_lifetime():
    with pytest.raises(ConfigurationError, match="is a source"):
        play(same, "^--!")


def test_two_ways_of_saying_until_are_refused():
    with pytest.raises(ConfigurationError, match="give one of them"):
        play(same, "a|", subscription="^", until=3)
