from __future__ import annotations

import pytest
import reactivex
from hypothesis import given, settings
from hypothesis import strategies as st
from reactivex import operators as rx

from rxllm.completion import STOPPED, Attempt, Completion, accumulate, fold, parse_arguments
from rxllm.completion.choice import choices_of
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
    Timing,
    ToolCall,
    ToolCallDelta,
    Usage,
)

ITEM = st.one_of(
    st.builds(Started, st.text(max_size=2)),
    st.builds(TextDelta, st.text(max_size=3), st.integers(0, 1)),
    st.builds(ReasoningDelta, st.text(max_size=3)),
    st.builds(RefusalDelta, st.text(max_size=3)),
    st.builds(lambda call, text: ToolCallDelta(call, "f", text), st.integers(0, 1), st.text(max_size=3)),
    st.builds(ToolCall, st.integers(0, 1)),
    st.builds(Usage, st.integers(0, 9)),
    st.builds(ChoiceFinished, st.integers(0, 1)),
    st.builds(Rollback, st.integers(1, 3)),
    st.builds(Ping),
    st.builds(Finish, st.just("stop")),
)


def picture(completion: Completion) -> tuple:
    return (
        list(completion.items),
        completion.text,
        completion.tool_calls,
        completion.usage,
        completion.attempts,
        completion.finish_reason,
    )


@given(st.lists(ITEM, max_size=20), st.data())
@settings(deadline=None)
def test_no_snapshot_ever_changes_whichever_is_added_to(items, data):
    snapshots = [Completion()]
    pictures = [picture(snapshots[0])]
    for item in items:
        base = data.draw(st.sampled_from(snapshots))
        snapshots.append(accumulate(base, item))
        pictures.append(picture(snapshots[-1]))
    assert [picture(snapshot) for snapshot in snapshots] == pictures


def test_two_that_follow_one_snapshot_do_not_see_each_other():
    one = fold([TextDelta("a")])
    left, right = one.plus(TextDelta("b")), one.plus(TextDelta("c"))
    assert (one.text, left.text, right.text) == ("a", "ab", "ac")


def test_a_seed_does_not_leak_between_subscriptions():
    scanned = reactivex.of(TextDelta("a"), TextDelta("b")).pipe(rx.scan(accumulate, Completion()), rx.last())
    assert [scanned.run().text, scanned.run().text] == ["ab", "ab"]


def test_a_seed_may_be_shared_by_scans_that_run_at_the_same_time():
    seed = Completion()
    left, right = accumulate(seed, TextDelta("a")), accumulate(seed, TextDelta("b"))
    assert (left.plus(TextDelta("c")).text, right.text, seed.text) == ("ac", "b", "")


@given(st.lists(ITEM, max_size=20))
@settings(deadline=None)
def test_fold_equals_scan(items):
    assert fold(items) == reactivex.from_iterable(items).pipe(rx.reduce(accumulate, Completion())).run()


@pytest.mark.parametrize("count", [1_000, 50_000])
@pytest.mark.parametrize("item", [TextDelta("x"), ToolCallDelta(0, None, "x"), ReasoningDelta("x"), Ping(), Usage(1)])
def test_adding_copies_nothing_whatever_the_length(count, item):
    completion = Completion().plus(item)
    log = completion._log
    for _ in range(count):
        completion = completion.plus(item)
    assert completion._log is log  # the one list, appended to in place
    assert len(log) == count + 1


