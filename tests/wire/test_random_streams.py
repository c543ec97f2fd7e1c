"""Streams made at random: what comes out is what went in, and nonsense gives nothing but our errors."""

from __future__ import annotations

import json
from typing import Any

from fed import completed, fed
from hypothesis import given, settings
from hypothesis import strategies as st

from rxllm.errors import RxllmError
from rxllm.wire import ndjson, sse
from rxllm.wire.chat_completions import Decoder

TEXT = st.text(st.characters(codec="utf-8") | st.sampled_from('"\\\n\u2028\u0085 😀é世'), max_size=12)


def json_values(floats: st.SearchStrategy[float]) -> st.SearchStrategy[Any]:
    return st.recursive(
        st.none() | st.booleans() | st.integers() | floats | TEXT,
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
        max_leaves=5,
    )


JSON = json_values(st.floats())
FINITE_JSON = json_values(st.floats(allow_nan=False, allow_infinity=False))
"""What JSON itself can say, and so what a tool's arguments can be."""

KINDS = ["content", "reasoning_content", "refusal", "arguments"]
PIECES = st.lists(st.tuples(st.sampled_from(KINDS), TEXT, st.integers(0, 1)), max_size=25)


def delta(kind: str, text: str, choice: int, seen: set[int]) -> dict[str, Any]:
    if kind != "arguments":
        return {kind: text}
    head = {} if choice in seen else {"id": f"call-{choice}"}
    name = {} if choice in seen else {"name": "f"}
    seen.add(choice)
    return {"tool_calls": [{"index": 0, **head, "function": {**name, "arguments": text}}]}


@st.composite
def streams(draw: st.DrawFn) -> tuple[list[tuple[str, str, int]], bytes]:
    """Pieces of parts, and a response that is made of them."""
    pieces = draw(PIECES)
    end = draw(st.sampled_from(["\n", "\r\n", "\r"]))
    style: Any = {"ensure_ascii": draw(st.booleans()), "separators": draw(st.sampled_from([(",", ":"), (", ", ": ")]))}
    extra = draw(st.just({}) | st.dictionaries(TEXT.map("x-{}".format), JSON, max_size=2))
    seen: set[int] = set()
    body: list[str] = []
    for kind, text, choice in pieces:
        if draw(st.integers(0, 9)) == 0:
            body.append(f": {draw(st.sampled_from(['', 'ping']))}{end}{end}")
        chunk = {"id": "c", **extra, "choices": [{"index": choice, "delta": delta(kind, text, choice, seen), **extra}]}
        body.append(f"data: {json.dumps(chunk, **style)}{end}{end}")
    body.append(f"data: [DONE]{end}{end}")
    return pieces, "".join(body).encode()


@st.composite
def cut(draw: st.DrawFn, body: bytes) -> list[bytes]:
    places = sorted(draw(st.lists(st.integers(0, len(body)), max_size=8)))
    return [body[a:b] for a, b in zip([0, *places], [*places, len(body)], strict=True)]


@given(st.data())
@settings(max_examples=300, deadline=None)
def test_what_comes_out_is_what_went_in(data):
    pieces, body = data.draw(streams())
    items, error = fed(Decoder(), data.draw(cut(body)))
    assert error is None
    choices = {choice.index: choice for choice in completed(items).choices}
    for index in {choice for _, _, choice in pieces}:
        said = {kind: "".join(t for k, t, c in pieces if (k, c) == (kind, index)) for kind in KINDS}
        choice = choices.get(index)
        if choice is None:  # a choice that said nothing
            assert not any(said.values())
            continue
        assert choice.text == said["content"]
        assert choice.reasoning == said["reasoning_content"]
        assert choice.refusal == said["refusal"]
        assert "".join(call.arguments_raw for call in choice.tool_calls) == said["arguments"]


@given(st.lists(TEXT, max_size=10), st.data())
@settings(max_examples=200, deadline=None)
def test_escaped_text_may_be_cut_within_a_character(texts, data):
    units = "".join(texts).encode("utf-16-be")
    codes = [f"\\u{units[at : at + 2].hex()}" for at in range(0, len(units), 2)]
    places = sorted(data.draw(st.lists(st.integers(0, len(codes)), max_size=8)))
    pieces = ["".join(codes[a:b]) for a, b in zip([0, *places], [*places, len(codes)], strict=True)]
    body = "".join(f'data: {{"choices": [{{"delta": {{"content": "{piece}"}}}}]}}\n\n' for piece in pieces)
    items, error = fed(Decoder(), data.draw(cut(body.encode() + b"data: [DONE]\n\n")))
    assert (completed(items).text, error) == ("".join(texts), None)


@given(JSON)
@settings(max_examples=300, deadline=None)
def test_any_json_gives_items_or_our_error(value):
    for payload in (value, {"choices": value}, {"choices": [{"delta": value}]}, {"choices": [], "usage": value}):
        body = f"data: {json.dumps(payload)}\n\ndata: [DONE]\n\n".encode()
        _, error = fed(Decoder(), [body])
        assert error is None or isinstance(error, RxllmError)


DELTA_FIELDS = st.sampled_from(
    ["content", "reasoning", "reasoning_details", "tool_calls", "function_call", "annotations", "audio", "images"]
)


@given(st.dictionaries(DELTA_FIELDS, JSON), JSON, JSON)
@settings(max_examples=300, deadline=None)
def test_any_value_of_any_field_gives_items_or_our_error(delta_, logprobs, sources):
    choice = {"delta": delta_, "logprobs": logprobs, "finish_reason": "stop"}
    payload = {
        "choices": [choice],
        "citations": sources,
        "search_results": sources,
        "x_groq": logprobs,
        "error": sources,
    }
    _, error = fed(Decoder(), [f"data: {json.dumps(payload)}\n\ndata: [DONE]\n\n".encode()])
    assert error is None or isinstance(error, RxllmError)


@given(st.lists(st.binary(max_size=30) | st.sampled_from([b"data: ", b"\n\n", b"\r", b'{"choices":[', b"]}"])))
@settings(max_examples=300, deadline=None)
def test_any_bytes_give_items_or_our_error(pieces):
    _, error = fed(Decoder(), pieces)
    assert isinstance(error, RxllmError)


@given(
    st.lists(st.sampled_from([b"data: a", b"data:b", b": c", b"id: 1", b"event: e", b"\n", b"\n\n", b"\r", b"\r\n"])),
    st.data(),
)
@settings(max_examples=500, deadline=None)
def test_events_are_the_same_however_the_bytes_were_cut(tokens, data):
    body = b"".join(tokens)
    whole, bytewise = sse.Decoder(), sse.Decoder()
    events = whole.feed(body) + whole.finish()
    assert [e for at in range(len(body)) for e in bytewise.feed(body[at : at + 1])] + bytewise.finish() == events
    decoder = sse.Decoder()
    assert [e for piece in data.draw(cut(body)) for e in decoder.feed(piece)] + decoder.finish() == events
    assert decoder.comments == whole.comments == bytewise.comments


@given(st.binary(), st.data())
@settings(deadline=None)
def test_lines_are_the_same_however_the_bytes_were_cut(body, data):
    whole, decoder = ndjson.Decoder(), ndjson.Decoder()
    lines = whole.feed(body) + whole.finish()
    assert [e for piece in data.draw(cut(body)) for e in decoder.feed(piece)] + decoder.finish() == lines
