from __future__ import annotations

import pytest
import reactivex

from rxllm.items import TextDelta
from rxllm.operators import text
from rxllm.testing import lifetimes, play, subscribers


@pytest.mark.parametrize(
    ("source", "result"),
    [
        ("a-b-|", "a-b-|"),
        ("|", "|"),
        ("a-#", "a-#"),
        ("-{reason hm}-a|", "---a|"),
        ("({started one}a{refusal no}{usage 3 5}{ping}{call 0 f}b{finish stop}|)", "(ab|)"),
    ],
)
def test_it_gives_the_characters_of_the_answer_and_nothing_else(source, result):
    assert play(text(), source) == result


def test_it_gives_the_choice_that_was_asked_for():
    assert play(text(choice=1), "a-{text b choice=1}-|") == "--b-|"


def test_it_gives_str():
    assert reactivex.of(TextDelta("a")).pipe(text()).run() == "a"


def test_leaving_it_leaves_the_source_in_the_same_frame():
    assert lifetimes(text(), "a-b-c-|", until=3) == ["^--!"]


def test_each_subscriber_has_its_own():
    assert subscribers(text(), "a-b-c|", "^", "-^") == ["a-b-c|", "--b-c|"]
