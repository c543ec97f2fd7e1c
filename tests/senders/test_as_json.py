from __future__ import annotations

import dataclasses
import json
from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest
from pydantic import BaseModel, Field, RootModel

from rxllm.items import Stamped, TextDelta, Usage, item_types, item_union
from rxllm.senders.as_json import as_json
from rxllm.turn_items import ToolCompleted, TurnCompleted


class Weather(BaseModel):
    city: str
    inside: object = None
    key: str = Field(default="secret", exclude=True)


@dataclasses.dataclass
class Trip:
    to: object
    back: object = None


class Mute:
    def __str__(self) -> str:
        raise OSError("gone")


ENDLESS: dict[str, Any] = {"a": 1}
ENDLESS["self"] = [ENDLESS]
AGAIN = Trip(1)
AGAIN.back = AGAIN


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
        (datetime(2026, 1, 2, tzinfo=UTC), "2026-01-02T00:00:00Z"),
        (
            Weather(city="Rome", inside=datetime(2026, 1, 2, tzinfo=UTC)),
            {"city": "Rome", "inside": "2026-01-02T00:00:00Z"},
        ),
        (b"\xff\x00", "/wA="),
        ([Weather(city="Rome", inside=b"\xff"), "\ud83d"], [{"city": "Rome", "inside": "/w=="}, "\ufffd"]),
        (RootModel[list[int]]([1]), [1]),
        (Trip(Weather(city="Rome")), {"to": {"city": "Rome", "inside": None}, "back": None}),
        (ENDLESS, {"a": 1, "self": ["…"]}),
        ([AGAIN, {(1,): 2}], ["Trip(to=1, back=...)", {"(1,)": 2}]),
        ([Mute(), {1, 2}], ["<Mute>", [1, 2]]),
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


def test_what_is_nested_too_deeply_is_cut_and_not_refused():
    deep: list[Any] = []
    for _ in range(100_000):
        deep = [deep]
    assert b'["\xe2\x80\xa6"]' in as_json(ToolCompleted(0, "t", 1.0, deep))


def test_every_item_beside_something_odd_keeps_its_own_form():
    assert result_of([{"when": datetime(2026, 1, 2, tzinfo=UTC), (1, 2): "x"}]) == [
        {"when": "2026-01-02T00:00:00Z", "(1, 2)": "x"}
    ]
