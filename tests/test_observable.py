from __future__ import annotations

import asyncio
import threading
from typing import Any

import pytest
import reactivex
from reactivex import ConnectableObservable
from reactivex import operators as rx
from reactivex.scheduler import VirtualTimeScheduler
from reactivex.subject import Subject
from scripted_origin import Seen, scripted, watch

from rxllm.bridge import loop_scheduler
from rxllm.items import TextDelta
from rxllm.observable import LoopConnectable, LoopObservable, Sink, at_home, clock_of, lift


def looped(source: Any = None) -> tuple[Any, LoopObservable]:
    source = source or Subject()
    return source, LoopObservable(source, VirtualTimeScheduler())


def upper():
    return lift(lambda down, _: Sink(lambda x: down.on_next(x.upper()), down.on_error, down.on_completed))


@pytest.mark.parametrize(
    "make",
    [
        lambda s: s.pipe(),
        lambda s: s.pipe(rx.map(str)),
        lambda s: s.pipe(rx.map(str), upper()),
        lambda s: s.map(str),
        lambda s: s.map(str).filter(bool),
        lambda s: s.pipe(rx.share()),
        lambda s: s.pipe(rx.publish(), rx.ref_count()),
        lambda s: s.pipe(rx.replay(), rx.ref_count()),
    ],
)
def test_whatever_a_pipe_gives_stays_on_the_loop(make):
    _, observable = looped()
    piped = make(observable)
    assert isinstance(piped, LoopObservable)
    assert piped._home is observable._home


@pytest.mark.parametrize("operator", [rx.publish(), rx.replay(), rx.publish_value(0), rx.multicast(Subject())])
def test_a_connectable_keeps_connect_and_passes_nothing_before(operator):
    source, observable = looped()
    connectable = observable.pipe(operator)
    assert isinstance(connectable, LoopConnectable)
    seen = watch(connectable.pipe(rx.skip_while(lambda value: value == 0)))
    source.on_next(1)
    assert seen == []
    connection = connectable.connect()
    source.on_next(2)
    assert seen == [2]
    connection.dispose()
    source.on_next(3)
    assert seen == [2]


def test_a_connectable_that_is_disconnected_can_be_connected_again():
    source, observable = looped()
    connectable = observable.pipe(rx.publish())
    seen = watch(connectable)
    connectable.connect().dispose()
    connectable.connect()
    source.on_next(1)
    assert seen == [1]


def test_connecting_a_stream_sends_the_request_and_disconnecting_closes_it():
    origin, stream = scripted()
    connectable = stream.pipe(rx.publish())
    first, second = watch(connectable), watch(connectable)
    assert origin.calls == []
    connection = connectable.connect()
    origin.send("a")
    assert (first.text, second.text, origin.calls) == ("a", "a", ["start"])
    connection.dispose()
    assert origin.calls == ["start", "close"]


@pytest.mark.parametrize("count", [0, 1, 2])
def test_auto_connect_connects_when_that_many_have_subscribed(count):
    origin, stream = scripted()
    automatic = stream.pipe(rx.publish()).auto_connect(count)
    assert isinstance(automatic, LoopObservable)
    calls = [list(origin.calls)]
    for _ in range(2):
        watch(automatic)
        calls.append(list(origin.calls))
    assert [bool(call) for call in calls] == [n >= count for n in range(3)]


def test_an_operator_that_gives_several_gives_them_all_on_the_loop():
    source, observable = looped()
    even, odd = observable.pipe(rx.partition(lambda x: x % 2 == 0))
    assert isinstance(even, LoopObservable)
    assert isinstance(odd, LoopObservable)
    seen = watch(even), watch(odd)
    source.on_next(1)
    source.on_next(2)
    assert seen == ([2], [1])


def test_an_operator_that_gives_something_else_gives_it_as_it_is():
    _, observable = looped()
    assert observable.pipe(lambda _: 42) == 42


def test_a_time_operator_uses_the_homes_clock():
    clock = VirtualTimeScheduler()
    source: Subject = Subject()
    seen = watch(LoopObservable(source, clock).pipe(rx.buffer_with_time(1.0), rx.map(list)))
    source.on_next(1)
    clock.advance_by(1)
    assert seen == [[1]]


def test_a_scheduler_that_is_given_wins():
    home, other = VirtualTimeScheduler(), VirtualTimeScheduler()
    source: Subject = Subject()
    seen = Seen()
    LoopObservable(source, home).pipe(rx.delay(1.0)).subscribe(seen, scheduler=other)
    source.on_next(1)
    home.advance_by(2)
    assert seen == []
    other.advance_by(2)
    assert seen == [1]


@pytest.mark.parametrize("error", [ValueError("mine"), asyncio.CancelledError()])
@pytest.mark.parametrize("operators", [[], [rx.map(lambda x: x)], [upper()], [rx.buffer_with_time(1.0)]])
def test_an_observer_that_raises_is_detached_and_told_and_the_source_never_notices(error, operators):
    clock = VirtualTimeScheduler()
    source: Subject = Subject()
    observable = LoopObservable(source, clock)
    calls: list[object] = []

    def raising(value: object) -> None:
        calls.append(value)
        raise error

    told = Seen()
    observable.pipe(*operators).subscribe(raising, told.on_error, told.on_completed)
    good = watch(observable)
    source.on_next("a")
    clock.advance_by(1)
    source.on_next("b")
    clock.advance_by(1)
    source.on_completed()
    assert (told.errors, told.completed, len(calls)) == ([error], 0, 1)
    assert (good, good.completed) == (["a", "b"], 1)


