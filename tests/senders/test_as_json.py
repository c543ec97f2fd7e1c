from __future__ import annotations

import json

import msgspec
import pytest
from pydantic import BaseModel

from rxllm.items import Stamped, TextDelta, Usage, item_types, item_union
from rxllm.senders.as_json import as_json
from rxllm.turn_items import ToolCompleted, TurnCompleted


class Weather(BaseModel):
    city: str
    inside: object = None


def result_of(value) -> object:
    return json.loads(as_json(ToolCompleted(0, "t", 1.0, value)))["result"]


@pytest.mark.parametrize(
    ("value", "told"),
    [
        ({"a": [1, 2.5, None, True]}, {"a": [1, 2.5, None, True]}),
        (Weather(city="Rome"), {"city": "Rome", "inside": None}),
        ([Weather(city="Rome", inside=3j)], [{"city": "Rome", "inside": "3j"}]),
        ({(1, 2): "x"}, {"(1, 2)": "x"}),
        ("half \ud83d", "half \ufffd"),
        ({"\ud83d": {"\ude00"}}, {"\ufffd": ["\ufffd"]}),
        ([Usage(output_tokens=3), 3j], [{"kind": "Usage", "output_tokens": 3}, "3j"]),
    ],
)
def test_a_tools_result_may_be_anything(value, told):
    assert result_of(value) == told


def test_the_long_way_gives_what_the_short_way_gives():
    item = TurnCompleted(1, Usage(input_tokens=3))
    odd = Stamped(1, 0.5, ToolCompleted(0, "t", 1.0, [item, 3j]))
    assert json.loads(as_json(odd))["item"]["result"] == [json.loads(msgspec.json.encode(item)), "3j"]


def test_what_it_writes_can_be_read_back():
    item = TextDelta("a\r\nb\u2028", choice=1)
    line = as_json(item)
    assert b"\n" not in line
    assert msgspec.json.decode(line, type=item_union()) == item
    assert ToolCompleted in item_types()
