"""Rows of which `partial` lets pydantic tell what may be shown while they are open."""

from __future__ import annotations

import datetime as dt
import json
import re
from itertools import accumulate, pairwise
from typing import Annotated, Any, Literal

import pytest
import reactivex
from hypothesis import example, given, settings
from hypothesis import strategies as st
from pydantic import BaseModel, ConfigDict, Field, ValidationError, create_model

from rxllm.errors import DecodeError
from rxllm.items import TextDelta
from rxllm.operators._json_scan import JsonScanner
from rxllm.operators._json_unread import Unread
from rxllm.operators._partial_annotation import shape_of
from rxllm.operators._partial_growth import Growing
from rxllm.operators._partial_open import reader_of_open
from rxllm.operators.partial import partial


class Row(BaseModel):
    number: int
    share: float | None = None
    is_good: bool = True
    name: str = Field("unnamed", alias="n", description="whose it is")
    words: list[str] = []
    sizes: list[list[float | None]] | None
    note: str | None


class Rows(BaseModel):
    rows: list[Row]


FITTING = {
    "number": st.sampled_from([0, -1, 12, 10**30]),
    "share": st.sampled_from([None, 1, 0.5, -0.0, 1e300]),
    "is_good": st.booleans(),
    "n": st.text('ae1 "\\é狐😀,:}]', max_size=9),
    "words": st.lists(st.text('ae1 "\\é狐😀,:}]', max_size=9), max_size=3),
    "sizes": st.none() | st.lists(st.lists(st.sampled_from([None, 1, 2.5, 1e22]), max_size=3), max_size=3),
    "note": st.none() | st.text("ab", max_size=20),
    "unknown": st.sampled_from([1, "x", [[]], {"number": 1}]),
}
ODD = st.sampled_from([None, 1, 1.0, "1", "true", True, [1], ["a", 1], {"a": 1}, "x"])
ROW = st.fixed_dictionaries({}, optional=FITTING) | st.fixed_dictionaries(FITTING)
ODD_ROW = st.dictionaries(st.sampled_from(list(FITTING)), ODD, max_size=4)


DUMPS = [json.dumps, lambda value: json.dumps(value, ensure_ascii=False)]


def shown_while(pieces, of):
    """What there is to be seen with each piece, but for the whole, and the error."""
    told: list[str] = []
    errors: list[Exception] = []
    looks = reactivex.from_iterable(map(TextDelta, pieces)).pipe(partial(of))
    looks.subscribe(lambda handle: None if handle.closed else told.append(repr(handle.value)), errors.append)
    return told, errors


def in_steps(so_far, of):
    """What there is to be seen of a text that is read character by character."""
    scanner = JsonScanner()
    for character in so_far:
        scanner.feed(character)
    growing = Growing(shape_of(of), scanner, Unread(scanner), list)
    value = growing.value()
    return repr(value) if scanner.fault is None and growing.fault is None else None


@given(
    st.lists(ROW | ODD_ROW, min_size=1, max_size=5), st.lists(st.integers(0, 25), max_size=40), st.sampled_from(DUMPS)
)
@example([{"number": 1}, {"number": 2}, {"number": "3"}, {"number": 4}], [13, 15, 14, 15, 14, 13, 4, 1, 1], json.dumps)
@example([{"words": ["a"]}, {"is_good": "true"}, {"words": ["a", 1]}], [9, 16, 14, 12, 6, 3, 1], json.dumps)
@settings(deadline=None, max_examples=200)
def test_a_look_shows_what_reading_step_by_step_shows(rows, sizes, dumps):
    text = dumps({"rows": rows})
    ends = [0, *accumulate(sizes)]
    pieces = [text[start:end] for start, end in pairwise([*ends, max(len(text), ends[-1])])]
    told, errors = shown_while(pieces, Rows)
    begun = [so_far for so_far in accumulate(pieces) if so_far and so_far != text]
    expected = [in_steps(so_far, Rows) for so_far in begun]
    fits = [shown for shown in expected if shown is not None]
    assert told[: len(fits)] == fits
    if len(fits) < len(expected):
        assert errors


FIRST = '{"number": 1, "n": "a", "sizes": null, "note": ""}'


def open_row(so_far):
    """What is shown of a row that is open, behind one that has closed."""
    seen: list[Any] = []
    pieces = map(TextDelta, ['{"rows": [', FIRST, f", {so_far}"])
    reactivex.from_iterable(pieces).pipe(partial(Rows)).subscribe(lambda handle: seen.append(handle.value))
    first, row = seen[-1].rows
    assert first == Row.model_validate_json(FIRST)
    return row


