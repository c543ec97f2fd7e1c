"""What an answer must look like, in whatever wrapping it was asked for."""

from __future__ import annotations

from collections.abc import Callable  # noqa: TC003 - pydantic reads it
from typing import Any

import pytest
from pydantic import BaseModel, Field

from rxllm.errors import ConfigurationError
from rxllm.messages import chat_request
from rxllm.wire import FORMATS, find_wire

SCHEMA = {"type": "object", "properties": {"city": {"type": "string"}}}


class Unspeakable(BaseModel):
    run: Callable[[], None]


class Endless(BaseModel):
    inner: Endless = Field(description="The same again.")


class NotANumber(BaseModel):
    size: float = float("nan")


def encoded(wire: str, wanted: Any) -> dict[str, Any]:
    return find_wire(wire).encode(chat_request("Why?", {"response_format": wanted}), model="m")


@pytest.mark.parametrize("wire", FORMATS)
@pytest.mark.parametrize(
    "wanted",
    [
        {"type": "json_schema", "json_schema": {"name": "answer", "schema": SCHEMA}},
        {"type": "json_schema", "name": "answer", "schema": SCHEMA},
        SCHEMA,
    ],
    ids=["of Chat Completions", "of Responses", "bare"],
)
def test_every_wrapping_of_a_schema_is_taken(wire, wanted):
    if wire == "chat_completions" and "json_schema" not in wanted and "schema" in wanted:
        assert encoded(wire, wanted)["response_format"] == wanted  # some server's own form
    else:
        assert encoded(wire, wanted) == encoded(
            wire, {"type": "json_schema", "json_schema": {"name": "answer", "schema": SCHEMA}}
        )


@pytest.mark.parametrize("wire", [wire for wire in FORMATS if wire != "chat_completions"])
@pytest.mark.parametrize("wanted", [{}, {"type": "grammar"}, {"type": "json_schema"}, {"type": ["json", 1]}])
def test_what_has_no_schema_is_refused(wire, wanted):
    with pytest.raises(ConfigurationError, match=r"response_format cannot be said in .*json_schema"):
        encoded(wire, wanted)


@pytest.mark.parametrize("wire", FORMATS)
@pytest.mark.parametrize("model", [Unspeakable, NotANumber])
def test_a_model_without_a_json_schema_is_refused(wire, model):
    with pytest.raises(ConfigurationError, match="response_format"):
        encoded(wire, model)


def test_a_reference_to_itself_that_cannot_be_spelled_out_is_refused():
    with pytest.raises(ConfigurationError, match="refers to itself"):
        encoded("chat_completions", Endless)
