"""Recorded responses of Anthropic Messages, against what each must come to.

Our own recordings of llama.cpp stand in `tests/recordings`. The others are found through `RXLLM_STREAMS`: a folder a
format, with a body (`.bin`) and what is expected of it (`.json`) for each.
"""

from __future__ import annotations

import json
import os
import random
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from fed import completed, fed, merged, of_type, portions

from rxllm.errors import ProviderError, RxllmError, TruncatedStreamError
from rxllm.items import Finish, ServerToolCall, ServerToolResult
from rxllm.messages import Message, chat_request
from rxllm.wire.anthropic import Decoder, encode

OURS = Path(__file__).parents[1] / "recordings" / "llama_cpp"
STREAMS = Path(os.environ["RXLLM_STREAMS"]) if os.environ.get("RXLLM_STREAMS") else None

KNOWN_MISTAKES: dict[str, set[str]] = {
    # Two responses that a proxy spliced into one: the corpus takes the second one's id, we have told the first one's.
    "anthropic--spliced-message-start": {"started"},
}
"""Fields of an expectation that are the corpus's own mistake, by recording, each with its reason beside it."""

if STREAMS is None:
    RECORDINGS: list[Any] = [
        pytest.param(None, marks=pytest.mark.skip(reason="RXLLM_STREAMS names no folder of recordings"))
    ]
else:
    RECORDINGS = [pytest.param(path, id=path.stem) for path in sorted(STREAMS.glob("anthropic-messages/*.json"))]


WHOLE = [case for case in RECORDINGS if case.id is None or not case.id.startswith("composed--")]
"""Those that do not end with an error."""


def recording(path: Path) -> tuple[bytes, dict[str, Any]]:
    return path.with_suffix(".bin").read_bytes(), json.loads(path.read_text())


def marker_end(body: bytes) -> int:
    """Tell where the terminal marker stands whole; nothing behind it is looked at."""
    at = body.find(b'"message_stop"', body.find(b"data:", body.find(b"event: message_stop")))
    return len(body) + 1 if at < 0 else body.index(b"}", at) + 1


USAGE = {
    "input_tokens": "input_tokens",
    "output_tokens": "output_tokens",
    "cache_read_input_tokens": "cached_tokens",
    "cache_creation_input_tokens": "cache_write_tokens",
}


@pytest.mark.parametrize("path", RECORDINGS)
@pytest.mark.parametrize("size", [0, 1, 7], ids=["whole", "by 1", "by 7"])
def test_a_recording_comes_to_what_it_must(path, size):
    body, said = recording(path)
    items, error = fed(Decoder(), portions(body, size))
    completion = completed(items)
    expected, extra = said["expected"], said["extra"]
    wanted = {name: expected[name] for name in ("text", "reasoning", "finish_reason", "usage", "terminated")}
    wanted["refusal"] = expected["refusal"] or ""
    wanted["error"] = expected["error"] is not None
    wanted["tool_calls"] = [
        {name: call.get(name) for name in ("id", "name", "arguments", "arguments_raw")}
        for call in expected["tool_calls"]
    ]
    wanted["server_tool_calls"] = [
        {name: call.get(name) for name in ("id", "name", "arguments")} for call in extra.get("server_tool_calls", [])
    ]
    wanted["signatures"] = [signature for signature in extra.get("reasoning_signatures", []) if signature]
    wanted["citations"] = extra.get("citations", 0)
    wanted["started"] = (extra["id"], extra["model"])
    found = {
        "text": completion.text,
        "reasoning": completion.reasoning,
        "finish_reason": completion.raw_finish_reason,
        "usage": {name: getattr(completion.usage, USAGE[name]) for name in expected["usage"]},
        "terminated": error is None,
        "refusal": completion.refusal,
        "error": isinstance(error, ProviderError),
        "tool_calls": [
            {"id": c.id, "name": c.name, "arguments": c.arguments, "arguments_raw": c.arguments_raw}
            for c in completion.tool_calls
        ],
        "server_tool_calls": [
            {"id": c.id, "name": c.name, "arguments": c.arguments} for c in of_type(items, ServerToolCall)
        ],
        "signatures": [block.signature for block in completion.reasoning_blocks if block.signature],
        "citations": len(completion.sources),
        "started": (completion.id, completion.model),
    }
    forgiven = KNOWN_MISTAKES.get(path.stem, set())
    assert {k: v for k, v in found.items() if k not in forgiven} == {
        k: v for k, v in wanted.items() if k not in forgiven
    }


@pytest.mark.parametrize("path", RECORDINGS)
def test_the_provider_s_own_tools_are_answered(path):
    items, _ = fed(Decoder(), [recording(path)[0]])
    calls = {call.id: call.name for call in of_type(items, ServerToolCall)}
    for result in of_type(items, ServerToolResult):
        assert result.content is not None
        assert result.name == calls.get(result.id, result.name)