@pytest.mark.parametrize(
    ("so_far", "shown"),
    [
        ("{", {}),
        ('{"number": 12', {}),
        ('{"number": 12,', {"number": 12}),
        ('{"n": "Rai', {"name": "Rai"}),
        ('{"n": "R\\u00', {"name": "R"}),
        ('{"is_good": fal', {}),
        ('{"is_good": false', {"is_good": False}),
        ('{"sizes": [[1, null', {"sizes": [[1.0, None]]}),
        ('{"unknown": [{"a": "b', {}),
    ],
)
def test_what_is_shown_of_an_open_row(so_far, shown):
    row = open_row(so_far)
    assert row.model_dump(exclude_unset=True) == shown
    without = {"number": None, "share": None, "is_good": True, "name": "unnamed", "words": [], "sizes": None}
    assert vars(row) == {**without, "note": None, **shown}


def test_an_open_row_is_an_instance_like_any_other():
    row = open_row('{"number": 2, "sizes": null,')
    assert (row.model_fields_set, row.model_extra, row.__pydantic_private__) == ({"number", "sizes"}, None, None)
    assert row.model_copy() == row == Row.model_construct(number=2, sizes=None, note=None)
    row.words.append("mine")
    assert open_row("{").words == []


class Other(BaseModel):
    name: str


class Several(BaseModel):
    rows: list[Row] = []
    others: list[Other] = []
    more: list[Row] = []


def test_rows_of_several_kinds_are_each_of_their_own():
    text = f'{{"rows": [{FIRST}, {FIRST}], "others": [{{"name": "a"}}, {{"name": "b"}}, {{"name": "'
    pieces = re.findall(".{1,7}|", text)  # and an empty one at the end
    told, _ = shown_while(pieces, Several)
    assert told == [in_steps(so_far, Several) for so_far in accumulate(pieces)]
    assert told[-1].endswith("others=[Other(name='a'), Other(name='b'), Other(name='')], more=[])")


@pytest.mark.parametrize(
    "pieces",
    [
        ['{"rows": [', FIRST, ' {"number": 2, "share":'],
        ['{"rows": [', FIRST, ", ", ', {"number": 2, "share":'],
        ['{"rows": [', FIRST, ']{"number": 2, "share":'],
    ],
)
def test_no_row_is_shown_where_none_may_stand(pieces):
    told, errors = shown_while(pieces, Rows)
    assert "number=2" not in "".join(told)
    assert isinstance(errors[0], DecodeError)


def test_a_piece_of_nothing_changes_nothing():
    told, _ = shown_while(['{"rows": [', FIRST, "", ", ", "", '{"number": 2, ', ""], Rows)
    first, second = "Row(number=1, share=None, is_good=True, name='a', words=[], sizes=None, note='')", "number=2"
    assert told[1] == told[2] == told[3] == told[4] == f"Rows(rows=[{first}])"
    assert told[5] == told[6]
    assert second in told[6]


def test_what_looks_like_a_row_within_a_text_is_none():
    told, _ = shown_while(['{"rows": ["a', ', {"number": 2, "share":'], Rows)
    assert told == ["Rows(rows=[])"] * 2


SHOWN = [int, float, bool, str, str | None, list[int], list[str | None], list[list[bool]] | None]
SHOWN += [Annotated[str, Field(description="words")]]
NOT_SHOWN = [Any, dict, list, dict[str, int], dt.date, Literal["a"], int | str, list[Any], list[dt.date], Rows]
NOT_SHOWN += [
    Annotated[int, Field(gt=0)],
    Annotated[str, Field(max_length=3)],
    Annotated[list[int], Field(min_length=1)],
]
NOT_SHOWN += [Annotated[float, Field(strict=True)], Annotated[str, Field(default_factory=str)]]


@pytest.mark.parametrize("of", SHOWN, ids=str)
def test_of_what_grows_or_is_certain_at_once_pydantic_tells_what_may_be_shown(of):
    assert reader_of_open(create_model("One", it=(of, ...)).__pydantic_core_schema__) is not None


@pytest.mark.parametrize("of", NOT_SHOWN, ids=str)
def test_of_what_may_be_something_else_when_it_has_closed_it_does_not(of):
    fine: Any = (int, 0)
    assert reader_of_open(create_model("One", it=of, fine=fine).__pydantic_core_schema__) is None


def test_of_a_model_that_takes_more_it_does_not():
    assert reader_of_open(create_model("One", __config__=ConfigDict(extra="allow")).__pydantic_core_schema__) is None


@pytest.mark.parametrize(
    "so_far",
    ['{"number": "1', '{"number": 1.0,', '{"is_good": 1,', '{"share": NaN,', '{"share": "1', '{"words": [1', "{]"],
)
def test_what_only_the_whole_may_make_fit_is_not_sure(so_far):
    read = reader_of_open(Row.__pydantic_core_schema__)
    assert read is not None
    with pytest.raises(ValidationError):
        read(so_far)
