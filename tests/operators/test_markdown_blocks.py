from __future__ import annotations

import pytest
from cutting import CuttingLaws, through
from laws import OperatorLaws

from rxllm.items import Ping, Rollback, Started, TextDelta
from rxllm.operators.markdown_blocks import MarkdownBlock, markdown_blocks
from rxllm.testing import play


class TestLaws(OperatorLaws):
    operator = markdown_blocks()
    source = r"a-'b\n'-'\n- c'-|"
    played = r"a-'b\n'-({markdown_block paragraph ab}'\n- c')-({markdown_block list '- c'}|)"
    failed = r"a-'b\n'-({markdown_block paragraph ab}'\n- c')-({markdown_block list '- c'}#)"


class TestCutting(CuttingLaws):
    operator = markdown_blocks()
    alphabet = (
        "a",
        "\n",
        "\n\n",
        "# ",
        "- ",
        "* ",
        "1. ",
        "```",
        "~~~",
        "|",
        "|-|",
        "---",
        "> ",
        "  ",
        "=",
        "\r\n",
        "`",
    )


class TestTables(CuttingLaws):
    operator = markdown_blocks()
    alphabet = ("| a | b |\n", "|---|---|\n", "a | b\n", "--|--\n", "text\n", "\n", "- x\n")
    piece = "|-"


class TestLists(CuttingLaws):
    operator = markdown_blocks()
    alphabet = ("- a\n", "  - b\n", "  ```\n", "\n", "  c\n", "d\n", "1. e\n", "```\n", "- ```py\n", "***\n")
    piece = "- a\n"


class TestFences(CuttingLaws):
    operator = markdown_blocks()
    alphabet = ("```\n", "```py\n", "~~~\n", "````\n", "a\n", "\n", " ")
    piece = " "


def blocks(text: str) -> list[MarkdownBlock]:
    return [item for item in through(markdown_blocks(), [TextDelta(text)]) if isinstance(item, MarkdownBlock)]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("a\nb\n\nc\n", [("paragraph", "a\nb"), ("paragraph", "c")]),
        ("# A\nb\n", [("heading", "# A"), ("paragraph", "b")]),
        ("A\n===\nb\n---\n", [("heading", "A\n==="), ("heading", "b\n---")]),
        ("#a\n", [("paragraph", "#a")]),
        ("- a\n- b\n\n- c\n\nd\n", [("list", "- a\n- b\n\n- c"), ("paragraph", "d")]),
        ("- a\n  - b\n\n  c\n- d\n", [("list", "- a\n  - b\n\n  c\n- d")]),
        ("- a\nlazy\n* b\n", [("list", "- a\nlazy"), ("list", "* b")]),
        ("1. a\n2. b\n", [("list", "1. a\n2. b")]),
        ("born in\n1986. A year\n", [("paragraph", "born in\n1986. A year")]),
        ("a:\n- b\n", [("paragraph", "a:"), ("list", "- b")]),
        ("- a\n  ```\n  x\n\n- y\n  ```\n- b\n", [("list", "- a\n  ```\n  x\n\n- y\n  ```\n- b")]),
        ("|a|b|\n|-|-|\n|1|2|\n\nc\n", [("table", "|a|b|\n|-|-|\n|1|2|"), ("paragraph", "c")]),
        ("see:\n|a|\n|-|\n", [("paragraph", "see:"), ("table", "|a|\n|-|")]),
        ("a | b\n--|--\n1 | 2\n# C\n", [("table", "a | b\n--|--\n1 | 2"), ("heading", "# C")]),
        ("|a|b|\nno table\n", [("paragraph", "|a|b|\nno table")]),
        ("> a\n> b\nlazy\n\nc\n", [("quote", "> a\n> b\nlazy"), ("paragraph", "c")]),
        ("a\n\n***\n- - -\n", [("paragraph", "a"), ("rule", "***"), ("rule", "- - -")]),
        ("a\n```\n\n# x\n```\nb\n", [("paragraph", "a"), ("code", "```\n\n# x\n```"), ("paragraph", "b")]),
        ("```a```\n", [("paragraph", "```a```")]),
        ("~~~\n```\n~~~\n", [("code", "~~~\n```\n~~~")]),
        ("**bold** a\n", [("paragraph", "**bold** a")]),
        ("\n\n \n", []),
    ],
)
def test_blocks_are_found_as_models_write_them(text, found):
    assert [(block.type, block.text) for block in blocks(text)] == found


def test_code_has_its_language():
    assert blocks("```python x=1\na\n```\n") == [MarkdownBlock("code", "```python x=1\na\n```", language="python")]


def test_code_that_is_cut_off_is_given_and_marked():
    assert blocks("```c\na") == [MarkdownBlock("code", "```c\na", language="c", closed=False)]


def test_code_that_is_closed_without_a_line_feed_is_closed():
    assert blocks("```\na\n```")[0].closed


def test_the_tail_is_live():
    assert play(markdown_blocks(), "a-b-c|") == "a-b-c({markdown_block paragraph abc}|)"


def test_only_the_beginning_of_a_line_waits():
    assert play(markdown_blocks(), "'#'-'# '-a-b|") == "--'## '-a-b({markdown_block heading '## ab'}|)"


def test_a_block_is_given_when_it_is_closed():
    played = play(markdown_blocks(), r"a-'\n'-'\n'-b|")
    assert played == r"a-'\n'-({markdown_block paragraph a}'\n')-b({markdown_block paragraph b}|)"


def test_no_delta_reaches_from_one_block_into_the_next():
    came = through(markdown_blocks(), [TextDelta("a\n# b\nc\n")])
    assert came == [
        TextDelta("a\n"),
        MarkdownBlock("paragraph", "a"),
        TextDelta("# b\n"),
        MarkdownBlock("heading", "# b"),
        TextDelta("c\n"),
        MarkdownBlock("paragraph", "c"),
    ]


def test_a_tool_call_ends_the_block_of_its_choice():
    played = play(markdown_blocks(), r"a'\n#'{tool_call 0 id f}|")
    assert played == r"a'\n'({markdown_block paragraph a}'#'{markdown_block heading '#'}{tool_call 0 id f})|"


def test_a_ping_ends_nothing():
    items = [TextDelta("```\na"), Ping(), TextDelta("\n```\n")]
    assert MarkdownBlock("code", "```\na\n```") in through(markdown_blocks(), items)


def test_a_rollback_forgets_the_open_block():
    items = [Started("1"), TextDelta("```\na"), Rollback(1), Started("2"), TextDelta("b")]
    assert through(markdown_blocks(), items) == [*items, MarkdownBlock("paragraph", "b")]
