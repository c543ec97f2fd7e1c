"""What `partial` gives again because nobody has kept it: nobody may see that."""

from __future__ import annotations

import json
import re
from itertools import cycle
from typing import Any

import pytest
import reactivex
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel

from rxllm.items import TextDelta
from rxllm.operators._partial_lent import lent
from rxllm.operators._partial_nothing import NOTHING
from rxllm.operators.partial import partial

SPOILERS = {
    "sorts": lambda rows: rows.sort(key=str, reverse=True),
    "takes the last": lambda rows: rows and rows.pop(),
    "takes the first": lambda rows: rows and rows.pop(0),
    "adds": lambda rows: rows.append("mine"),
    "adds in front": lambda rows: rows.insert(0, "mine"),
    "replaces one": lambda rows: rows.__setitem__(slice(0, 1), ["mine"]),
    "empties": lambda rows: rows.clear(),
    "puts in what cannot be compared": lambda rows: rows.__setitem__(slice(0, 1), [Incomparable()]),
    "does nothing": lambda rows: None,
}


class Incomparable:
    __hash__ = None

    def __eq__(self, _):
        raise RuntimeError


@given(st.lists(st.tuples(st.integers(0, 3), st.booleans(), st.sampled_from(["keep", *SPOILERS]))))
def test_each_list_is_what_has_grown_so_far_and_stays_so_whatever_is_done_to_others(steps):
    growing: list[Any] = []
    so_far = lent(growing)
    kept: list[tuple[Any, Any]] = []
    for step, (more, is_open, then) in enumerate(steps):
        growing += [f"{step}.{number}" for number in range(more)]
        expected = [*growing, f"{step} open"] if is_open else [*growing]
        shown = so_far("", f"{step} open" if is_open else NOTHING)
        assert shown == expected
        if then == "keep":
            kept.append((shown, expected))
        else:
            SPOILERS[then](shown)
        del shown
        assert all(mine == before for mine, before in kept)


def test_a_list_that_nobody_has_kept_beyond_the_next_is_not_copied():
    growing = [object() for _ in range(5)]
    so_far = lent(growing)
    latest: Any = None
    seen: set[int] = set()
    for _ in range(20):
        latest = so_far("", "open")  # those that are lent exist as long as it does, so that no other has their id
        seen.add(id(latest))
        growing.append(object())
    assert len(seen) == 2
    kept = [so_far("", NOTHING) for _ in range(4)]
    assert len({*map(id, kept)} - seen) == 3  # but for the one that nobody had when it was asked for


class Row(BaseModel):
    id: int
    name: str


class Table(BaseModel):
    title: str = ""
    rows: list[Row]


DOCUMENT = json.dumps({"title": "a", "rows": [{"id": number, "name": f"row {number}"} for number in range(12)]})


def shown_to(reader, pieces):
    """What there was to be seen in each value before the reader had it."""
    told: list[Any] = []

    def look(handle):
        if not handle.closed:
            value = handle.value
            told.append(repr(value))
            reader(value)

    reactivex.from_iterable(map(TextDelta, pieces)).pipe(partial(Table)).subscribe(look)
    return told


@pytest.mark.parametrize("spoil", SPOILERS.values(), ids=SPOILERS)
@pytest.mark.parametrize("cut", [".{1,4}", ".{1,9}", "[^}]*}|[^}]+"])
def test_a_reader_who_changes_an_open_list_and_lets_it_go_spoils_no_later_value(spoil, cut):
    pieces = re.findall(cut, DOCUMENT)

    kept: list[Any] = []  # who keeps all values gets a copy each time
    spoiled = shown_to(lambda value: spoil(value.rows or []) if value else None, pieces)
    assert spoiled == shown_to(kept.append, pieces)


def test_what_a_reader_keeps_of_a_value_never_changes():
    ways = cycle([lambda value: value, lambda value: value.rows, lambda value: iter(value.rows), lambda _: []])
    kept: list[tuple[Any, str]] = []

    def keep_something(value):
        if value and value.rows:
            kept.append((next(ways)(value), repr([*value.rows])))

    shown_to(keep_something, re.findall(".{1,5}", DOCUMENT))
    assert len(kept) > 50
    for something, before in kept:
        assert something == [] or repr([*getattr(something, "rows", something)]) == before
