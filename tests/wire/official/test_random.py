"""Streams made at random: what went in comes out of the official client, and out of our decoder."""

from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from official import spoken
from official.formats import FORMATS
from official.view import ours


@pytest.mark.parametrize("form", FORMATS, ids=lambda form: form.folder)
@given(data=st.data())
@settings(max_examples=60, deadline=None)
def test_a_random_answer_is_the_same_to_the_official_client_and_to_us(form, data):
    form.need()
    answer, pieces = data.draw(spoken.streams(form.say))
    mine, theirs = ours(form.wire.Decoder(), pieces, form.call), form.theirs(pieces)
    assert mine.differs_from(theirs) == set(), (mine, theirs)
    assert mine.end == "whole"
    assert mine.text.get(0, "") == "".join(part.whole for part in answer if part.kind == "text")
    assert mine.reasoning.get(0, "") == "".join(part.whole for part in answer if part.kind == "reasoning")
    arguments = [call[-1] for call in mine.tools.get(0, [])]
    assert [json.loads(each) if isinstance(each, str) else each for each in arguments] == [
        json.loads(part.whole) for part in answer if part.kind == "tool"
    ]
