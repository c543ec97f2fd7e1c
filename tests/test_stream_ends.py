"""The three ways in which a stream ends, and the value that each leaves."""

from __future__ import annotations

import asyncio

import pytest
import reactivex
from reactivex import operators as rx
from reactivex.scheduler import CurrentThreadScheduler, VirtualTimeScheduler
from reactivex.subject import Subject
from scripted_origin import ScriptedOrigin, Seen, scripted, watch

from rxllm import operators as ops
from rxllm.bridge import loop_scheduler
from rxllm.completion import Attempt, Completion, accumulate, fold
from rxllm.errors import ConfigurationError, RxllmError, TransportError
from rxllm.items import Finish, ReasoningDelta, Rollback, Started, TextDelta, ToolCall, ToolCallDelta, Usage


def final_values(stream) -> dict[str, Seen]:
    """Everything that gives the one final value, but `await`."""
    return {
        "completion": watch(stream.completion),
        "ops.final": watch(stream.pipe(ops.final())),
        "scan and last": watch(stream.pipe(rx.scan(accumulate, Completion()), rx.last())),
        "aggregate and last": watch(stream.pipe(ops.aggregate(), rx.last())),
    }


async def awaited(stream) -> Completion | BaseException:
    try:
        return await stream
    except RxllmError as error:
        return error


async def test_a_completed_stream_has_one_value_wherever_it_is_asked():
    origin, stream = scripted(scheduler=loop_scheduler())
    early = final_values(stream)
    waiting = asyncio.create_task(awaited(stream))
    await asyncio.sleep(0)
    origin.send(Started("1", "m"), "Hel", ReasoningDelta("hm"), "lo", ToolCallDelta(0, "f", "{}"))
    origin.finish(ToolCall(0, "id", "f", {}, "{}"), usage=Usage(3, 2))
    value = await waiting
    assert (value.text, value.reasoning, value.finish_reason, value.usage) == ("Hello", "hm", "stop", Usage(3, 2))
    for seen in [*early.values(), *final_values(stream).values()]:
        assert (seen, seen.completed, seen.errors) == ([value], 1, [])
    assert await stream == value


async def test_a_cancelled_stream_has_its_partial_as_the_one_value_wherever_it_is_asked():
    origin, stream = scripted(scheduler=loop_scheduler())
    early = final_values(stream)
    waiting = asyncio.create_task(awaited(stream))
    await asyncio.sleep(0)
    origin.send("Hel", "lo")
    stream.cancel()
    value = await waiting
    assert (value.text, value.finish_reason) == ("Hello", "cancelled")
    for seen in [*early.values(), *final_values(stream).values()]:
        assert (seen, seen.completed, seen.errors) == ([value], 1, [])


async def test_a_failed_stream_raises_the_same_error_wherever_it_is_asked():
    origin, stream = scripted(scheduler=loop_scheduler())
    early = final_values(stream)
    waiting = asyncio.create_task(awaited(stream))
    await asyncio.sleep(0)
    error = TransportError("reset")
    origin.send("Hel", "lo")
    origin.fail(error)
    assert await waiting is error
    assert await awaited(stream) is error
    for seen in [*early.values(), *final_values(stream).values()]:
        assert (seen.completed, seen.errors) == (0, [error])
    assert (error.partial.text, error.partial.finish_reason) == ("Hello", None)


async def test_after_a_rollback_all_values_agree_on_the_living_attempt_and_the_cost_of_the_void_one():
    origin, stream = scripted(scheduler=loop_scheduler())
    early = final_values(stream)
    origin.send(Started("1"), "void", Usage(7, 1))
    between = final_values(stream)
    origin.send(Rollback(1), Started("2"))
    after = final_values(stream)
    origin.finish("good", usage=Usage(7, 2))
    value = await stream
    assert (value.text, value.id, value.attempts) == ("good", "2", (Attempt(1, Usage(7, 1)),))
    for seen in [*early.values(), *between.values(), after["completion"]]:
        assert seen == [value]
    late = after["ops.final"][0]  # gets the living attempt only
    assert (late.text, late.usage) == (value.text, value.usage)


