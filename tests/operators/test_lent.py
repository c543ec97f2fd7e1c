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
from pydantic import BaseModel, TypeAdapter

from rxllm.items import TextDelta
from rxllm.operators._lent import lent
from rxllm.operators._nothing import NOTHING
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


@given(st.lists(st.tuples(st.sampled_from([0, 1, 2, 40]), st.booleans(), st.sampled_from(["keep", *SPOILERS]))))
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
    growing = [object() for _ in range(100)]
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
    tags: list[str]
    name: str


class Table(BaseModel):
    title: str = ""
    rows: list[Row]


ROWS = [{"id": number, "tags": ["a"], "name": f"row {number}"} for number in range(90)]  # more than are just copied
DOCUMENT = json.dumps({"title": "a", "rows": ROWS})


def rows_of(value):
    return value["rows"] if isinstance(value, dict) else value.rows


def shown_to(reader, pieces, of):
    """What there was to be seen in each value that has rows before the reader had it."""
    told: list[Any] = []

    def look(handle):
        value = handle.value
        if "rows" in repr(value) and rows_of(value):
            told.append(repr(value))
            reader(value)

    reactivex.from_iterable(map(TextDelta, pieces)).pipe(partial(of)).subscribe(look)
    return told


@pytest.mark.parametrize("of", [Table, dict])
@pytest.mark.parametrize("cut", [".{1,13}", "[^}]*}|[^}]+"])
@pytest.mark.parametrize("spoil", SPOILERS.values(), ids=SPOILERS)
def test_a_reader_who_changes_an_open_list_and_lets_it_go_spoils_no_later_value(spoil, cut, of):
    pieces = re.findall(cut, DOCUMENT[:-2])  # the list is open to the end
    kept: list[Any] = []  # who keeps all values gets a copy each time
    assert shown_to(lambda value: spoil(rows_of(value)), pieces, of) == shown_to(kept.append, pieces, of)
    whole = TypeAdapter(of).validate_json(DOCUMENT)
    assert kept[-1] == whole
    for value in kept:
        *closed, _ = rows_of(value)
        assert closed == rows_of(whole)[: len(closed)]


@pytest.mark.parametrize("of", [Table, dict])
def test_what_a_reader_keeps_of_a_value_never_changes(of):
    ways = cycle([lambda value: value, rows_of, lambda value: iter(rows_of(value)), lambda _: []])
    kept: list[tuple[Any, str]] = []
    shown_to(lambda value: kept.append((next(ways)(value), repr(rows_of(value)))), re.findall(".{1,9}", DOCUMENT), of)
    assert len(kept) > 200
    for something, before in kept:
        rows = rows_of(something) if isinstance(something, dict | Table) else something
        assert rows == [] or repr([*rows]) == before
