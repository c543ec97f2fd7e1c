from __future__ import annotations

import reactivex
from hypothesis import given, settings
from hypothesis import strategies as st
from laws import OperatorLaws
from reactivex import operators as rx
from scripted_origin import watch

from rxllm.completion import Completion, accumulate
from rxllm.items import Finish, ReasoningDelta, Rollback, Started, TextDelta, ToolCallDelta, Usage
from rxllm.operators import aggregate
from rxllm.testing import play

ITEMS = [
    *(Started("1"), TextDelta("a"), TextDelta("b", 1), ReasoningDelta("c"), ToolCallDelta(0, "f", "{}")),
    *(Usage(1, 2), Rollback(1), Finish("stop")),
]


def texts(source):
    return source.pipe(aggregate(), rx.map(lambda completion: completion.text))


class TestLaws(OperatorLaws):
    operator = texts
    source = "a-b-c|"
    played = "a-'ab'-'abc'|"
    failed = "a-'ab'-'abc'#"


def test_it_equals_a_scan_with_accumulate():
    items = [Started("1"), TextDelta("a"), Usage(1), Rollback(1), Started("2"), TextDelta("b"), Finish("stop")]
    source = reactivex.from_iterable(items)
    ours = source.pipe(aggregate(), rx.to_list()).run()
    assert ours == source.pipe(rx.scan(accumulate, Completion()), rx.to_list()).run()


def test_an_older_snapshot_never_changes():
    snapshots = reactivex.of(TextDelta("a"), TextDelta("b")).pipe(aggregate(), rx.to_list()).run()
    assert [snapshot.text for snapshot in snapshots] == ["a", "ab"]


def test_a_rollback_forgets_what_it_voids():
    assert play(texts, "{started one}-a-{rollback 1}-b|") == "''-a-''-b|"


@settings(deadline=None, max_examples=50)
@given(st.lists(st.sampled_from(ITEMS), max_size=25), st.booleans())
def test_it_equals_a_scan_with_accumulate_whatever_comes_and_however_it_ends(items, failing):
    end = reactivex.throw(ValueError("mine")) if failing else reactivex.empty()
    source = reactivex.concat(reactivex.from_iterable(items), end)
    ours, plain = (watch(source.pipe(op)) for op in (aggregate(), rx.scan(accumulate, Completion())))
    assert list(ours) == list(plain)
    assert (ours.completed, [repr(e) for e in ours.errors]) == (plain.completed, [repr(e) for e in plain.errors])


def test_the_trap_in_plain_scan_a_mutable_seed_is_shared_by_its_subscribers():
    source = reactivex.of(TextDelta("a"), TextDelta("b"))
    plain = source.pipe(rx.scan(lambda seen, item: seen.append(item.text) or seen, []), rx.map("".join))
    ours = source.pipe(aggregate(), rx.map(lambda completion: completion.text))
    assert [plain.run(), plain.run()] == ["ab", "abab"]
    assert [ours.run(), ours.run()] == ["ab", "ab"]