async def test_an_error_after_a_rollback_has_the_living_partial_and_the_attempts():
    origin, stream = scripted(scheduler=loop_scheduler())
    watch(stream)
    origin.send(Started("1"), "void", Usage(7, 1), Rollback(1), Started("2"), "good")
    error = TransportError("reset")
    origin.fail(error)
    assert (error.partial.text, error.partial.attempts) == ("good", (Attempt(1, Usage(7, 1)),))


def test_the_value_is_exactly_one_also_when_nothing_came():
    origin, stream = scripted()
    early = watch(stream.completion)
    origin.inlet.complete()
    for seen in (early, watch(stream.completion), watch(stream.pipe(ops.final()))):
        assert (seen, seen.completed) == ([Completion()], 1)


def test_a_stream_cancelled_before_the_first_item_has_an_empty_value_in_all_forms():
    _, stream = scripted()
    early = final_values(stream)
    stream.cancel()
    for seen in [*early.values(), *final_values(stream).values()]:
        assert [(value.text, value.finish_reason) for value in seen] == [("", "cancelled")]
        assert seen.errors == []


def test_a_stream_cancelled_before_its_start_sends_nothing_ever():
    origin, stream = scripted()
    stream.cancel()
    assert watch(stream)[0].reason == "cancelled"
    assert origin.calls == []


def test_a_cancel_closes_the_origin_before_it_returns():
    origin, stream = scripted()
    watch(stream)
    stream.cancel()
    assert origin.calls == ["start", "close"]


def test_cancelling_again_or_after_the_end_does_nothing():
    origin, stream = scripted()
    seen = watch(stream)
    origin.finish("a")
    stream.cancel()
    stream.cancel()
    assert (seen.completed, [item.reason for item in seen if isinstance(item, Finish)]) == (1, ["stop"])
    assert origin.calls == ["start"]


def test_what_the_origin_says_after_a_cancel_is_not_heard():
    origin, stream = scripted()
    seen = watch(stream)
    origin.send("a")
    stream.cancel()
    origin.send("b")
    origin.fail(TransportError("the reader's own connection error"))
    assert (seen.cut, seen.errors, seen.completed) == (["a"], [], 1)


def test_a_cancel_in_mid_batch_delivers_nothing_more_but_the_finish():
    origin, stream = scripted()
    seen = Seen()

    def cancel_at_b(item) -> None:
        seen.on_next(item)
        if item == TextDelta("b"):
            stream.cancel()

    stream.subscribe(cancel_at_b, seen.on_error, seen.on_completed)
    other = watch(stream)
    origin.finish("a", "b", "c")
    for each in (seen, other):
        assert (each.cut, each[-1].reason, len(each), each.completed) == (["a", "b"], "cancelled", 3, 1)
    assert watch(stream.completion)[0].text == "ab"


def test_a_cancel_from_inside_the_delivery_of_the_finish_gives_no_second_one():
    origin, stream = scripted()
    seen = Seen()

    def cancel_at_the_end(item) -> None:
        seen.on_next(item)
        if isinstance(item, Finish):
            stream.cancel()

    stream.subscribe(cancel_at_the_end, seen.on_error, seen.on_completed)
    origin.finish("a")
    assert [item.reason for item in watch(stream) if isinstance(item, Finish)] == ["stop"]
    assert (len(seen), seen.completed) == (2, 1)


def test_leaving_from_inside_the_delivery_of_the_finish_gives_no_second_one():
    origin, stream = scripted()
    seen = watch(stream.pipe(rx.take_while(lambda item: not isinstance(item, Finish), inclusive=True)))
    origin.finish("a")
    late = watch(stream)
    assert [item.reason for item in late if isinstance(item, Finish)] == ["stop"]
    assert seen.completed == late.completed == 1


def test_a_cancel_from_inside_a_cancel_is_one():
    _, stream = scripted()
    seen = Seen()
    stream.subscribe(lambda item: (seen.on_next(item), stream.cancel()), seen.on_error, seen.on_completed)
    stream.cancel()
    assert (len(seen), seen.completed) == (1, 1)


