from __future__ import annotations

from itertools import groupby

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import rxllm.mailbox
from rxllm.completion import Attempt, fold
from rxllm.errors import ConfigurationError, MailboxOverflowError
from rxllm.items import (
    ChoiceFinished,
    Finish,
    Logprobs,
    Media,
    Ping,
    ProviderEvent,
    Reasoning,
    ReasoningDelta,
    RefusalDelta,
    Rollback,
    Source,
    Started,
    TextDelta,
    ToolCall,
    ToolCallDelta,
    Usage,
    joined,
    part,
)
from rxllm.mailbox import STRUCTURAL_LIMIT, Mailbox, _closes


def filled(items, **settings) -> Mailbox:
    box = Mailbox(**settings)
    for item in items:
        box.put(item)
    return box


def drained(box: Mailbox) -> list:
    return [box.take() for _ in range(len(box))]


def texts(words: str) -> list:
    return [TextDelta(word) for word in words]


def test_below_its_bound_it_gives_what_it_got():
    items = [Started("1"), *texts("ab"), ReasoningDelta("r"), Finish("stop")]
    assert drained(filled(items)) == items


def test_a_delta_merges_with_the_queued_one_of_the_same_part():
    assert drained(filled(texts("abcd"), capacity=2)) == [TextDelta("a"), TextDelta("bcd")]


def test_a_delta_merges_across_other_parts_deltas():
    box = filled([TextDelta("a"), ReasoningDelta("r"), TextDelta("b"), ReasoningDelta("s")], capacity=2)
    assert drained(box) == [TextDelta("ab"), ReasoningDelta("rs")]


@pytest.mark.parametrize(
    ("delta", "structural"),
    [
        (ToolCallDelta(0, None, "x"), ToolCall(0)),
        (ReasoningDelta("x"), Reasoning("x")),
        (TextDelta("x"), Source("u")),
        (TextDelta("x"), Media("image/png")),
        (TextDelta("x"), Logprobs([])),
        (TextDelta("x"), ChoiceFinished()),
        (RefusalDelta("x"), ChoiceFinished()),
        (TextDelta("x"), ProviderEvent("x")),
        (TextDelta("x"), Rollback(1)),
        (TextDelta("x"), Started("2")),
    ],
)
@pytest.mark.parametrize("already_merged", [False, True])
def test_a_delta_never_merges_across_a_structural_item_of_its_own_part(delta, structural, already_merged):
    before = [delta, delta] if already_merged else [delta]
    box = filled([*before, structural, delta, delta], capacity=1)
    assert drained(box) == [joined(before), structural, joined([delta, delta])]


@pytest.mark.parametrize(
    ("delta", "structural"),
    [
        (ToolCallDelta(0, None, "x"), ToolCall(1)),
        (TextDelta("x"), ToolCall(0)),
        (TextDelta("x"), Reasoning("x")),
        (TextDelta("x", 1), ChoiceFinished(0)),
        (TextDelta("x", 1), Logprobs([], 0)),
    ],
)
def test_a_delta_merges_across_a_structural_item_of_another_part(delta, structural):
    box = filled([delta, structural, delta], capacity=1)
    assert drained(box) == [joined([delta, delta]), structural]


def test_a_run_that_lost_its_place_at_the_end_grows_no_more():
    box = filled(texts("abc"), capacity=2)  # a, bc
    assert box.take() == TextDelta("a")
    for item in texts("de"):  # d has room of its own, e has not
        box.put(item)
    assert "".join(item.text for item in drained(box)) == "bcde"


def test_a_newer_usage_or_ping_replaces_the_queued_one():
    box = filled([Usage(1), Ping(), Usage(2), Ping(), Usage(3)])
    assert drained(box) == [Usage(3), Ping()]


def test_a_usage_of_the_next_attempt_does_not_replace_that_of_the_void_one():
    items = [Started("1"), Usage(7), Rollback(1), Started("2"), Usage(9), Finish("stop")]
    value = fold(drained(filled(items)))
    assert (value.usage, value.attempts) == (Usage(9), (Attempt(1, Usage(7)),))


def test_the_bound_counts_deltas():
    box = filled([Started("1"), TextDelta("a"), Usage(1), ToolCall(0)], capacity=2)
    assert (box.full, box.deltas, len(box)) == (False, 1, 4)
    box.put(TextDelta("b"))
    assert box.full


