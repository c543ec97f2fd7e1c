"""Every recording, seen by the official client of its format and by our decoder."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest
from official.faults import FAULTS
from official.formats import FORMATS
from official.view import ours

pytestmark = [
    # openai copies its snapshots through pydantic, which says aloud what a server sends against the client's types.
    pytest.mark.filterwarnings("ignore:Pydantic serializer warnings:UserWarning"),
    # google-genai says so of each word that is newer than itself, and keeps it.
    pytest.mark.filterwarnings("ignore:.* is not a valid (FinishReason|HarmCategory|HarmProbability):UserWarning"),
]

OURS = Path(__file__).parents[2] / "recordings"
STREAMS = os.environ.get("RXLLM_STREAMS")
KNOWN = {name: fault for fault in FAULTS for name in fault.recordings}

CASES: list[Any] = [
    pytest.param(form, path, id=f"{form.folder}/{path.stem}")
    for form in FORMATS
    for path in sorted(OURS.glob(form.own)) + (sorted(Path(STREAMS, form.folder).glob("*.bin")) if STREAMS else [])
]
if not STREAMS:
    CASES.append(pytest.param(None, None, marks=pytest.mark.skip(reason="RXLLM_STREAMS names no folder of recordings")))


@pytest.mark.parametrize(("form", "path"), CASES)
def test_the_official_client_sees_what_we_see_but_for_its_known_faults(form, path):
    form.need()
    body = [path.read_bytes()]
    mine, theirs = ours(form.wire.Decoder(), body, form.call), form.theirs(body)
    known = KNOWN.get(path.stem)
    assert mine.differs_from(theirs) == (known.fields if known else set()), (known, mine, theirs)


@pytest.mark.skipif(STREAMS is None, reason="RXLLM_STREAMS names no folder of recordings")
def test_every_known_fault_has_its_recording():
    assert KNOWN.keys() <= {case.values[1].stem for case in CASES}
