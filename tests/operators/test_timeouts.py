from __future__ import annotations

import pytest
from laws import OperatorLaws
from misbehaving_server import stall
from reactivex import operators as rx
from reactivex.scheduler import VirtualTimeScheduler
from reactivex.subject import Subject
from scripted_origin import Seen, scripted, watch

from rxllm import Model
from rxllm.errors import ConfigurationError, FirstItemTimeout, ProgressTimeout, TotalTimeout
from rxllm.items import Ping, TextDelta
from rxllm.operators.timeouts import timeouts
from rxllm.testing import lifetimes, play

CHUNK = b'data: {"id":"c1","choices":[{"index":0,"delta":{"content":"Hi"}}]}\n\n'


class TestLaws(OperatorLaws):
    operator = timeouts(first=3, progress=4, total=9)
    source = "a-b{usage 1 2}|"
    played = "a-b{usage 1 2}|"
    failed = "a-b{usage 1 2}#"


def failed(operator, clock, *items):
    source, seen = Subject(), Seen()
    source.pipe(operator).subscribe(seen, scheduler=clock)
    for item in items:
        source.on_next(item)
    clock.advance_by(20)
    return seen.errors[0]


@pytest.mark.parametrize(
    ("limits", "source", "result"),
    [
        ({"first": 2}, "----a|", "--#"),
        ({"first": 2}, "{ping}---a|", "{ping}-#"),
        ({"first": 2}, "-a-----b|", "-a-----b|"),
        ({"progress": 3}, "a----b|", "a--#"),
        ({"progress": 3}, "a--b--c--|", "a--b--c--|"),
        ({"progress": 3}, "a{ping}{usage 1}--|", "a{ping}{usage 1}#"),
        ({"total": 4}, "ababab|", "abab(a#)"),
        ({"first": 9, "progress": 3, "total": 5}, "ab-ab-|", "ab-ab#"),
    ],
)
def test_each_limit_fails_the_pipe(limits, source, result):
    played = play(timeouts(**limits), source)
    assert played == result


@pytest.mark.parametrize(
    ("name", "kind"), [("first", FirstItemTimeout), ("progress", ProgressTimeout), ("total", TotalTimeout)]
)
def test_the_error_is_typed_and_tells_the_seconds_and_what_to_do(name, kind):
    error = failed(timeouts(**{name: 2.5}), VirtualTimeScheduler())
    assert (type(error), error.seconds) == (kind, 2.5)
    assert "2.5 s" in str(error)
    assert f"{name}=" in str(error)


def test_what_came_is_in_the_partial():
    error = failed(timeouts(progress=2), VirtualTimeScheduler(), TextDelta("Hel"), TextDelta("lo"))
    assert (error.partial.text, error.partial.finish_reason) == ("Hello", None)


def test_the_trap_in_plain_timeout_a_sign_of_life_counts_as_progress():
    assert play(rx.timeout(3), "a-{ping}-{ping}-{ping}-|") == "a-{ping}-{ping}-{ping}-|"
    assert play(timeouts(progress=3), "a-{ping}-{ping}-{ping}-|") == "a-{ping}#"


def test_the_source_is_left_at_the_limit():
    assert lifetimes(timeouts(first=2), "-----|") == ["^-!"]


def test_a_thousand_items_do_not_cost_a_thousand_timers():
    clock = VirtualTimeScheduler()
    armed = []
    schedule = clock.schedule_relative
    clock.schedule_relative = lambda due, *rest: armed.append(due) or schedule(due, *rest)
    source, seen = Subject(), Seen()
    source.pipe(timeouts(first=1, progress=2)).subscribe(seen, scheduler=clock)
    for _ in range(1000):
        source.on_next(TextDelta("x"))
    source.on_completed()
    clock.advance_by(10)
    assert (len(armed), len(seen), seen.errors) == (1, 1000, [])


@pytest.mark.parametrize("limits", [{}, {"first": 0}, {"total": -1}, {"progress": float("inf")}, {"total": "1"}])
def test_a_limit_must_be_given_and_positive(limits):
    with pytest.raises(ConfigurationError, match="positive"):
        timeouts(**limits)


def test_it_needs_a_clock():
    assert isinstance(watch(Subject().pipe(timeouts(first=1))).errors[0], ConfigurationError)


async def test_before_the_multicast_it_closes_the_socket_for_all(misbehaving):
    misbehaving.play(stall(CHUNK))
    async with Model("openai:m", base_url=misbehaving.url) as model:
        with pytest.raises(ProgressTimeout) as caught:
            await model.stream("Hi", through=[timeouts(progress=0.2)])
        assert caught.value.partial.text == "Hi"
        await (await misbehaving.request()).gone()


def test_in_a_subscribers_pipe_it_fails_that_pipe_only():
    clock = VirtualTimeScheduler()
    origin, stream = scripted(scheduler=clock)
    piped, whole = watch(stream.pipe(timeouts(first=1))), watch(stream)
    origin.send(Ping())
    clock.advance_by(2)
    origin.finish("a")
    assert (type(piped.errors[0]), whole.text, whole.completed) == (FirstItemTimeout, "a", 1)