def test_a_cancel_while_the_end_waits_behind_a_pause_ends_it_now():
    origin, stream = scripted()
    seen = watch(stream)
    origin.send("a")
    stream.pause()
    origin.finish("b")
    stream.cancel()
    assert (seen.cut, seen[-1].reason, seen.completed) == (["a"], "cancelled", 1)


def test_a_cancel_from_inside_on_next_while_the_end_waits_is_heard():
    origin, stream = scripted()
    seen = Seen()
    stream.subscribe(lambda item: (seen.on_next(item), stream.cancel()), seen.on_error, seen.on_completed)
    stream.pause()
    origin.finish("a", "b")
    stream.resume()
    assert (seen.cut, seen[-1].reason, seen.completed) == (["a"], "cancelled", 1)


def test_after_a_cancel_usage_is_counted_from_deltas_and_marked_estimated():
    origin, stream = scripted()
    watch(stream)
    origin.send("a", "b", ReasoningDelta("c"))
    stream.cancel()
    assert watch(stream.completion)[0].usage == Usage(None, 3, estimated=True)


def test_after_a_cancel_the_input_tokens_are_those_that_the_provider_had_told():
    origin, stream = scripted()
    watch(stream)
    origin.send(Usage(11, 0), "a")
    stream.cancel()
    assert watch(stream.completion)[0].usage == Usage(11, 1, estimated=True)


def test_after_a_cancel_only_the_living_attempt_is_counted():
    origin, stream = scripted()
    watch(stream)
    origin.send(Started("1"), "x", "y", Usage(11, 2), Rollback(1), Started("2"), "a")
    stream.cancel()
    assert watch(stream.completion)[0].usage == Usage(None, 1, estimated=True)


def test_a_completed_stream_without_usage_has_none():
    origin, stream = scripted()
    value = watch(stream.completion)
    origin.finish("a")
    assert value[0].usage is None


def test_the_finish_tells_the_timing():
    clock = VirtualTimeScheduler()
    origin, stream = scripted(scheduler=clock)
    value = watch(stream.completion)
    clock.advance_by(1)
    origin.send(Started("1"))
    clock.advance_by(1)
    origin.send("a")
    clock.advance_by(1)
    origin.finish()
    timing = value[0].timing
    assert (timing.first_item, timing.first_content, timing.total) == (1.0, 2.0, 3.0)


def test_the_origins_own_list_is_not_written_to():
    origin, stream = scripted()
    watch(stream)
    batch = [TextDelta("a"), Finish("stop")]
    origin.inlet.push(batch)
    assert batch == [TextDelta("a"), Finish("stop")]


def test_below_a_bare_take_until_the_value_is_the_completion_so_far_with_finish_reason_none():
    origin, stream = scripted()
    trigger: Subject[int] = Subject()
    watch(stream)
    values = [
        watch(stream.pipe(rx.take_until(trigger), ops.final())),
        watch(stream.pipe(rx.take_until(trigger), rx.scan(accumulate, Completion()), rx.last())),
    ]
    origin.send("Hel")
    trigger.on_next(1)
    origin.finish("lo")
    for value in values:
        assert [(c.text, c.finish_reason) for c in value] == [("Hel", None)]


def test_what_waited_behind_a_pause_when_it_failed_is_in_the_partial_and_is_delivered_before_the_error():
    origin, stream = scripted()
    seen = watch(stream)
    origin.send("a")
    stream.pause()
    origin.send("b")
    error = TransportError("reset")
    origin.fail(error)
    assert (seen.cut, seen.errors, error.partial.text) == (["a"], [], "ab")
    stream.resume()
    assert (seen.cut, seen.errors) == (["a", "b"], [error])


def test_an_origin_that_cannot_start_fails_the_stream_for_all():
    error = RxllmError("no")

    def refuse(_: ScriptedOrigin) -> None:
        raise error

    _, stream = scripted(ScriptedOrigin(at_once=refuse))
    seen = watch(stream)
    assert (seen.errors, watch(stream).errors) == ([error], [error])


