"""Subscribing, pausing and stamping: what each observer gets, and when."""

from __future__ import annotations

import asyncio

import pytest
import reactivex
from hypothesis import given, settings
from hypothesis import strategies as st
from reactivex import operators as rx
from reactivex.scheduler import VirtualTimeScheduler
from scripted_origin import Seen, scripted, watch

from rxllm import operators as ops
from rxllm.errors import ConfigurationError, TransportError
from rxllm.items import Finish, ReasoningDelta, Started, TextDelta, ToolCallDelta, Usage, joined, part


def test_nothing_is_sent_before_the_first_use():
    origin, stream = scripted()
    stream.pipe(ops.text())
    stream.stamped()
    assert stream.completion is not None
    assert origin.calls == []


def test_the_first_subscriber_sends_the_request_and_no_other_does():
    origin, stream = scripted()
    watch(stream)
    watch(stream)
    watch(stream.completion)
    stream.start()
    assert origin.calls == ["start"]


def test_subscribing_after_the_end_sends_no_other_request():
    origin, stream = scripted()
    watch(stream)
    origin.finish("a")
    assert watch(stream).text == "a"
    assert origin.calls == ["start"]


def test_subscribing_after_everybody_left_sends_no_other_request():
    origin, stream = scripted()
    stream.subscribe().dispose()
    late = watch(stream)
    assert (origin.calls, late[-1].reason, late.completed) == (["start", "close"], "cancelled", 1)


def test_a_late_subscriber_gets_what_has_been_merged_then_the_live_tail():
    origin, stream = scripted()
    watch(stream)
    origin.send("a", "b")
    late = watch(stream)
    origin.send("c", "d")
    assert late.cut == ["ab", "c", "d"]


def test_without_replay_a_late_subscriber_gets_the_tail_only_and_the_value_is_whole():
    origin, stream = scripted(replay=False)
    watch(stream)
    origin.send("a")
    late = watch(stream)
    origin.finish("b")
    assert (late.text, watch(stream.completion)[0].text) == ("b", "ab")
    after = watch(stream)
    assert (after, after.completed) == ([], 1)


ITEMS = st.one_of(
    st.builds(TextDelta, st.text(max_size=3), st.integers(0, 1)),
    st.builds(ReasoningDelta, st.text(max_size=3)),
    st.builds(lambda call, text: ToolCallDelta(call, None, text), st.integers(0, 1), st.text(max_size=3)),
    st.builds(Usage, st.integers(0, 9)),
)


def by_part(items) -> dict:
    parts: dict = {}
    for item in items:
        if part(item) is not None:
            parts.setdefault(part(item), []).append(item)
    return {key: joined(deltas) for key, deltas in parts.items()}


@given(st.lists(ITEMS, min_size=1, max_size=20), st.integers(0, 20), st.booleans(), st.booleans())
@settings(deadline=None)
def test_a_subscriber_at_any_position_also_from_inside_on_next_gets_all_once(raw, arrival, inside, one_read):
    origin, stream = scripted()
    late: list[Seen] = []
    count = 0

    def subscribe_at_arrival(_: object) -> None:
        nonlocal count
        count += 1
        if inside and count == arrival:
            late.append(watch(stream))

    stream.subscribe(subscribe_at_arrival)
    for batch in [raw] if one_read else [[item] for item in raw]:
        if not inside and not late and count >= arrival:
            late.append(watch(stream))
        origin.send(*batch)
    late.append(watch(stream))
    for seen in late:
        assert by_part(seen) == by_part(raw)
        assert [item for item in seen if part(item) is None] == [item for item in raw if part(item) is None]


def test_a_subscriber_that_raises_is_told_and_the_others_and_the_source_never_notice():
    origin, stream = scripted()
    error = ValueError("mine")

    def raising(_: object) -> None:
        raise error

    told = Seen()
    stream.subscribe(raising, told.on_error)
    stream.subscribe(raising)  # has no on_error
    good = watch(stream)
    origin.finish("a", "b")
    assert (told.errors, good.text, good.completed, good.errors) == ([error], "ab", 1, [])


