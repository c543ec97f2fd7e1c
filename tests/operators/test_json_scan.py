"""The machine under `json_values`, `partial` and `tool_ready`, against `json.loads`."""

from __future__ import annotations

import json
import time

import pytest
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from rxllm.errors import ConfigurationError
from rxllm.operators._json_leap import begun_members
from rxllm.operators._json_path import EACH, every, parse_path, path_text
from rxllm.operators._json_scan import JsonScanner
from rxllm.operators._json_track import PathScanner
from rxllm.operators._json_unread import Unread

SCALAR = (
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=6)
)
VALUE = st.recursive(
    SCALAR,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text('ab"\\é😀', max_size=2), inner, max_size=4),
    max_leaves=20,
)
WRITTEN = st.builds(
    lambda value, ascii_, indent: json.dumps(value, ensure_ascii=ascii_, indent=indent),
    VALUE,
    st.booleans(),
    st.sampled_from([None, 0, 1]),
)


def pieces(text, sizes):
    at = 0
    for size in [*sizes, len(text)]:
        if at < len(text):
            yield text[at : at + size]
        at += size


def scanned(text, sizes=(), scanner=None):
    scanner = scanner or JsonScanner()
    for piece in pieces(text, sizes):
        scanner.feed(piece)
    scanner.end()
    return scanner


@given(WRITTEN, st.lists(st.integers(0, 6), max_size=60), st.booleans())
@settings(deadline=None, max_examples=150)
def test_however_it_is_cut_and_looked_at_it_reads_what_json_loads_reads(text, sizes, looks):
    scanner = JsonScanner()
    unread = Unread(scanner)
    for piece in pieces(text, sizes):
        unread.push(piece)
        if looks:
            unread.snapshot()
            scanner.place()
    unread.catch_up()
    scanner.end()
    assert scanner.fault is None
    expected = json.loads(text)
    assert scanner.root == expected
    assert json.dumps(scanner.root) == json.dumps(expected)  # True is no 1, and the order is the same


@given(WRITTEN, st.data())
@settings(deadline=None, max_examples=150)
def test_text_that_json_loads_refuses_is_refused_at_one_place_however_it_is_cut(text, data):
    at = data.draw(st.integers(0, len(text)))
    broken = (
        text[:at]
        + data.draw(st.sampled_from(["", ",", "}", "]", '"', "\\", "x", "1", " ", "\n", "NaN"]))
        + text[at + 1 :]
    )
    sizes = data.draw(st.lists(st.integers(0, 6), max_size=60))
    whole, cut = scanned(broken), scanned(broken, sizes)
    try:
        expected = json.loads(broken, parse_constant=pytest.fail)
    except (ValueError, pytest.fail.Exception):
        assert whole.fault is not None
        assert str(whole.fault) == str(cut.fault)
    else:
        assert (whole.fault, cut.fault) == (None, None)
        assume("\\ud" not in repr(expected))  # half a surrogate pair, which json.loads leaves as it is
        assert whole.root == cut.root == expected


@given(
    WRITTEN,
    st.lists(st.integers(0, 6), max_size=60),
    st.sampled_from(["$", "$[*]", "$.a", "$[0].a", "$.a[*].b", "$[*][1]", "$.a[*]", "$[*][*]"]),
)
@settings(deadline=None, max_examples=150)
def test_however_it_is_cut_the_same_closes_at_a_path(text, sizes, path):
    steps = parse_path(path)
    scanner = scanned(text, sizes, PathScanner(steps))
    assert scanner.hits == list(every(json.loads(text), steps))
    later, looked = PathScanner(steps), PathScanner(steps)
    for piece in pieces(text, sizes):
        later.take(piece)
        looked.feed(piece)
        assert later.hits == looked.hits
        if EACH not in steps:
            assert later.is_open() == looked.is_open()
            assert not later.is_open() or later.open_hit() == looked.open_hit()


