from __future__ import annotations

from laws import OperatorLaws
from reactivex import operators as rx

from rxllm.items import TextDelta, Usage
from rxllm.operators.tag import Tagged, tag
from rxllm.testing import play

VALUES = {"A": Tagged("calm", TextDelta("a")), "B": Tagged("calm", TextDelta("b"))}


class TestLaws(OperatorLaws):
    operator = tag("calm")
    source = "a-b|"
    played = "A-B|"
    failed = "A-B#"
    values = VALUES


def test_structural_items_are_tagged_too():
    assert play(tag("x"), "{usage 1 2}|", U=Tagged("x", Usage(1, 2))) == "U|"


def test_it_equals_a_map():
    plain = rx.map(lambda item: Tagged("calm", item))
    assert play(tag("calm"), "a-b#", **VALUES) == play(plain, "a-b#", **VALUES) == "A-B#"
