from __future__ import annotations

import reactivex
from reactivex import operators as rx

from rxllm.completion import Attempt, Completion
from rxllm.errors import RxllmError
from rxllm.items import Rollback, Started, TextDelta, Usage
from rxllm.operators import final
from rxllm.testing import lifetimes, play, subscribers


def text(source):
    return source.pipe(final(), rx.map(lambda completion: completion.text))


def test_it_gives_the_whole_when_the_source_completes():
    assert play(text, "a-b-c|") == "-----('abc'|)"


def test_it_gives_exactly_one_value_also_when_nothing_came():
    assert play(text, "--|") == "--(''|)"
    assert reactivex.empty().pipe(final()).run() == Completion()


def test_an_error_is_passed_on_as_it_is_and_no_value_is_given():
    error = RxllmError("mine")
    seen: list[object] = []
    reactivex.throw(error).pipe(final()).subscribe(seen.append, seen.append)
    assert seen == [error]
    assert play(text, "a-#") == "--#"


def test_a_rollback_voids_and_keeps_the_cost():
    items = [Started("1"), TextDelta("x"), Usage(3), Rollback(1), TextDelta("a")]
    value = reactivex.from_iterable(items).pipe(final()).run()
    assert (value.text, value.attempts) == ("a", (Attempt(1, Usage(3)),))


def test_one_operator_value_serves_several_subscribers():
    assert subscribers(text, "a-b|", "^", "-^") == ["---('ab'|)", "---(b|)"]


def test_leaving_it_leaves_the_source_in_the_same_frame():
    assert lifetimes(final(), "a-b-c-|", until=3) == ["^--!"]
