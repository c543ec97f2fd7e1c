from __future__ import annotations

import datetime as dt
import enum
import json
import pickle
import time
from typing import Annotated, Any, Literal, Self

import pytest
import reactivex
from hypothesis import example, given, settings
from hypothesis import strategies as st
from laws import OperatorLaws
from pydantic import (
    AfterValidator,
    AliasChoices,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PrivateAttr,
    RootModel,
    create_model,
    field_validator,
    model_validator,
)
from pydantic_core import core_schema
from reactivex import operators as rx
from reactivex.subject import Subject
from scripted_origin import Seen
from typing_extensions import TypedDict

from rxllm.errors import ConfigurationError, DecodeError
from rxllm.items import Finish, Rollback, Started, TextDelta, ToolCall, ToolCallDelta
from rxllm.operators._json_scan import JsonScanner
from rxllm.operators._json_unread import Unread
from rxllm.operators._partial_annotation import shape_of
from rxllm.operators._partial_growth import Growing
from rxllm.operators._partial_unfinished import Unfinished
from rxllm.operators.partial import partial
from rxllm.turn_items import AgentCompleted, StageStarted, TurnStarted


class Colour(enum.Enum):
    RED = "red"


class Author(BaseModel):
    name: str
    born: dt.date | None = None


class Book(BaseModel):
    title: str
    pages: Annotated[int, Field(gt=0)]
    authors: list[Author] = []
    colour: Colour = Colour.RED
    notes: dict[str, str] = {}


BOOK = {
    "title": "The sea",
    "pages": 120,
    "authors": [{"name": "Ann", "born": "1970-01-02"}, {"name": "Bob"}],
    "colour": "red",
    "notes": {"a": "b"},
}


def cut(text, sizes):
    at = 0
    for size in [*sizes, len(text)]:
        if at < len(text):
            yield TextDelta(text[at : at + size])
        at += size


def read(*items, of: Any = Book, **settings_):
    """What each handle told at its time, and how it ended."""
    seen: list[Any] = []
    reactivex.from_iterable(items).pipe(partial(of, **settings_)).subscribe(
        lambda it: seen.append((it.value, it.closed)), seen.append, lambda: seen.append("completed")
    )
    return seen


def plain(source):
    return source.pipe(partial(), rx.map(lambda it: it.value))


class TestLaws(OperatorLaws):
    operator = plain
    source = """'{"a":'-' 1, "b": "x'-'y"}'-'thanks'|"""
    played = "{{}}-{{'a': 1, 'b': 'x'}}-{{'a': 1, 'b': 'xy'}}--|"
    failed = "{{}}-{{'a': 1, 'b': 'x'}}-{{'a': 1, 'b': 'xy'}}--#"


@given(st.lists(st.integers(0, 6), max_size=60), st.sampled_from([dict, Book, dict[str, Any]]))
@settings(deadline=None, max_examples=60)
def test_however_it_is_cut_the_whole_is_the_same_and_each_step_leads_to_it(sizes, of):
    *steps, last, end = read(*cut(json.dumps(BOOK), sizes), Finish("stop"), of=of)
    assert end == "completed"
    assert last == (Book(**BOOK) if of is Book else BOOK, True)
    for value, is_closed in steps:
        told = value.model_dump(mode="json", exclude_unset=True) if of is Book else value
        assert not is_closed
        assert leads_to(told, Book(**BOOK).model_dump(mode="json") if of is Book else BOOK)


def leads_to(part, whole):
    if isinstance(part, dict):
        return all(leads_to(part[key], whole[key]) for key in part)
    if isinstance(part, list):
        return len(part) <= len(whole) and all(map(leads_to, part, whole))
    return whole.startswith(part) if isinstance(part, str) else part == whole


@given(st.lists(st.integers(0, 6), max_size=60), st.integers(0, 30))
@settings(deadline=None, max_examples=40)
def test_a_rollback_at_any_place_leaves_nothing_of_the_void_attempt(sizes, at):
    pieces = list(cut(json.dumps(BOOK), sizes))
    void = len([each for each in read(*pieces[:at]) if each != "completed"])
    assert read(*pieces[:at], Rollback(1), *pieces, Finish("stop"))[void:] == read(*pieces)