@pytest.mark.parametrize("path", WHOLE)
def test_an_answer_can_go_back(path):
    body, said = recording(path)
    items, _ = fed(Decoder(), [body])
    message = completed(items).to_message()
    results = [Message.tool("done", tool_call_id=call.id) for call in message.tool_calls]
    sent = encode(chat_request([Message.user("Why?"), message, *results]), model="m")["messages"]
    if "empty-output" in said["quirks"]:
        assert [each["role"] for each in sent] == ["user"]
        return
    blocks = sent[1]["content"]
    kinds = [block["type"] for block in blocks]
    if "N:unclosed_block" not in said["quirks"]:
        assert kinds == said["extra"]["block_types"]
    assert all(block["text"] for block in blocks if block["type"] == "text")
    assert all(isinstance(block["input"], dict) for block in blocks if block["type"].endswith("tool_use"))
    assert [block["id"] for block in blocks if block["type"] == "tool_use"] == [c.id for c in message.tool_calls]
    assert "".join(block["text"] for block in blocks if block["type"] == "text") == said["expected"]["text"]
    if message.tool_calls:
        assert [block["tool_use_id"] for block in sent[2]["content"]] == [c.id for c in message.tool_calls]


@pytest.mark.parametrize("path", RECORDINGS)
def test_items_are_the_same_however_the_bytes_were_cut(path):
    body, _ = recording(path)
    whole = merged(fed(Decoder(), [body])[0])
    chance = random.Random(path.stem)  # noqa: S311 - places to cut, no secret
    for cuts in (1, 5, 50):
        places = [0, *sorted(chance.choices(range(len(body)), k=cuts)), len(body)]
        pieces = [body[a:b] for a, b in pairwise(places)]
        assert merged(fed(Decoder(), pieces)[0]) == whole


@pytest.mark.parametrize("path", RECORDINGS)
def test_a_cut_recording_never_ends_as_completed(path):
    body, _ = recording(path)
    end = marker_end(body)
    boundaries = [at for at in range(len(body)) if body[at - 2 : at] == b"\n\n"]
    decoder = Decoder()
    for last, at in pairwise([0, *boundaries]):
        if at >= end or decoder.fault is not None:
            break
        items = decoder.feed(body[last:at])
        assert not any(isinstance(item, Finish) for item in items), at
        with pytest.raises(RxllmError):
            decoder.finish()
        if type(decoder.fault) is TruncatedStreamError:
            decoder.fault = None  # between two events nothing else remembers that the end was tried
    chance = random.Random(path.stem)  # noqa: S311 - places to cut, no secret
    for at in chance.choices(range(min(len(body), end)), k=200):
        items, error = fed(Decoder(), [body[:at]])
        assert error is not None, at
        assert isinstance(error, (TruncatedStreamError, ProviderError)), at
        assert not any(isinstance(item, Finish) for item in items[-3:]), at


@pytest.mark.parametrize("path", RECORDINGS)
def test_a_damaged_recording_fails_with_nothing_but_our_errors(path):
    body, _ = recording(path)
    chance = random.Random(path.stem)  # noqa: S311 - bytes to damage, no secret
    for _ in range(20):
        damaged = bytearray(body[:40_000])
        for _ in range(chance.randint(1, 10)):
            damaged[chance.randrange(len(damaged))] = chance.choice(b'\n\r{}[]",:\\\x00\xff0ud8e')
        items, error = fed(Decoder(), portions(bytes(damaged), chance.choice([0, 100, 4096])))
        assert error is None or isinstance(error, RxllmError)
        assert completed(items).text.encode() is not None


# Our own recordings of llama.cpp


def ours(name: str) -> Any:
    items, error = fed(Decoder(), [(OURS / f"messages-{name}.body").read_bytes()])
    assert error is None
    return completed(items)


def test_a_text():
    completion = ours("text")
    assert completion.text.endswith("ts of the earth, and")
    assert (completion.finish_reason, completion.model) == ("length", "tiny-kjv-chat")
    assert completion.usage.output_tokens == 40


def test_a_forced_tool_call():
    completion = ours("tool")
    assert [(c.name, c.arguments) for c in completion.tool_calls] == [
        ("get_weather", {"city": "Rome", "unit": "fahrenheit"})
    ]
    assert completion.finish_reason == "tool_calls"


def test_blocks_that_are_open_at_the_same_time():
    completion = ours("thinking-tools")
    assert completion.reasoning == "I should call get_weather.\n"
    assert [call.name for call in completion.tool_calls] == ["get_weather", "add"]
    assert all(isinstance(call.arguments, dict) and call.id for call in completion.tool_calls)
    assert completion.finish_reason == "tool_calls"
    assert [block["type"] for block in completion.to_message().native["anthropic"]] == [
        "thinking",
        "tool_use",
        "tool_use",
    ]
    assert (completion.usage.input_tokens, completion.usage.cached_tokens, completion.usage.output_tokens) == (
        15,
        199,
        69,
    )


@pytest.mark.parametrize("name", ["text", "tool", "thinking-tools"])
def test_our_recordings_may_be_cut_at_every_byte(name):
    body = (OURS / f"messages-{name}.body").read_bytes()[:2600]
    whole = merged(fed(Decoder(), [body])[0])
    for at in range(len(body)):
        assert merged(fed(Decoder(), [body[:at], body[at:]])[0]) == whole, at
