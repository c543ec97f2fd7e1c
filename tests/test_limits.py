"""The stream's own three limits, on virtual time; connect and idle are the transport's."""

from __future__ import annotations

import pytest
from reactivex.scheduler import VirtualTimeScheduler
from scripted_origin import scripted, watch

from rxllm import operators as ops
from rxllm.errors import FirstItemTimeout, ProgressTimeout, StreamTimeoutError, TotalTimeout
from rxllm.items import Ping, ProviderEvent, ReasoningDelta, Started, ToolCallDelta, Usage
from rxllm.messages import Timeouts


def limited(**limits):
    clock = VirtualTimeScheduler()
    origin, stream = scripted(scheduler=clock, timeouts=Timeouts(**limits))
    return clock, origin, stream


@pytest.mark.parametrize(
    ("limit", "kind"), [("first_item", FirstItemTimeout), ("progress", ProgressTimeout), ("total", TotalTimeout)]
)
def test_a_limit_ends_the_stream_with_its_own_error_and_closes_the_origin(limit, kind):
    clock, origin, stream = limited(**{limit: 3})
    seen = watch(stream)
    clock.advance_by(2.9)
    assert seen.errors == []
    clock.advance_by(0.2)
    assert [type(error) for error in seen.errors] == [kind]
    assert (seen.errors[0].seconds, origin.calls) == (3, ["start", "close"])
    assert limit in str(seen.errors[0])


def test_the_error_has_the_partial():
    clock, origin, stream = limited(total=3)
    seen = watch(stream)
    origin.send("Hel")
    clock.advance_by(4)
    assert seen.errors[0].partial.text == "Hel"
    assert isinstance(seen.errors[0], StreamTimeoutError)


def test_the_clock_starts_with_the_request_not_with_the_stream():
    clock, _, stream = limited(total=3)
    clock.advance_by(10)
    seen = watch(stream)
    clock.advance_by(2)
    assert seen.errors == []


def test_keep_alives_are_no_first_item():
    clock, origin, stream = limited(first_item=3)
    seen = watch(stream)
    for _ in range(4):
        clock.advance_by(1)
        origin.send(Ping())
    assert isinstance(seen.errors[0], FirstItemTimeout)


def test_after_the_first_item_the_first_item_limit_is_over():
    clock, origin, stream = limited(first_item=3)
    seen = watch(stream)
    clock.advance_by(2)
    origin.send(Started("1"))
    clock.advance_by(100)
    assert seen.errors == []


@pytest.mark.parametrize("item", [Ping(), Started("1"), Usage(1), ProviderEvent("x")])
def test_what_is_no_content_is_no_progress(item):
    clock, origin, stream = limited(progress=3)
    seen = watch(stream)
    for _ in range(4):
        clock.advance_by(1)
        origin.send(item)
    assert isinstance(seen.errors[0], ProgressTimeout)


@pytest.mark.parametrize("item", ["a", ReasoningDelta("a"), ToolCallDelta(0, "f")])
def test_content_is_progress(item):
    clock, origin, stream = limited(progress=3)
    seen = watch(stream)
    for _ in range(10):
        clock.advance_by(2)
        origin.send(item)
    assert seen.errors == []
    clock.advance_by(3.1)
    assert isinstance(seen.errors[0], ProgressTimeout)


def test_the_total_limit_does_not_care_for_progress():
    clock, origin, stream = limited(total=3)
    seen = watch(stream)
    for _ in range(4):
        clock.advance_by(1)
        origin.send("a")
    assert isinstance(seen.errors[0], TotalTimeout)


def test_of_several_limits_the_one_that_was_due_first_is_told():
    clock, _, stream = limited(first_item=2, progress=3, total=4)
    seen = watch(stream)
    clock.advance_by(10)
    assert [type(error) for error in seen.errors] == [FirstItemTimeout]


@pytest.mark.parametrize("limit", ["first_item", "progress"])
def test_paused_costs_no_timeout(limit):
    clock, _, stream = limited(**{limit: 3})
    seen = watch(stream)
    clock.advance_by(2)
    stream.pause()
    clock.advance_by(100)
    assert seen.errors == []
    stream.resume()
    clock.advance_by(2.9)
    assert seen.errors == []
    clock.advance_by(0.2)
    assert len(seen.errors) == 1


def test_paused_costs_the_total_timeout_and_what_waited_is_delivered_first():
    clock, origin, stream = limited(total=3)
    seen = watch(stream)
    stream.pause()
    origin.send("a")
    clock.advance_by(4)
    assert (seen.text, type(seen.errors[0]), stream.is_paused) == ("a", TotalTimeout, False)


@pytest.mark.parametrize("limit", ["first_item", "progress"])
def test_a_pause_taken_back_before_the_start_leaves_the_limits_in_force(limit):
    clock, _, stream = limited(**{limit: 3})
    stream.pause()
    stream.resume()
    seen = watch(stream)
    clock.advance_by(4)
    assert len(seen.errors) == 1


def test_a_pause_before_the_start_holds_the_limits_until_it_is_taken_back():
    clock, _, stream = limited(first_item=3)
    stream.pause()
    seen = watch(stream)
    clock.advance_by(10)
    assert seen.errors == []
    stream.resume()
    clock.advance_by(4)
    assert len(seen.errors) == 1


def test_a_pause_taken_back_before_the_start_starts_no_clock():
    clock, origin, stream = limited(total=3)
    stream.pause()
    stream.resume()
    clock.advance_by(10)
    seen = watch(stream)
    assert (seen.errors, origin.calls) == ([], ["start"])


@pytest.mark.parametrize("end", ["finish", "cancel", "fail"])
def test_after_the_end_no_limit_is_reached(end):
    clock, origin, stream = limited(first_item=3, progress=3, total=3)
    seen = watch(stream)
    match end:
        case "finish":
            origin.finish("a")
        case "cancel":
            stream.cancel()
        case _:
            origin.fail(ValueError("mine"))
    clock.advance_by(10)
    assert not any(isinstance(error, StreamTimeoutError) for error in seen.errors)


def test_after_the_end_no_timer_is_left():
    _, origin, stream = limited(total=300)
    watch(stream)
    origin.finish("a")
    assert stream._passage._limits._timer.is_disposed


def test_a_limit_lets_the_operators_before_the_hub_flush():
    clock = VirtualTimeScheduler()
    origin, stream = scripted(scheduler=clock, timeouts=Timeouts(total=3), through=[ops.smooth(100)])
    seen = watch(stream)
    origin.send("a", "b")
    clock.advance_by(4)
    assert (seen.cut, seen.errors[0].partial.text, origin.calls) == (["a", "b"], "ab", ["start", "close"])


def test_items_do_not_each_arm_a_timer():
    clock, origin, stream = limited(first_item=100, progress=100, total=100)
    armed = 0
    schedule = clock.schedule_relative

    def counting(*arguments, **keywords):
        nonlocal armed
        armed += 1
        return schedule(*arguments, **keywords)

    clock.schedule_relative = counting
    watch(stream)
    for _ in range(1000):
        origin.send("a")
    assert armed == 1
