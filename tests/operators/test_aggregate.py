from __future__ import annotations

import reactivex
from reactivex import operators as rx

from rxllm.completion import Completion, accumulate
from rxllm.items import Finish, Rollback, Started, TextDelta, Usage
from rxllm.operators import aggregate
from rxllm.testing import lifetimes, play, subscribers


def texts(source):
    return source.pipe(aggregate(), rx.map(lambda completion: completion.text))


def test_it_gives_the_whole_so_far_with_each_item():
    assert play(texts, "a-b-(c|)") == "a-'ab'-('abc'|)"


def test_an_empty_source_gives_nothing():
    assert play(texts, "--|") == "--|"


def test_an_error_comes_after_what_was_given():
    assert play(texts, "a-#") == "a-#"


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


def test_one_operator_value_serves_several_subscribers():
    assert subscribers(texts, "a-b|", "^", "-^") == ["a-'ab'|", "--b|"]


def test_leaving_it_leaves_the_source_in_the_same_frame():
    assert lifetimes(aggregate(), "a-b-c-|", until=3) == ["^--!"]
