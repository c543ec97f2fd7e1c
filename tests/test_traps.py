"""The traps of plain reactivex: each is sprung once with reactivex alone, and once with a stream of ours."""

from __future__ import annotations

import asyncio
import contextlib
import threading
import warnings

import pytest
import reactivex
from reactivex import operators as rx
from reactivex.internal.exceptions import SequenceContainsNoElementsError
from reactivex.scheduler import VirtualTimeScheduler
from reactivex.scheduler.eventloop import AsyncIOScheduler
from reactivex.subject import ReplaySubject, Subject
from scripted_origin import Seen, scripted, watch

from rxllm import operators as ops
from rxllm.bridge import loop_scheduler
from rxllm.completion import Completion, accumulate
from rxllm.items import Finish, Rollback, StreamItem, TextDelta

ERROR = ValueError("mine")


def raising(_: object) -> None:
    raise ERROR


async def test_trap_1_buffer_with_time_without_a_scheduler_starts_a_thread_a_tick():
    before = threading.active_count()
    with Subject[object]().pipe(rx.buffer_with_time(0.005)).subscribe():
        assert threading.active_count() > before  # plain
    origin, stream = scripted(scheduler=loop_scheduler())
    ours = {thread.ident for thread in threading.enumerate()}
    seen_on: set[int] = set()
    subscription = stream.pipe(rx.buffer_with_time(0.005)).subscribe(lambda _: seen_on.add(threading.get_ident()))
    origin.send("a")
    await asyncio.sleep(0.02)
    assert {thread.ident for thread in threading.enumerate()} <= ours
    assert seen_on == {threading.get_ident()}
    subscription.dispose()


def test_trap_1_idle_windows_emit_empty_lists():
    clock = VirtualTimeScheduler()
    plain: list[object] = []
    Subject[object]().pipe(rx.buffer_with_time(1.0)).subscribe(plain.append, scheduler=clock)
    _, stream = scripted(scheduler=clock)
    seen = watch(stream.pipe(ops.smooth(1.0)))
    clock.advance_by(5)
    assert len(plain) >= 4
    assert seen == []


def test_trap_2_an_error_drops_the_buffer_being_filled():
    clock = VirtualTimeScheduler()
    source: Subject[object] = Subject()
    plain = Seen()
    source.pipe(rx.buffer_with_time(1.0)).subscribe(plain, scheduler=clock)
    source.on_next("Hello")
    source.on_error(ERROR)
    assert (plain, plain.errors) == ([], [ERROR])
    origin, stream = scripted(scheduler=clock)
    seen = watch(stream.pipe(ops.smooth(1.0)))
    origin.send("Hel", "lo")
    error = ValueError("mine")
    origin.fail(error)
    assert (seen.text, seen.errors) == ("Hello", [error])


def test_trap_3_last_gives_no_partial():
    source: Subject[object] = Subject()
    plain = watch(source.pipe(rx.last()))
    source.on_next("Hel")
    source.on_error(ERROR)
    assert not hasattr(ERROR, "partial")
    assert plain == []
    error = ValueError("mine")
    origin, stream = scripted()
    seen = watch(stream.pipe(rx.last()))
    origin.send("Hel")
    origin.fail(error)
    assert seen.errors[0].partial.text == "Hel"


def test_trap_3_cancelled_before_the_first_item_last_finds_no_elements():
    stop: Subject[int] = Subject()
    plain = watch(Subject[object]().pipe(rx.take_until(stop), rx.last()))
    stop.on_next(1)
    assert isinstance(plain.errors[0], SequenceContainsNoElementsError)
    _, stream = scripted()
    seen = watch(stream.pipe(rx.scan(accumulate, Completion()), rx.last()))
    stream.cancel()
    assert (seen[0].finish_reason, seen.errors) == ("cancelled", [])


