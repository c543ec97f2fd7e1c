"""The skeleton of a chunk: when it can be found for certain, and when not."""

from __future__ import annotations

import pytest

from rxllm.items import ReasoningDelta, TextDelta
from rxllm.wire.skeleton import NO_SKELETON, Skeleton, skeleton


@pytest.mark.parametrize("space", [b"", b" "])
def test_it_is_what_stands_before_and_after_the_text(space):
    payload = b'{"id": 1, "text":' + space + b'"Hi", "more": []}'
    head, tail = b'{"id": 1, "text":' + space + b'"', b'", "more": []}'
    assert skeleton(payload, TextDelta("Hi", 2), [b"text"]) == Skeleton(head, tail, TextDelta, 2)


def test_the_text_may_stand_in_one_of_several_fields():
    found = skeleton(b'{"b":"Hi"}', ReasoningDelta("Hi"), [b"a", b"b"])
    assert found == Skeleton(b'{"b":"', b'"}', ReasoningDelta, 0)


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


def test_no_json_begins_like_no_skeleton():
    assert not b'{"text":"Hi"}'.startswith(NO_SKELETON.head)
