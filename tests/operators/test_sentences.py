from __future__ import annotations

import re
from pathlib import Path

import pytest
from cutting import CuttingLaws, through
from laws import OperatorLaws

from rxllm.errors import ConfigurationError
from rxllm.items import TextDelta
from rxllm.operators.sentences import sentences
from rxllm.testing import play

MARKED = Path(__file__).with_name("sentences_300.txt")


class TestLaws(OperatorLaws):
    operator = sentences()
    source = "'He'-'. '-B-c-|"
    played = "----'He. '---('Bc'|)"
    failed = "----'He. '---('Bc'#)"


class TestEnglish(CuttingLaws):
    operator = sentences(longest=30)
    alphabet = (
        "a",
        "B",
        " ",
        ". ",
        ".",
        "! ",
        "? ",
        "Mr. ",
        "U.S. ",
        "etc. The",
        '" ',
        "... I",
        "3.5",
        "no. 4",
        "[1] ",
    )
    recuts = True


class TestLines(CuttingLaws):
    operator = sentences(longest=30)
    alphabet = ("a", "B", "\n", "\n\n", "- ", "1. ", "# ", ".", " ", "|", "```", "Fig. I")
    recuts = True


class TestChinese(CuttingLaws):
    operator = sentences(longest=20)
    alphabet = ("好", "。", "！", "”", "“", "他说", "……", "，", "と", "1.5", "道", "．", "?")  # noqa: RUF001 - they are meant
    recuts = True
    piece = "好好"


def cut(text: str, longest: int = 400) -> list[str]:
    return [item.text for item in through(sentences(longest), map(TextDelta, text))]


@pytest.mark.parametrize(
    "pieces",
    [
        ["Dr. No met Mr. J. R. Smith. ", "He left."],
        ["It costs $3.50, e.g. at Co-op Inc. in Rome. ", "Really? ", "Yes!"],
        ["See example.com/a.b for v. 2.1. ", "It works."],
        ["Well... I see. ", "Wait... ", "What?"],
        ['"Stop!" he said. ', '"Why?" ', "She left."],
        [
            "He lives in the U.S. Army base. ",
            "At 5 p.m. ",
            "The show begins in the U.S. ",
            "It is No. 5 of 9. ",
            "No. ",
            "Ok",
        ],
        ["Done.[1] ", "Next [2]."],
        ["# Title\n", "Text.\n", "- one\n", "- two\n\n", "End"],
        ["1. First.\n", "2. Second."],
        ["wrapped\nline. ", "Next"],
        ["你好！", "我是小王。", "“真的？”他问。", "是的……我知道。"],  # noqa: RUF001 - they are meant
        ["「はい。」と言った。", "３．５倍です。", "そう？", "ね"],  # noqa: RUF001 - they are meant
        ["真的?", "我不信!", "好"],
        ["नमस्ते। ", "फिर"],
    ],
)
def test_sentences_end_where_a_reader_would_end_them(pieces):
    assert cut("".join(pieces)) == pieces


def test_a_sentence_leaves_as_soon_as_the_next_word_begins():
    assert play(sentences(), "'Hi.'-' '-B-y|") == "----'Hi. '--('By'|)"


def test_a_decimal_is_waited_for():
    assert play(sentences(), "'It is 3.'-'5.'-|") == "----('It is 3.5.'|)"


def test_a_long_sentence_is_cut_at_a_pause():
    assert cut("one two three, four five six seven", 20) == ["one two three, ", "four five six seven"]


def test_a_long_sentence_without_a_pause_is_cut_between_words():
    assert cut("one two three four five six seven", 20) == ["one two three four ", "five six seven"]


def test_a_word_that_is_too_long_is_cut_but_never_within_a_letter():
    pieces = cut("e\u0301" * 25, 21)
    assert [len(piece) for piece in pieces] == [20, 20, 10]


def test_no_piece_is_longer_than_asked():
    assert max(map(len, cut("word " * 100 + "x" * 100 + "。" * 100 + "." * 100 + " " * 100, 40))) <= 40


def test_an_item_with_a_place_keeps_it():
    assert play(sentences(), "'Let me see.'{tool_call 0 id f}|") == "-('Let me see.'{tool_call 0 id f})|"


def test_a_limit_too_small_for_words_is_refused():
    with pytest.raises(ConfigurationError, match="at least 20"):
        sentences(5)


def marked() -> tuple[str, set[int]]:
    """The text, one sentence a line in the file, and how many characters that are no space are before each border."""
    text = ""
    borders: set[int] = set()
    for block in MARKED.read_text(encoding="utf-8").strip().split("\n\n"):
        text += "\n\n" if text else ""
        before = ""
        for line in block.split("\n"):
            if before:
                listed = any(re.match(r"[-#]|\d\. ", each) for each in (before, line))
                wide = all(re.match("[“\u3000-\uffef]", each) for each in (before, line))
                text += "\n" if listed else "" if wide else " "
            borders.add(len("".join(text.split())))
            text += line
            before = line
    return text, borders - {0}


def test_at_least_95_percent_of_the_borders_in_300_sentences_are_right():
    text, right = marked()
    assert len(right) == 299
    found: set[int] = set()
    length = 0
    for piece in cut(text):
        length += len("".join(piece.split()))
        found.add(length)
    found.discard(length)
    assert len(found & right) / len(found | right) >= 0.95  # a border too many is as wrong as one too few