@pytest.mark.parametrize("replay", [True, False])
def test_an_origin_that_gives_all_at_once_reaches_the_subscriber_that_started_it(replay):
    _, stream = scripted(ScriptedOrigin(at_once=lambda origin: origin.finish("a", "b")), replay=replay)
    seen = watch(stream)
    assert (seen.text, seen.completed) == ("ab", 1)


def test_an_origin_that_gives_all_at_once_ends_every_kind_of_observer():
    for form in final_values(scripted(ScriptedOrigin(at_once=lambda origin: origin.finish("ab")))[1]).values():
        assert [value.text for value in form] == ["ab"]


# ---- through=[…]: the operators' end is the stream's end


def test_operators_before_the_hub_change_what_everybody_gets():
    origin, stream = scripted(through=[rx.filter(lambda item: item != TextDelta("b"))])
    seen = watch(stream)
    origin.finish("a", "b", "c")
    assert (seen.cut, watch(stream).text, watch(stream.completion)[0].text) == (["a", "c"], "ac", "ac")


def test_operators_that_end_early_close_the_origin_and_end_the_stream_for_all_with_a_finish():
    origin, stream = scripted(through=[rx.take(2)])
    first, second, value = watch(stream), watch(stream), watch(stream.completion)
    origin.send("a", "b", "c")
    assert origin.calls == ["start", "close"]
    for seen in (first, second):
        assert (seen.cut, seen[-1].reason, seen.completed) == (["a", "b"], "cancelled", 1)
    assert value[0].text == "ab"


def test_operators_that_give_their_own_finish_end_the_stream_with_it():
    stop = rx.map(lambda item: Finish("length") if item == TextDelta("b") else item)
    until = rx.take_while(lambda item: not isinstance(item, Finish), inclusive=True)
    origin, stream = scripted(through=[stop, until])
    seen = watch(stream)
    origin.send("a", "b", "c")
    assert ([item.reason for item in seen if isinstance(item, Finish)], origin.calls) == (
        ["length"],
        ["start", "close"],
    )


def test_operators_that_pass_the_end_on_do_not_close_the_origin_that_has_ended():
    origin, stream = scripted(through=[ops.smooth(1)])
    seen = watch(stream)
    origin.finish("a", "b")
    assert (origin.calls, seen.text, seen.completed) == (["start"], "ab", 1)


def test_operators_that_want_nothing_send_no_request():
    at_once = reactivex.just(0)
    origin, stream = scripted(through=[rx.take_until(at_once)], scheduler=CurrentThreadScheduler())
    seen = watch(stream)
    assert (origin.calls, seen[-1].reason, seen.completed) == ([], "cancelled", 1)


def test_an_operator_that_raises_fails_the_stream_for_all_and_closes_the_origin():
    error = ValueError("mine")

    def raising(item):
        if item == TextDelta("b"):
            raise error
        return item

    origin, stream = scripted(through=[rx.map(raising)])
    first, second = watch(stream), watch(stream)
    origin.send("a", "b", "c")
    assert first.errors == second.errors == watch(stream).errors == [error]
    assert origin.calls == ["start", "close"]
    assert error.partial.text == "a"


@pytest.mark.parametrize("operator", [rx.map, rx.do_action])
def test_a_cancelled_error_in_an_operator_fails_the_stream_and_never_reaches_the_origin(operator):
    def raising(_):
        raise asyncio.CancelledError

    origin, stream = scripted(through=[operator(raising)])
    seen = watch(stream)
    origin.send("a")
    assert isinstance(seen.errors[0], RxllmError)
    assert isinstance(seen.errors[0].__cause__, asyncio.CancelledError)
    assert origin.calls == ["start", "close"]


def test_operators_that_drop_the_finish_do_not_make_a_completed_stream_a_cancelled_one():
    origin, stream = scripted(through=[rx.filter(lambda item: isinstance(item, TextDelta))])
    seen = watch(stream)
    origin.finish("a", usage=Usage(input_tokens=1, output_tokens=2))
    assert (seen.cut, seen[-1].reason, seen[-1].usage.output_tokens, seen.completed) == (["a"], "stop", 2, 1)