@pytest.mark.parametrize("callback", ["on_error", "on_completed"])
@pytest.mark.parametrize("error", [ValueError("mine"), asyncio.CancelledError()])
def test_a_last_callback_that_raises_troubles_nobody(callback, error):
    source, observable = looped()

    def raising(*_: object) -> None:
        raise error

    observable.subscribe(**{callback: raising})
    good = watch(observable)
    if callback == "on_error":
        source.on_error(RuntimeError("source"))
    else:
        source.on_completed()
    assert len(good.errors) + good.completed == 1


def test_an_interrupt_gets_out():
    source, observable = looped()

    def raising(_: object) -> None:
        raise KeyboardInterrupt

    observable.subscribe(raising)
    with pytest.raises(KeyboardInterrupt):
        source.on_next(1)


def test_a_subscription_that_cannot_be_made_is_told_to_its_observer():
    error = ValueError("mine")

    def refuse(*_: object) -> Any:
        raise error

    assert watch(LoopObservable(reactivex.Observable(refuse), None)).errors == [error]


def test_after_dispose_nothing_comes():
    source, observable = looped()
    seen = Seen()
    observable.subscribe(seen).dispose()
    source.on_next(1)
    source.on_completed()
    assert (seen, seen.completed, source.observers) == ([], 0, [])


def test_disposing_from_inside_on_next_stops_at_once():
    source, observable = looped()
    seen = watch(observable.pipe(rx.take(1)))
    source.on_next(1)
    source.on_next(2)
    assert (seen, seen.completed, source.observers) == ([1], 1, [])


# ---- lift


def test_a_lifted_operator_works_between_reactivexes_own():
    assert reactivex.of("a", "b").pipe(rx.map(str), upper(), rx.map(lambda x: x * 2), rx.to_list()).run() == [
        "AA",
        "BB",
    ]


def test_between_two_lifted_operators_nothing_stands():
    reached: list[object] = []

    def connect(down: Sink, _: object) -> Sink:
        reached.append(down)
        return Sink(down.on_next, down.on_error, down.on_completed)

    _, observable = looped()
    observable.pipe(lift(connect), lift(connect)).subscribe()
    assert [type(sink) for sink in reached] == [Sink, Sink]


def test_what_a_lifted_operator_has_set_up_is_undone_when_it_is_left():
    undone: list[int] = []
    operator = lift(lambda down, _: Sink(down.on_next, down.on_error, down.on_completed, lambda: undone.append(1)))
    source, observable = looped()
    observable.pipe(operator).subscribe().dispose()
    assert (undone, source.observers) == ([1], [])


def test_a_lifted_operator_keeps_no_state_between_subscriptions():
    def connect(down: Sink, _: object) -> Sink:
        count = 0

        def on_next(_: object) -> None:
            nonlocal count
            count += 1
            down.on_next(count)

        return Sink(on_next, down.on_error, down.on_completed)

    counted = reactivex.of("a", "b").pipe(lift(connect), rx.to_list())
    assert [counted.run(), counted.run()] == [[1, 2], [1, 2]]


def test_an_exception_in_a_lifted_operator_goes_to_that_pipelines_on_error():
    error = ValueError("mine")

    def connect(down: Sink, _: object) -> Sink:
        def on_next(_: object) -> None:
            raise error

        return Sink(on_next, down.on_error, down.on_completed)

    origin, stream = scripted()
    bad, good = watch(stream.pipe(lift(connect))), watch(stream)
    origin.finish("a")
    assert (bad.errors, good.text, good.completed) == ([error], "a", 1)


# ---- schedulers


def test_virtual_time_is_at_home_everywhere():
    done: list[int] = []
    thread = threading.Thread(target=at_home, args=(VirtualTimeScheduler(), lambda: done.append(1)))
    thread.start()
    thread.join()
    assert done == [1]


def test_a_clock_tells_seconds():
    clock = VirtualTimeScheduler()
    clock.advance_to(1.5)
    assert clock_of(clock)() == pytest.approx(1.5)


async def test_the_loops_clock_is_read_without_a_datetime():
    scheduler = loop_scheduler()
    assert clock_of(scheduler) == scheduler.time
    assert abs(scheduler.time() - asyncio.get_running_loop().time()) < 1


async def test_connect_from_another_thread_happens_on_the_loop():
    origin, stream = scripted(scheduler=loop_scheduler())
    connectable = stream.pipe(rx.publish())
    seen = watch(connectable)
    connection = await asyncio.to_thread(connectable.connect)
    await asyncio.sleep(0)
    origin.send("a")
    assert seen == [TextDelta("a")]
    await asyncio.to_thread(connection.dispose)
    await asyncio.sleep(0)
    assert origin.calls == ["start", "close"]


def test_a_connectable_is_not_taken_for_a_plain_observable():
    assert not isinstance(looped()[1].pipe(rx.share()), (LoopConnectable, ConnectableObservable))