class Line(BaseModel):
    model_config = ConfigDict(populate_by_name=True)

    number: int | None = None
    text: str = ""
    other: str | None = None
    short: Annotated[str, Field(max_length=40)] = ""
    day: dt.date | None = None
    kind: Literal["a", "b"] = "a"
    pair: tuple[int, str] | None = None
    words: list[str] = []
    numbers: list[int | None] = []
    counts: dict[str, float] = {}
    anything: Any = None
    within: list[Line] = Field(default=[], alias="in")


class Trimmed(BaseModel):
    model_config = ConfigDict(str_strip_whitespace=True)

    text: str = ""
    words: list[str] = []


WORDS = st.text('ab "\\é狐😀,:}]1', max_size=8)
LINE = st.recursive(
    st.fixed_dictionaries(
        {},
        optional={
            "number": st.none() | st.integers(-20, 10**20),
            "text": WORDS,
            "other": st.none() | WORDS,
            "short": WORDS,
            "day": st.sampled_from([None, "1970-01-02"]),
            "kind": st.sampled_from("ab"),
            "pair": st.tuples(st.integers(), WORDS),
            "words": st.lists(WORDS, max_size=3),
            "numbers": st.lists(st.none() | st.integers(), max_size=4),
            "counts": st.dictionaries(WORDS, st.floats(allow_nan=False, allow_infinity=False) | st.integers(0, 99)),
            "anything": st.none() | st.booleans() | st.lists(st.integers() | WORDS, max_size=3),
            "unknown": WORDS | st.lists(WORDS, max_size=2),
        },
    ),
    lambda inner: st.fixed_dictionaries({"in": st.lists(inner, max_size=2)}, optional={"text": WORDS}),
    max_leaves=4,
)


@given(
    st.lists(LINE | st.fixed_dictionaries({"text": WORDS, "words": st.lists(WORDS)}), min_size=2, max_size=4),
    st.lists(st.integers(0, 9), min_size=20, max_size=80),
    st.sampled_from([list[Line], list[Trimmed], list[dict], list[Any]]),
    st.booleans(),
)
@example(lines=[{}, {"text": " a ", "words": [" b "]}], sizes=[1] * 80, of=list[Trimmed], ascii_=True)
@example(
    lines=[{}, {"day": "1970-01-02"}, {"kind": "b"}, {"short": "x"}, {"pair": [1, "x"]}],
    sizes=[1] * 120,
    of=list[Line],
    ascii_=True,
)
@example(lines=[{}, {"anything": True, "number": -1.5e3, "text": "1e"}], sizes=[1] * 80, of=list[dict], ascii_=True)
@settings(deadline=None, max_examples=200)
def test_a_look_shows_what_reading_step_by_step_shows(lines, sizes, of, ascii_):
    so_far = ""
    seen = []
    subject = Subject()
    subject.pipe(partial(of)).subscribe(lambda handle: seen.append(handle.value))
    for delta in cut(json.dumps(lines, ensure_ascii=ascii_), sizes):
        so_far += delta.text
        subject.on_next(delta)
        scanner = JsonScanner()
        for character in so_far:
            scanner.feed(character)
        stepwise = Growing(shape_of(of), scanner, Unread(scanner), list).value()
        if scanner.stack:
            assert seen[-1] == stepwise
            assert repr(seen[-1]) == repr(stepwise)  # 1 is not 1.0


@pytest.mark.parametrize("of", [list[int], list[float | None], list[int | None], list[Line | None]])
def test_a_member_shows_as_soon_as_it_is_complete(of):
    text = "[1, 2, 3]" if of == list[int] else "[null, null, null]"
    for sizes in ([], [1] * 20, [1, 4, 2, 0, 4, 1, 5]):
        shown = [len(value) for value, _ in read(*cut(text, sizes), of=of)[:-1]]
        plain = [len(value) for value, _ in read(*cut(text, sizes), of=list)[:-1]]
        assert shown == plain


@pytest.mark.parametrize("reads", [True, False])
def test_of_two_members_with_one_key_the_later_one_stands_while_it_grows(reads):
    class Inner(BaseModel):
        x: int
        y: int

    class Outer(BaseModel):
        a: Inner
        b: int = 0

    seen: list[Any] = []
    subject = Subject()
    subject.pipe(partial(Outer)).subscribe(lambda handle: seen.append(handle.value if reads or handle.closed else None))
    for piece in ('{"a": {"x": 1, "y": 2}, "b"', ': 2, "b": 3, ', '"a": {"x": 5,', ' "y": 6}}'):
        subject.on_next(TextDelta(piece))
    assert seen[-1] == Outer(a=Inner(x=5, y=6), b=3)
    assert not reads or (seen[-2].a.x, seen[-2].b, seen[-2].a.model_fields_set) == (5, 3, {"x"})


