from __future__ import annotations

import asyncio

import pytest
import reactivex
from laws import OperatorLaws
from reactivex import operators as rx
from reactivex.subject import Subject
from scripted_origin import Seen, watch

from rxllm.errors import ConfigurationError
from rxllm.items import TextDelta
from rxllm.operators.tee import tee
from rxllm.testing import play


def broken(_):
    raise ValueError("mine")


class TestLaws(OperatorLaws):
    operator = tee(lambda _: None)
    source = "a-{usage 1 2}b|"
    played = "a-{usage 1 2}b|"
    failed = "a-{usage 1 2}b#"


class TestLawsWithAnObserverThatRaises(OperatorLaws):
    operator = tee(broken)
    source = "a-b|"
    played = "a-b|"
    failed = "a-b#"


def test_the_observer_sees_each_item_before_those_below():
    order = []
    source = Subject()
    source.pipe(tee(lambda item: order.append(("tee", item)))).subscribe(lambda item: order.append(("below", item)))
    source.on_next("a")
    assert order == [("tee", "a"), ("below", "a")]


@pytest.mark.parametrize("end", ["complete", "fail"])
def test_the_observer_is_told_the_end(end):
    seen, source = Seen(), Subject()
    below = watch(source.pipe(tee(seen)))
    error = ValueError("mine")
    source.on_completed() if end == "complete" else source.on_error(error)
    assert (seen.completed, seen.errors) == (below.completed, below.errors)
    assert seen.completed + len(seen.errors) == 1


@pytest.mark.parametrize("error", [ValueError("mine"), asyncio.CancelledError()])
def test_an_observer_that_raises_is_detached_and_told_itself_while_the_stream_goes_on(error):
    seen = Seen()
    calls = []

    def on_next(item):
        calls.append(item)
        raise error

    seen.on_next = on_next
    below = watch(reactivex.of("a", "b").pipe(tee(seen)))
    assert (calls, seen.errors, seen.completed) == (["a"], [error], 0)
    assert (below, below.completed) == (["a", "b"], 1)


@pytest.mark.parametrize("name", ["on_error", "on_completed"])
def test_what_it_raises_at_the_end_reaches_nobody(name):
    seen = Seen()
    setattr(seen, name, lambda *_: broken(None))
    source = Subject()
    below = watch(source.pipe(tee(seen)))
    source.on_error(KeyError("end")) if name == "on_error" else source.on_completed()
    assert below.completed + len(below.errors) == 1


async def a_coroutine(_):
    pass


@pytest.mark.parametrize("observer", [a_coroutine, type("", (), {"on_next": staticmethod(a_coroutine)})()])
def test_what_is_async_is_refused_for_nobody_would_await_it(observer):
    with pytest.raises(ConfigurationError, match="async"):
        tee(observer)


def test_the_trap_in_plain_do_an_observer_that_raises_ends_the_stream():
    assert play(rx.do_action(broken), "a-b|") == "#"
    assert play(tee(broken), "a-b|") == "a-b|"


def test_an_interrupt_is_not_swallowed():
    def interrupt(_):
        raise KeyboardInterrupt

    source = Subject()
    watch(source.pipe(tee(interrupt)))
    with pytest.raises(KeyboardInterrupt):
        source.on_next(TextDelta("a"))


def test_what_can_observe_nothing_is_refused():
    with pytest.raises(ConfigurationError, match="tee takes an observer"):
        tee(42)


def test_an_observer_for_the_end_alone_will_do():
    class End:
        told = 0

        def on_completed(self):
            self.told += 1

    end = End()
    assert play(tee(end), "ab|") == "ab|"
    assert end.told == 1
