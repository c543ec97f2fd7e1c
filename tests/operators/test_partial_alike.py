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
    AliasChoices,
    AliasPath,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PrivateAttr,
    RootModel,
    TypeAdapter,
    ValidationError,
    field_serializer,
    field_validator,
    model_validator,
)

from rxllm.errors import DecodeError
from rxllm.items import TextDelta
from rxllm.operators._json_scan import JsonScanner
from rxllm.operators._json_unread import Unread
from rxllm.operators._partial_alike import is_alike
from rxllm.operators._partial_annotation import shape_of
from rxllm.operators._partial_growth import Growing
from rxllm.operators._partial_scan import ShapedScanner
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


def ended(pieces, of, every=1, told=None):
    """How it ended, where every n-th value was looked at; `told` gets each."""
    steps = 0
    last: list[Any] = []

    def look(handle):
        nonlocal steps
        steps += 1
        if handle.closed or not steps % every:
            last[:] = [handle.value]
            if told is not None:
                told.append((handle.closed, repr(handle.value)))

    reactivex.from_iterable(map(TextDelta, pieces)).pipe(partial(of)).subscribe(look, last.append)
    return last[-1]


def in_steps(so_far, of):
    """What there is to be seen of a text, read character by character and validated as JSON."""
    scanner = JsonScanner()
    for character in so_far:
        scanner.feed(character)
    value = Growing(shape_of(of), scanner, Unread(scanner), list).value()
    return repr(value) if scanner.stack and scanner.fault is None else None


def cut(text, sizes):
    ends = list(accumulate(sizes))
    return [text[start:end] for start, end in pairwise([0, *ends, max(len(text), *ends, 0)])]


def by_rows(text):
    return re.findall("[^}]*}|[^}]+", text)


DOCUMENT = SHEET | st.fixed_dictionaries({"groups": st.lists(SHEET, max_size=3)}, optional={"rows": CELLS})
WRONG = {"rows": [{"number": 1}, {"number": 2}, {"number": "x"}, {"number": 4}]}


@given(
    DOCUMENT,
    st.sampled_from([Sheet, StrictSheet, ExactSheet]),
    st.lists(st.integers(0, 25), max_size=60) | st.none(),
    st.integers(1, 9),
)
@example(WRONG, Sheet, [12, 12, 1, 14, 1, 14, 1], 2)
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


@given(DOCUMENT, st.sampled_from([Sheet, ExactSheet]), st.lists(st.integers(0, 25), max_size=40) | st.none())
@settings(deadline=None, max_examples=60)
def test_a_look_shows_what_reading_step_by_step_and_validating_json_shows(document, of, sizes):
    text = json.dumps(document)
    pieces = by_rows(text) if sizes is None else cut(text, sizes)
    told: list[Any] = []
    ended(pieces, of, told=told)
    begun = (so_far for so_far in accumulate(pieces) if "{" in so_far)
    for so_far, (is_closed, shown) in zip(begun, told, strict=False):  # a fault ends it
        assert is_closed or shown == in_steps(so_far, of)


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
ALIKE += [dict[str, int], dict[int, str], list[int], list[bool], list[Model]]
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


class Lax(Model):
    model_config = ConfigDict(coerce_numbers_to_str=True)


class OfPath(BaseModel):
    rows: list[Model] = []
    second: int | None = Field(None, validation_alias=AliasPath("rows", 1, "a"))


class OfChoices(BaseModel):
    model_config = ConfigDict(extra="allow")
    rows: list[Model] = Field([], validation_alias=AliasChoices("rows", "items"))


class OfBoth(BaseModel):
    model_config = ConfigDict(extra="allow", validate_by_name=True)
    rows: list[Model] = Field([], alias="items")


class OfNames(BaseModel):
    model_config = ConfigDict(extra="allow", validate_by_alias=False, validate_by_name=True)
    rows: list[Model] = Field([], alias="items")


class OfOne(BaseModel):
    raw: Any = Field(None, alias="rows")
    rows: list[Model] = Field([], alias="rows")


class Tree(BaseModel):
    price: Decimal | None = None
    branches: list[Tree] = []


class Priced(BaseModel):
    model_config = ConfigDict(extra="allow")
    __pydantic_extra__: dict[str, Decimal]