def test_a_subscriber_that_raises_while_it_is_given_the_past_is_told():
    origin, stream = scripted()
    good = watch(stream)
    origin.send("a")
    told = Seen()
    error = ValueError("mine")

    def raising(_: object) -> None:
        raise error

    stream.subscribe(raising, told.on_error)
    origin.finish("b")
    assert (told.errors, good.text, good.completed) == ([error], "ab", 1)


def test_a_subscriber_that_raises_behind_a_time_operator_is_told_and_nobody_hangs():
    clock = VirtualTimeScheduler()
    origin, stream = scripted(scheduler=clock)
    error = ValueError("mine")

    def raising(_: object) -> None:
        raise error

    told = Seen()
    stream.pipe(rx.buffer_with_time(1.0)).subscribe(raising, told.on_error)
    good = watch(stream.pipe(rx.buffer_with_time(1.0)))
    origin.send("a")
    clock.advance_by(1.5)
    origin.finish("b")
    clock.advance_by(2)
    assert (told.errors, good.completed) == ([error], 1)
    assert [item.text for batch in good for item in batch if isinstance(item, TextDelta)] == ["a", "b"]


def test_a_cancelled_error_from_a_subscriber_does_not_reach_the_source():
    origin, stream = scripted()

    def raising(_: object) -> None:
        raise asyncio.CancelledError

    stream.subscribe(raising)
    stream.pipe(ops.text()).subscribe(raising)
    stream.pipe(rx.map(raising)).subscribe()
    good = watch(stream)
    origin.finish("a")
    assert (good.text, good.completed) == ("a", 1)


def test_a_keyboard_interrupt_in_a_subscriber_gets_out():
    origin, stream = scripted()

    def raising(_: object) -> None:
        raise KeyboardInterrupt

    stream.pipe(ops.text()).subscribe(raising)
    with pytest.raises(KeyboardInterrupt):
        origin.send("a")


def test_an_item_that_comes_from_inside_on_next_reaches_all_in_one_order():
    origin, stream = scripted()
    first = Seen()

    def answer(item) -> None:
        first.on_next(item)
        if item == TextDelta("a"):
            origin.send("b")

    stream.subscribe(answer)
    second = watch(stream)
    origin.send("a")
    assert first.cut == second.cut == ["a", "b"]


def test_who_leaves_from_inside_on_next_gets_nothing_more():
    origin, stream = scripted()
    watch(stream)
    seen = Seen()
    subscription = None

    def leave(item) -> None:
        seen.on_next(item)
        subscription.dispose()

    subscription = stream.subscribe(leave)
    origin.send("a", "b")
    assert seen.cut == ["a"]


def test_who_leaves_from_inside_the_replay_gets_nothing_more():
    origin, stream = scripted()
    watch(stream)
    origin.send("a", ReasoningDelta("r"), "b")
    seen = watch(stream.pipe(rx.take(1)))
    origin.send("c")
    assert (seen.cut, seen.completed, stream._holders.count) == (["a"], 1, 1)


# ---- pausing


def test_after_pause_nothing_is_delivered_and_what_is_decoded_waits():
    origin, stream = scripted()
    seen = watch(stream)
    stream.pause()
    origin.send("a")
    assert (seen, stream.is_paused) == ([], True)
    stream.resume()
    assert (seen.cut, stream.is_paused) == (["a"], False)


def test_pause_and_resume_reach_the_origin():
    origin, stream = scripted()
    watch(stream)
    stream.pause()
    stream.resume()
    assert origin.calls == ["start", "pause", "resume"]


def test_a_pause_before_the_start_is_in_force_when_it_starts():
    origin, stream = scripted()
    stream.pause()
    seen = watch(stream)
    origin.send("a")
    assert (origin.calls, seen) == (["pause", "start"], [])
    stream.resume()
    assert seen.cut == ["a"]


def test_pauses_are_counted_per_holder():
    origin, stream = scripted()
    seen = watch(stream)
    stream.pause("me")
    stream.pause("me")
    stream.pause("you")
    origin.send("a")
    stream.resume("me")
    stream.resume("you")
    stream.resume("you")  # one more than it paused: it does not undo mine
    assert (seen, stream.is_paused) == ([], True)
    stream.resume("me")
    assert (seen.cut, stream.is_paused) == (["a"], False)


