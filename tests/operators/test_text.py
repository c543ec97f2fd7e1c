from __future__ import annotations

import pytest
import reactivex
from laws import OperatorLaws

from rxllm.items import TextDelta
from rxllm.operators import text
from rxllm.testing import play


class TestLaws(OperatorLaws):
    operator = text()
    source = "a-{reason hm}-b|"
    played = "a---b|"
    failed = "a---b#"


@pytest.mark.parametrize(
    ("source", "result"),
    [
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
