from __future__ import annotations

from laws import OperatorLaws

from rxllm.operators.usage import usage
from rxllm.testing import play


class TestLaws(OperatorLaws):
    operator = usage()
    source = "{usage 3 1}-a-{finish stop usage={usage 3 2}}|"
    played = "{usage 3 1}---{usage 3 2}|"
    failed = "{usage 3 1}---{usage 3 2}#"


def test_what_the_finish_repeats_is_told_once():
    assert play(usage(), "{usage 3 2}-({finish stop usage={usage 3 2}}|)") == "{usage 3 2}-|"


def test_a_finish_without_numbers_tells_nothing():
    assert play(usage(), "a-({finish stop}|)") == "--|"


def test_what_was_estimated_after_a_cancel_says_so():
    source = "a-({finish cancelled usage={usage output_tokens=1 estimated=True}}|)"
    assert play(usage(), source) == "--({usage output_tokens=1 estimated=True}|)"