READ_TWICE = [OfPath, OfChoices, OfBoth, OfNames, OfOne]
NOT_ALIKE = [*READ_TWICE, Tree, Priced, Lax, Annotated[str, Field(coerce_numbers_to_str=True)], dict[bool, int]]
NOT_ALIKE += [Checked, FieldChecked, Prepared, Private, Initialised, Revalidated, Severe, Roots, Decimal, dt.timedelta]
NOT_ALIKE += [
    dt.date | str,
    Literal[Many.A],
    Annotated[dt.date, Field(strict=True)],
    Annotated[int, BeforeValidator(abs)],
]
NOT_ALIKE += [Annotated[int, AfterValidator(abs)], tuple[int, str], set[int], bytes, list[Checked], dict[str, Decimal]]


@pytest.mark.parametrize("of", NOT_ALIKE, ids=str)
def test_what_may_tell_json_from_plain_values_or_see_an_instance_again_is_not_alike(of):
    assert not is_alike(TypeAdapter(of).core_schema)
    assert not is_alike(TypeAdapter(dict[str, list[of]]).core_schema)


@pytest.mark.parametrize("of", READ_TWICE)
@pytest.mark.parametrize("every", [1, 1_000])
def test_what_stands_under_a_key_that_is_read_twice_is_read_as_it_came(of, every):
    rows = [{"a": number} for number in range(4)]
    text = json.dumps({"rows": rows, "items": rows})
    whole = of.model_validate_json(text)
    told: Any = ended(by_rows(text), of, every)
    assert (repr(told), told.model_extra) == (repr(whole), whole.model_extra)


class Named(BaseModel):
    name: str


class Kinds(BaseModel):
    rows: list[Model] = []
    names: list[Named] = []
    words: list[dict[str, Any]] = []


@pytest.mark.parametrize("every", [1, 1_000])
def test_lists_of_several_kinds_in_one_document_are_each_of_their_own(every):
    words, rows, names = [{"w": 1}] * 4, [{"a": 1, "name": "x"}] * 4, [{"name": "x", "a": 1}] * 4
    told: Any = ended(by_rows(json.dumps({"rows": rows, "names": names, "words": words})), Kinds, every)
    assert told == Kinds(words=words, rows=[Model(a=1)] * 4, names=[Named(name="x")] * 4)


class Renamed(BaseModel):
    number: int = Field(alias="n")

    @field_serializer("number")
    def serialised(self, number):
        return f"number {number}"


class Group(BaseModel):
    name: str
    rows: list[Renamed]


class Groups(BaseModel):
    single: Group
    groups: list[Group]
    days: list[dt.date] = []


class StrictGroups(Groups):
    model_config = ConfigDict(strict=True)


@pytest.mark.parametrize("of", [Groups, StrictGroups])
@pytest.mark.parametrize("every", [1, 7, 1_000])
def test_what_holds_rows_is_made_of_them_when_it_closes_within_the_whole(of, every):
    group = {"name": "a", "rows": [{"n": number} for number in range(4)]}
    text = json.dumps({"single": group, "groups": [group] * 4, "days": ["1970-01-02"] * 4})
    for pieces in (by_rows(text), list(text), re.findall(".{1,9}", text)):
        assert ended(pieces, of, every) == of.model_validate_json(text)


def test_a_piece_that_ends_within_a_row_does_not_end_making_rows_at_once():
    shape = shape_of(list[Cell])
    shape.be_alike()
    scanner = ShapedScanner(shape)
    unread = Unread(scanner)
    for piece in ('[{"number": 1}', ', {"words": ["a"]', ', "number": 2}', ', {"number": 3}', ', {"number": 4}'):
        unread.push(piece)
    *before, last = scanner.snapshot()
    assert before == [{"number": 1}, {"words": ["a"], "number": 2}, {"number": 3}]
    assert last == Cell(number=4)


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
        ('{"share": -Infinity}', r"JSON is broken: .* at \$\.rows\[5\]\.share"),
        ('{"anything": ' + "[" * 200 + "]" * 200 + "}", "no more than 200 levels are read"),
        ('{"number": 1 "share": 2}', r"JSON is broken: .* at \$\.rows\[5\]"),
        ('{"number": 05}', r"JSON is broken: .* at \$\.rows\[5\]\.number"),
    ],
)
def test_what_is_wrong_in_a_row_is_told_as_in_any_other_place(wrong, told, every):
    error = ended(by_rows(ROWS.replace('{"number": 5}', wrong)), Sheet, every)
    assert isinstance(error, DecodeError)
    assert re.search(told, str(error))
