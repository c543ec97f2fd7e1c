from __future__ import annotations

import pytest
from cutting import CuttingLaws, through
from laws import OperatorLaws

from rxllm.items import Rollback, Started, TextDelta
from rxllm.operators.code_blocks import CodeBlock, code_blocks
from rxllm.testing import play


class TestLaws(OperatorLaws):
    operator = code_blocks()
    source = r"'```c\na'-'\n`'-'``\nb'-|"
    played = r"'```c\na'-'\n`'-('``\n'{code_block c 'a\n'}b)-|"
    failed = r"'```c\na'-'\n`'-('``\n'{code_block c 'a\n'}b)-#"


class TestCutting(CuttingLaws):
    operator = code_blocks()
    alphabet = ("```", "~~~", "`", "\n", "\n```\n", "\n```py\n", "  ", "a", "\r\n", "\t", "`" * 4)


class TestInLists(CuttingLaws):
    operator = code_blocks()
    alphabet = ("- ", "1. ", "```", "```py", "\n", "\n  ```\n", "  ", "a")
    piece = "- a\n"


class TestWithinCode(CuttingLaws):
    operator = code_blocks()
    alphabet = ("```\n", "a\n", "``", "  ```py\n", "    b\n")
    piece = "`x "


def blocks(text: str) -> list[CodeBlock]:
    return [item for item in through(code_blocks(), [TextDelta(text)]) if isinstance(item, CodeBlock)]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("```python\nx = 1\n```\n", [CodeBlock("python", "x = 1\n")]),
        ("```python title=a.py\nx\n```\n", [CodeBlock("python", "x\n")]),
        ("```\nx\n```\n", [CodeBlock("", "x\n")]),
        ("~~~c\n```\n~~~\n", [CodeBlock("c", "```\n")]),
        ("````md\n```py\nx\n```\n````\n", [CodeBlock("md", "```py\nx\n```\n")]),
        ("- item\n\n  ```py\n  if a:\n      b\n  ```\n", [CodeBlock("py", "if a:\n    b\n")]),
        ("- ```js\n  y\n  ```\n\nprose\n\n```py\nx\n```\n", [CodeBlock("js", "y\n"), CodeBlock("py", "x\n")]),
        ("10. a\n11. ~~~\n    if b:\n        c\n    ~~~\n", [CodeBlock("", "if b:\n    c\n")]),
        ("```py\n\n\nx\n\n```\n", [CodeBlock("py", "\n\nx\n\n")]),
        ("```py\nx = '```'\n```\n", [CodeBlock("py", "x = '```'\n")]),
        ("a ```py\nb\n", []),
        ("```inline```\nb\n", []),
        ("``\nx\n``\n", []),
        ("```py\r\nx\r\n```\r\n", [CodeBlock("py", "x\r\n")]),
        ("```a\n1\n```\n```b\n2\n```\n", [CodeBlock("a", "1\n"), CodeBlock("b", "2\n")]),
    ],
)
def test_a_block_has_its_language_and_its_code(text, found):
    assert blocks(text) == found


def test_a_closing_fence_needs_no_line_feed_at_the_end_of_the_text():
    assert blocks("```c\na\n```") == [CodeBlock("c", "a\n")]


def test_code_that_is_cut_off_is_given_and_marked():
    assert blocks("```c\na\nb") == [CodeBlock("c", "a\nb", closed=False)]


def test_text_passes_at_once():
    assert play(code_blocks(), r"'``'-`-'\nx'-|") == r"'``'-`-'\nx'-({code_block '' x closed=False}|)"


def test_an_error_flushes_the_code_that_has_begun():
    assert play(code_blocks(), r"'```c\na'-#") == r"'```c\na'-({code_block c a closed=False}#)"


def test_a_tool_call_ends_the_code_of_its_choice():
    played = play(code_blocks(), r"'```c\na'{tool_call 0 id f}'```'|")
    assert (
        played == r"'```c\na'({code_block c a closed=False}{tool_call 0 id f})'```'({code_block '' '' closed=False}|)"
    )


def test_a_rollback_forgets_the_code_that_has_begun():
    items = [Started("1"), TextDelta("```c\na"), Rollback(1), Started("2"), TextDelta("b\n")]
    assert through(code_blocks(), items) == items


def test_a_delta_that_closes_nothing_is_the_very_same_item():
    item = TextDelta("plain\ntext")
    assert through(code_blocks(), [item])[0] is item
