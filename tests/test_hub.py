from __future__ import annotations

import asyncio

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scripted_origin import Seen

from rxllm.completion import fold
from rxllm.hub import Hub, Seat
from rxllm.items import (
    Finish,
    ReasoningDelta,
    Rollback,
    Started,
    StreamItem,
    TextDelta,
    ToolCall,
    ToolCallDelta,
    Usage,
    joined,
    part,
)
from rxllm.observable import Sink


def seat(hub: Hub, seen: Seen | None = None, *, on_next=None, stamps: bool = False) -> Seen:
    seen = Seen() if seen is None else seen

    def leave() -> None:
        """The stream counts its holders here."""

    place = Seat(hub, Sink(on_next or seen.on_next, seen.on_error, seen.on_completed), stamps=stamps, leave=leave)
    place.seated = True
    seen.seat = place
    hub.take_seat(place)
    return seen


def texts(*words: str) -> list[StreamItem]:
    return [TextDelta(word) for word in words]


def merged(items: list[StreamItem]) -> list[StreamItem]:
    """The same items, adjacent deltas of one part joined: by definition, not by the hub."""
    out: list[StreamItem] = []
    for item in items:
        if out and part(item) is not None and part(out[-1]) == part(item):
            out[-1] = joined([out[-1], item])
        else:
            out.append(item)
    return out


def test_every_observer_sees_every_item_in_order():
    hub = Hub()
    first, second = seat(hub), seat(hub)
    hub.push(texts("a", "b"), 0.0)
    assert first.cut == second.cut == ["a", "b"]


def test_a_late_observer_gets_adjacent_deltas_of_one_part_merged_into_one_item():
    hub = Hub()
    hub.push([Started("1"), *texts("a", "b"), ReasoningDelta("r"), *texts("c", "d")], 0.0)
    assert seat(hub) == [Started("1"), TextDelta("ab"), ReasoningDelta("r"), TextDelta("cd")]


def test_a_late_observer_gets_the_live_tail_unmerged():
    hub = Hub()
    hub.push(texts("a", "b"), 0.0)
    late = seat(hub)
    hub.push(texts("c", "d"), 0.0)
    assert late.cut == ["ab", "c", "d"]


def test_deltas_of_different_tool_calls_are_not_merged():
    hub = Hub()
    hub.push([ToolCallDelta(0, "f", "{"), ToolCallDelta(0, None, "}"), ToolCallDelta(1, "g", "1")], 0.0)
    assert seat(hub) == [ToolCallDelta(0, "f", "{}"), ToolCallDelta(1, "g", "1")]


def test_deltas_of_different_choices_are_not_merged():
    hub = Hub()
    hub.push([TextDelta("a"), TextDelta("b", 1), TextDelta("c", 1)], 0.0)
    assert seat(hub) == [TextDelta("a"), TextDelta("bc", 1)]


def test_an_item_pushed_from_inside_on_next_reaches_all_in_one_order():
    hub = Hub()
    first = Seen()

    def push_once(item: StreamItem) -> None:
        first.on_next(item)
        if item == TextDelta("a"):
            hub.push(texts("b"), 0.0)

    seat(hub, first, on_next=push_once)
    second = seat(hub)
    hub.push(texts("a"), 0.0)
    assert first.cut == second.cut == ["a", "b"]


def test_an_item_pushed_from_inside_a_replay_reaches_all_once():
    hub = Hub()
    before = seat(hub)
    hub.push(texts("a"), 0.0)
    late = Seen()

    def push_once(item: StreamItem) -> None:
        late.on_next(item)
        if item == TextDelta("a"):
            hub.push(texts("b"), 0.0)

    seat(hub, late, on_next=push_once)
    hub.push(texts("c"), 0.0)
    assert before.cut == late.cut == ["a", "b", "c"]


def test_an_observer_seated_from_inside_on_next_has_the_current_item_once():
    hub = Hub()
    late: list[Seen] = []

    def seat_another(item: StreamItem) -> None:
        if not late:
            late.append(seat(hub))

    seat(hub, on_next=seat_another)
    hub.push(texts("a", "b", "c"), 0.0)
    assert late[0].cut == ["a", "b", "c"]


def test_an_observer_that_leaves_another_from_inside_on_next_spares_it_the_item():
    hub = Hub()
    second = Seen()
    seat(hub, on_next=lambda item: second.seat.dispose())
    seat(hub, second)
    hub.push(texts("a"), 0.0)
    assert second == []


