"""The skeleton of a chunk: when it can be found for certain, and when not."""

from __future__ import annotations

import pytest

from rxllm.items import ReasoningDelta, TextDelta
from rxllm.wire.skeleton import Skeleton, skeleton


@pytest.mark.parametrize("space", [b"", b" "])
def test_it_is_what_stands_before_and_after_the_text(space):
    payload = b'{"id": 1, "text":' + space + b'"Hi", "more": []}'
    name = b'"text":' + space + b'"'
    found = skeleton(payload, TextDelta("Hi", 2), [b"text"])
    assert found == Skeleton(b'data: {"id": 1, ', name, b'", "more": []}\n\n', TextDelta, 2)


def test_the_text_may_stand_in_one_of_several_fields():
    found = skeleton(b'{"b":"Hi"}', ReasoningDelta("Hi"), [b"a", b"b"])
    assert found == Skeleton(b"data: {", b'"b":"', b'"}\n\n', ReasoningDelta, 0)


@pytest.mark.parametrize(
    "payload",
    [
        b'{"text":"Hi","other":{"text":"Hi"}}',  # which of them is it?
        b'{"other":{"text":"Hi"},"text" : "Hi"}',
        b'{"other":"\\"","text":"Hi"}',  # an escape could hide anything
        b'{"other":"Hi"}',
        b'{"text":"Hi, there"}',
        b'{"text" :"Hi"}',
    ],
)
def test_where_the_text_cannot_be_found_for_certain_there_is_none(payload):
    assert skeleton(payload, TextDelta("Hi"), [b"text"]) is None


BONES = Skeleton(b"data: {", b'"text":"', b'"}\n\n', TextDelta, 0)


def frame(payload):
    return f"data: {payload}\n\n".encode()


@pytest.mark.parametrize(
    ("payloads", "read"),
    [
        (['{"text":"a"}', '{"text":"b"}'], ["a", "b"]),
        (['{"text":""}', '{"text":"b"}'], [frame('{"text":""}'), "b"]),
        (['{"text":"a\\n\\u00fc\\"b"}'], ['a\nü"b']),
        (['{"text":"狐 🙂"}'], ["狐 🙂"]),
        (['{"text":"a","end":1}', '{"text":"b"}'], [frame('{"text":"a","end":1}'), "b"]),
        (['{"end":1}', '{"text":"b"}'], [frame('{"end":1}'), "b"]),
        (["[DONE]", '{"text":"b"}'], [frame("[DONE]"), "b"]),
        (['{"text":"a"}', '{"text":"b","text":"c"}', '{"text":"d"}'], ["a", frame('{"text":"b","text":"c"}'), "d"]),
        (['{"text":"a"}', "[DONE]"], ["a", frame("[DONE]")]),
        (['{"text":"a","b"}', '{"text":"c"}'], [frame('{"text":"a","b"}'), "c"]),
        (['{"text":"a\\"}'], [frame('{"text":"a\\"}')]),
        (['{"text":"\\ud83d"}', '{"text":"b"}'], [frame('{"text":"\\ud83d"}'), "b"]),
        (['{"text":"a\tb"}'], [frame('{"text":"a\tb"}')]),
        (['{"text":"a"}', '{"text":1}\n'], ["a", frame('{"text":1}\n')]),
        (['{"text":"a"}', '{"x":1}', "1", '{"text":"b"}'], ["a", frame('{"x":1}') + frame("1"), "b"]),
    ],
)
def test_what_fits_becomes_items_and_the_rest_comes_back_in_its_place(payloads, read):
    out = []
    BONES.read(b"".join(map(frame, payloads)), out, out.append)
    assert [item.text if isinstance(item, TextDelta) else item for item in out] == read


@pytest.mark.parametrize("count", [1, 2, 3, 5, 8])
@pytest.mark.parametrize("size", [1, 20_000])
def test_behind_a_misfit_that_ends_the_reading_all_is_unread(count, size):
    fitting = [f'{{"text":"{number}{"x" * size}"}}' for number in range(count)]
    for misfit in ('{"text":1}', '{"text":"b", "c":1}', "[DONE]", '{"text":"\\ud83d"}'):
        for place in range(count + 1):
            payloads = [*fitting[:place], misfit, *fitting[place:]]
            out, strange = [], []
            unread = BONES.read(b"".join(map(frame, payloads)), out, lambda given, seen=strange: not seen.append(given))
            assert [item.text[0] for item in out] == [str(number) for number in range(place)]
            assert b"".join([*strange, unread]) == b"".join(map(frame, payloads[place:]))
            assert strange[0].startswith(frame(misfit))
