"""Streams of Anthropic Messages made at random: what comes out is what went in, and nonsense gives only our errors."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from fed import completed, fed, of_type
from hypothesis import given, settings
from hypothesis import strategies as st

from rxllm.errors import RxllmError
from rxllm.items import ServerToolCall
from rxllm.wire.anthropic import Decoder

RECORDINGS = [
    path.read_bytes()
    for path in sorted((Path(__file__).parents[1] / "recordings" / "llama_cpp").glob("messages-*.body"))
]
TEXT = st.text(st.characters(codec="utf-8") | st.sampled_from('"\\\n\u2028\u0085 😀é世'), max_size=12)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=5,
)
STARTS: dict[str, dict[str, Any]] = {
    "text": {"text": ""},
    "thinking": {"thinking": "", "signature": ""},
    "tool_use": {"name": "f", "input": {}},
    "server_tool_use": {"name": "g", "input": {}},
}
DELTAS = {
    "text": ("text_delta", "text"),
    "thinking": ("thinking_delta", "thinking"),
    "tool_use": ("input_json_delta", "partial_json"),
    "server_tool_use": ("input_json_delta", "partial_json"),
}
BLOCKS = st.lists(st.tuples(st.sampled_from(list(STARTS)), st.lists(TEXT, max_size=4)), max_size=6)


@st.composite
def streams(draw: st.DrawFn) -> tuple[list[tuple[str, list[str]]], bytes]:
    """Blocks of pieces, and a response that is made of them, with some of them open at the same time."""
    blocks = [(kind, [json.dumps(pieces)] if "tool" in kind else pieces) for kind, pieces in draw(BLOCKS)]
    end = draw(st.sampled_from(["\n", "\r\n", "\r"]))
    style: Any = {"ensure_ascii": draw(st.booleans()), "separators": draw(st.sampled_from([(",", ":"), (", ", ": ")]))}
    extra = draw(st.just({}) | st.dictionaries(TEXT.map("x-{}".format), JSON, max_size=2))
    named = draw(st.booleans())
    body: list[str] = []

    def said(kind: str, **fields: Any) -> None:
        if draw(st.integers(0, 9)) == 0:
            body.append(draw(st.sampled_from([f":{end}{end}", f": ping{end}{end}", f"id: 1{end}{end}"])))
        if draw(st.integers(0, 9)) == 0:
            body.append(f'event: new{end}data: {{"type": "a_new_event", "delta": "x", "index": "y"}}{end}{end}')
        name = f"event: {kind}{end}" if named else ""
        body.append(f"{name}data: {json.dumps({'type': kind, **fields, **extra}, **style)}{end}{end}")

    said("message_start", message={"id": "m", "content": [], **extra})
    stops: list[int] = []
    for index, (kind, pieces) in enumerate(blocks):
        said(
            "content_block_start", index=index, content_block={"type": kind, "id": str(index), **STARTS[kind], **extra}
        )
        if stops and draw(st.booleans()):
            said("content_block_stop", index=stops.pop(0))
        told, field = DELTAS[kind]
        for piece in pieces:
            said("content_block_delta", index=index, delta={"type": told, field: piece, **extra})
        stops.append(index)
    for index in stops:
        said("content_block_stop", index=index)
    said("message_delta", delta={"stop_reason": "end_turn", **extra}, usage={"output_tokens": len(blocks)})
    said("message_stop")
    return blocks, "".join(body).encode()


@st.composite
def cut(draw: st.DrawFn, body: bytes) -> list[bytes]:
    places = sorted(draw(st.lists(st.integers(0, len(body)), max_size=8)))
    return [body[a:b] for a, b in zip([0, *places], [*places, len(body)], strict=True)]


@given(st.data())
@settings(max_examples=300, deadline=None)
def test_what_comes_out_is_what_went_in(data):
    blocks, body = data.draw(streams())
    items, error = fed(Decoder(), data.draw(cut(body)))
    assert error is None
    completion = completed(items)

    def joined(wanted: str) -> list[str]:
        return ["".join(pieces) for kind, pieces in blocks if kind == wanted]

    assert completion.text == "".join(joined("text"))
    assert completion.reasoning == "".join(joined("thinking"))
    assert sorted(call.arguments_raw for call in completion.tool_calls) == sorted(joined("tool_use"))
    assert sorted(json.dumps(call.arguments) for call in of_type(items, ServerToolCall)) == sorted(
        joined("server_tool_use")
    )
    assert completion.usage.output_tokens == len(blocks)
    native = items[-1].native["anthropic"]
    assert [block["type"] for block in native] == [kind for kind, pieces in blocks if "tool" in kind or "".join(pieces)]
    assert "".join(block["text"] for block in native if block["type"] == "text") == completion.text


@given(JSON)
@settings(max_examples=300, deadline=None)
def test_any_json_gives_items_or_our_error(value):
    for payload in (
        value,
        {"type": value},
        {"type": "message_start", "message": value},
        {"type": "content_block_start", "content_block": value},
        {"type": "content_block_delta", "delta": value},
        {"type": "content_block_stop", "index": value},
        {"type": "message_delta", "delta": value, "usage": value},
    ):
        _, error = fed(Decoder(), [f'data: {json.dumps(payload)}\n\ndata: {{"type": "message_stop"}}\n\n'.encode()])
        assert error is None or isinstance(error, RxllmError)


FIELDS = st.sampled_from(
    ["id", "name", "text", "thinking", "signature", "input", "citations", "citation", "data", "content"]
) | st.sampled_from(["is_error", "tool_use_id", "partial_json", "encrypted_content"])
BLOCK_KINDS = st.sampled_from(
    [*STARTS, "redacted_thinking", "web_search_tool_result", "mcp_tool_use", "compaction", "x"]
)
DELTA_KINDS = st.sampled_from(
    ["text_delta", "thinking_delta", "input_json_delta", "signature_delta", "citations_delta", "compaction_delta", "x"]
)


@given(BLOCK_KINDS, DELTA_KINDS, st.dictionaries(FIELDS, JSON), st.dictionaries(FIELDS, JSON))
@settings(max_examples=500, deadline=None)
def test_any_value_of_any_field_gives_items_or_our_error(block, told, fields, more):
    events = [
        {"type": "message_start", "message": {"content": [{"type": block, **fields}], **more}},
        {"type": "content_block_start", "index": 0, "content_block": {"type": block, **fields}},
        {"type": "content_block_delta", "index": 0, "delta": {"type": told, **more}},
        {"type": "content_block_stop", "index": 0},
        {"type": "message_delta", "delta": more, "usage": fields},
        {"type": "message_stop"},
    ]
    items, error = fed(Decoder(), ["".join(f"data: {json.dumps(each)}\n\n" for each in events).encode()])
    assert error is None or isinstance(error, RxllmError)
    assert completed(items).text.encode() is not None


@given(st.lists(st.binary(max_size=30) | st.sampled_from([b"data: ", b"\n\n", b"\r", b'{"type":"', b'"}', b"event: "])))
@settings(max_examples=300, deadline=None)
def test_any_bytes_give_our_error(pieces):
    _, error = fed(Decoder(), pieces)
    assert isinstance(error, RxllmError)


@given(
    st.sampled_from(RECORDINGS),
    st.lists(st.tuples(st.integers(0, 10_000), st.binary(max_size=3)), min_size=1),
    st.data(),
)
@settings(max_examples=200, deadline=None)
def test_a_damaged_recording_gives_items_or_our_error(body, damage, data):
    damaged = bytearray(body)
    for at, put in damage:
        damaged[at % len(damaged) : at % len(damaged) + 1] = put
    items, error = fed(Decoder(), data.draw(cut(bytes(damaged))))
    assert error is None or isinstance(error, RxllmError)
    assert completed(items).text.encode() is not None


def test_deep_nesting_and_huge_numbers_give_items_or_our_error():
    for deep in (b"[" * 5000 + b"]" * 5000, b"[" * 500 + b"]" * 500, b"9" * 5000, b"1e999"):
        for frame in (
            b'{"type": "content_block_start", "index": 0, "content_block": {"type": "tool_use", "input": %s}}',
            b'{"type": "content_block_delta", "index": 0, "delta": {"type": "citations_delta", "citation": %s}}',
            b'{"type": "content_block_stop", "index": %s}',
            b'{"type": "message_delta", "delta": {}, "usage": {"input_tokens": %s}}',
            b'{"type": "new", "x": %s}',
        ):
            _, error = fed(Decoder(), [b"data: " + frame % deep + b'\n\ndata: {"type": "message_stop"}\n\n'])
            assert error is None or isinstance(error, RxllmError)
