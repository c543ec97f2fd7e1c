"""Streams in one pipe: merge, zip, combine_latest of plain reactivex, and what is ours beside them."""

from __future__ import annotations

import asyncio
import threading

from reactivex import operators as rx
from scripted_origin import scripted, watch

from rxllm import operators as ops
from rxllm.bridge import loop_scheduler
from rxllm.operators.merge_tagged import merge_tagged
from rxllm.operators.tag import tag
from rxllm.testing import ScriptedModel


def streams(*diagrams, **settings):
    model = ScriptedModel(*diagrams)
    return [model.stream("Hi", scheduler=loop_scheduler(), **settings) for _ in diagrams]


def said(stream):
    return stream.pipe(ops.text())


async def test_plain_merge_interleaves_two_streams_as_they_come():
    (a, calm), (b, lively) = (scripted(scheduler=loop_scheduler()) for _ in range(2))
    seen = watch(said(calm).pipe(rx.merge(said(lively))))
    await asyncio.sleep(0)  # plain merge subscribes in turns of the loop
    await asyncio.sleep(0)
    a.send("1")
    b.send("2")
    a.finish("3")
    b.finish("4")
    assert (seen, seen.completed) == (["1", "2", "3", "4"], 1)


async def test_plain_zip_pairs_their_tokens_and_its_end_lets_both_go():
    (a, calm), (b, lively) = scripted(), scripted()
    seen = watch(said(calm).pipe(rx.zip(said(lively)), rx.take(2)))
    a.send("1", "2", "3")
    b.send("x", "y")
    assert seen == [("1", "x"), ("2", "y")]
    assert (a.calls, b.calls) == (["start", "close"], ["start", "close"])


async def test_plain_combine_latest_shows_both_answers_so_far():
    (a, calm), (b, lively) = scripted(), scripted()

    def so_far(stream):
        return stream.pipe(ops.aggregate(), rx.map(lambda completion: completion.text))

    seen = watch(so_far(calm).pipe(rx.combine_latest(so_far(lively))))
    a.send("Hel")
    b.send("Ho")
    a.send("lo")
    b.send("!")
    assert seen == [("Hel", "Ho"), ("Hello", "Ho"), ("Hello", "Ho!")]


async def test_tagged_streams_may_be_merged_by_plain_merge():
    calm, lively = streams("'a'-|", "'b'|")
    seen = watch(calm.pipe(tag("calm"), rx.merge(lively.pipe(tag("lively")))))
    await asyncio.gather(calm, lively)
    assert {(each.name, each.item.text) for each in seen if hasattr(each.item, "text")} == {
        ("calm", "a"),
        ("lively", "b"),
    }


async def test_both_final_values_are_zipped_when_the_slower_is_done():
    calm, lively = streams("'a'--|", "'b'|")
    both = await calm.pipe(ops.final(), rx.zip(lively.pipe(ops.final())))
    assert [completion.text for completion in both] == ["a", "b"]


async def test_all_of_it_stays_on_the_loop_and_costs_a_request_each():
    model = ScriptedModel("a-b-c|", "x-y|")
    calm, lively = (model.stream(prompt) for prompt in ("calm", "lively"))
    threads, before = set(), threading.active_count()
    merged = merge_tagged(calm=calm, lively=lively)
    merged.pipe(rx.buffer_with_time(0.001)).subscribe(lambda _: threads.add(threading.get_ident()))
    merged.subscribe(lambda _: threads.add(threading.get_ident()))
    await asyncio.gather(calm, lively)
    assert (threads, threading.active_count()) == ({threading.get_ident()}, before)
    assert [request.messages[0].content for request in model.requests] == ["calm", "lively"]


async def test_one_that_fails_fails_the_merged_pipe_and_lets_the_other_go():
    (a, calm), (b, lively) = scripted(), scripted()
    seen = watch(merge_tagged(calm=calm, lively=lively))
    error = ValueError("mine")
    b.send("x")
    a.fail(error)
    assert (seen.errors, b.calls) == ([error], ["start", "close"])