def test_a_resume_without_a_pause_does_nothing():
    origin, stream = scripted()
    stream.resume()
    watch(stream)
    stream.resume()
    assert origin.calls == ["start"]


def test_a_pause_from_inside_on_next_stops_at_once():
    origin, stream = scripted()
    seen = Seen()

    def pause_at_once(item) -> None:
        seen.on_next(item)
        stream.pause()

    stream.subscribe(pause_at_once, None, seen.on_completed)
    origin.finish("a", "b")
    assert (seen.cut, seen.completed) == (["a"], 0)
    stream.resume()
    assert (seen.cut, seen.completed) == (["a", "b"], 0)


def test_the_item_that_is_on_its_way_when_somebody_pauses_still_reaches_all_so_that_all_have_seen_the_same():
    origin, stream = scripted()
    stream.subscribe(lambda _: stream.pause())
    second = watch(stream)
    origin.send("a", "b")
    assert second.cut == ["a"]


def test_who_comes_during_a_pause_gets_what_has_been_and_waits_with_the_others():
    origin, stream = scripted()
    watch(stream)
    origin.send("a")
    stream.pause()
    origin.send("b")
    late = watch(stream)
    assert late.cut == ["a"]
    stream.resume()
    assert late.cut == ["a", "b"]


def test_the_end_waits_behind_a_pause():
    origin, stream = scripted()
    seen, value = watch(stream), watch(stream.completion)
    stream.pause()
    origin.finish("a")
    assert (seen.completed, value) == (0, [])
    stream.resume()
    assert (seen.completed, value[0].text) == (1, "a")


def test_a_cancel_ends_a_paused_stream_and_what_was_not_delivered_is_not_in_the_value():
    origin, stream = scripted()
    seen = watch(stream)
    origin.send("a")
    stream.pause()
    origin.send("b")
    stream.cancel()
    assert (seen.cut, seen.completed, stream.is_paused) == (["a"], 1, False)
    assert watch(stream.completion)[0].text == "a"


def test_a_pause_after_the_end_does_nothing():
    origin, stream = scripted()
    watch(stream)
    origin.finish("a")
    stream.pause()
    assert (stream.is_paused, watch(stream).text) == (False, "a")


def test_an_origin_that_has_ended_is_not_paused_any_more():
    origin, stream = scripted()
    watch(stream)
    stream.pause()
    origin.finish("a")
    stream.pause("other")
    stream.resume("other")
    stream.resume()
    assert origin.calls == ["start", "pause"]


def test_a_pause_holds_back_what_the_operators_before_the_hub_let_go_later():
    clock = VirtualTimeScheduler()
    origin, stream = scripted(scheduler=clock, through=[ops.smooth(1)])
    seen = watch(stream)
    origin.send("a", "b")
    stream.pause()
    clock.advance_by(2)
    assert seen.cut == ["a"]
    stream.resume()
    assert seen.cut == ["a", "b"]


# ---- stamped


def test_stamped_gives_the_position_and_the_seconds_since_the_request():
    clock = VirtualTimeScheduler()
    origin, stream = scripted(scheduler=clock)
    clock.advance_by(10)
    seen = watch(stream.stamped())
    clock.advance_by(1)
    origin.send("a", "b")
    clock.advance_by(1)
    origin.send("c")
    assert [(s.seq, s.at, s.item.text) for s in seen] == [(0, 1.0, "a"), (1, 1.0, "b"), (2, 2.0, "c")]


def test_a_merged_item_bears_its_last_parts_stamp():
    clock = VirtualTimeScheduler()
    origin, stream = scripted(scheduler=clock)
    watch(stream)
    clock.advance_by(1)
    origin.send("a", "b")
    clock.advance_by(1)
    origin.send("c")
    late = watch(stream.stamped())
    assert [(s.seq, s.at, s.item.text) for s in late] == [(2, 2.0, "abc")]


