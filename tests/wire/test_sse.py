"""Server-sent events, at their edges."""

from __future__ import annotations

import time

import pytest
from fed import portions

from rxllm.errors import DecodeError
from rxllm.wire.sse import Decoder, Event


def events(body: bytes, size: int = 0) -> list[Event]:
    decoder = Decoder()
    return [event for piece in portions(body, size) for event in decoder.feed(piece)] + decoder.finish()


def take(decoder: Decoder, pieces: list[bytes], found: list) -> None:
    for piece in pieces:
        found += decoder.feed(piece)


@pytest.fixture(params=[0, 1, 2, 3, 7], ids=["whole", "by 1", "by 2", "by 3", "by 7"])
def size(request):
    return request.param


@pytest.mark.parametrize("end", [b"\n", b"\r", b"\r\n"])
def test_lines_end_with_lf_cr_and_crlf(end, size):
    body = b"data: a" + end + end + b"data: b" + end + b"data: c" + end + end
    assert events(body, size) == [Event(b"a"), Event(b"b\nc")]


def test_line_ends_may_be_mixed(size):
    body = b"data: a\r\ndata: b\rdata: c\n\r\ndata: d\r\r"
    assert events(body, size) == [Event(b"a\nb\nc"), Event(b"d")]


def test_a_crlf_cut_in_two_is_one_line_end():
    decoder = Decoder()
    assert decoder.feed(b"data: a\r") == []
    assert decoder.feed(b"\ndata: b\r") == []
    assert decoder.feed(b"\n\r") == [Event(b"a\nb")]
    assert decoder.feed(b"\ndata: c\n\n") == [Event(b"c")]


def test_line_separators_within_text_are_text(size):
    text = "a\u0085b\u2028c\u2029d\x0be\x0cf\x1cg".encode()
    assert events(b"data: " + text + b"\n\n", size) == [Event(text)]


def test_a_byte_order_mark_is_left_out(size):
    assert events(b"\xef\xbb\xbfdata: a\n\n", size) == [Event(b"a")]


def test_a_byte_order_mark_later_on_is_no_mark(size):
    assert events(b"data: a\n\n\xef\xbb\xbfdata: b\n\n", size) == [Event(b"a")]


def test_data_needs_no_space_and_loses_only_one(size):
    assert events(b"data:a\n\ndata:  b\n\ndata\n\ndata:\n\n", size) == [
        Event(b"a"),
        Event(b" b"),
        Event(b""),
        Event(b""),
    ]


def test_several_data_lines_are_one_event(size):
    assert events(b"data: a\ndata:\ndata: b\n\n", size) == [Event(b"a\n\nb")]


def test_a_name_holds_for_its_event_only(size):
    assert events(b"event: x\ndata: a\n\ndata: b\n\nevent: y\n\ndata: c\n\n", size) == [
        Event(b"a", "x"),
        Event(b"b"),
        Event(b"c"),
    ]


def test_an_id_holds_until_the_next(size):
    assert events(b"id: 1\ndata: a\n\ndata: b\n\nid: 2\0\ndata: c\n\nid\ndata: d\n\n", size) == [
        Event(b"a", None, "1"),
        Event(b"b", None, "1"),
        Event(b"c", None, "1"),
        Event(b"d"),
    ]


def test_retry_takes_digits_only():
    decoder = Decoder()
    decoder.feed(b"retry: 15\nretry: x\nretry: -1\nretry: " + b"9" * 5000 + b"\n\n")
    assert decoder.retry == 15


def test_comments_are_counted_and_carry_nothing(size):
    decoder = Decoder()
    found = [e for piece in portions(b": ping\n\n:\n\ndata: a\n: x\ndata: b\n\n", size) for e in decoder.feed(piece)]
    assert (found, decoder.comments) == ([Event(b"a\nb")], 3)


def test_unknown_lines_are_ignored_but_kept_for_whoever_asks(size):
    decoder = Decoder()
    for piece in portions(b'{\n  "error": "no"\n}\n\ndata: a\n\n', size):
        decoder.feed(piece)
    assert decoder.ignored == b'{\n  "error": "no"\n}\n'


@pytest.mark.parametrize("tail", [b"data: b", b"data: b\n", b"data: b\r", b"data: b\r\n"])
def test_a_last_event_without_a_blank_line_is_delivered(tail, size):
    assert events(b"data: a\n\n" + tail, size) == [Event(b"a"), Event(b"b")]


