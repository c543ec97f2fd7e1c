from __future__ import annotations

import reactivex
from hypothesis import given, settings
from hypothesis import strategies as st
from laws import OperatorLaws
from reactivex import operators as rx

from rxllm.completion import Attempt, Completion, accumulate
from rxllm.errors import RxllmError
from rxllm.items import Finish, Rollback, Started, TextDelta, Usage
from rxllm.operators import final
from rxllm.testing import play

ITEMS = [Started("1"), TextDelta("a"), TextDelta("b", 1), Usage(1, 2), Rollback(1), Finish("stop")]


def text(source):
    return source.pipe(final(), rx.map(lambda completion: completion.text))


class TestLaws(OperatorLaws):
    operator = text
    source = "a-b-c|"
    played = "-----('abc'|)"
    failed = "-----#"
    empty = "--(''|)"


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


@settings(deadline=None, max_examples=50)
@given(st.lists(st.sampled_from(ITEMS), min_size=1, max_size=25))
def test_it_equals_the_last_of_a_scan_where_something_came(items):
    source = reactivex.from_iterable(items)
    plain = source.pipe(rx.scan(accumulate, Completion()), rx.last())
    assert source.pipe(final()).run() == plain.run()


def test_the_trap_in_plain_last_an_empty_stream_is_an_error():
    assert play(rx.last(), "--|") == "--#"
    assert play(text, "--|") == "--(''|)"
