from __future__ import annotations

import itertools
import random
import time

import pytest
import reactivex
from hypothesis import example, given, settings
from hypothesis import strategies as st
from laws import OperatorLaws
from misbehaving_server import stall
from reactivex.scheduler import VirtualTimeScheduler
from scripted_origin import scripted, watch

from rxllm import Model
from rxllm.errors import ConfigurationError
from rxllm.items import Finish, ReasoningDelta, Rollback, Started, TextDelta, ToolCallDelta, Usage
from rxllm.operators.repetition_guard import repetition_guard
from rxllm.testing import lifetimes

LOOP = "I am sorry, but I cannot do that. "


def letters(count):
    """So many that never go round in circles."""
    return "".join(random.Random(count).choices("abcdefgh ", k=count))  # noqa: S311 - no secret


def finished(tokens):
    return Finish("other", "repetition", Usage(None, tokens, estimated=True))


def guarded(texts, operator=None):
    return watch(reactivex.from_iterable(map(TextDelta, texts)).pipe(operator or repetition_guard()))


class TestLaws(OperatorLaws):
    operator = repetition_guard(3, min_chars=4)
    source = "abcbcbcbc|"
    played = "abcbcb(cF|)"
    failed = "abcbcb(cF|)"
    values = {"F": finished(7)}  # noqa: RUF012 - as in the class that it inherits from


class TestLawsOfAGoodAnswer(OperatorLaws):
    operator = repetition_guard()
    source = "a-b{reason r}a|"
    played = "a-b{reason r}a|"
    failed = "a-b{reason r}a#"


def test_the_source_is_left_when_the_circle_closes():
    assert lifetimes(repetition_guard(2, min_chars=2), "abab-ab|") == ["^--!"]


def test_a_sentence_said_over_and_over_ends_the_answer():
    seen = guarded(["Well. ", *[LOOP] * 50])
    assert (seen[-1].raw_reason, seen.completed) == ("repetition", 1)
    assert 256 <= len(seen.text) <= 256 + 64 + len("Well. ") + 4 * len(LOOP)


def test_the_delta_in_which_it_is_seen_is_given_up_to_there():
    whole, single = guarded([LOOP * 50]), guarded(LOOP * 50)
    assert (whole.text, len(whole.cut)) == (single.text, 1)


@pytest.mark.parametrize("text", ["-" * 80, "| --- | --- | --- | --- |\n", "\n" * 100, "0, " * 60])
def test_what_is_shorter_than_min_chars_is_no_circle(text):
    assert guarded([f"Here: {text} and on it goes."]).text == f"Here: {text} and on it goes."


def test_a_list_whose_numbers_change_is_no_circle():
    lines = [f"{number}. Another line of the same kind\n" for number in range(300)]
    assert guarded(lines).text == "".join(lines)


@pytest.mark.parametrize("period", [1, 7, 64, 65, 300, 512])
def test_a_circle_of_any_period_is_seen(period):
    block = letters(period)
    said = "The answer: " + block * (6 + 512 // period)
    seen = guarded([said])
    assert len(seen.text) <= len("The answer: ") + max(4 * period, 256) + 64


def test_a_circle_longer_than_max_period_is_not_looked_for():
    block = letters(513)
    assert guarded([block * 9]).text == block * 9


def test_text_before_and_circles_within_the_circle_hide_nothing():
    block = "ab" * 40 + "xyz" * 30
    assert guarded([LOOP, block * 20])[-1] == finished(2)


@pytest.mark.parametrize("delta", [ReasoningDelta, lambda text: ToolCallDelta(0, None, text)])
def test_reasoning_and_a_tool_calls_arguments_are_watched_too(delta):
    seen = watch(reactivex.from_iterable([delta(" " * 20)] * 50).pipe(repetition_guard()))
    assert seen[-1].raw_reason == "repetition"
    assert seen[-2] == delta(" " * 16)


def test_parts_are_watched_apart():
    items = itertools.chain.from_iterable((TextDelta(f"{n}"), ReasoningDelta(LOOP)) for n in range(50))
    seen = watch(reactivex.from_iterable(items).pipe(repetition_guard()))
    assert seen[-1].raw_reason == "repetition"


@pytest.mark.parametrize("void", [Rollback(1), Started("2")])
def test_a_new_attempt_begins_anew(void):
    items = [*[TextDelta(LOOP)] * 3, void] * 20
    assert watch(reactivex.from_iterable(items).pipe(repetition_guard(times=4))) == items


@given(st.text("ab", max_size=80), st.lists(st.integers(0, 80), max_size=8))
@example("ab" * 20, [3, 9, 27])
@settings(deadline=None, max_examples=80)
def test_however_it_is_cut_it_ends_at_the_same_character(text, places):
    ends = sorted({min(place, len(text)) for place in places} | {len(text)})
    pieces = [text[start:end] for start, end in zip([0, *ends], ends, strict=False)]
    operator = repetition_guard(3, min_chars=8, max_period=9)
    cut, whole = guarded(pieces, operator), guarded([text], operator)
    assert (cut.text, isinstance(cut[-1], Finish)) == (whole.text, isinstance(whole[-1], Finish))


@given(st.text("ab", min_size=30, max_size=80))
@settings(deadline=None, max_examples=80)
def test_it_ends_where_the_definition_says_and_nowhere_else(text):
    def circles(said):
        return any(
            len(said) >= max(3 * period, 8)
            and all(said[-n] == said[-n - period] for n in range(1, max(3 * period, 8) - period + 1))
            for period in range(1, 10)
        )

    looks = [end for end in range(2, len(text) + 1, 2) if circles(text[:end])]
    assert guarded([text], repetition_guard(3, min_chars=8, max_period=9)).text == text[: looks[0] if looks else None]


def test_its_cost_a_character_does_not_grow_with_the_length():
    def seconds(count):
        words = [f"{letter} " for letter in letters(count)]
        source = reactivex.from_iterable(map(TextDelta, words)).pipe(repetition_guard())
        start = time.process_time()
        assert watch(source).text == "".join(words)
        return (time.process_time() - start) / count

    assert min(seconds(50_000) for _ in range(2)) < 2.5 * min(seconds(1_000) for _ in range(5))


@pytest.mark.parametrize("wrong", [{"times": 1}, {"min_chars": 0}, {"max_period": 0}])
def test_what_is_no_repetition_is_refused(wrong):
    with pytest.raises(ConfigurationError, match=f"{next(iter(wrong))}.* at least"):
        repetition_guard(**wrong)


async def test_before_the_multicast_it_closes_the_socket_for_all(misbehaving):
    chunk = b'data: {"id":"c1","choices":[{"index":0,"delta":{"content":"over and over "}}]}\n\n'
    misbehaving.play(stall(chunk * 60))
    async with Model("openai:m", base_url=misbehaving.url) as model:
        completion = await model.stream("Hi", through=[repetition_guard()])
        assert (completion.finish_reason, completion.raw_finish_reason) == ("other", "repetition")
        assert len(completion.text) == 256
        assert completion.usage.estimated
        await (await misbehaving.request()).gone()


def test_in_a_subscribers_pipe_it_ends_that_pipe_only():
    origin, stream = scripted(scheduler=VirtualTimeScheduler())
    piped, whole = watch(stream.pipe(repetition_guard())), watch(stream)
    origin.finish(*[LOOP] * 30)
    assert (piped.completed, whole.text) == (1, LOOP * 30)
    assert len(piped.text) < len(whole.text)