def test_trap_3_after_take_until_a_cancel_looks_like_success():
    source: Subject[StreamItem] = Subject()
    stop: Subject[int] = Subject()
    plain = watch(source.pipe(rx.take_until(stop), rx.map(lambda item: item.text), rx.last()))
    source.on_next(TextDelta("Hel"))
    stop.on_next(1)
    assert (plain, plain.completed) == (["Hel"], 1)  # nothing tells that there was more
    origin, stream = scripted()
    seen = watch(stream.pipe(rx.take_until(stop), ops.final()))
    cancelled = watch(stream.completion)
    origin.send("Hel")
    stop.on_next(1)
    stream.cancel()
    assert (seen[0].finish_reason, cancelled[0].finish_reason) == (None, "cancelled")


def test_trap_4_a_subscriber_that_raises_reaches_the_producer_and_robs_the_others():
    source: Subject[object] = Subject()
    source.subscribe(raising)
    plain = watch(source)
    with pytest.raises(ValueError, match="mine"):
        source.on_next(1)
    assert plain == []
    origin, stream = scripted()
    stream.subscribe(raising)
    seen = watch(stream)
    origin.send("a")
    assert seen.text == "a"


def test_trap_5_a_subscriber_that_raises_behind_a_timed_buffer_leaves_everybody_hanging():
    clock = VirtualTimeScheduler()
    source: Subject[object] = Subject()
    plain = Seen()
    source.pipe(rx.buffer_with_time(1.0)).subscribe(raising, plain.on_error, plain.on_completed, scheduler=clock)
    source.on_next(1)
    with pytest.raises(ValueError, match="mine"):
        clock.advance_by(1.5)
    assert plain.errors == []
    clock = VirtualTimeScheduler()
    origin, stream = scripted(scheduler=clock)
    told, good = Seen(), watch(stream)
    stream.pipe(rx.buffer_with_time(1.0)).subscribe(raising, told.on_error)
    origin.send("a")
    clock.advance_by(1.5)
    origin.finish()
    assert (told.errors, good.completed) == ([ERROR], 1)


def test_trap_6_without_on_error_a_failure_is_raised_in_the_producer_and_later_observers_are_never_told():
    source: Subject[object] = Subject()
    source.subscribe(lambda _: None)
    plain = watch(source)
    with pytest.raises(ValueError, match="mine"):
        source.on_error(ERROR)
    assert plain.errors == []
    origin, stream = scripted()
    stream.subscribe(lambda _: None)
    stream.pipe(ops.text()).subscribe(lambda _: None)
    seen = watch(stream)
    error = ValueError("mine")
    origin.fail(error)
    assert seen.errors == [error]


@pytest.mark.parametrize(
    "shared", [rx.share(), reactivex.compose(rx.replay(), rx.ref_count())], ids=["7 share", "8 replay and ref_count"]
)
def test_traps_7_and_8_sharing_subscribes_the_source_again_after_everybody_left(shared):
    calls: list[int] = []

    def request(*_: object) -> None:
        calls.append(1)

    plain = reactivex.create(request).pipe(shared)
    plain.subscribe().dispose()
    plain.subscribe().dispose()
    assert len(calls) == 2
    origin, stream = scripted()
    for observable in (stream, stream.pipe(shared)):
        observable.subscribe().dispose()
        observable.subscribe().dispose()
    assert origin.calls == ["start", "close"]


def test_trap_7_sharing_subscribes_the_source_again_after_completion():
    calls: list[int] = []

    def request(observer, *_: object) -> None:
        calls.append(1)
        observer.on_completed()

    plain = reactivex.create(request).pipe(rx.share())
    plain.subscribe()
    plain.subscribe()
    assert len(calls) == 2
    origin, stream = scripted()
    watch(stream)
    origin.finish("a")
    watch(stream)
    assert origin.calls == ["start"]


