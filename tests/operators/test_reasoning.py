from __future__ import annotations

import pytest
from laws import OperatorLaws

from rxllm.operators.reasoning import reasoning
from rxllm.testing import play


class TestLaws(OperatorLaws):
    operator = reasoning()
    source = "{reason a}-b-{reason c}|"
    played = "a---c|"
    failed = "a---c#"


@pytest.mark.parametrize("item", ["a", "{refusal no}", "{usage 3 5}", "{ping}", "{call 0 f}", "{reasoning whole}"])
def test_it_gives_nothing_else(item):
    assert play(reasoning(), f"-{item}|") == "--|"


def test_it_gives_the_choice_that_was_asked_for():
    assert play(reasoning(1), "{reason a}{reason b choice=1}|") == "-b|"
