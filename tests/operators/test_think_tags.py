from __future__ import annotations

import pytest
from cutting import CuttingLaws, merged, through
from laws import OperatorLaws

from rxllm.completion import fold
from rxllm.errors import ConfigurationError
from rxllm.items import ReasoningDelta, Rollback, Started, TextDelta, ToolCall
from rxllm.operators.think_tags import think_tags
from rxllm.testing import play


class TestLaws(OperatorLaws):
    operator = think_tags()
    source = "'<think>a'-'</th'-'ink>b<'-|"
    played = "{reason a}---b-(<|)"
    failed = "{reason a}---b-(<#)"


class TestCutting(CuttingLaws):
    operator = think_tags()
    alphabet = ("<think>", "</think>", "<", "<thi", "</think", "a", ">", "n")
    keeps_text = False
    piece = "<<"


def test_tags_go_and_every_other_character_stays():
    completion = fold(through(think_tags(), [TextDelta("a <think>b\n<c></think>\n\nd")]))
    assert (completion.text, completion.reasoning) == ("a \n\nd", "b\n<c>")


def test_what_may_be_a_tag_is_held_back_and_nothing_else():
    assert play(think_tags(), "'a<'-b-<-t-h-e-|") == "a-'<b'-------'<the'-|"


def test_what_became_no_tag_is_text():
    assert play(think_tags(), "'<thin'-g|") == "--'<thing'|"


def test_what_is_never_closed_is_reasoning_to_the_end():
    assert play(think_tags(), "'<think>a</'|") == "{reason a}({reason '</'}|)"


def test_an_opening_tag_within_the_reasoning_is_reasoning():
    assert play(think_tags(), "'<think><think></think>'|") == "{reason '<think>'}|"


def test_a_server_may_have_opened_the_tag_itself():
    assert play(think_tags(opened=True), "'hm</think>'-a|") == "{reason hm}-a|"


def test_the_tag_may_have_another_name():
    assert play(think_tags("reasoning"), "'<reasoning>hm'-'</reasoning>'a|") == "{reason hm}--a|"


def test_reasoning_goes_on_behind_an_item_with_a_place():
    items = [TextDelta("<think>a"), ToolCall(0), TextDelta("b</think>c")]
    assert through(think_tags(), items) == [ReasoningDelta("a"), ToolCall(0), ReasoningDelta("b"), TextDelta("c")]


def test_another_request_begins_outside():
    items = [TextDelta("<think>a"), Started("2"), TextDelta("b"), TextDelta("<think>"), Rollback(1), TextDelta("c")]
    assert merged(through(think_tags(), items)) == [
        ReasoningDelta("a"),
        Started("2"),
        TextDelta("b"),
        Rollback(1),
        TextDelta("c"),
    ]


@pytest.mark.parametrize("tag", ["", "<think>", "a b"])
def test_a_tag_that_is_no_name_is_refused(tag):
    with pytest.raises(ConfigurationError, match="bare name"):
        think_tags(tag)
