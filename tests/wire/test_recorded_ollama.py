"""Recorded responses of Ollama's /api/chat, against what each must come to.

Our own recordings stand in `tests/recordings/ollama`; the others are found through `RXLLM_STREAMS`.
"""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import pytest
from fed import completed, fed, merged, portions
from test_recorded_streams import expected, facts, recording, recordings

from rxllm.errors import ProviderError, RxllmError, TruncatedStreamError
from rxllm.items import Finish
from rxllm.wire.ollama import Decoder

OURS = Path(__file__).parents[1] / "recordings" / "ollama"
ALL = recordings("ollama-chat/*.json")


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
    usage = said["expected"]["usage"] or {}
    wanted["usage"] = (usage.get("input_tokens"), usage.get("output_tokens"))
    found["usage"] = (getattr(completion.usage, "input_tokens", None), getattr(completion.usage, "output_tokens", None))
    wanted["error"], found["error"] = said["expected"]["error"], str(error) if type(error) is ProviderError else None
    wanted["terminated"], found["terminated"] = said["expected"]["terminated"], error is None
    assert found == wanted


@pytest.mark.parametrize("path", ALL)
def test_a_cut_recording_never_ends_as_completed(path):
    body, said = recording(path)
    whole = fed(Decoder(), [body])[0]
    end = len(body.rstrip()) if said["expected"]["terminated"] else len(body) + 1
    boundaries = [at for at in range(min(len(body), end)) if body[at - 1 : at] == b"\n"]
    chance = random.Random(path.stem)  # noqa: S311 - places to cut, no secret
    for at in boundaries[:: max(1, len(boundaries) // 200)] + chance.choices(range(min(len(body), end)), k=200):
        items, error = fed(Decoder(), [body[:at]])
        assert type(error) is TruncatedStreamError, at
        assert not any(isinstance(item, Finish) for item in items[-3:]), at
    decoder = Decoder()
    for line in body[: end - 1].splitlines(keepends=True)[:-1]:  # each boundary: none has a `Finish` before it
        assert not any(isinstance(item, Finish) for item in decoder.feed(line))
    for _ in range(3):
        at = chance.randrange(len(body))
        assert merged(fed(Decoder(), [body[:at], body[at:]])[0]) == merged(whole)


@pytest.mark.parametrize("path", ALL)
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


def ours(name: str) -> Any:
    items, error = fed(Decoder(), [(OURS / f"{name}.ndjson").read_bytes()])
    assert error is None
    return completed(items)


def test_reasoning_stands_apart_from_the_text():
    completion = ours("thinking")
    assert completion.reasoning.startswith("The question is")
    assert completion.text
    assert (completion.finish_reason, completion.model) == ("length", "tiny-kjv-chat")
    assert (completion.usage.input_tokens, completion.usage.output_tokens) == (12, 60)
    assert completion.response["eval_duration"] == 38898111


def test_a_tool_call():
    completion = ours("tool")
    assert [(c.name, c.arguments, c.arguments_raw) for c in completion.tool_calls] == [
        ("get_weather", {"city": "Paris"}, '{"city":"Paris"}')
    ]
    assert (completion.finish_reason, completion.raw_finish_reason) == ("tool_calls", "stop")


def test_loading_a_model_is_an_answer_without_words():
    completion = ours("load")
    assert (completion.text, completion.finish_reason, completion.raw_finish_reason) == ("", "other", "load")


@pytest.mark.parametrize("path", sorted(OURS.glob("*.ndjson")), ids=lambda path: path.stem)
def test_our_recordings_may_be_cut_at_every_byte(path):
    body = path.read_bytes()[-2000:]
    body = body[body.find(b"\n") + 1 :] if b"\n" in body[:-1] else body
    whole = merged(fed(Decoder(), [body])[0])
    for at in range(len(body)):
        assert merged(fed(Decoder(), [body[:at], body[at:]])[0]) == whole, at
