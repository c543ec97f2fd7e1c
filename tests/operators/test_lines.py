from __future__ import annotations

import pytest
from cutting import CuttingLaws, through
from laws import OperatorLaws

from rxllm.items import ProviderEvent, Rollback, Source, Started, TextDelta, ToolCall
from rxllm.operators.lines import lines
from rxllm.testing import play


class TestLaws(OperatorLaws):
    operator = lines()
    source = r"a-'b\nc'-'d\n\ne'-|"
    played = r"--'ab\n'-('cd\n''\n')-(e|)"
    failed = r"--'ab\n'-('cd\n''\n')-(e#)"


class TestCutting(CuttingLaws):
    operator = lines()
    alphabet = ("a", " b", "\n", "\r\n", "é", "\u2028")
    recuts = True


def test_it_is_split_with_the_line_feeds_kept():
    text = "one\n\ntwo\r\nthree\u2028still three\n"
    assert [item.text for item in through(lines(), [TextDelta(text)])] == [
        "one\n",
        "\n",
        "two\r\n",
        "three\u2028still three\n",
    ]


def test_a_line_leaves_with_its_line_feed_and_not_before():
    assert play(lines(), r"a-b-'\n'-c|") == r"----'ab\n'--(c|)"


def test_a_last_line_without_a_line_feed_comes_at_the_end():
    assert play(lines(), "ab|") == "--('ab'|)"


@pytest.mark.parametrize("item", ["{tool_call 0 id f}", "{reasoning hm}", "{reason hm}", "{started one}"])
def test_an_item_with_a_place_keeps_it(item):
    assert play(lines(), f"ab{item}|") == f"--('ab'{item})|"


def test_an_item_of_another_choice_cuts_nothing():
    assert play(lines(), r"a{tool_call 0 id f choice=1}'b\n'|") == r"-{tool_call 0 id f choice=1}'ab\n'|"


def test_each_choice_has_lines_of_its_own():
    items = [TextDelta("a"), TextDelta("x", 1), TextDelta("b\n"), TextDelta("y\n", 1)]
    assert through(lines(), items) == [TextDelta("ab\n"), TextDelta("xy\n", 1)]


def test_an_item_without_a_choice_ends_the_lines_of_all():
    items = [TextDelta("a"), TextDelta("x", 1), ProviderEvent("new")]
    assert through(lines(), items) == [TextDelta("a"), TextDelta("x", 1), ProviderEvent("new")]


def test_a_rollback_forgets_and_a_started_flushes():
    items = [TextDelta("a"), Rollback(1), Started(), TextDelta("b"), Started(), TextDelta("c\n")]
    assert through(lines(), items) == [Rollback(1), Started(), TextDelta("b"), Started(), TextDelta("c\n")]


def test_what_was_flushed_is_not_told_twice():
    items = [TextDelta("a"), ToolCall(0), Source(), TextDelta("b\n")]
    assert through(lines(), items) == [TextDelta("a"), ToolCall(0), Source(), TextDelta("b\n")]