@pytest.mark.parametrize(("overflow", "left"), [("drop_oldest", "cd"), ("drop_newest", "ab"), ("pause", "abcd")])
def test_a_policy_decides_what_a_full_mailbox_keeps(overflow, left):
    box = filled(texts("abcd"), capacity=2, overflow=overflow)
    assert box.dropped == 4 - len(left)
    assert "".join(item.text for item in drained(box)) == left


@pytest.mark.parametrize("overflow", ["drop_oldest", "drop_newest", "merge", "pause"])
def test_structural_items_are_never_dropped(overflow):
    calls = [ToolCall(number) for number in range(10)]
    box = filled([item for call in calls for item in (*texts("ab"), call)], capacity=1, overflow=overflow)
    assert [item for item in drained(box) if isinstance(item, ToolCall)] == calls


def test_error_refuses_a_delta_more():
    box = filled(texts("ab"), capacity=2, overflow="error")
    with pytest.raises(MailboxOverflowError, match="2 deltas behind"):
        box.put(TextDelta("c"))


def test_past_ten_thousand_structural_items_it_refuses():
    box = filled([ToolCall(number) for number in range(STRUCTURAL_LIMIT)])
    with pytest.raises(MailboxOverflowError, match="10000"):
        box.put(Finish("stop"))


def test_an_empty_mailbox_gives_an_index_error():
    with pytest.raises(IndexError):
        Mailbox().take()


@pytest.mark.parametrize("settings", [{"capacity": 0}, {"overflow": "ignore"}])
def test_wrong_settings_are_refused(settings):
    with pytest.raises(ConfigurationError):
        Mailbox(**settings)


ITEM = st.one_of(
    st.builds(TextDelta, st.text(min_size=1, max_size=2), st.integers(0, 1)),
    st.builds(ReasoningDelta, st.text(min_size=1, max_size=2)),
    st.builds(lambda call, text: ToolCallDelta(call, None, text), st.integers(0, 1), st.text(min_size=1, max_size=2)),
    st.builds(ToolCall, st.integers(0, 1)),
    st.builds(ChoiceFinished, st.integers(0, 1)),
    st.builds(ProviderEvent, st.just("x")),
    st.builds(Reasoning),
)


def seen_by(items: list, key: object) -> list:
    """One part's text between its own structural items, which is what nobody may change."""
    mine = [item for item in items if part(item) == key or (part(item) is None and _closes(item, key))]
    runs = groupby(mine, lambda item: "text" if part(item) else id(item))
    return [joined(list(run)) if name == "text" else next(run) for name, run in runs]


@given(st.lists(st.one_of(ITEM, st.just("take")), max_size=60), st.integers(1, 4))
@settings(deadline=None, max_examples=300)
def test_whatever_the_order_of_put_and_take_each_part_reads_the_same_and_keeps_its_place(script, capacity):
    box = Mailbox(capacity)
    sent, got = [], []
    for step in script:
        if step != "take":
            sent.append(step)
            box.put(step)
        elif len(box):
            got.append(box.take())
    got += drained(box)
    for key in {part(item) for item in sent} - {None}:
        assert seen_by(got, key) == seen_by(sent, key)
    assert [i for i in got if part(i) is None] == [i for i in sent if part(i) is None]
    assert box.deltas == 0


@given(st.lists(st.one_of(ITEM, st.just("take")), max_size=60))
@settings(deadline=None)
def test_the_count_of_deltas_never_lies(script):
    box = Mailbox(2)
    for step in script:
        if step != "take":
            box.put(step)
        elif len(box):
            box.take()
        queued = [step.deltas[0] if hasattr(step, "deltas") else step for step in box._queue]
        assert box.deltas == sum(1 for item in queued if part(item) is not None)


def test_merging_many_deltas_joins_them_once(monkeypatch):
    joins = []

    def counting(deltas):
        joins.append(len(deltas))
        return joined(deltas)

    monkeypatch.setattr(rxllm.mailbox, "joined", counting)
    box = filled([TextDelta("x") for _ in range(50_000)], capacity=1)
    assert len(box.take().text) == 50_000
    assert joins == [50_000]