@given(
    WRITTEN, st.lists(st.integers(0, 6), max_size=60), st.sampled_from(["", "x", "]", ",", '"', "7"]), st.integers(0)
)
@example(text="[0, 7-1]", sizes=[5, 1], wrong="", at=0)
@example(text="[0, 7.e+]", sizes=[5, 1, 1, 1], wrong="", at=0)
@settings(deadline=None, max_examples=150)
def test_a_look_at_what_is_not_read_yet_tells_what_reading_it_tells(text, sizes, wrong, at):
    at %= len(text) + 1
    pushed, fed = JsonScanner(), JsonScanner()
    unread = Unread(pushed)
    for piece in pieces(text[:at] + wrong + text[at:], sizes):
        unread.push(piece)
        fed.feed(piece)
        if fed.fault is None:
            assert json.dumps(unread.snapshot()) == json.dumps(fed.snapshot())
        else:
            unread.snapshot()
    unread.catch_up()
    pushed.end()
    fed.end()
    assert str(pushed.fault) == str(fed.fault)


def test_a_look_at_a_member_that_has_begun_does_not_read_it_in_steps():
    scanner = JsonScanner()
    unread = Unread(scanner)
    unread.push('{"rows": [{"a": 1}')
    for piece in (', {"a"', ': [true, "b'):
        unread.push(piece)
        assert unread.snapshot()["rows"][0] == {"a": 1}
    assert (unread.snapshot()["rows"][1], len(scanner.stack)) == ({"a": [True, "b"]}, 2)


@pytest.mark.parametrize("cut", ["\\", "\\u", "\\u00e", "\\\\\\", "\\ud83d", "\\ud83d\\", "\\ud83d\\ude0"])
def test_an_escape_that_is_cut_is_left_to_the_machine_which_keeps_the_text_before_it(cut):
    assert begun_members(f'["1{cut}', is_behind=False) is None
    unread = Unread(JsonScanner())
    for piece in ("[[]", f', ["1{cut}'):
        unread.push(piece)
    assert unread.snapshot() == [[], ["1\\" if cut == "\\" * 3 else "1"]]


@pytest.mark.parametrize(("text", "member"), [(r"1\\", "1\\"), (r"\u00e9", "é"), (r"\ud83d\ude00", "😀"), ("12", "12")])
def test_text_that_ends_behind_an_escape_or_in_a_digit_is_looked_into(text, member):
    assert begun_members(f'["{text}', is_behind=False) == [[member]]


def test_half_a_number_is_left_out_also_where_its_key_came_before():
    assert begun_members(', {"a": 12, "b": "", "a": 3', is_behind=True) == [{"a": 12, "b": ""}]
    assert begun_members(', {"a": 12, "b": true', is_behind=True) == [{"a": 12, "b": True}]


def test_a_look_sees_what_stands_behind_the_end_of_a_list():
    unread = Unread(JsonScanner())
    unread.push('{"a": {"c": ["x"')
    unread.push(', "y"], "d": "z')
    assert unread.snapshot() == {"a": {"c": ["x", "y"], "d": "z"}}


def test_a_snapshot_never_changes():
    scanner = JsonScanner()
    scanner.feed('{"a": [1, {"b": "x')
    early = scanner.snapshot()
    scanner.feed('yz"}, 2], "c": 3}')
    assert early == {"a": [1, {"b": "x"}]}
    assert scanner.snapshot() == {"a": [1, {"b": "xyz"}, 2], "c": 3}


def test_closed_parts_are_shared_between_snapshots():
    scanner = JsonScanner()
    scanner.feed('[{"a": 1}, ')
    early = scanner.snapshot()
    scanner.feed("2")
    assert scanner.snapshot()[0] is early[0]


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ('["a\\', ["a"]),
        ('["a\\n', ["a\n"]),
        ('["a\\u00e', ["a"]),
        ('["a\\ud83d', ["a"]),
        ('["a\\ud83d\\ude0', ["a"]),
        ('["a\\ud83d\\ude00', ["a😀"]),
        ("[12", []),
        ("[tru", []),
        ('{"ke', {}),
        ('{"key": ', {}),
        ('{"key": "', {"key": ""}),
        ('[[1], {"a": ["b', [[1], {"a": ["b"]}]),
    ],
)
def test_what_is_not_whole_is_shown_as_far_as_it_can_be_told(text, shown):
    for sizes in ((), [1] * len(text)):
        scanner = JsonScanner()
        for piece in pieces(text, sizes):
            scanner.feed(piece)
        assert scanner.snapshot() == shown


@pytest.mark.parametrize(
    ("text", "value"), [(r'"\ud83d"', "\ufffd"), (r'"\ud83dx"', "\ufffdx"), (r'"\ude00\ud83d"', "\ufffd\ufffd")]
)
@pytest.mark.parametrize("size", [1, 6, 100])
def test_half_a_surrogate_pair_becomes_the_replacement_character(text, value, size):
    assert scanned(f"[{text}]", [size] * 20).root == [value]