def test_a_text_shows_as_it_grows_and_a_number_when_it_is_complete():
    seen = read(TextDelta('{"title": "The'), TextDelta(' sea", "pages": 1'), TextDelta("2"), TextDelta("0}"))
    assert [(value.title, value.pages) for value, _ in seen[:-1]] == [
        ("The", None),
        ("The sea", None),
        ("The sea", None),
        ("The sea", 120),
    ]


def test_what_has_not_come_has_its_default_and_is_not_set():
    (value, _), _ = read(TextDelta('{"title": "a", '))
    assert (value.pages, value.authors, value.colour, value.model_fields_set) == (None, [], Colour.RED, {"title"})


def test_members_within_grow_and_are_what_the_model_says():
    (value, _), _ = read(TextDelta('{"authors": [{"name": "Ann", "born": "1970-01-02"}, {"name": "Bo'))
    assert value.authors == [Author(name="Ann", born=dt.date(1970, 1, 2)), Author.model_construct(name="Bo")]
    assert isinstance(value.authors[1], Author)


@pytest.mark.parametrize("text", ['{"colour": "re', '{"authors": [{"born": "1970-01', '{"unknown": {"a": "b'])
def test_what_could_not_be_valid_before_its_end_is_not_shown_before_it(text):
    (value, _), _ = read(TextDelta(text))
    assert value.colour is Colour.RED
    assert value.authors in ([], [Author.model_construct(name=None)])


def test_validators_never_see_half_an_object():
    ran = []

    class Guarded(BaseModel):
        text: str
        other: int = 0
        _seen: int = 0

        @field_validator("text")
        @classmethod
        def check_text(cls, value):
            ran.append(value)
            return value

        @model_validator(mode="after")
        def check_all(self):
            ran.append("all")
            return self

        def model_post_init(self, context):
            ran.append("init")

    seen = read(TextDelta('{"text": "ab'), TextDelta('c", "other": 1'), of=Guarded)
    assert ran == []
    assert seen[1][0].text == "abc"
    assert isinstance(seen[1][0], Guarded)
    assert read(TextDelta('{"text": "abc"}'), of=Guarded)[0] == (Guarded(text="abc"), True)
    assert ran[:3] == ["abc", "init", "all"]


def test_a_complete_field_that_does_not_fit_fails_at_once_and_quotes_nothing():
    *_, error = read(TextDelta('{"title": "secret", "pages": -77, '), TextDelta('"authors": []}'))
    assert isinstance(error, DecodeError)
    assert "at $.pages does not fit Book" in str(error)
    assert "greater than 0" in str(error)
    assert "-77" not in str(error)
    assert error.__cause__ is None


def test_a_whole_that_does_not_fit_fails_at_its_end():
    *steps, error = read(TextDelta('{"title": "a"'), TextDelta("}"))
    assert len(steps) == 1
    assert "pages: Field required" in str(error)


def test_aliases_and_the_models_settings_hold_for_each_field():
    class Strict(BaseModel):
        model_config = ConfigDict(strict=True, str_strip_whitespace=True)
        first: str = Field(alias="firstName")
        second: dt.date = Field(validation_alias=AliasChoices("two", "second"))
        third: Literal["x"] | None = None

    text = '{"firstName": " a ", "two": "2026-01-02", "third": "x"'
    (value, _), (last, is_closed), _ = read(TextDelta(text + ", "), TextDelta('"more": 1}'), of=Strict)
    assert (value.first, value.second, value.third) == ("a", dt.date(2026, 1, 2), "x")
    assert (last.first, last.second, is_closed) == ("a", dt.date(2026, 1, 2), True)


def test_an_alias_that_the_model_does_not_read_by_is_no_field_of_it():
    class Listed(BaseModel):
        model_config = ConfigDict(validate_by_alias=False, validate_by_name=True)
        number: int = Field(0, alias="n")

    (first, _), (whole, is_closed), end = read(TextDelta('{"n": "x", '), TextDelta('"number": 1}'), of=Listed)
    assert (first, whole, is_closed, end) == (Listed(), Listed(number=1), True, "completed")