def test_a_paused_item_bears_the_time_at_which_it_was_read():
    clock = VirtualTimeScheduler()
    origin, stream = scripted(scheduler=clock)
    seen = watch(stream.stamped())
    stream.pause()
    clock.advance_by(1)
    origin.send("a")
    clock.advance_by(1)
    stream.resume()
    assert [(s.seq, s.at) for s in seen] == [(0, 1.0)]


def test_the_finish_of_a_cancel_in_mid_batch_bears_its_own_time():
    clock = VirtualTimeScheduler()
    origin, stream = scripted(scheduler=clock)
    seen = watch(stream.stamped())
    stream.pause()
    clock.advance_by(1)
    origin.send("a", "b")
    clock.advance_by(1)
    stream.cancel()
    assert [(s.seq, s.at, type(s.item)) for s in seen] == [(0, 2.0, Finish)]


# ---- combining


def test_one_pipe_may_be_subscribed_to_twice():
    origin, stream = scripted()
    pipe = stream.pipe(ops.smooth(5), ops.text())
    first, second = watch(pipe), watch(pipe)
    origin.finish("a", "b", "c")
    assert list(first) == list(second) == ["a", "bc"]


def test_two_streams_merge():
    clock = VirtualTimeScheduler()
    origin_a, a = scripted(scheduler=clock)
    origin_b, b = scripted(scheduler=clock)
    seen = watch(a.pipe(rx.merge(b), ops.text()))
    clock.advance_by(1)
    origin_a.send("a")
    origin_b.send("b")
    origin_a.finish("c")
    origin_b.finish("d")
    assert ("".join(seen), seen.completed) == ("abcd", 1)


def test_leaving_a_merge_lets_go_of_both_streams():
    clock = VirtualTimeScheduler()
    origin_a, a = scripted(scheduler=clock)
    origin_b, b = scripted(scheduler=clock)
    subscription = a.pipe(rx.merge(b)).subscribe()
    clock.advance_by(1)
    subscription.dispose()
    assert origin_a.calls == origin_b.calls == ["start", "close"]


def test_share_costs_no_second_request_after_the_end():
    origin, stream = scripted()
    shared = stream.pipe(rx.share())
    first = watch(shared)
    origin.finish("a")
    again = watch(shared)
    assert (first.text, again.completed, origin.calls) == ("a", 1, ["start"])


def test_share_costs_no_second_request_after_everybody_left():
    origin, stream = scripted()
    shared = stream.pipe(rx.share())
    subscription = shared.subscribe()
    origin.send("a")
    subscription.dispose()
    again = watch(shared)
    assert (again.text, again[-1].reason, origin.calls) == ("a", "cancelled", ["start", "close"])


@pytest.mark.parametrize("on_abandon", ["never", -1, -0.5])
def test_an_unknown_abandon_policy_is_refused(on_abandon):
    with pytest.raises(ConfigurationError, match="on_abandon"):
        scripted(on_abandon=on_abandon)


def test_a_stream_shows_its_state_and_not_its_content():
    origin, stream = scripted()
    assert repr(stream) == "<CompletionStream waiting, 0 holding>"
    watch(stream)
    origin.send(Started("secret"), "secret")
    assert repr(stream) == "<CompletionStream running, 1 holding>"
    stream.pause()
    assert repr(stream) == "<CompletionStream paused, 1 holding>"
    stream.cancel()
    assert repr(stream) == "<CompletionStream ended, 0 holding>"


def test_a_failure_without_on_error_is_no_failure_of_the_source():
    origin, stream = scripted()
    stream.subscribe(lambda _: None)
    stream.pipe(ops.text()).subscribe(lambda _: None)
    good = watch(stream)
    error = TransportError("reset")
    origin.fail(error)
    assert good.errors == [error]


def test_a_plain_merge_works_with_a_scheduler_of_its_own():
    clock = VirtualTimeScheduler()
    origin_a, a = scripted(scheduler=clock)
    origin_b, b = scripted(scheduler=clock)
    seen = Seen()
    reactivex.merge(a, b).subscribe(seen, scheduler=clock)
    clock.advance_by(1)
    origin_a.finish("a")
    origin_b.finish("b")
    assert (seen.text, seen.completed) == ("ab", 1)
