from __future__ import annotations

import asyncio

import pytest
import reactivex
from laws import OperatorLaws
from misbehaving_server import stall
from reactivex.scheduler import VirtualTimeScheduler
from reactivex.subject import Subject
from scripted_origin import scripted, watch

from rxllm import Model
from rxllm.errors import ConfigurationError
from rxllm.items import Finish, TextDelta, Usage
from rxllm.operators.budget import budget
from rxllm.testing import lifetimes, play

CHUNK = b'data: {"id":"c1","choices":[{"index":0,"delta":{"content":"Hi"}}]}\n\n'


def spent(tokens, by="tokens", told=None):
    return Finish("length", f"budget_{by}", Usage(told, tokens, estimated=True))


class TestLaws(OperatorLaws):
    operator = budget(tokens=3)
    source = "a-bcd|"
    played = "a-b(cF|)"
    failed = "a-b(cF|)"
    values = {"F": spent(3)}  # noqa: RUF012 - as in the class that it inherits from


class TestLawsWithinTheLimit(OperatorLaws):
    operator = budget(tokens=9, seconds=9)
    source = "a-b{finish stop}|"
    played = "a-b{finish stop}|"
    failed = "a-b{finish stop}#"


def test_the_source_is_left_at_the_limit():
    assert lifetimes(budget(tokens=2), "abcd|") == ["^!"]
    assert lifetimes(budget(seconds=2), "abcd|") == ["^-!"]


def test_the_seconds_count_from_the_subscription():
    assert play(budget(seconds=2), "a---b|", F=spent(1, "seconds")) == "a-(F|)"
    assert play(budget(seconds=2), "a---b-----|", subscription="---^", F=spent(1, "seconds")) == "----b(F|)"


def test_reasoning_and_tool_calls_count_too():
    assert play(budget(tokens=3), "{reason r}{call 0 f}a|", F=spent(3)) == "{reason r}{call 0 f}(aF|)"


def test_the_providers_own_numbers_win():
    told = Usage(7, 5)
    assert play(budget(tokens=5), "a-U-b|", U=told, F=Finish("length", "budget_tokens", told)) == "a-(UF|)"


def test_a_late_and_smaller_count_gives_back_what_was_estimated():
    assert play(budget(tokens=3), "ab{usage 7 1}c-|") == "ab{usage 7 1}c-|"


def test_what_a_rollback_voids_is_paid_for_and_not_part_of_the_usage():
    source = "{started one}ab{rollback 1}{started two}cd|"
    assert play(budget(tokens=3), source, F=spent(1)) == "{started one}ab{rollback 1}{started two}(cF|)"


def test_an_encoder_counts_what_a_delta_is():
    assert play(budget(tokens=4, encoder=list), "'abc''de'|", F=spent(5)) == "'abc'('de'F|)"


def test_an_answer_that_has_finished_is_not_cut_any_more():
    assert play(budget(tokens=3, seconds=4), "a{finish stop usage={usage 1 9}}----|").endswith("----|")


def test_a_source_that_emits_all_at_once_is_cut_too():
    seen = watch(reactivex.from_iterable([TextDelta("x")] * 9).pipe(budget(tokens=2)))
    assert (seen.text, len(seen), seen.completed) == ("xx", 3, 1)


@pytest.mark.parametrize("limits", [{}, {"tokens": 0}, {"seconds": -1}, {"tokens": 3, "seconds": 0}])
def test_a_limit_must_be_given_and_positive(limits):
    with pytest.raises(ConfigurationError, match="budget"):
        budget(**limits)


def test_an_encoder_that_raises_fails_that_pipe_and_not_the_producer():
    source = Subject()
    seen = watch(source.pipe(budget(3, encoder=lambda _: 1 // 0)))
    source.on_next(TextDelta("a"))
    assert ([type(error) for error in seen.errors], list(seen)) == ([ZeroDivisionError], [])
    assert source.observers == []


def test_seconds_need_a_clock():
    seen = watch(Subject().pipe(budget(seconds=1)))
    assert isinstance(seen.errors[0], ConfigurationError)


async def test_before_the_multicast_it_closes_the_socket_for_all(misbehaving):
    misbehaving.play(stall(CHUNK, CHUNK, CHUNK))
    async with Model("openai:m", base_url=misbehaving.url) as model:
        completion = await model.stream("Hi", through=[budget(tokens=2)])
        assert (completion.text, completion.finish_reason, completion.raw_finish_reason) == (
            "HiHi",
            "length",
            "budget_tokens",
        )
        assert completion.usage == Usage(None, 2, estimated=True)
        await (await misbehaving.request()).gone()


async def test_seconds_before_the_multicast_close_the_socket_of_a_provider_that_stalls(misbehaving):
    misbehaving.play(stall(CHUNK))
    async with Model("openai:m", base_url=misbehaving.url) as model:
        completion = await asyncio.wait_for(model.stream("Hi", through=[budget(seconds=0.2)]), 5)
        assert (completion.text, completion.raw_finish_reason) == ("Hi", "budget_seconds")
        await (await misbehaving.request()).gone()


def test_in_a_subscribers_pipe_it_ends_that_pipe_only():
    origin, stream = scripted(scheduler=VirtualTimeScheduler())
    piped, whole = watch(stream.pipe(budget(tokens=1))), watch(stream)
    origin.finish("a", "b")
    assert (piped.text, piped.completed, whole.text, origin.calls) == ("a", 1, "ab", ["start"])