def test_it_knows_what_belongs_together():
    c = fold(
        [
            Started("1", "m"),
            ReasoningDelta("h"),
            ReasoningDelta("m"),
            Reasoning("hm", "signed"),
            TextDelta("Hel"),
            Source("u"),
            TextDelta("lo"),
            Media("image/png", url="u"),
            RefusalDelta("no"),
            Logprobs([{"token": "Hel"}]),
            ProviderEvent("new", 1),
            Finish("stop", "STOP", Usage(1, 2), {"timings": 1}, Timing(0.1, 0.2, 0.3)),
        ]
    )
    assert (c.id, c.model, c.text, c.reasoning, c.refusal) == ("1", "m", "Hello", "hm", "no")
    assert (c.finish_reason, c.raw_finish_reason, c.usage) == ("stop", "STOP", Usage(1, 2))
    assert (c.response, c.timing.total) == ({"timings": 1}, 0.3)
    assert (c.reasoning_blocks, c.sources, c.logprobs) == (
        [Reasoning("hm", "signed")],
        [Source("u")],
        [{"token": "Hel"}],
    )
    assert (c.media, c.events) == ([Media("image/png", url="u")], [ProviderEvent("new", 1)])


def test_finish_reason_is_none_until_it_ended():
    assert fold([TextDelta("a")]).finish_reason is None
    assert Completion().finish_reason is None


def test_a_finish_without_usage_does_not_erase_what_was_told():
    assert fold([Usage(1, 2), Finish("stop")]).usage == Usage(1, 2)


def test_tool_calls_are_assembled_of_their_deltas_until_the_whole_comes():
    pieces = [ToolCallDelta(0, "f", '{"a"', id="i"), ToolCallDelta(1, "g"), ToolCallDelta(0, None, ": 1")]
    unfinished = fold(pieces)
    assert unfinished.tool_calls == [ToolCall(0, "i", "f", None, '{"a": 1'), ToolCall(1, None, "g", {}, "")]
    whole = ToolCall(0, "i", "f", {"a": 1}, '{"a": 1}', signature="s")
    assert unfinished.plus(whole).tool_calls[0] is whole


def test_the_aggregated_choice_is_text_first_then_tool_calls():
    call = ToolCall(0, "i", "f", {}, "{}")
    assert fold([call, TextDelta("a")]).content == ["a", call]
    assert fold([call]).content == [call]
    assert Completion().content == [""]


def test_choices_has_the_others():
    c = fold([TextDelta("a"), TextDelta("b", 1), ChoiceFinished(1, "length", "max"), ChoiceFinished(0)])
    assert [(x.index, x.text, x.finish_reason, x.raw_finish_reason) for x in c.choices] == [
        (0, "a", "stop", None),
        (1, "b", "length", "max"),
    ]
    assert (c.text, c.finish_reason) == ("a", "stop")


def test_the_choices_cost_one_pass_however_many_there_are():
    once = iter([TextDelta(f"{n}", n) for n in range(100)])  # whoever looks twice sees nothing more
    assert [choice.text for choice in choices_of(once)] == [f"{n}" for n in range(100)]


def test_a_rollback_voids_what_came_since_started_and_keeps_its_cost():
    c = fold([Started("1", "m"), TextDelta("void"), Usage(3, 4), Rollback(1), Started("2"), TextDelta("good")])
    assert (c.text, c.id, c.usage, c.attempts) == ("good", "2", None, (Attempt(1, Usage(3, 4)),))


def test_two_rollbacks_are_two_attempts():
    c = fold([Started("1"), Usage(1), Rollback(1), Started("2"), Rollback(2), TextDelta("a")])
    assert c.attempts == (Attempt(1, Usage(1)), Attempt(2, None))


def test_a_rollback_in_the_second_turn_leaves_what_the_first_had_told():
    c = fold([Started("1", "m"), TextDelta("a"), Usage(1), Started("2", "m2"), TextDelta("void"), Rollback(1)])
    assert (c.id, c.model, c.usage, c.attempts) == ("1", "m", Usage(1), (Attempt(1, None),))


def test_equality_does_not_depend_on_how_the_text_was_cut():
    assert fold([TextDelta("ab")]) == fold([TextDelta("a"), TextDelta("b")])
    assert fold([TextDelta("ab")]) != fold([TextDelta("ac")])
    assert fold([TextDelta("a"), Finish("stop")]) != fold([TextDelta("a"), Finish("length")])
    assert Completion() != "a"


def test_a_ping_changes_nothing():
    assert fold([TextDelta("a"), Ping()]) == fold([TextDelta("a")])