def test_trap_9_share_over_a_synchronous_source_gives_the_second_subscriber_nothing():
    shared = reactivex.of("a", "b").pipe(rx.share())
    watch(shared)
    assert watch(shared) == []
    origin, stream = scripted()
    origin.at_once = lambda origin: origin.finish("a", "b")
    first, second = watch(stream), watch(stream)
    assert (first.text, second.text) == ("ab", "ab")


def test_trap_10_a_trigger_that_has_fired_lets_all_pass():
    fired: Subject[int] = Subject()
    fired.on_next(1)
    source: Subject[object] = Subject()
    plain = watch(source.pipe(rx.take_until(fired)))
    source.on_next("a")
    assert plain == ["a"]
    origin, stream = scripted()
    stream.cancel()  # before anybody listens
    seen = watch(stream)
    assert (seen.text, seen.completed, origin.calls) == ("", 1, [])


async def test_trap_11_a_shared_future_is_cancelled_by_the_first_pipeline_to_end():
    trigger = asyncio.get_running_loop().create_future()
    source: Subject[object] = Subject()
    watch(source.pipe(rx.take_until(reactivex.from_future(trigger)), rx.take(1)))
    source.on_next("a")
    assert trigger.cancelled()
    origin, stream = scripted(scheduler=loop_scheduler())
    waiting = asyncio.ensure_future(stream)
    await asyncio.sleep(0)
    watch(stream.pipe(rx.take(1)))
    origin.finish("a")
    assert (await waiting).text == "a"


def test_trap_12_a_trigger_that_completes_empty_never_fires():
    source: Subject[object] = Subject()
    plain = watch(source.pipe(rx.take_until(reactivex.empty())))
    source.on_next("a")
    assert (plain, plain.completed) == (["a"], 0)
    origin, stream = scripted()
    seen = watch(stream)
    origin.send("a")
    stream.cancel()
    assert seen.completed == 1


def test_trap_13_a_scan_with_a_mutable_seed_leaks_between_subscriptions():
    def append(seen: list, item: object) -> list:
        seen.append(item)
        return seen

    scanned = reactivex.of(1, 2).pipe(rx.scan(append, []), rx.last())
    scanned.run()
    assert scanned.run() == [1, 2, 1, 2]
    origin, stream = scripted()
    piped = stream.pipe(rx.scan(accumulate, Completion()), rx.last())
    first, second = watch(piped), watch(piped)
    origin.finish("a", "b")
    assert [first[0].text, second[0].text, watch(piped)[0].text] == ["ab", "ab", "ab"]


async def test_trap_14_a_timer_in_a_thread_ends_a_future_that_the_loop_does_not_notice():
    loop = asyncio.get_running_loop()
    woken: list[int] = []
    plain = reactivex.timer(0.01).pipe(rx.to_future())
    plain.add_done_callback(lambda _: woken.append(1))
    set_in: list[int] = []
    reactivex.timer(0.01).subscribe(lambda _: set_in.append(threading.get_ident()))
    async with asyncio.timeout(5):
        while not set_in:  # noqa: ASYNC110 - it is set in another thread
            await asyncio.sleep(0.005)
    assert set_in != [threading.get_ident()]
    origin, stream = scripted(scheduler=loop_scheduler())
    ours = stream.pipe(rx.delay(0.01), ops.text(), rx.do_action(lambda _: woken.append(threading.get_ident())))
    future = ours.pipe(rx.to_future())
    began = loop.time()
    origin.finish("a")
    assert await future == "a"
    assert threading.get_ident() in woken
    assert loop.time() - began < 1
    with contextlib.suppress(asyncio.CancelledError):
        await asyncio.wait_for(plain, 5)


async def test_trap_15_there_is_no_async_for():
    with pytest.raises(TypeError):
        aiter(Subject())
    origin, stream = scripted(scheduler=loop_scheduler())
    reader = aiter(stream)
    origin.finish("a", "b")
    assert "".join([item.text async for item in reader if isinstance(item, TextDelta)]) == "ab"