def test_an_observer_that_raises_is_detached_and_told():
    hub = Hub()
    error = ValueError("mine")

    def raising(item: StreamItem) -> None:
        raise error

    bad = seat(hub, on_next=raising)
    good = seat(hub)
    hub.push(texts("a", "b"), 0.0)
    assert bad.errors == [error]
    assert good.cut == ["a", "b"]


@pytest.mark.parametrize("callback", ["on_completed", "on_error"])
@pytest.mark.parametrize("error", [ValueError("mine"), asyncio.CancelledError()])
def test_an_observer_whose_last_callback_raises_does_not_keep_the_end_from_others(callback, error):
    hub = Hub()
    bad = Seen()

    def raising(*_: object) -> None:
        raise error

    setattr(bad, callback, raising)
    seat(hub, bad)
    good = seat(hub)
    failure = RuntimeError("source") if callback == "on_error" else None
    hub.close(failure)
    assert (good.completed, good.errors) == ((1, []) if failure is None else (0, [failure]))


def test_a_cancelled_error_in_an_observer_does_not_reach_the_source():
    hub = Hub()

    def raising(item: StreamItem) -> None:
        raise asyncio.CancelledError

    seat(hub, on_next=raising)
    good = seat(hub)
    hub.push(texts("a"), 0.0)
    assert good.cut == ["a"]


@pytest.mark.parametrize("interrupt", [KeyboardInterrupt, SystemExit])
def test_an_interrupt_in_an_observer_reaches_the_source(interrupt):
    hub = Hub()

    def raising(item: StreamItem) -> None:
        raise interrupt

    seat(hub, on_next=raising)
    with pytest.raises(interrupt):
        hub.push(texts("a"), 0.0)


def test_the_hub_goes_on_after_an_interrupt():
    hub = Hub()
    interrupts = [KeyboardInterrupt()]

    def raising_once(item: StreamItem) -> None:
        if interrupts:
            raise interrupts.pop()

    first = seat(hub)
    seat(hub, on_next=raising_once)
    with pytest.raises(KeyboardInterrupt):
        hub.push(texts("a", "b"), 0.0)
    hub.push(texts("c"), 0.0)
    assert first.cut == ["a", "b", "c"]


def test_a_held_hub_delivers_nothing_and_loses_nothing():
    hub = Hub()
    seen = seat(hub)
    hub.hold()
    hub.push(texts("a"), 0.0)
    hub.close()
    assert (seen, seen.completed) == ([], 0)
    hub.release()
    assert (seen.cut, seen.completed) == (["a"], 1)


def test_a_hold_from_inside_on_next_stops_before_the_next_item():
    hub = Hub()
    seen = Seen()

    def hold(item: StreamItem) -> None:
        seen.on_next(item)
        hub.hold()

    seat(hub, seen, on_next=hold)
    hub.push(texts("a", "b", "c"), 0.0)
    assert seen.cut == ["a"]
    hub.release()
    assert seen.cut == ["a", "b"]


def test_hold_and_release_from_inside_on_next_change_nothing():
    hub = Hub()
    seen = Seen()

    def hold_and_release(item: StreamItem) -> None:
        seen.on_next(item)
        hub.hold()
        hub.release()

    seat(hub, seen, on_next=hold_and_release)
    hub.push(texts("a", "b", "c"), 0.0)
    assert seen.cut == ["a", "b", "c"]


def test_without_replay_a_late_observer_gets_the_tail_only():
    hub = Hub(replay=False)
    hub.push(texts("a"), 0.0)
    late = seat(hub)
    hub.push(texts("b"), 0.0)
    assert late.cut == ["b"]


def test_after_the_end_an_observer_gets_all_and_the_end():
    hub = Hub()
    hub.push([*texts("a", "b"), Finish("stop")], 0.0)
    hub.close()
    late = seat(hub)
    assert (late, late.completed) == ([TextDelta("ab"), Finish("stop")], 1)


def test_after_a_failure_an_observer_gets_all_and_the_error():
    hub = Hub()
    error = RuntimeError("source")
    hub.push(texts("a", "b"), 0.0)
    hub.close(error)
    late = seat(hub)
    assert (late.cut, late.errors, late.completed) == (["ab"], [error], 0)


def test_nothing_is_taken_after_the_end():
    hub = Hub()
    seen = seat(hub)
    hub.close()
    hub.push(texts("a"), 0.0)
    assert (seen, hub.items()) == ([], [])


def test_the_hub_forgets_observers_at_the_end():
    hub = Hub()
    seat(hub)
    hub.close()
    assert hub._seats == ()


def test_a_late_observer_gets_the_living_attempt_only():
    hub = Hub()
    hub.push([Started("1"), *texts("void"), Rollback(1), Started("2"), *texts("a", "b")], 0.0)
    assert seat(hub) == [Started("2"), TextDelta("ab")]