def test_a_completion_is_false_only_when_nothing_came():
    assert not Completion()
    assert fold([TextDelta("")])


def test_the_repr_is_short():
    shown = repr(fold([TextDelta("x" * 1000), ToolCall(0, name="f")]))
    assert len(shown) < 150
    assert "tool_calls=['f']" in shown


BARE = [ToolCallDelta(0, "f", id="a"), ToolCall(0, "a", "f", {})]
GIVEN = [ToolCallDelta(1, "f", "{}", id="b"), ToolCall(1, "b", "f", {}, "{}")]


@pytest.mark.parametrize("reason", sorted(STOPPED))
def test_a_stopped_answer_gives_back_no_call_that_ends_before_its_first_argument(reason):
    def given_back(*items):
        return [call.id for call in fold([*items, Finish(reason)]).to_message().tool_calls]

    assert given_back(*GIVEN, *BARE) == ["b"]
    assert given_back(*BARE, *GIVEN) == ["a", "b"]  # the one that another follows was whole


def test_an_answer_that_ended_by_itself_gives_back_its_call_without_arguments():
    calls = fold([*BARE, Finish("tool_calls")]).to_message().tool_calls
    assert [(call.id, call.arguments) for call in calls] == [("a", "{}")]


def test_a_custom_tool_s_text_goes_back_as_an_object():
    said = [
        ToolCallDelta(0, "sql", 'say "1"', id="a"),
        ToolCall(0, "a", "sql", None, 'say "1"', extra={"type": "custom"}),
    ]
    (call,) = fold([*said, Finish("tool_calls")]).to_message().tool_calls
    assert (call.name, parse_arguments(call.arguments)) == ("sql", {"input": 'say "1"'})
    assert fold([*said, Finish("length")]).to_message().tool_calls == []  # of any text, the half is a text too


def test_a_call_that_the_provider_ran_itself_is_not_for_us_to_answer():
    served = ToolCall(0, "a", "search", {}, "{}", extra={"type": "custom", "execution": "server"})
    assert fold([served, TextDelta("So."), Finish("stop")]).to_message().tool_calls == []


def test_calls_without_an_id_get_one_that_is_theirs_alone():
    def turn(name, **told):
        return fold([Started(**told), ToolCall(0, None, name, {}, "{}"), ToolCall(1, None, name, {}, "{}")])

    turns = [turn("f", id="1"), turn("f", id="2"), turn("f"), turn("g")]
    ids = [call.id for each in turns for call in each.to_message().tool_calls]
    assert len(set(ids)) == 8
    assert ids == [call.id for each in turns for call in each.to_message().tool_calls]
    assert all(len(id_) == 9 and id_.isalnum() and id_.isascii() for id_ in ids)


def test_a_made_up_id_does_not_depend_on_how_the_text_was_cut_or_how_long_it_took():
    call = ToolCall(0, None, "f", {}, "{}")
    one = fold([TextDelta("ab"), call, Finish("tool_calls", timing=Timing(0.1, 0.2, 0.3))])
    other = fold([TextDelta("a"), TextDelta("b"), call, Finish("tool_calls")])
    assert one.to_message() == other.to_message()


def test_a_model_that_is_named_at_the_end_only_is_the_completion_s_model():
    assert fold([Started("1"), Finish("stop", response={"model": "late"})]).model == "late"
    assert fold([Started("1", "m"), Finish("stop", response={"timings": 1})]).model == "m"


@pytest.mark.parametrize(
    ("raw", "value"),
    [
        ('{"a": 1}', {"a": 1}),
        ("", {}),
        ('{"a"', None),
        ("[" * 100_000, None),
        ("3", 3),
        ("null", None),
        ("NaN", None),
        ('{"a": -Infinity}', None),
        ('{"a": 1e400}', None),
        ('{"a": [-1e400]}', None),
        ('{"a": 1e-400}', {"a": 0.0}),
    ],
)
def test_arguments_that_are_no_json_are_none(raw, value):
    assert parse_arguments(raw) == value