@pytest.mark.parametrize(
    ("text", "at", "expected"),
    [
        ('{"a" 1}', 5, "':'"),
        ("[1,]", 3, "a value"),
        ('{"a": 1,}', 8, "a key in double quotes"),
        ("{'a': 1}", 1, "a key in double quotes"),
        ("[NaN]", 1, "a value"),
        ("[-Infinity]", 1, "a number as JSON writes it"),
        ('["\n"]', 2, "an escape of JSON"),
        (r'["\x"]', 2, "an escape of JSON"),
        ("[1 2]", 3, "',' or ']'"),
        ("[01]", 1, "a number as JSON writes it"),
        ("[1]]", 3, "nothing more"),
        ('{"a": [1, {"b": ', 16, "the rest of the document"),
        ('{"a": "b', 8, "the rest of the document"),
        ("", 0, "the rest of the document"),
        ("[" * 201, 200, "no more than 200 levels"),
        ("[" + "1" * 5000 + "]", 1, "at most 4,300 characters"),
    ],
)
def test_a_fault_tells_the_place_and_what_was_expected(text, at, expected):
    for size in (1, 7, 10_000):
        fault = scanned(text, [size] * len(text)).fault
        assert f"at character {at:,}," in str(fault)
        assert expected in str(fault)
        assert fault.format == "json"


def test_a_fault_keeps_what_was_before_it():
    scanner = scanned('{"a": [1, 2], "b": oops}')
    assert scanner.snapshot() == {"a": [1, 2]}
    assert "at $.b" in str(scanner.fault)


def test_what_comes_after_a_fault_is_not_read():
    scanner = JsonScanner()
    unread = Unread(scanner)
    for piece in ('[{"a": 1} oops', ', {"a": 2}', ', {"a": 3}'):
        unread.push(piece)
        assert unread.snapshot() == [{"a": 1}]
    assert scanner.fault is not None


def test_the_last_of_two_members_with_one_key_stands():
    assert scanned('{"a": {"x": 1}, "a": 2}', [1] * 30).root == {"a": 2}


def test_big_numbers_keep_every_digit():
    assert scanned("[123456789012345678901234567890]").root == [123456789012345678901234567890]


@pytest.mark.parametrize(
    ("text", "openers", "value"),
    [
        ('Here it is:\n```json\n{"a": 1}\n``` [1] and so on', "{", {"a": 1}),
        ("see [1]: {}", "{", {}),
        ("{a list}: [1]", "[", [1]),
    ],
)
def test_prose_around_the_document_is_skipped_where_it_is_allowed(text, openers, value):
    for size in (1, 5, 100):
        scanner = scanned(text, [size] * len(text), JsonScanner(openers))
        assert (scanner.root, scanner.fault) == (value, None)


@pytest.mark.parametrize("path", ["$", "$.a", "$.a.b[0]", "$[*]", "$.items[*].title", "$['a b'][2]"])
def test_a_path_reads_as_it_is_written(path):
    assert path_text(parse_path(path)) == path


@pytest.mark.parametrize(
    "path", ["", "a", "$a", "$.", "$..a", "$.a[", "$[x]", "$[-1]", "$[1:2]", "$.*", "$[?(@.a)]", "$.a b"]
)
def test_a_path_that_cannot_be_followed_while_reading_is_refused(path):
    with pytest.raises(ConfigurationError, match=r"Expected '\$', then any of"):
        parse_path(path)


@pytest.mark.parametrize("reader", [lambda scanner: scanner.feed, lambda scanner: Unread(scanner).push])
def test_a_piece_costs_the_same_in_a_long_document_as_in_a_short_one(reader):
    def cost(count):
        text = json.dumps([{"n": n, "title": f"word {n}"} for n in range(count // 8)])
        cut = list(pieces(text, [4] * len(text)))
        best = float("inf")
        for _ in range(3):
            scanner = JsonScanner()
            take = reader(scanner)
            start = time.process_time()
            for piece in cut:
                take(piece)
            best = min(best, time.process_time() - start)
            assert scanner.closed
        return best / len(cut)

    assert cost(50_000) < 3 * cost(1_000)