def test_a_list_of_models_grows_by_its_members():
    seen = read(
        TextDelta('```json\n[{"name": "A'), TextDelta('nn"}, {"name": "B'), TextDelta('"}]\n```'), of=list[Author]
    )
    assert [[author.name for author in value] for value, _ in seen[:-1]] == [["A"], ["Ann", "B"], ["Ann", "B"]]


def test_a_value_once_read_never_changes():
    source: Subject = Subject()
    handles = Seen()
    source.pipe(partial(Book)).subscribe(handles)
    source.on_next(TextDelta('{"title": "a", "authors": [{"name": "A'))
    early = handles[0].value
    source.on_next(TextDelta('nn"}, {"name": "Bob"'))
    assert [author.name for author in early.authors] == ["A"]
    assert [author.name for author in handles[0].value.authors] == ["Ann", "Bob"]


class WithOwnDefaults(BaseModel):
    first: str
    tags: list[str] = ["x"]
    made: dict[str, int] = Field(default_factory=dict)
    last: int = 3


class Open(BaseModel):
    model_config = ConfigDict(extra="allow")
    first: str
    last: int = 3


class WithSecret(BaseModel):
    first: str
    last: int = 3
    _secret: int = 7
    _kept: dict[str, int] = PrivateAttr(default_factory=dict)
    _late: str


class Computed(BaseModel):
    first: str
    second: str = Field(default_factory=lambda data: (data.get("first") or "none").upper())
    last: int = 3


@pytest.mark.parametrize("model", [WithOwnDefaults, Open, WithSecret, Computed])
@pytest.mark.parametrize("fields", [{}, {"first": "a"}, {"last": 4, "first": "b"}])
def test_an_unfinished_instance_is_what_pydantic_would_construct_with_none_for_what_is_missing(model, fields):
    missing = dict.fromkeys(name for name, info in model.model_fields.items() if info.is_required())
    made = Unfinished(model).of(fields)
    expected = model.model_construct(set(fields), **{**missing, **fields})
    assert made.model_dump() == expected.model_dump()
    assert list(made.model_dump()) == list(expected.model_dump())
    assert made.model_fields_set == set(fields)
    assert (made.model_extra, repr(made)) == (expected.model_extra, repr(expected))
    assert made == expected
    assert type(made) is model
    for copy in (made.model_copy(deep=True), pickle.loads(pickle.dumps(made))):  # noqa: S301 - our own
        assert copy == made


def test_an_unfinished_instance_needs_nothing_of_its_class():
    class Registered(BaseModel):
        def __init_subclass__(cls, *, kind):
            super().__init_subclass__()

    class Hooked(Registered, kind="a"):
        a: str
        _seen: dict[str, int] = PrivateAttr(default={})

        def model_post_init(self, context):
            raise AssertionError

    first, second = (Unfinished(Hooked).of({"a": "x"}) for _ in range(2))
    first._seen["a"] = 1
    assert (type(first), first.a, first._seen, second._seen) == (Hooked, "x", {"a": 1}, {})


