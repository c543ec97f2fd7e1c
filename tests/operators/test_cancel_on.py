from __future__ import annotations

import asyncio
import concurrent.futures
import threading

import pytest
import reactivex
from laws import OperatorLaws
from misbehaving_server import stall
from reactivex import operators as rx
from reactivex.scheduler import VirtualTimeScheduler
from reactivex.subject import BehaviorSubject, ReplaySubject, Subject
from scripted_origin import scripted, watch

from rxllm import Model
from rxllm.bridge import loop_scheduler
from rxllm.errors import ConfigurationError
from rxllm.items import Finish, Rollback, TextDelta, Usage
from rxllm.operators.cancel_on import cancel_on
from rxllm.testing import lifetimes, play

CHUNK = b'data: {"id":"c1","choices":[{"index":0,"delta":{"content":"Hi"}}]}\n\n'


def until(stop, source):
    return source.pipe(cancel_on(stop))


def cancelled(tokens, told=None):
    return Finish("cancelled", None, Usage(told, tokens, estimated=True))


class TestLaws(OperatorLaws):
    operator = cancel_on(reactivex.never())
    source = "a-{usage 1 2}b|"
    played = "a-{usage 1 2}b|"
    failed = "a-{usage 1 2}b#"


def test_it_ends_when_the_trigger_emits_and_what_came_stays():
    assert play(until, "---x", "ab-cd|", F=cancelled(2)) == "ab-(F|)"


def test_the_source_and_the_trigger_are_left_in_the_same_frame():
    assert lifetimes(until, "---x--", "ab-cd|") == ["^--!", "^--!"]
    assert lifetimes(until, "-------x", "ab|") == ["^-!", "^-!"]


def test_a_trigger_that_fails_fails_the_pipe():
    assert play(until, "-#", "ab|") == "a#"


def test_after_the_finish_there_is_no_second_one():
    assert play(until, "--x", "a{finish stop}--|") == "a{finish stop}|"


def test_the_usage_is_the_living_attempts():
    source = "{started one}a{usage 9 1}{rollback 1}{started two}b---|"
    assert play(until, "------x", source, F=cancelled(1)).endswith("b(F|)")


def test_trap_10_a_trigger_that_has_fired_already():
    fired = ReplaySubject()
    fired.on_next("stop")
    assert play(lambda source: source.pipe(rx.take_until(fired)), "(ab)-|") == "|"
    synchronous = reactivex.of(TextDelta("a"))
    assert watch(synchronous.pipe(rx.take_until(fired))) == [TextDelta("a")]  # plain lets all pass
    assert watch(synchronous.pipe(cancel_on(fired))) == [cancelled(0)]
    assert lifetimes(lambda source: source.pipe(cancel_on(BehaviorSubject("stop"))), "a-|") == [""]


async def test_trap_10_a_future_that_is_done_already_sends_no_request():
    future = asyncio.get_running_loop().create_future()
    future.set_result(None)
    origin, stream = scripted(scheduler=loop_scheduler(), through=[cancel_on(future)])
    assert (await stream).finish_reason == "cancelled"
    assert origin.calls == []


async def test_trap_11_a_shared_future_is_not_cancelled_by_a_pipe_that_ends():
    future, plain = (asyncio.get_running_loop().create_future() for _ in range(2))
    watch(reactivex.of(TextDelta("a")).pipe(rx.take_until(plain)))
    assert plain.cancelled()
    source = Subject()
    watch(reactivex.of(TextDelta("a")).pipe(cancel_on(future)))
    seen = watch(source.pipe(cancel_on(future)))
    assert not future.cancelled()
    future.set_result(None)
    await asyncio.sleep(0)
    assert (seen, seen.completed) == ([cancelled(0)], 1)


def test_trap_12_a_trigger_that_completes_empty():
    assert play(lambda stop, source: source.pipe(rx.take_until(stop)), "--|", "abc|") == "abc|"
    assert play(until, "--|", "abc|", F=cancelled(2)) == "ab(F|)"


async def test_an_event_of_asyncio_may_be_set_before_or_later_and_waits_in_no_task():
    event = asyncio.Event()
    first = watch(Subject().pipe(cancel_on(event)))
    watch(Subject().pipe(cancel_on(event)))
    tasks = len(asyncio.all_tasks())
    left = Subject().pipe(cancel_on(event)).subscribe()
    left.dispose()
    assert len(event._waiters) == 2
    event.set()
    await asyncio.sleep(0)
    assert (first, len(asyncio.all_tasks())) == ([cancelled(0)], tasks)
    assert watch(Subject().pipe(cancel_on(event))) == [cancelled(0)]


def test_an_event_needs_its_loop():
    seen = watch(Subject().pipe(cancel_on(asyncio.Event())))
    assert [type(error) for error in seen.errors] == [ConfigurationError]


async def test_a_future_of_a_pool_ends_the_pipe_on_the_loops_thread():
    future = concurrent.futures.Future()
    _, stream = scripted(scheduler=loop_scheduler())
    ended, ended_on = asyncio.Event(), []

    def on_completed():
        ended_on.append(threading.get_ident())
        ended.set()

    stream.pipe(cancel_on(future)).subscribe(on_completed=on_completed)
    await asyncio.to_thread(future.set_result, None)
    await asyncio.wait_for(ended.wait(), 5)
    assert ended_on == [threading.get_ident()]


async def test_a_task_that_fails_fails_the_pipe_and_one_that_is_cancelled_ends_it():
    async def fail():
        raise ValueError("mine")

    failing, stopped = asyncio.ensure_future(fail()), asyncio.ensure_future(asyncio.sleep(60))
    one, two = watch(Subject().pipe(cancel_on(failing))), watch(Subject().pipe(cancel_on(stopped)))
    stopped.cancel()
    await asyncio.wait([failing, stopped])
    await asyncio.sleep(0)
    assert (str(one.errors[0]), two, two.errors) == ("mine", [cancelled(0)], [])


@pytest.mark.parametrize("trigger", [threading.Event(), object(), 3])
def test_what_cannot_be_watched_is_refused(trigger):
    with pytest.raises(ConfigurationError, match="cancel_on takes an Observable"):
        cancel_on(trigger)


async def test_before_the_multicast_it_closes_the_socket_for_all(misbehaving):
    misbehaving.play(stall(CHUNK))
    stop = asyncio.Event()
    async with Model("openai:m", base_url=misbehaving.url) as model:
        stream = model.stream("Hi", through=[cancel_on(stop)])
        stream.subscribe(lambda item: stop.set() if isinstance(item, TextDelta) else None)
        completion = await stream
        assert (completion.text, completion.finish_reason, completion.usage.output_tokens) == ("Hi", "cancelled", 1)
        await (await misbehaving.request()).gone()


def test_in_a_subscribers_pipe_it_ends_that_pipe_only():
    stop = Subject()
    origin, stream = scripted(scheduler=VirtualTimeScheduler())
    piped, whole = watch(stream.pipe(cancel_on(stop))), watch(stream)
    origin.send("a")
    stop.on_next(None)
    origin.finish("b")
    assert (piped.text, piped[-1].reason, whole.text) == ("a", "cancelled", "ab")


def test_a_rollback_leaves_nothing_of_the_void_attempt_in_the_count():
    seen = watch(reactivex.of(TextDelta("a"), Rollback(1)).pipe(rx.concat(reactivex.never()), cancel_on(Subject())))
    assert seen == [TextDelta("a"), Rollback(1)]