def test_operators_that_cut_what_had_completed_meanwhile_end_as_cancelled():
    clock = VirtualTimeScheduler()
    origin, stream = scripted(scheduler=clock, through=[rx.delay(2), rx.take(1)])
    seen = watch(stream)
    origin.finish("a", "b")
    clock.advance_by(3)
    assert (seen.cut, seen[-1].reason, seen.completed) == (["a"], "cancelled", 1)


def test_a_failing_origin_reaches_all_through_the_operators_which_flush_first():
    origin, stream = scripted(through=[ops.smooth(5)])
    seen = watch(stream)
    origin.send("a", "b")
    error = TransportError("reset")
    origin.fail(error)
    assert (seen.cut, seen.errors, error.partial.text) == (["a", "b"], [error], "ab")


def test_a_cancel_disposes_of_the_operators_timers():
    clock = VirtualTimeScheduler()
    origin, stream = scripted(scheduler=clock, through=[ops.smooth(5)])
    seen = watch(stream)
    origin.send("a", "b")
    stream.cancel()
    clock.advance_by(10)
    assert (seen.cut, seen[-1].reason) == (["a"], "cancelled")


def test_an_operator_may_subscribe_to_its_source_more_than_once():
    clock = VirtualTimeScheduler()
    finish_only = rx.filter(lambda item: isinstance(item, Finish))
    origin, stream = scripted(scheduler=clock, through=[lambda source: source.pipe(rx.merge(source.pipe(finish_only)))])
    seen = watch(stream)
    clock.advance_by(1)
    origin.send("a")
    origin.finish("b")
    assert (seen.cut, seen.completed) == (["a", "b"], 1)
    assert [type(item) for item in seen] == [TextDelta, TextDelta, Finish]


def test_an_operator_that_subscribes_to_its_source_later_misses_nothing():
    clock = VirtualTimeScheduler()
    origin, stream = scripted(scheduler=clock, through=[rx.delay_subscription(2)])
    seen = watch(stream)
    origin.finish("a")
    clock.advance_by(3)
    assert (seen.text, seen.completed) == ("a", 1)


def test_an_operator_that_tries_again_gets_the_same_error_not_a_second_request():
    clock = VirtualTimeScheduler()
    origin, stream = scripted(scheduler=clock, through=[rx.retry(3)])
    seen = watch(stream)
    error = TransportError("reset")
    origin.fail(error)
    clock.advance_by(1)
    assert (seen.errors, origin.calls) == ([error], ["start"])


def test_an_operator_may_put_something_in_the_place_of_an_error():
    clock = VirtualTimeScheduler()
    instead = reactivex.of(TextDelta("sorry"), Finish("other"))
    origin, stream = scripted(scheduler=clock, through=[rx.catch(instead)])
    seen = watch(stream)
    origin.send("a")
    origin.fail(TransportError("reset"))
    clock.advance_by(1)
    assert (seen.text, seen[-1].reason, seen.completed) == ("asorry", "other", 1)


def test_the_raw_items_fold_to_the_same_value():
    origin, stream = scripted()
    seen, value = watch(stream), watch(stream.completion)
    origin.finish(Started("1", "m"), "a", "b", usage=Usage(1, 2))
    assert fold(seen) == value[0]


def test_operators_before_the_multicast_that_give_no_items_are_told_so():
    origin, stream = scripted(through=[ops.text()])
    seen = watch(stream)
    origin.send("a")
    assert isinstance(seen.errors[0], ConfigurationError)
    assert "must give stream items" in str(seen.errors[0])
    assert origin.calls == ["start", "close"]


async def test_awaiting_a_failed_stream_again_and_again_does_not_grow_its_traceback():
    origin, stream = scripted()
    stream.start()
    origin.fail(TransportError("mine"))

    async def depth() -> int:
        with pytest.raises(TransportError) as caught:
            await stream
        return len(caught.traceback)

    assert len({await depth() for _ in range(4)}) == 1
