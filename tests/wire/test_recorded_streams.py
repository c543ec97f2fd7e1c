"""Recorded responses of many providers, against what each must come to.

Our own recordings of llama.cpp stand in `tests/recordings`. The others are found through `RXLLM_STREAMS`: a folder a
format, with a body (`.bin`) and what is expected of it (`.json`) for each.
"""

from __future__ import annotations

import hashlib
import json
import os
import random
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from fed import completed, fed, merged, portions

from rxllm.errors import InvalidRequestError, ProviderError, RxllmError, TruncatedStreamError
from rxllm.items import Finish, ProviderEvent
from rxllm.wire import ndjson, sse
from rxllm.wire.chat_completions import Decoder

OURS = Path(__file__).parents[1] / "recordings" / "llama_cpp"
STREAMS = Path(os.environ["RXLLM_STREAMS"]) if os.environ.get("RXLLM_STREAMS") else None

KNOWN_MISTAKES: dict[str, set[str]] = {}
"""Fields of an expectation that are the corpus's own mistake, by recording, each with its reason beside it."""


def recordings(pattern: str) -> list[Any]:
    if STREAMS is None:
        return [pytest.param(None, marks=pytest.mark.skip(reason="RXLLM_STREAMS names no folder of recordings"))]
    found = sorted(STREAMS.glob(pattern))
    return [pytest.param(path, id=f"{path.parent.name}/{path.stem}") for path in found]


def recording(path: Path) -> tuple[bytes, dict[str, Any]]:
    return path.with_suffix(".bin").read_bytes(), json.loads(path.read_text())


# Framing, of every format


@pytest.mark.parametrize("path", recordings("*/*.json"))
@pytest.mark.parametrize("size", [0, 1, 7], ids=["whole", "by 1", "by 7"])
def test_framing_finds_every_event(path, size):
    body, said = recording(path)
    if said["wire"]["kind"] == "sse":
        decoder = sse.Decoder()
        events = [e for piece in portions(body, size) for e in decoder.feed(piece)] + decoder.finish()
        found = [[e.event, e.data.decode()] for e in events]
        assert decoder.comments == said["wire"]["comments"]
    else:
        lines = ndjson.Decoder()
        found = [[None, e.decode()] for piece in portions(body, size) for e in lines.feed(piece)]
        found += [[None, e.decode()] for e in lines.finish()]
    assert len(found) == said["wire"]["events"]
    text = json.dumps(found, separators=(",", ":"), ensure_ascii=False)
    assert hashlib.sha256(text.encode()).hexdigest() == said["wire"]["events_sha256"]


# Chat Completions


def facts(choice: Any) -> dict[str, Any]:
    """What both a choice and a completion say of an answer, as the expectations spell it."""
    return {
        "text": choice.text,
        "reasoning": choice.reasoning,
        "refusal": choice.refusal or None,
        "finish_reason": choice.raw_finish_reason,
        "tool_calls": [
            {"id": c.id, "name": c.name, "arguments": c.arguments, "arguments_raw": c.arguments_raw}
            for c in choice.tool_calls
        ],
    }


def expected(said: dict[str, Any]) -> dict[str, Any]:
    wanted = {name: said[name] for name in ("text", "reasoning", "refusal", "finish_reason")}
    wanted["refusal"] = wanted["refusal"] or None
    wanted["tool_calls"] = [
        {name: call.get(name) for name in ("id", "name", "arguments", "arguments_raw")} for call in said["tool_calls"]
    ]
    return wanted


@pytest.mark.parametrize("path", recordings("openai-chat/*.json"))
@pytest.mark.parametrize("size", [0, 1, 7], ids=["whole", "by 1", "by 7"])
def test_a_recording_comes_to_what_it_must(path, size):
    body, said = recording(path)
    if said["expected"] is None:
        pytest.skip("a recording of framing only")
    wanted = expected(said["expected"])
    items, error = fed(Decoder(), portions(body, size))
    completion = completed(items)
    found = facts(completion)
    usage = said["expected"]["usage"]
    wanted["usage"] = usage and (usage.get("input_tokens"), usage.get("output_tokens"))
    found["usage"] = completion.usage and (completion.usage.input_tokens, completion.usage.output_tokens)
    wanted["error"] = said["expected"]["error"] is not None
    found["error"] = isinstance(error, ProviderError)
    if not wanted["error"]:
        wanted["terminated"] = said["expected"]["terminated"]
        found["terminated"] = error is None
        assert error is None or type(error) is TruncatedStreamError
    if choices := said.get("extra", {}).get("choices"):
        wanted["choices"] = [expected(choice) for choice in choices]
        found["choices"] = [facts(choice) for choice in completion.choices]
    forgiven = KNOWN_MISTAKES.get(path.stem, set())
    assert {k: v for k, v in found.items() if k not in forgiven} == {
        k: v for k, v in wanted.items() if k not in forgiven
    }


