"""Recorded responses of Gemini, found through `RXLLM_STREAMS`, against what each must come to."""

from __future__ import annotations

import random
from typing import Any

import pytest
from fed import completed, fed, merged, of_type, portions
from test_recorded_streams import expected, facts, recording, recordings

from rxllm.errors import ContentFilterError, ProviderError, RxllmError, TruncatedStreamError
from rxllm.items import Finish, Reasoning, ServerToolCall, ServerToolResult
from rxllm.messages import Message, chat_request
from rxllm.wire.gemini import Decoder, encode

ALL = recordings("gemini/*.json")

BLOCKED = {"google--streaming-failure-prompt-blocked-safety"}
"""Recordings of a blocked prompt: the expectations have no field for it, and call it unterminated without an error.
Ours is a `ContentFilterError`, which is what the response says."""


@pytest.mark.parametrize("path", ALL)
@pytest.mark.parametrize("size", [0, 1, 7], ids=["whole", "by 1", "by 7"])
def test_a_recording_comes_to_what_it_must(path, size):
    body, said = recording(path)
    wanted = expected(said["expected"])
    items, error = fed(Decoder(), portions(body, size))
    completion = completed(items)
    found = facts(completion)
    for call in (*wanted["tool_calls"], *found["tool_calls"]):
        del call["arguments_raw"]  # there is none on this wire, where arguments are objects
    names = ("input_tokens", "output_tokens", "total_tokens", "reasoning_tokens", "cached_tokens")
    usage = said["expected"]["usage"] or {}
    wanted["usage"] = {name: usage.get(name) for name in names}
    found["usage"] = {name: getattr(completion.usage, name, None) for name in names}
    if path.stem in BLOCKED:
        assert type(error) is ContentFilterError
    elif said["expected"]["error"]:
        assert isinstance(error, ProviderError)
        assert (str(error), error.status) == (said["expected"]["error"]["message"], said["expected"]["error"]["code"])
    else:
        assert (error is None) == said["expected"]["terminated"]
    assert found == wanted
    extra = said["extra"]
    assert (completion.id, completion.model) == (extra.get("id"), extra.get("model"))
    if extra.get("prompt_feedback") and error is None:
        assert completion.response["promptFeedback"] == extra["prompt_feedback"]


@pytest.mark.parametrize("path", ALL)
def test_a_cut_recording_never_ends_as_completed(path):
    """Save between two events after a `finishReason`, which is all that the format has for an end."""
    body, _ = recording(path)
    first_finish = body.find(b'"finishReason"')
    open_end = body.find(b"\n", first_finish) - 1 if first_finish >= 0 else len(body) + 1
    boundaries = [at for at in range(len(body)) if body[at - 2 : at] == b"\n\n" or body[at - 4 : at] == b"\r\n\r\n"]
    chance = random.Random(path.stem)  # noqa: S311 - places to cut, no secret
    for at in boundaries + chance.choices(range(len(body)), k=200):
        items, error = fed(Decoder(), [body[:at]])
        if error is None:
            assert at >= open_end, at
            rest = body[:at].rpartition(b"\n\n")[2] if b"\r\n\r\n" not in body else body[:at].rpartition(b"\r\n\r\n")[2]
            assert not rest or rest.rstrip().endswith(b"}"), at  # never within an event
        else:
            assert not any(isinstance(item, Finish) for item in items), at
            assert isinstance(error, (TruncatedStreamError, ProviderError)), at


@pytest.mark.parametrize("path", ALL)
def test_items_are_the_same_however_the_bytes_were_cut(path):
    body, _ = recording(path)
    whole = merged(fed(Decoder(), [body])[0])
    chance = random.Random(path.stem)  # noqa: S311 - places to cut, no secret
    for _ in range(20):
        at = chance.randrange(len(body))
        assert merged(fed(Decoder(), [body[:at], body[at:]])[0]) == whole


@pytest.mark.parametrize("path", ALL)
def test_a_damaged_recording_fails_with_nothing_but_our_errors(path):
    body, _ = recording(path)
    chance = random.Random(path.stem)  # noqa: S311 - bytes to damage, no secret
    for _ in range(30):
        damaged = bytearray(body[:40_000])
        for _ in range(chance.randint(1, 10)):
            damaged[chance.randrange(len(damaged))] = chance.choice(b'\n\r{}[]",:\\\x00\xff0ud8e$.')
        items, error = fed(Decoder(), portions(bytes(damaged), chance.choice([0, 100, 4096])))
        assert error is None or isinstance(error, RxllmError)
        assert completed(items).text.encode() is not None


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
