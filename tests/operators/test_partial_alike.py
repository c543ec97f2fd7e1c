"""What `partial` validates once it does not validate again: that must make no difference."""

from __future__ import annotations

import datetime as dt
import enum
import json
import re
import uuid
from decimal import Decimal
from itertools import accumulate, pairwise
from typing import Annotated, Any, Literal

import pytest
import reactivex
from hypothesis import example, given, settings
from hypothesis import strategies as st
from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PrivateAttr,
    RootModel,
    TypeAdapter,
    ValidationError,
    field_validator,
    model_validator,
)

from rxllm.errors import DecodeError
from rxllm.items import TextDelta
from rxllm.operators._partial_alike import is_alike
from rxllm.operators.partial import partial


class Grade(enum.Enum):
    GOOD = "good"
    ONE = 1


class Cell(BaseModel):
    number: int = 0
    share: float | None = None
    grade: Grade | None = None
    mark: Literal["a", 1, True] | None = None
    day: dt.date | None = None
    at: dt.datetime | None = None
    words: list[str] = []
    counts: dict[int, float] = {}
    anything: Any = None
    within: list[Cell] = Field(default=[], alias="in")


class Exact(Cell):
    either: dt.date | str | int | None = None
    price: Decimal | None = None
    took: dt.timedelta | None = None
    pair: tuple[int, str] | None = None


class Sheet(BaseModel):
    name: str = Field("", max_length=3)
    rows: list[Cell] = []
    by_name: dict[str, list[Cell]] = {}
    single: Cell | None = None


class StrictSheet(Sheet):
    model_config = ConfigDict(strict=True)


class ExactSheet(BaseModel):
    rows: list[Exact] = []
    groups: list[Sheet] = []


FITTING = {  # in JSON, and when pydantic is lax
    "number": [1, 1.0, "1", -0.0, True, 10**30],
    "share": [None, 1, 0.5, "0.1", 1e300],
    "grade": [None, "good", 1, 1.0],
    "mark": [None, "a", 1, True, 1.0],
    "day": [None, "1970-01-02", 86400, "1970-01-02T00:00:00Z"],
    "at": [None, "1970-01-02T03:04:05Z", 1.5, "1970-01-02"],
    "took": [None, "P1D", 0.1, 3],
    "words": [[], ["x", "é😀"]],
    "counts": [{}, {"1": 2}, {"1": "2.5", "01": 1.0}],
    "anything": [None, 1.0, [1, {"a": -0.0}], "x"],
    "either": [None, "1970-01-02", "1", 1, True],
    "price": [None, 0.1, "0.10", 1.10, 5],
    "pair": [None, [1, "a"]],
    "unknown": [1, "x", [[]]],
}
ODD = st.sampled_from([value for values in FITTING.values() for value in values])
WORDS = st.text('ab "\\é狐😀,:}]1', max_size=8)
CELL = st.fixed_dictionaries({}, optional={name: st.sampled_from(values) for name, values in FITTING.items()})
CELL |= st.fixed_dictionaries({"in": st.lists(CELL, max_size=3)}) | st.dictionaries(
    st.sampled_from(list(FITTING)), ODD, max_size=1
)
CELLS = st.lists(CELL, max_size=5)
SHEET = st.fixed_dictionaries(
    {"rows": CELLS},
    optional={
        "name": st.sampled_from(["", "abc", "abcd"]),
        "by_name": st.dictionaries(WORDS, CELLS, max_size=2),
        "single": CELL,
    },
)


def ended(pieces, of, every=1):
    """How it ended, where every n-th value was looked at."""
    steps = 0
    told: list[Any] = []

    def look(handle):
        nonlocal steps
        steps += 1
        if handle.closed or not steps % every:
            told[:] = [handle.value]

    reactivex.from_iterable(map(TextDelta, pieces)).pipe(partial(of)).subscribe(look, told.append)
    return told[-1]


def cut(text, sizes):
    ends = list(accumulate(sizes))
    return [text[start:end] for start, end in pairwise([0, *ends, max(len(text), *ends, 0)])]


def by_rows(text):
    return re.findall("[^}]*}|[^}]+", text)


@given(
    SHEET | st.fixed_dictionaries({"groups": st.lists(SHEET, max_size=3)}, optional={"rows": CELLS}),
    st.sampled_from([Sheet, StrictSheet, ExactSheet]),
    st.lists(st.integers(0, 25), max_size=60) | st.none(),
    st.integers(1, 9),
)
@example({"rows": [{"number": 1}, {"number": 2}, {"number": "x"}, {"number": 4}]}, Sheet, [12, 12, 1, 14, 1, 14, 1], 2)
@settings(deadline=None, max_examples=300)
def test_the_whole_is_what_pydantic_makes_of_the_text_whatever_was_looked_at(document, of, sizes, every):
    text = json.dumps(document)
    told = ended(by_rows(text) if sizes is None else cut(text, sizes), of, every)
    try:
        whole = of.model_validate_json(text)
    except ValidationError:
        assert isinstance(told, DecodeError)
    else:
        assert repr(told) == repr(whole)  # 1 is not 1.0
        assert told == whole


