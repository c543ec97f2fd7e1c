"""A short run of the fuzzer, always the same; `make fuzz` runs it for ten minutes."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from fuzz.decoders import KEPT, fuzzed, kept_by, sound
from fuzz.hostile import TARGETS, recorded, spoiled_everywhere

from rxllm.wire import ollama

OLLAMA = next(target for target in TARGETS if target.wire is ollama)


@pytest.mark.parametrize("target", TARGETS, ids=lambda target: target.name)
def test_whatever_the_bytes_a_decoder_gives_items_or_our_error(target):
    findings = fuzzed(target, seconds=0, first=0, size=40)
    assert findings.faults == {}
    assert findings.tried >= 40


@pytest.mark.parametrize("target", TARGETS, ids=lambda target: target.name)
def test_whatever_value_stands_at_whatever_place_a_decoder_gives_items_or_our_error(target):
    recordings = recorded(target)
    if not recordings:
        pytest.skip(f"RXLLM_STREAMS is not set, and there is no recording of {target.name} of our own")
    tried = [sound(target, body)[0] for body in spoiled_everywhere(recordings)]
    assert len(tried) >= 200
    assert {"completed", "DecodeError"} <= set(tried)


@pytest.mark.parametrize("target", TARGETS, ids=lambda target: target.name)
def test_a_decoder_keeps_nothing_of_what_it_has_read(target):
    assert kept_by(target) < KEPT


def test_an_error_that_is_not_ours_is_found_with_the_least_body_that_shows_it():
    class Fragile(ollama.Decoder):
        def feed(self, data):
            if b"9" in data:
                raise KeyError("9")
            return super().feed(data)

    findings = fuzzed(OLLAMA._replace(wire=SimpleNamespace(Decoder=Fragile)), seconds=0, first=0)
    ((fault, body),) = findings.faults.items()
    assert fault == "KeyError: '9'"
    assert body.count(b"\n") == 0


def test_an_answer_that_depends_on_the_cuts_is_found():
    class Careless(ollama.Decoder):
        def feed(self, data):
            return super().feed(data.strip())

    findings = fuzzed(OLLAMA._replace(wire=SimpleNamespace(Decoder=Careless)), seconds=0, first=0)
    assert any("it is another" in fault for fault in findings.faults)


def test_a_decoder_that_keeps_what_it_has_read_is_found():
    kept = []

    class Hoarding(ollama.Decoder):
        def feed(self, data):
            items = super().feed(data)
            kept.extend(items)
            return items

    assert kept_by(OLLAMA._replace(wire=SimpleNamespace(Decoder=Hoarding))) > KEPT
