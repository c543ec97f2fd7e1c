"""Recorded responses of Gemini: what Google runs itself, and what goes back."""

from __future__ import annotations

from typing import Any

import pytest
from fed import completed, fed, of_type
from recorded import recording, recordings

from rxllm.items import Reasoning, ServerToolCall, ServerToolResult
from rxllm.messages import Message, chat_request
from rxllm.wire.gemini import Decoder, encode

ALL = recordings("gemini/*.json")


def boundaries(body: bytes) -> list[int]:
    return [at for at in range(1, len(body) + 1) if body[:at].endswith((b"\n\n", b"\r\n\r\n"))]


@pytest.mark.parametrize("path", ALL)
def test_after_a_finish_reason_only_the_bytes_between_two_events_may_be_missing(path):
    """All that the format has for an end is the end of the bytes."""
    body, _ = recording(path)
    first = body.find(b'"finishReason"')
    for at in range(max(first, 0), len(body), max(1, len(body) // 300)):
        if fed(Decoder(), [body[:at]])[1] is None:
            rest = body[max([b for b in boundaries(body) if b <= at], default=0) : at]
            assert not rest or rest.rstrip().endswith(b"}"), at


@pytest.mark.parametrize("path", ALL)
def test_every_signature_goes_back_in_its_place(path):
    body, said = recording(path)
    completion = completed(fed(Decoder(), [body])[0])
    if completion.finish_reason is None or said["expected"]["error"]:
        pytest.skip("there is no answer to put back")
    message = Message.model_validate_json(completion.to_message().model_dump_json())
    request = encode(chat_request([Message.user("?"), message]), model="gemini-3-pro")
    parts: list[dict[str, Any]] = request["contents"][1]["parts"]
    signatures = [part["thoughtSignature"] for part in parts if part.get("thoughtSignature")]
    assert len(signatures) == said["extra"].get("thought_signatures", 0)
    assert all(signature.encode() in body for signature in signatures)
    assert "".join(p["text"] for p in parts if "text" in p and not p.get("thought")) == completion.text
    assert [p["functionCall"]["args"] for p in parts if "functionCall" in p] == [
        call.arguments for call in completion.tool_calls
    ]
    assert not any("partialArgs" in part.get("functionCall", {}) for part in parts)
    assert not any(part == {"text": ""} for part in parts)


def one(name: str) -> Any:
    found = [param.values[0] for param in ALL if param.values[0] and name in param.values[0].stem]
    if not found:
        pytest.skip("RXLLM_STREAMS names no folder of recordings")
    return fed(Decoder(), [found[0].with_suffix(".bin").read_bytes()])[0]


def test_code_that_google_runs():
    items = one("google--test-code-execution-stream")
    (call,) = of_type(items, ServerToolCall)
    (result,) = of_type(items, ServerToolResult)
    assert call.arguments["code"].startswith("result = 65465")
    assert (call.id, result.id, result.content["output"]) == ("8xju7mua", "8xju7mua", "-428330955.97745\n")
    assert [block.signature[:6] for block in of_type(items, Reasoning)] == ["EoECCv"]


def test_a_search_that_google_makes():
    items = one("google--test-native-output")
    (call,) = of_type(items, ServerToolCall)
    assert (call.name, call.arguments) == ("GOOGLE_SEARCH_WEB", {"queries": ["largest city in Mexico"]})
    completion = completed(items)
    assert completion.sources
    assert all(source.url for source in completion.sources)
    assert "webSearchQueries" in completion.response["groundingMetadata"]


def test_what_an_answer_recites():
    assert [s.url for s in completed(one("recitation-no-content")).sources][:2] == [
        "https://www.google.com/",
        "https://uc-r.github.io/tidy_text",
    ]


def test_a_picture():
    (picture,) = completed(one("success-empty-parts")).media
    assert (picture.media_type, picture.data[:8]) == ("image/png", "iVBORw0K")


def test_arguments_in_pieces_make_the_json_that_the_whole_has():
    items = one("arguments-nested")
    (call,) = completed(items).tool_calls
    pieces = [item.arguments for item in items if type(item).__name__ == "ToolCallDelta"]
    assert len(pieces) > 50
    assert "".join(pieces) == call.arguments_raw
    assert call.arguments["recipe"]["steps"][9] == "Let stand for 15 minutes before serving."
