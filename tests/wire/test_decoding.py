"""What all decoders share: how a response may end, and what a fault leaves behind."""

from __future__ import annotations

import pytest
from fed import fed

from rxllm.errors import DecodeError, ProviderError, RateLimitError, TruncatedStreamError
from rxllm.wire import FORMATS, find_wire

EVENTS = [wire for wire in FORMATS if wire != "ollama"]


@pytest.mark.parametrize("wire", EVENTS)
@pytest.mark.parametrize("begun", [b"", b"d", b"da", b"dat", b"data", b"data:", b"ev", b"event: x", b"i", b'data: {"'])
def test_a_stream_that_was_cut_in_its_first_word_is_truncated(wire, begun):
    items, error = fed(find_wire(wire).Decoder(), [begun])
    assert type(error) is TruncatedStreamError
    assert items == []


@pytest.mark.parametrize("wire", FORMATS)
def test_a_page_for_people_is_no_stream(wire):
    error = fed(find_wire(wire).Decoder(), [b"<html>Not found</html>"])[1]
    assert type(error) is DecodeError
    assert (error.format, error.snippet.strip()) == (wire, "<html>Not found</html>")


@pytest.mark.parametrize("wire", FORMATS)
def test_an_error_in_place_of_a_stream_is_the_provider_s(wire):
    body = b'{"error": {"message": "no", "code": 429, "type": "rate_limit_error", "status": "RESOURCE_EXHAUSTED"}}'
    error = fed(find_wire(wire).Decoder(), [body])[1]
    assert type(error) is RateLimitError
    assert str(error) == "no"


@pytest.mark.parametrize("wire", FORMATS)
def test_a_fault_comes_with_the_next_call_and_stays(wire):
    decoder = find_wire(wire).Decoder()
    assert decoder.feed(b"data: nonsense\n\n") == []
    assert isinstance(decoder.fault, DecodeError)
    for again in (lambda: decoder.feed(b""), decoder.finish, decoder.finish):
        with pytest.raises(DecodeError) as raised:
            again()
        assert raised.value is decoder.fault


@pytest.mark.parametrize("wire", FORMATS)
def test_an_event_without_an_end_is_bounded(wire):
    decoder = find_wire(wire).Decoder()
    decoder.feed(b"data: {")
    for _ in range(17):
        if decoder.fault is not None:
            break
        decoder.feed(b"x" * 1024 * 1024)
    assert isinstance(decoder.fault, DecodeError)
    assert "larger than" in str(decoder.fault) or "longer than" in str(decoder.fault)


def test_no_credit_at_anthropic_is_told_as_it_is_elsewhere():
    body = b'{"type": "error", "error": {"type": "billing_error", "message": "Your credit is too low."}}'
    error = fed(find_wire("anthropic").Decoder(), [body])[1]
    assert isinstance(error, ProviderError)
    assert (type(error), error.code) == (RateLimitError, "billing_error")
