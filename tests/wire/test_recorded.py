"""Recorded responses of every format, against what each must come to, however its bytes were cut."""

from __future__ import annotations

import hashlib
import json
import random
from itertools import pairwise
from typing import Any

import pytest
from fed import completed, fed, merged, portions
from recorded import FORMATS, OURS, Outcome, compared, recording, recordings

from rxllm.errors import ContentFilterError, ProviderError, RxllmError, TruncatedStreamError
from rxllm.items import Finish
from rxllm.wire import find_wire, ndjson, sse

ALL = recordings("*/*.json")
ANSWERS = [
    pytest.param(*case.values, id=case.id, marks=case.marks)
    for case in ALL
    if case.values[0] is None or (case.values[0].parent.name in FORMATS and recording(case.values[0])[1]["expected"])
]
OWN = [
    pytest.param(format_, path, id=f"{format_.wire}/{path.stem}")
    for format_ in FORMATS.values()
    for path in sorted(OURS.glob(format_.ours or "no such folder"))
]
SIZES = pytest.mark.parametrize("size", [0, 1, 7], ids=["whole", "by 1", "by 7"])


def decoder(path: Any) -> Any:
    return find_wire(FORMATS[path.parent.name].wire).Decoder()


def chance_of(path: Any) -> random.Random:
    return random.Random(path.stem)  # noqa: S311 - places to cut and bytes to damage, no secret


def test_every_recording_is_of_a_known_format_or_of_framing_only():
    assert {case.values[0].parent.name for case in ALL if case.values[0]} <= {*FORMATS, "other"}


@pytest.mark.parametrize("path", ALL)
@SIZES
def test_framing_finds_every_event(path, size):
    body, said = recording(path)
    if said["wire"]["kind"] == "sse":
        events = sse.Decoder()
        found = [[e.event, e.data.decode()] for piece in portions(body, size) for e in events.feed(piece)]
        found += [[e.event, e.data.decode()] for e in events.finish()]
        assert events.comments == said["wire"]["comments"]
    else:
        lines = ndjson.Decoder()
        found = [[None, e.decode()] for piece in portions(body, size) for e in lines.feed(piece)]
        found += [[None, e.decode()] for e in lines.finish()]
    assert len(found) == said["wire"]["events"]
    text = json.dumps(found, separators=(",", ":"), ensure_ascii=False)
    assert hashlib.sha256(text.encode()).hexdigest() == said["wire"]["events_sha256"]


@pytest.mark.parametrize("path", ANSWERS)
@SIZES
def test_a_recording_comes_to_what_it_must(path, size):
    body, said = recording(path)
    items, error = fed(decoder(path), portions(body, size))
    assert isinstance(error, (ProviderError, TruncatedStreamError, type(None)))
    found, wanted = compared(FORMATS[path.parent.name], path, said, Outcome(items, completed(items), error))
    assert found == wanted


@pytest.mark.parametrize("path", ANSWERS)
def test_items_are_the_same_however_the_bytes_were_cut(path):
    body, _ = recording(path)
    whole = merged(fed(decoder(path), [body])[0])
    chance = chance_of(path)
    for cuts in (1, 1, 1, 5, 50):
        places = [0, *sorted(chance.choices(range(len(body)), k=cuts)), len(body)]
        assert merged(fed(decoder(path), [body[a:b] for a, b in pairwise(places)])[0]) == whole


@pytest.mark.parametrize("path", ANSWERS)
def test_no_event_before_the_last_ends_a_recording(path):
    """Save in Gemini's format, where the end of the bytes is the end of the answer; it has a test of its own."""
    body, _ = recording(path)
    end = min(FORMATS[path.parent.name].end(body), len(body) + 1)
    line_ends = b"\n" if path.parent.name == "ollama-chat" else (b"\n\n", b"\r\n\r\n")
    boundaries = [at for at in range(1, end) if body[at - 1] == 10 and body[:at].endswith(line_ends)]
    taking = decoder(path)
    for last, at in pairwise([0, *boundaries]):
        if taking.fault is not None:
            break
        assert not any(isinstance(item, Finish) for item in taking.feed(body[last:at])), at
        with pytest.raises(RxllmError):
            taking.finish()
        if type(taking.fault) is TruncatedStreamError:
            taking.fault = None  # between two events nothing else remembers that the end was tried


@pytest.mark.parametrize("path", ANSWERS)
def test_a_cut_recording_never_ends_as_completed(path):
    body, _ = recording(path)
    end = min(FORMATS[path.parent.name].end(body), len(body))
    chance = chance_of(path)
    near_the_end = range(max(0, end - 300), end)
    places = {*chance.sample(near_the_end, min(40, len(near_the_end)))}
    rest = [at for at in range(end) if at not in places]
    places |= {*chance.sample(rest, min(200 - len(places), len(rest)))}
    assert len(places) == min(200, end)
    for at in sorted(places):
        items, error = fed(decoder(path), [body[:at]])
        assert isinstance(error, (TruncatedStreamError, ProviderError)), at
        assert not any(isinstance(item, Finish) for item in items), at


@pytest.mark.parametrize("path", ANSWERS)
def test_a_damaged_recording_fails_with_nothing_but_our_errors(path):
    body, _ = recording(path)
    chance = chance_of(path)
    for _ in range(20):
        damaged = bytearray(body[:30_000])
        for _ in range(chance.randint(1, 10)):
            damaged[chance.randrange(len(damaged))] = chance.choice(b'\n\r{}[]",:\\\x00\xff0ud8e$.')
        items, error = fed(decoder(path), portions(bytes(damaged), chance.choice([0, 100, 4096])))
        assert error is None or isinstance(error, RxllmError)
        assert completed(items).text.encode() is not None


@pytest.mark.parametrize(("format_", "path"), OWN)
def test_our_recordings_may_be_cut_at_every_byte(format_, path):
    wire = find_wire(format_.wire)
    body = path.read_bytes()[-2600:]
    body = body[body.find(b"\n") + 1 :] if b"\n" in body[:-1] else body
    whole = merged(fed(wire.Decoder(), [body])[0])
    for at in range(len(body)):
        assert merged(fed(wire.Decoder(), [body[:at], body[at:]])[0]) == whole, at


def test_a_blocked_prompt_is_an_error_of_its_own():
    (path,) = [c.values[0] for c in ANSWERS if c.values[0] and "prompt-blocked" in c.values[0].stem] or [None]
    if path is None:
        pytest.skip("RXLLM_STREAMS names no folder of recordings")
    assert type(fed(decoder(path), [recording(path)[0]])[1]) is ContentFilterError