class Model(BaseModel):
    a: int = 0
    b: str | None = None


class Many(enum.Enum):
    A = "a"
    ONE = 1
    HALF = 1.5


class Number(enum.IntEnum):
    ONE = 1


class Word(enum.StrEnum):
    A = "a"
    ONE = "1"


VALUES = [None, True, False, 0, 1, -1, 2, 1.0, 1.5, -0.0, -1.5, 1e20, 1e300, 2**53 + 1, 86400, 1e11, 253402300800]
VALUES += ["", "a", "b", "1", "1.0", " 1 ", "+1", "0x1", "1e3", "1_000", "true", "yes", "off", "0", "nan", "inf", "é😀"]
VALUES += ["1970-01-02", "1970-01-02T03:04:05", "1970-01-02T03:04:05Z", "1970-01-02 03:04", "03:04", "P1D", "86400"]
VALUES += ["12345678123456781234567812345678", "12345678-1234-5678-1234-567812345678", "null", [], [1], [[1]], ["a"]]
VALUES += [[None], {}, {"a": 1}, {"a": "1", "b": None}, {"1": 2}, {"x": [1]}, {"a": 1.0}, {"a": True}, {"c": 1}]
ALIKE = [Any, bool, int, float, str, None, dt.date, dt.datetime, dt.time, uuid.UUID, dict, list, Many, Number, Word]
ALIKE += [Model, Literal["a", "1"], Literal[1, 2], Literal[True, "a"], Literal[0] | None, int | None]
ALIKE += [
    dict[bool, Any],
    dict[float, Any],
    dict[dt.date, Any],
    dict[str, int],
    list[int],
    list[bool],
    list[Model],
    int | None,
]
ALIKE += [Annotated[int, Field(gt=0)], Annotated[str, Field(pattern="^a")], Annotated[list[int], Field(min_length=1)]]


def made(validate, value):
    try:
        return repr(validate(value))
    except ValidationError:
        return "does not fit"


@pytest.mark.parametrize("of", ALIKE, ids=str)
def test_of_what_is_alike_pydantic_makes_the_same_from_json_and_from_plain_values(of):
    adapter = TypeAdapter(of)
    assert is_alike(adapter.core_schema)
    for value in VALUES:
        assert made(adapter.validate_json, json.dumps(value)) == made(adapter.validate_python, value)


class Checked(Model):
    @model_validator(mode="after")
    def check(self):
        return self


class FieldChecked(Model):
    @field_validator("a")
    @classmethod
    def check(cls, value):
        return value


class Prepared(Model):
    def model_post_init(self, _):
        self.b = "changed"


class Private(Model):
    _note: str = PrivateAttr("")


class Initialised(Model):
    def __init__(self, **values):
        super().__init__(**values)


class Revalidated(Model):
    model_config = ConfigDict(revalidate_instances="always")


class Severe(Model):
    model_config = ConfigDict(strict=True)


class Roots(RootModel[list[int]]):
    pass


NOT_ALIKE = [Checked, FieldChecked, Prepared, Private, Initialised, Revalidated, Severe, Roots, Decimal, dt.timedelta]
NOT_ALIKE += [
    dt.date | str,
    Literal[Many.A],
    Annotated[dt.date, Field(strict=True)],
    Annotated[int, AfterValidator(abs)],
]
NOT_ALIKE += [Annotated[int, BeforeValidator(abs)], list[Checked], dict[str, Decimal]]


@pytest.mark.parametrize("of", NOT_ALIKE, ids=str)
def test_what_may_tell_json_from_plain_values_or_see_an_instance_again_is_not_alike(of):
    assert not is_alike(TypeAdapter(of).core_schema)
    assert not is_alike(TypeAdapter(dict[str, list[of]]).core_schema)


ROWS = json.dumps({"rows": [{"number": number} for number in range(9)]})


def test_a_row_is_made_once():
    seen: list[Any] = []
    pieces = reactivex.from_iterable(map(TextDelta, by_rows(ROWS)))
    pieces.pipe(partial(Sheet)).subscribe(lambda handle: seen.append(handle.value))
    *_, before_the_end, whole = seen
    assert len(whole.rows) == 9
    assert all(mine is yours for mine, yours in zip(before_the_end.rows[1:], whole.rows[1:], strict=True))


@pytest.mark.parametrize("every", [1, 1_000])
@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        ('{"number": "x"}', r"does not fit .*(rows\.5\.)?number: Input should be a valid integer"),
        ('{"share": NaN}', r"JSON is broken: .* at \$\.rows\[5\]\.share, 'N' stands"),
        ('{"anything": ' + "[" * 200 + "]" * 200 + "}", "no more than 200 levels are read"),
        ('{"number": 1 "share": 2}', r"JSON is broken: .* at \$\.rows\[5\]"),
        ('{"number": 05}', r"JSON is broken: .* at \$\.rows\[5\]\.number"),
    ],
)
def test_what_is_wrong_in_a_row_is_told_as_in_any_other_place(wrong, told, every):
    error = ended(by_rows(ROWS.replace('{"number": 5}', wrong)), Sheet, every)
    assert isinstance(error, DecodeError)
    assert re.search(told, str(error))