def test_trap_16_a_reentrant_item_overtakes_the_outer_one_for_the_second_subscriber():
    source: Subject[int] = Subject()
    source.subscribe(lambda value: source.on_next(value + 10) if value < 10 else None)
    plain = watch(source)
    source.on_next(1)
    assert plain == [11, 1]
    origin, stream = scripted()
    stream.subscribe(lambda item: origin.send("inner") if item == TextDelta("outer") else None)
    seen = watch(stream)
    origin.send("outer")
    assert seen.cut == ["outer", "inner"]


async def test_trap_17_two_threads_on_a_subject_overlap():
    source: Subject[int] = Subject()
    inside, overlaps = [0], [0]
    meeting = threading.Barrier(2, timeout=5)

    def observe(_: object) -> None:
        inside[0] += 1
        meeting.wait()  # both are in here at the same time
        overlaps[0] = max(overlaps[0], inside[0])
        inside[0] -= 1

    source.subscribe(observe)
    threads = [threading.Thread(target=source.on_next, args=(1,)) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        await asyncio.to_thread(thread.join)
    assert overlaps[0] == 2
    origin, stream = scripted(scheduler=loop_scheduler(), on_abandon="keep")
    called_on: set[int] = set()
    stream.start()
    origin.send("a")
    threads = [
        threading.Thread(target=stream.subscribe, args=(lambda _: called_on.add(threading.get_ident()),))
        for _ in range(20)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        await asyncio.to_thread(thread.join)
    await asyncio.sleep(0)
    assert called_on == {threading.get_ident()}
    stream.cancel()


async def test_trap_18_there_is_no_back_pressure():
    source: Subject[int] = Subject()
    plain: list[int] = []
    source.pipe(rx.observe_on(AsyncIOScheduler(asyncio.get_running_loop()))).subscribe(plain.append)
    for number in range(2000):
        source.on_next(number)
    assert plain == []  # all 2,000 are queued, and the source was never told
    origin, stream = scripted(scheduler=loop_scheduler())
    reader = stream.items(overflow="pause", capacity=16)
    merging = stream.items(capacity=16)
    origin.send(*(["x"] * 2000))
    assert origin.calls == ["start", "pause"]
    assert len(reader._inbox.mailbox) == len(merging._inbox.mailbox) == 16
    stream.cancel()


def test_trap_19_replaying_goes_one_by_one():
    plain_source: ReplaySubject[object] = ReplaySubject()
    for _ in range(20_000):
        plain_source.on_next("x")
    plain = watch(plain_source)
    origin, stream = scripted()
    watch(stream)
    origin.send(*(["x"] * 20_000))
    seen = watch(stream)
    assert (len(plain), len(seen), len(seen.text)) == (20_000, 1, 20_000)


@pytest.mark.parametrize(
    "before", [[], [rx.filter(bool)], [rx.filter(bool), rx.map(lambda x: x)], [ops.smooth(1), rx.filter(bool)]]
)
def test_trap_20_a_cancelled_error_in_a_mapper_escapes_to_the_producer(before):
    error = asyncio.CancelledError()

    def cancelled(_: object) -> None:
        raise error

    source: Subject[object] = Subject()
    plain = watch(source.pipe(rx.map(cancelled)))
    with pytest.raises(asyncio.CancelledError):
        source.on_next("a")
    assert plain.errors == []
    origin, stream = scripted()
    seen, good = watch(stream.pipe(*before, rx.map(cancelled))), watch(stream)
    origin.finish("a")
    assert (seen.errors, good.text, good.completed) == ([error], "a", 1)


def test_trap_21_the_hub_makes_no_window_and_no_observer_an_item():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        origin, stream = scripted()
        seen = watch(stream.pipe(ops.text()))
        items = [TextDelta("x") for _ in range(3)]
        through = watch(stream)
        origin.inlet.push([*items, Rollback(1), Finish("stop")])
    assert "".join(seen) == "xxx"
    assert all(one is other for one, other in zip(through, items, strict=False))  # the very items, never wrapped
