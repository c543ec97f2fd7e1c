from __future__ import annotations

import asyncio
import threading

import pytest
import reactivex
from laws import OperatorLaws
from reactivex import operators as rx
from reactivex.subject import Subject
from scripted_origin import scripted, watch

from rxllm.bridge import loop_scheduler
from rxllm.errors import ConfigurationError
from rxllm.items import Ping, TextDelta
from rxllm.operators.merge_tagged import merge_tagged
from rxllm.operators.tag import Tagged, tag
from rxllm.testing import lifetimes, play, subscribers


def shown(**streams):
    return merge_tagged(**streams).pipe(rx.map(lambda tagged: tagged.name + tagged.item.text))


def two(a, b):
    return shown(a=a, b=b)


class TestLaws(OperatorLaws):
    operator = staticmethod(lambda a: merge_tagged(a=a, b=reactivex.empty()))
    source = "a-{ping}-b|"
    played = "A-P-B|"
    failed = "A-P-B#"
    values = {"A": Tagged("a", TextDelta("a")), "P": Tagged("a", Ping()), "B": Tagged("a", TextDelta("b"))}  # noqa: RUF012 - as in the class that it inherits from

    def piped(self, source):
        return merge_tagged(a=source, b=reactivex.empty())


def test_what_each_emits_comes_at_once_with_its_name():
    assert play(two, "a--c-|", "-x--y|") == "'aa''bx'-'ac''by'|"


def test_it_completes_when_all_have():
    assert play(two, "|", "---|") == "---|"


def test_an_error_of_one_ends_all_and_leaves_the_others():
    assert play(two, "a-#", "-x-y-|") == "'aa''bx'#"
    assert lifetimes(two, "a-#", "-x-y-|") == ["^-!", "^-!"]


def test_leaving_it_leaves_all_sources_in_the_same_frame():
    assert lifetimes(two, "a-b-c-|", "-x-y-z|", until=3) == ["^--!", "^--!"]


def test_a_late_subscriber_gets_what_comes_from_then_on():
    assert subscribers(lambda a: shown(a=a), "a-b-c|", "^", "-^") == ["'aa'-'ab'-'ac'|", "--'ab'-'ac'|"]


def test_a_source_that_fails_at_once_lets_no_other_begin():
    failed = Subject()
    failed.on_error(ValueError("mine"))
    assert lifetimes(lambda b: merge_tagged(a=failed, b=b), "x|") == [""]


def test_it_equals_a_merge_of_tagged_streams():
    def plain(a, b):
        return a.pipe(tag("a"), rx.merge(b.pipe(tag("b"))), rx.map(lambda tagged: tagged.name + tagged.item.text))

    assert play(two, "ab-c|", "-x-y#") == play(plain, "ab-c|", "-x-y#")


def test_streams_stay_on_their_loop_and_each_costs_one_request():
    a, calm = scripted()
    b, lively = scripted()
    merged = merge_tagged(calm=calm, lively=lively)
    assert type(merged) is type(calm.pipe())
    seen = watch(merged)
    a.send("Hel")
    b.send("Ho")
    a.finish("lo")
    b.finish("!")
    texts = [(each.name, each.item.text) for each in seen if isinstance(each.item, TextDelta)]
    assert texts == [("calm", "Hel"), ("lively", "Ho"), ("calm", "lo"), ("lively", "!")]
    assert (a.calls, b.calls, seen.completed) == (["start"], ["start"], 1)


async def test_what_comes_of_another_thread_is_told_on_the_first_streams_loop_and_in_order():
    origin, stream = scripted(scheduler=loop_scheduler())
    elsewhere, ended, threads, names = Subject(), asyncio.Event(), set(), []

    def on_next(tagged):
        threads.add(threading.get_ident())
        names.append(tagged.name)

    merge_tagged(a=stream, b=elsewhere).subscribe(on_next, on_completed=ended.set)

    def speak():
        for _ in range(100):
            elsewhere.on_next(Ping())
        elsewhere.on_completed()

    origin.finish("x")
    await asyncio.to_thread(speak)
    await asyncio.wait_for(ended.wait(), 5)
    assert threads == {threading.get_ident()}
    assert names == ["a"] * 2 + ["b"] * 100


def test_leaving_it_cancels_the_streams_that_nobody_else_holds():
    a, calm = scripted()
    b, lively = scripted()
    merge_tagged(calm=calm, lively=lively).subscribe().dispose()
    assert (a.calls, b.calls) == (["start", "close"], ["start", "close"])


@pytest.mark.parametrize("streams", [{}, {"a": "no stream"}])
def test_what_is_no_stream_is_refused(streams):
    with pytest.raises(ConfigurationError, match="streams by name"):
        merge_tagged(**streams)


def test_a_tagged_item_is_equal_to_its_like():
    assert Tagged("a", TextDelta("x")) == Tagged("a", TextDelta("x"))
