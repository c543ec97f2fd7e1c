from __future__ import annotations

from rxllm.completion import accumulate, fold
from rxllm.items import ChoiceFinished, Finish, Rollback, Started, TextDelta, ToolCall, Usage
from rxllm.turn_items import AgentCompleted, TurnCompleted, TurnStarted

RUN = [
    TurnStarted(1),
    Started("one", "m"),
    TextDelta("Let me look."),
    ToolCall(0, "c", "f"),
    ChoiceFinished(0, "tool_calls"),
    Usage(1, 2),
    TurnCompleted(1, Usage(1, 2)),
    TurnStarted(2),
    TextDelta("Sun"),
    Usage(3, 4),
    TurnCompleted(2, Usage(3, 4)),
    AgentCompleted(5.0, Usage(4, 6), {"weather": "sun"}),
    Finish("stop", usage=Usage(4, 6)),
]


def test_the_text_is_that_of_the_last_turn_also_where_it_has_no_started():
    assert (fold(RUN).text, fold(RUN).tool_calls) == ("Sun", [])


def test_turns_tell_each_turn_with_its_own_usage():
    assert [(t.text, t.usage, t.finish_reason) for t in fold(RUN).turns] == [
        ("Let me look.", Usage(1, 2), "tool_calls"),
        ("Sun", Usage(3, 4), None),
    ]


def test_the_usage_of_the_whole_is_that_of_all_turns():
    assert fold(RUN).usage == Usage(4, 6)


def test_the_output_is_that_of_the_agent():
    assert fold(RUN).output == {"weather": "sun"}


def test_a_completion_without_turns_is_its_own_only_turn():
    completion = fold([TextDelta("a")])
    assert completion.turns == [completion]


def test_a_rollback_in_a_later_turn_leaves_the_earlier_one():
    rolled = accumulate(fold([*RUN[:8], TextDelta("Ra")]), Rollback(1))
    assert [turn.text for turn in accumulate(rolled, TextDelta("Sun")).turns] == ["Let me look.", "Sun"]