def test_a_rollback_after_somebody_came_late_voids_what_was_merged_for_it():
    hub = Hub()
    hub.push([Started("1"), *texts("void")], 0.0)
    seat(hub)
    hub.push([Rollback(1), Started("2"), *texts("a")], 0.0)
    assert seat(hub) == [Started("2"), TextDelta("a")]


def test_an_attempt_without_a_started_is_void_too():
    hub = Hub()
    hub.push([Started("1"), *texts("turn"), Started("2"), *texts("void"), Rollback(1)], 0.0)
    seat(hub)
    hub.push(texts("void"), 0.0)
    seat(hub)
    hub.push([Rollback(2), *texts("a")], 0.0)
    assert seat(hub) == [Started("1"), TextDelta("turn"), TextDelta("a")]


def test_a_stamp_is_the_position_and_the_read_time():
    hub = Hub()
    seen = seat(hub, stamps=True)
    hub.push(texts("a", "b"), 0.5)
    hub.push(texts("c"), 1.5)
    assert [(s.seq, s.at, s.item.text) for s in seen] == [(0, 0.5, "a"), (1, 0.5, "b"), (2, 1.5, "c")]


def test_a_merged_item_bears_the_stamp_of_its_last_part():
    hub = Hub()
    hub.push(texts("a", "b"), 0.5)
    hub.push([*texts("c"), Usage(1)], 1.5)
    late = seat(hub, stamps=True)
    assert [(s.seq, s.at) for s in late] == [(2, 1.5), (3, 1.5)]


def test_what_is_pushed_after_a_discard_bears_its_own_time():
    hub = Hub()
    seen = Seen()

    def cut_short(stamped) -> None:
        seen.on_next(stamped)
        if stamped.item == TextDelta("b"):
            hub.discard_undelivered()
            hub.push([Finish("cancelled")], 9.0)

    hub.push(texts("a"), 0.5)
    seat(hub, seen, on_next=cut_short, stamps=True)
    hub.push(texts("b", "c", "d"), 1.5)
    assert [(s.seq, s.at) for s in seen] == [(0, 0.5), (1, 1.5), (2, 9.0)]
    assert [(s.seq, s.at) for s in seat(hub, stamps=True)] == [(1, 1.5), (2, 9.0)]


ANY_ITEM = st.one_of(
    st.builds(TextDelta, st.text(max_size=3), st.integers(0, 1)),
    st.builds(ReasoningDelta, st.text(max_size=3)),
    st.builds(lambda call, text: ToolCallDelta(call, None, text), st.integers(0, 1), st.text(max_size=3)),
    st.builds(ToolCall, st.integers(0, 1)),
    st.builds(Usage, st.integers(0, 9)),
)


@given(st.lists(st.lists(ANY_ITEM, min_size=1, max_size=5), max_size=8), st.lists(st.integers(0, 8), max_size=4))
@settings(deadline=None)
def test_whenever_it_comes_an_observer_gets_all_without_gap_or_double(batches, arrivals):
    hub = Hub()
    late: list[tuple[Seen, int]] = []
    for number, batch in enumerate(batches):
        late += [(seat(hub), sum(map(len, batches[:number]))) for arrival in arrivals if arrival == number]
        hub.push(batch, 0.0)
    raw = [item for batch in batches for item in batch]
    for seen, came in late:
        assert seen == [*merged(raw[:came]), *raw[came:]]
    assert seat(hub) == merged(raw)


@given(
    st.lists(ANY_ITEM, max_size=5), st.lists(st.lists(ANY_ITEM, max_size=5), max_size=4), st.sets(st.integers(0, 30))
)
@settings(deadline=None)
def test_the_value_made_of_the_merged_history_equals_that_of_the_raw_items(turn, attempts, looks):
    raw: list[StreamItem] = [Started("turn"), *turn]
    for number, attempt in enumerate(attempts, 1):
        raw += [Started(str(number)), *attempt, Rollback(number)]
    raw += [Started("last"), TextDelta("end")]
    hub = Hub()
    for position, item in enumerate(raw):
        hub.push([item], 0.0)
        if position in looks:
            hub.items()
    assert fold(hub.whole()) == fold(raw)


def test_a_thousand_late_observers_do_not_merge_a_thousand_times():
    hub = Hub()
    hub.push(texts(*"abc" * 1000), 0.0)
    first, second = seat(hub), seat(hub)
    assert first[0] is second[0] or first[0].text == second[0].text
    assert hub._merged_upto == 3000
    assert len(hub._merged) == 1