@pytest.mark.parametrize("path", recordings("openai-chat/*.json"))
def test_items_are_the_same_however_the_bytes_were_cut(path):
    body, _ = recording(path)
    whole = merged(fed(Decoder(), [body])[0])
    chance = random.Random(path.stem)  # noqa: S311 - places to cut, no secret
    for cuts in (1, 5, 50):
        places = [0, *sorted(chance.choices(range(len(body)), k=cuts)), len(body)]
        pieces = [body[a:b] for a, b in pairwise(places)]
        assert merged(fed(Decoder(), pieces)[0]) == whole


@pytest.mark.parametrize("path", recordings("openai-chat/*.json"))
def test_a_cut_recording_never_ends_as_completed(path):
    body, _ = recording(path)
    terminal = body.find(b"data: [DONE]")
    end = terminal + len(b"data: [DONE]") if terminal >= 0 else len(body) + 1
    boundaries = [at for at in range(len(body)) if body[at - 2 : at] == b"\n\n" or body[at - 4 : at] == b"\r\n\r\n"]
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
        assert not any(isinstance(item, Finish) for item in items[-3:]), at


@pytest.mark.parametrize("path", recordings("openai-chat/*.json"))
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
    items, error = fed(Decoder(), [(OURS / f"{name}.sse").read_bytes()])
    assert error is None
    return completed(items)


def test_a_text():
    completion = ours("text")
    assert completion.text.startswith("And they said unto him, We am Christ;")
    assert (completion.finish_reason, completion.model) == ("stop", "tiny-kjv-chat")
    assert (completion.usage.input_tokens, completion.usage.output_tokens, completion.usage.cached_tokens) == (
        17,
        70,
        16,
    )
    assert completion.response["timings"]["predicted_n"] == 70


def test_reasoning_stands_apart_from_the_text():
    completion = ours("reasoning")
    assert completion.reasoning.startswith("The question is of judgment.")
    assert completion.text.startswith("Thou makest the souls of the wicked")


@pytest.mark.parametrize(
    ("name", "calls"),
    [
        ("tool-required", [("add", {"a": 19, "b": 43})]),
        ("tool-parallel", [("get_weather", {"city": "Paris"}), ("add", {"a": 99, "b": 80})]),
    ],
)
def test_tool_calls(name, calls):
    completion = ours(name)
    assert [(c.name, c.arguments) for c in completion.tool_calls] == calls
    assert completion.finish_reason == "tool_calls"
    assert all(c.id for c in completion.tool_calls)


def test_two_choices():
    first, second = ours("n2").choices
    assert first.text.startswith("And they said unto him, We")
    assert second.text.startswith("That thou mayest be ")
    assert (first.finish_reason, second.finish_reason) == ("length", "length")


def test_logprobs_of_each_token():
    completion = ours("logprobs")
    assert "".join(entry["token"] for entry in completion.logprobs) == completion.text


def test_prompt_progress_and_timings():
    completion = ours("timings")
    assert [type(e) for e in completion.events] == [ProviderEvent, ProviderEvent]
    assert [e.data["processed"] for e in completion.events] == [3, 17]
    assert completion.response["timings"]["predicted_n"] == 6


def test_text_that_looks_like_framing():
    assert "\u2028" in ours("unicode").text
    assert "data: [DONE]\n\nevent: x" in ours("unicode").text


def test_a_cut_answer_ends_with_length():
    assert ours("length").finish_reason == "length"


def test_an_error_body_where_a_stream_was_expected():
    error = fed(Decoder(), [(OURS / "error-too-long.json").read_bytes()])[1]
    assert type(error) is InvalidRequestError
    assert error.status == 400
    assert "exceeds the available context size" in str(error)


@pytest.mark.parametrize("path", sorted(OURS.glob("*.sse")), ids=lambda path: path.stem)
def test_our_recordings_may_be_cut_at_every_byte(path):
    body = path.read_bytes()[-3000:]
    body = body[body.index(b"\n\n") + 2 :]
    whole = merged(fed(Decoder(), [body])[0])
    for at in range(len(body)):
        assert merged(fed(Decoder(), [body[:at], body[at:]])[0]) == whole, at
