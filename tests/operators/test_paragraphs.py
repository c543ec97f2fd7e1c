from __future__ import annotations

import pytest
from cutting import CuttingLaws, through
from laws import OperatorLaws

from rxllm.items import TextDelta
from rxllm.operators.paragraphs import paragraphs
from rxllm.testing import play


class TestLaws(OperatorLaws):
    operator = paragraphs()
    source = r"a-'b\n'-'\nc'-d-|"
    played = r"----'ab\n\n'---('cd'|)"
    failed = r"----'ab\n\n'---('cd'#)"


class TestCutting(CuttingLaws):
    operator = paragraphs()
    alphabet = ("a", " ", "\n", "\n\n", "\r\n", "\t", "b c")
    recuts = True


class TestBlanks(CuttingLaws):
    """White space that may be the next paragraph's indent, or the blank lines before it."""

    operator = paragraphs()
    alphabet = ("\n", " ")
    recuts = True
    piece = "\n "


def cut(text: str) -> list[str]:
    return [item.text for item in through(paragraphs(), [TextDelta(text)])]


@pytest.mark.parametrize(
    "pieces",
    [
        ["one\ntwo\n\n", "three"],
        ["one\n\n\n \n", "two\n"],
        ["one\r\n\r\n", "two"],
        ["one\n \t\n", "    indented"],
        ["\n\nfirst\n\n", "second\n\n"],
        ["no border\n  here"],
    ],
)
def test_a_blank_line_is_the_border_and_belongs_to_what_is_before_it(pieces):
    assert cut("".join(pieces)) == pieces


def test_a_paragraph_leaves_when_the_next_one_begins():
    assert play(paragraphs(), r"a'\n\n'-'\n'-b|") == r"-----'a\n\n\n'(b|)"


def test_a_text_of_blanks_is_one_piece():
    assert cut(" \n\n \n") == [" \n\n \n"]


def test_an_item_with_a_place_keeps_it():
    assert play(paragraphs(), r"a'\n'{tool_call 0 id f}'\nb'|") == r"--('a\n'{tool_call 0 id f})-('\nb'|)"