class ByThree(BaseModel):
    a: int
    b: str
    c: str = Field(default_factory=lambda data: f"{data['a']} {data['b']}")
    d: list[int] = Field(default_factory=lambda: [1 // 0])


@pytest.mark.parametrize(("fields", "made"), [({"a": 1}, None), ({"a": 1, "b": "x"}, "1 x")])
def test_a_default_that_cannot_be_made_yet_is_none(fields, made):
    unfinished: Any = Unfinished(ByThree).of(fields)
    assert (unfinished.c, unfinished.d) == (made, None)


@pytest.mark.parametrize("config", [{}, {"extra": "forbid"}, {"frozen": True, "populate_by_name": True}])
def test_a_look_at_a_row_that_has_begun_does_not_read_it_in_steps(config):
    row = create_model("Row", __config__=ConfigDict(**config), id=(int, ...), name=(str, ...), tags=(list[str], []))
    scanner = JsonScanner()
    unread = Unread(scanner)
    growing = Growing(shape_of(list[row]), scanner, unread, list)
    unread.push('[{"id": 1, "name": "a", "tags": ["x"]}, ')
    for piece in ('{"id": 2', ', "name": "b', 'c", "tags": ["y", "z'):
        unread.push(piece)
        shown = growing.value()
    assert shown == [row(id=1, name="a", tags=["x"]), row(id=2, name="bc", tags=["y", "z"])]
    assert len(unread.pieces) == 4
    assert len(scanner.stack) == 1


@pytest.mark.parametrize("wrong", [0, 1, 2])
def test_of_several_rows_that_close_at_once_the_one_that_does_not_fit_is_named(wrong):
    rows = [{"name": "a"}, {"name": "b"}, {"name": "c"}]
    rows[wrong] = {"name": 1}
    *_, error = read(TextDelta(json.dumps({"title": "a", "authors": rows})[:-2]))
    assert f"at $.authors[{wrong}] does not fit Author" in str(error)


def test_no_two_values_share_what_one_may_change():
    class Frozen(BaseModel):
        model_config = ConfigDict(frozen=True)
        title: str
        pages: int = 1

    class Listing(BaseModel):
        title: str
        tags: list[str] = []

    for of in (Frozen, Listing):
        (first, _), (second, _), _ = read(TextDelta('{"title": "a'), TextDelta("b"), of=of)
        assert (first.title, second.title) == ("a", "ab")
        assert first.model_fields_set is not second.model_fields_set
        assert of is Frozen or first.tags is not second.tags


def test_a_tools_arguments_are_read():
    items = [
        TextDelta("Let me note it."),
        ToolCallDelta(0, "note", '{"title": "a", '),
        ToolCallDelta(1, "other", "{oops"),
        ToolCallDelta(0, None, '"pages": 3}'),
        ToolCall(0, "x", "note"),
        Finish("tool_calls"),
    ]
    assert read(*items, tool="note")[-2:] == [(Book(title="a", pages=3), True), "completed"]


def test_a_new_turn_begins_a_new_document():
    items = [TextDelta('{"a": 1'), Started("2"), TextDelta('{"b": 2}'), Finish("stop")]
    assert read(*items, of=dict) == [({}, False), ({"b": 2}, True), "completed"]


@pytest.mark.parametrize("wrong", ['{"title": "a"}', '{"title": oops', '{"title": 1, '])
def test_an_answer_that_an_agent_does_not_take_is_forgotten_when_it_asks_again(wrong):
    first = [TurnStarted(1), Started("1"), TextDelta(wrong)]
    again = [TurnStarted(2), Started("2"), TextDelta('{"title": "a", "pages": 3}'), Finish("stop")]
    assert read(*first, *again)[-2:] == [(Book(title="a", pages=3), True), "completed"]
    for end in ([Finish("stop")], [AgentCompleted(1.0)], []):
        assert isinstance(read(*first, *end)[-1], DecodeError)


def test_a_rollback_voids_what_was_wrong_with_an_answer_to_an_agent():
    wrong = [TurnStarted(1), Started("a"), TextDelta('{"a": 1 x')]
    right = [Rollback(1), Started("b"), TextDelta('{"a": 2}'), AgentCompleted(1.0), Finish("stop")]
    assert read(*wrong, *right, of=dict)[-2:] == [({"a": 2}, True), "completed"]


def test_of_parallel_calls_in_a_turn_a_wrong_one_does_not_hide_the_others():
    calls = [
        TurnStarted(1),
        ToolCallDelta(0, "f", '{"a": oops'),
        ToolCallDelta(1, "f", '{"a": '),
        ToolCallDelta(0, None, "}"),
        ToolCallDelta(1, None, "1}"),
        ToolCall(0, "x", "f"),
        ToolCall(1, "y", "f", {"a": 1}, '{"a": 1}'),
    ]
    seen = read(*calls, TurnStarted(2), Finish("stop"), of=dict, tool="f")
    assert seen[-2:] == [({"a": 1}, True), "completed"]
    assert isinstance(read(*calls, Finish("stop"), of=dict, tool="f")[-1], DecodeError)


@pytest.mark.parametrize("beginning", [Started("2"), TurnStarted(2), StageStarted("b")])
def test_whatever_begins_an_answer_begins_a_document(beginning):
    items = [TextDelta('{"a": 1}'), beginning, TextDelta('{"b": 2}'), Finish("stop")]
    assert read(*items, of=dict)[-2:] == [({"b": 2}, True), "completed"]


@pytest.mark.parametrize("sizes", [[], [7], [1] * 20])
def test_what_stands_behind_a_tools_arguments_is_refused_however_it_is_cut(sizes):
    deltas = [ToolCallDelta(0, None, delta.text) for delta in cut('{"a":1}{"a":1}', sizes)]
    seen = read(ToolCallDelta(0, "f"), *deltas, Finish("stop"), of=dict, tool="f")
    assert seen[-2] == ({"a": 1}, True)
    assert "nothing more was expected" in str(seen[-1])


def test_white_space_behind_a_call_that_was_given_early_begins_nothing():
    items = [
        ToolCallDelta(0, "f", '{"a": 1}'),
        ToolCall(0, "x", "f", {"a": 1}, '{"a": 1}'),
        ToolCallDelta(0, None, " "),
        Finish("tool_calls"),
    ]
    assert read(*items, of=dict, tool="f") == [({"a": 1}, True), "completed"]


@pytest.mark.parametrize("reads", [True, False])
def test_broken_json_fails_also_where_nobody_reads(reads):
    seen = Seen()
    source: Subject = Subject()
    source.pipe(partial()).subscribe(lambda it: it.value if reads else None, seen.on_error)
    source.on_next(TextDelta('{"a": oops'))
    for _ in range(64):
        source.on_next(TextDelta("x"))
    assert "at character 6, at $.a" in str(seen.errors[0])
    assert not source.observers


@pytest.mark.parametrize("of", [dict, Book])
def test_a_fault_is_told_with_the_piece_where_somebody_looks_and_soon_where_nobody_does(of):
    pieces = [TextDelta('{"title": "a"'), TextDelta("x"), *[TextDelta(" ")] * 200]
    for reads, latest in ((True, 1), (False, 65)):
        seen: list[Any] = []
        reactivex.from_iterable(pieces).pipe(partial(of)).subscribe(
            lambda handle, reads=reads, seen=seen: seen.append(handle.value if reads else handle), seen.append
        )
        assert isinstance(seen[-1], DecodeError)
        assert 1 <= len(seen) - 1 <= latest + 1


def test_a_document_that_is_cut_off_fails_at_the_end_and_one_that_was_cancelled_does_not():
    assert isinstance(read(TextDelta('{"title": "a'), Finish("length"))[-1], DecodeError)
    assert read(TextDelta('{"title": "a'), Finish("cancelled"))[-1] == "completed"


def test_repair_gives_the_whole_at_the_end():
    pytest.importorskip("json_repair")
    *_, last, end = read(
        TextDelta("{'title': 'a', 'pages': 3"), TextDelta(", 'authors': [{'name': 'A"), Finish("length"), repair=True
    )
    assert (last, end) == ((Book(title="a", pages=3, authors=[Author(name="A")]), True), "completed")


def test_repair_mends_all_that_came_however_it_was_cut():
    pytest.importorskip("json_repair")
    pieces = [TextDelta(piece) for piece in ('{"title": "The \\ud83d', "\\ude00", " s", "ea", '", "pages": 1')]
    *_, last, end = read(*pieces, Finish("length"), of=dict, repair=True)
    assert (last, end) == (({"title": "The 😀 sea", "pages": 1}, True), "completed")


def test_repair_mends_form_and_not_content():
    pytest.importorskip("json_repair")
    assert "does not fit Book" in str(read(TextDelta("{'title': 'a'"), Finish("stop"), repair=True)[-1])


@pytest.mark.parametrize("of", [int, str, dt.date, RootModel[int], None])
def test_what_no_object_becomes_is_refused(of):
    with pytest.raises(ConfigurationError, match="takes a pydantic model"):
        partial(of)


@pytest.mark.parametrize("of", [dict, Book])
def test_a_fragment_costs_the_same_in_a_long_document_as_in_a_short_one_while_it_is_read(of):
    def cost(count):
        text = json.dumps({"title": "a", "pages": 1, "authors": [{"name": f"word {n}"} for n in range(count // 6)]})
        items = [ToolCallDelta(0, "f", text[at : at + 4]) for at in range(0, len(text), 4)]
        best = float("inf")
        for _ in range(3):
            source: Subject = Subject()
            handles: list[Any] = []
            source.pipe(partial(of, tool="f")).subscribe(handles.append)
            start = time.process_time()
            for number, item in enumerate(items):
                source.on_next(item)
                if not number % 100:
                    assert handles[-1].value is not None
            best = min(best, time.process_time() - start)
            assert handles[-1].closed
        return best / len(items)

    assert cost(10_000) < 2 * cost(1_000)


def test_what_a_users_validator_raises_goes_to_on_error():
    class Fussy(BaseModel):
        a: int

        @model_validator(mode="after")
        def check(self):
            raise KeyError("mine")

    assert repr(read(TextDelta('{"a": 1}'), of=Fussy)[-1]) == "KeyError('mine')"


def test_what_a_subscriber_raises_is_not_taken_for_broken_json():
    def fail(_):
        raise DecodeError("mine", format="mine")

    seen = Seen()
    source: Subject = Subject()
    source.pipe(partial()).subscribe(fail, seen.on_error)
    with pytest.raises(DecodeError, match="mine"):
        source.on_next(TextDelta('{"a": 1}'))
    assert seen.errors == []


def seen_in_steps(of, text):
    """What is shown from character to character, the whole last."""
    return read(*cut(text, [1] * len(text)), Finish("stop"), of=of)


def lengths(values):
    return [len(each) if isinstance(each, str) else each for each in values]


class MendedField(BaseModel):
    a: int = 0
    b: list[int] = []

    @field_validator("a", mode="before")
    @classmethod
    def mend_a(cls, value):
        return value.removesuffix(" pages") if isinstance(value, str) else value

    @field_validator("b", mode="wrap")
    @classmethod
    def mend_b(cls, value, handler):
        return handler(lengths(value))


class MendedModel(BaseModel):
    a: int = 0
    b: list[int] = []

    @model_validator(mode="before")
    @classmethod
    def mend(cls, data):
        return {"a": 12, "b": lengths(data["b"])}


class MendedByInit(BaseModel):
    a: int = 0
    b: list[int] = []

    def __init__(self, a, b):
        super().__init__(a=int(a.removesuffix(" pages")), b=lengths(b))


class MendedByItself(BaseModel):
    a: int = 0
    b: list[int] = []

    @classmethod
    def __get_pydantic_core_schema__(cls, source, handler):
        def mend(data, inner):
            return inner({"a": 12, "b": lengths(data["b"])})

        return core_schema.no_info_wrap_validator_function(mend, handler(source))


class MendedAnnotation(BaseModel):
    a: Annotated[int, BeforeValidator(lambda value: 12)] = 0
    b: Annotated[list[int], BeforeValidator(lengths)] | None = None


MENDED = [MendedField, MendedModel, MendedByInit, MendedByItself, MendedAnnotation]


@pytest.mark.parametrize("model", MENDED)
def test_what_a_validator_mends_is_no_fault_before_it_has_seen_it(model):
    text = '{"a": "12 pages", "b": ["a", "bb", 3, "d"]}'
    *steps, (whole, is_closed), end = seen_in_steps(model, text)
    assert (whole.a, whole.b, is_closed, end) == (12, [1, 2, 3, 1], True, "completed")
    assert [3] in [value.b for value, _ in steps]  # what fits as it is

    outer = create_model("Outer", rows=(list[model], ...), other=(int, 0))
    text = f'{{"rows": [{text}, {text}], "other": "wrong"}}'
    *_, (rows, _), error = read(TextDelta(text[:-8]), TextDelta(text[-8:]), of=outer)
    assert [row.b for row in rows.rows] == [[1, 2, 3, 1]] * 2
    assert "at $ does not fit Outer: other: " in str(error)  # and nothing else became lenient


def test_what_fits_in_a_lenient_model_may_still_fail_at_the_end():
    *_, error = seen_in_steps(MendedField, '{"a": "many", "b": []}')
    assert "at $ does not fit MendedField: a: " in str(error)


class Named(TypedDict):
    name: str


class Foreign:
    pass


def test_what_is_within_a_field_is_validated_by_the_models_settings():
    class Loose(BaseModel):
        model_config = ConfigDict(
            coerce_numbers_to_str=True,
            str_strip_whitespace=True,
            use_enum_values=True,
            arbitrary_types_allowed=True,
            regex_engine="python-re",
        )
        words: list[str] = []
        notes: dict[str, str] = {}
        colours: list[Colour] = []
        named: Named | None = None
        only: Named = {"name": ""}
        names: dict[str, Named] = {}
        foreign: list[Foreign | None] = []
        before: list[Annotated[str, Field(pattern="^(?=a)")]] = []

    whole = {
        "words": [1, " a "],
        "notes": {"a": 2, "b": " b "},
        "colours": ["red", "red"],
        "named": {"name": 3},
        "only": {"name": 4},
        "names": {"a": {"name": 5}, "b": {"name": 6}},
        "foreign": [None, None],
        "before": ["ab", "ac"],
    }
    text = json.dumps(whole)
    *steps, last, end = seen_in_steps(Loose, text)
    expected = Loose.model_validate_json(text)
    assert (last, end) == ((expected, True), "completed")
    assert steps[-1][0] == expected
    shown = next(value for value, _ in steps if len(value.words) == 2 and len(value.words[1]) == 3)
    assert shown.words == ["1", " a "]  # open as it comes, complete as the model has it
    assert next(value.colours for value, _ in steps if len(value.colours) == 1) == ["red"]


def test_of_a_wrong_member_the_settings_of_its_model_tell():
    class Strict(BaseModel):
        model_config = ConfigDict(strict=True)
        numbers: list[int] = []

    *_, error = read(TextDelta('{"numbers": [1, "2", '), TextDelta("3]}"), of=Strict)
    assert "at $.numbers[1] does not fit Strict: Input should be a valid integer. " in str(error)


def test_a_model_that_names_itself_or_one_that_comes_later_is_read():
    class Chain(BaseModel):
        n: int = 0
        next: Self | None = None
        more: list[Self] = []

    text = '{"n": 1, "next": {"n": 2}, "more": [{"n": 3}, {"n": 4}]}'
    assert seen_in_steps(Chain, text)[-2:] == [(Chain.model_validate_json(text), True), "completed"]
    *steps, (whole, _), end = seen_in_steps(Shelf, '{"first": {"title": "ab"}, "others": [{"title": "c"}]}')
    assert [shown.first.title for shown, _ in steps if shown.first][:3] == [None] * 3
    assert any(shown.first and shown.first.title == "a" for shown, _ in steps)
    assert (whole.others[0].title, end) == ("c", "completed")


class Shelf(BaseModel):
    first: Pamphlet
    others: list[Pamphlet] = []


class Pamphlet(BaseModel):
    title: str


@pytest.mark.parametrize("of", [list["Nowhere"], list[Foreign]])  # noqa: F821 - that is the point
def test_what_pydantic_cannot_do_with_is_refused_at_once(of):
    with pytest.raises(ConfigurationError, match="cannot be validated: "):
        partial(of)


def test_a_field_that_pydantic_warns_of_is_read_without_a_warning():
    with pytest.warns(UserWarning, match="shadows"):

        class Old(BaseModel):
            json: Annotated[int, Field(gt=0)] = 1
            pages: Annotated[int, Field(gt=0, deprecated=True)] = 1
            text: str = ""

    text = '{"json": 3, "pages": 4, "text": "a"}'
    assert seen_in_steps(Old, text)[-2:] == [(Old.model_validate_json(text), True), "completed"]


def odd(value):
    if value == 3:
        raise KeyError("mine")
    return value


@pytest.mark.parametrize("sizes", [[33], [12, 21], [1] * 60])
def test_what_an_annotations_validator_raises_goes_to_on_error_and_not_to_who_looks(sizes):
    class Fussy(BaseModel):
        n: Annotated[int, AfterValidator(odd)] = 0
        s: str = ""

    seen = Seen()
    source: Subject = Subject()
    source.pipe(partial(list[Fussy])).subscribe(lambda handle: handle.value, seen.on_error)
    for delta in cut('[{"n": 1}, {"n": 3, "s": "abc", "n": 4}, {}]', sizes):
        source.on_next(delta)  # which raises what a subscriber raises
    assert repr(seen.errors) == "[KeyError('mine')]"


@pytest.mark.parametrize("text", ['{"a": [1], ', '{"b": "x", ', '{"c": [{}, [], '])
def test_what_is_no_dict_is_not_shown_as_one(text):
    class Plain(BaseModel):
        a: dict = {}
        b: dict | None = None
        c: list[dict] = []

    *steps, error = seen_in_steps(Plain, text)
    assert {str(value.a) + str(value.b) for value, _ in steps} == {"{}None"}
    assert all(type(each) is dict for value, _ in steps for each in value.c)
    assert "does not fit" in str(error)


def test_half_a_number_is_not_shown_under_a_key_that_came_before():
    *_, (value, _), _ = read(TextDelta('[{}, {"number": 12, "text": "a", "number": 3'), of=list[Line])
    assert (value[1].number, value[1].text) == (12, "a")