def test_more_blank_lines_are_nothing(size):
    assert events(b"\n\ndata: a\n\n\n\ndata: b\n\n\n", size) == [Event(b"a"), Event(b"b")]


def test_reads_of_mere_frames_and_others_may_alternate():
    decoder = Decoder()
    assert decoder.feed(b"data: a\n\ndata: b\n\nda") == [Event(b"a"), Event(b"b")]
    assert decoder.feed(b"ta: c\n\n: ping\n\nid: 7\n") == [Event(b"c")]
    assert decoder.feed(b"data: d\n\n") == [Event(b"d", None, "7")]
    assert decoder.feed(b"data: e\n\ndata: f\n") == [Event(b"e", None, "7")]
    assert decoder.feed(b"data: g\n\ndata: h\n\n") == [Event(b"f\ng", None, "7"), Event(b"h", None, "7")]


@pytest.mark.parametrize("body", [b"data: a\n\ndata: b\n\n", b"data: a\r\n\r\ndata: b\r\n\r\n"])
def test_whole_frames_are_cut_off_without_looking_at_lines(body):
    decoder = Decoder()
    frames = decoder.frames(body + b"data: c")
    assert frames == b"data: a\n\ndata: b\n\n"
    assert decoder.events(frames) == [Event(b"a"), Event(b"b")]
    assert decoder.feed(b"c\n\n") == [Event(b"cc")]


@pytest.mark.parametrize(
    "body",
    [
        b"data: a\ndata: b\n\n",
        b"data: a\n\n\ndata: b\n\n",
        b"data: a\n\nevent: x\ndata: b\n\n",
        b"data: a\n\n: ping\n\n",
        b"data: a\n\nid: 3\ndata:b\n\n",
    ],
)
def test_whole_frames_may_hold_anything(body):
    decoder = Decoder()
    assert decoder.events(decoder.frames(body)) == events(body, 1)


def test_looking_into_frames_leaves_what_came_after_them_alone():
    decoder = Decoder()
    frames = decoder.frames(b"data: a\n\n: ping\n\nda")
    assert decoder.events(frames) == [Event(b"a")]
    assert decoder.comments == 1
    assert decoder.feed(b"ta: c\n\n") == [Event(b"c")]


@pytest.mark.parametrize("body", [b"data:a\n\n", b"data: a\rdata: b\n\n", b"\xef\xbb\xbfdata: a\n\n", b": ping\n\n"])
def test_what_cannot_be_cut_off_at_a_blank_line_is_left_to_feed(body):
    decoder = Decoder()
    assert decoder.frames(body) is None
    assert decoder.feed(body) == events(body, 1)


def test_an_event_over_the_limit_is_refused_and_what_came_before_is_not_lost(size):
    decoder = Decoder(limit=100)
    found = []
    with pytest.raises(DecodeError, match="larger than 100 bytes"):
        take(decoder, [*portions(b"data: a\n\ndata: " + b"x" * 200 + b"\n\ndata: b\n\n", size), b""], found)
    assert found == [Event(b"a")]
    with pytest.raises(DecodeError):
        decoder.finish()


@pytest.mark.parametrize("line", [b"data: xxxxxxx\n", b"data:\n", b"x", b": xxxx"])
def test_an_event_that_never_ends_is_refused(line):
    decoder = Decoder(limit=1000)
    with pytest.raises(DecodeError, match="larger than 1000 bytes"):
        take(decoder, [line] * 1002, [])


def test_an_event_of_the_limits_size_is_taken(size):
    assert events(b"data: " + b"x" * 94 + b"\n\n", size) == [Event(b"x" * 94)]


def test_a_large_event_byte_by_byte_costs_no_more_a_byte_than_a_small_one():
    def cost(length: int) -> float:
        decoder, body = Decoder(), b"data: " + b"x" * length + b"\n\n"
        began = time.process_time()
        found = [e for piece in portions(body, 1) for e in decoder.feed(piece)]
        assert len(found[0].data) == length
        return time.process_time() - began

    cost(1000)
    assert cost(400_000) < 10 * max(cost(80_000), 0.01)  # five times as long; were it quadratic, 25 times


def test_an_event_of_many_lines_costs_no_more_a_line_than_one_of_few():
    def cost(lines: int) -> float:
        decoder, body = Decoder(), b"data: x\n" * lines + b"\n"
        began = time.process_time()
        found = [e for piece in portions(body, 4) for e in decoder.feed(piece)]
        assert found[0].data.count(b"x") == lines
        return time.process_time() - began

    cost(100)
    assert cost(50_000) < 10 * max(cost(10_000), 0.01)
