"""Newline-delimited JSON, at its edges."""

from __future__ import annotations

import pytest
from fed import portions

from rxllm.errors import DecodeError
from rxllm.wire.ndjson import Decoder


def take(decoder: Decoder, pieces: list[bytes], found: list) -> None:
    for piece in pieces:
        found += decoder.feed(piece)


@pytest.fixture(params=[0, 1, 2, 7], ids=["whole", "by 1", "by 2", "by 7"])
def size(request):
    return request.param


def lines(body: bytes, size: int = 0) -> list[bytes]:
    decoder = Decoder()
    return [line for piece in portions(body, size) for line in decoder.feed(piece)] + decoder.finish()


def test_a_line_is_a_document(size):
    assert lines(b'{"a": 1}\n{"b": 2}\n', size) == [b'{"a": 1}', b'{"b": 2}']


def test_blank_lines_are_skipped(size):
    assert lines(b"\n\r\n1\n  \n2\n\n", size) == [b"1", b"2"]


def test_carriage_returns_are_no_part_of_a_line(size):
    assert lines(b"1\r\n2\r\n", size) == [b"1", b"2"]


def test_line_separators_within_text_are_text(size):
    text = '"\u2028\u0085"'.encode()
    assert lines(text + b"\n", size) == [text]


def test_a_last_line_without_a_line_feed_is_delivered(size):
    assert lines(b"1\n2", size) == [b"1", b"2"]


def test_a_line_over_the_limit_is_refused_and_what_came_before_is_not_lost(size):
    decoder, found = Decoder(limit=10), []
    with pytest.raises(DecodeError, match="longer than 10 bytes"):
        take(decoder, [*portions(b"1\n" + b"2" * 30 + b"\n3\n", size), b""], found)
    assert found == [b"1"]
    with pytest.raises(DecodeError):
        decoder.finish()


def test_a_line_that_never_ends_is_refused():
    decoder = Decoder(limit=1000)
    with pytest.raises(DecodeError, match="longer than 1000 bytes"):
        take(decoder, [b"x"] * 1002, [])
