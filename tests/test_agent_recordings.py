"""Recorded tool sessions, replayed through an agent whose tools are scripted: what providers really send."""

from __future__ import annotations

import json
from collections import defaultdict
from typing import TYPE_CHECKING, Any

import pytest
from pydantic import BaseModel, ConfigDict
from recorded import STREAMS

from rxllm import Model
from rxllm.agent import Agent
from rxllm.testing import ReplayTransport
from rxllm.tools import Tool
from rxllm.turn_items import ToolCompleted

if TYPE_CHECKING:
    from pathlib import Path

    from rxllm.transport.exchange import ByteStream, HttpRequest

WIRES = {
    "openai-chat": "chat_completions",
    "openai-responses": "responses",
    "anthropic-messages": "anthropic",
    "gemini": "gemini",
    "ollama-chat": "ollama",
}
NOT_ACTED_ON = ("length", "max_tokens", "incomplete")


class Anything(BaseModel):
    """Whatever the recorded model was told its tool takes."""

    model_config = ConfigDict(extra="allow")

    def __call__(self) -> str:
        return "as scripted"


class Session:
    """A transport that gives one recorded response after another, and remembers what was asked."""

    def __init__(self, paths: list[Path]) -> None:
        self.asked: list[Any] = []
        self._replays = [ReplayTransport(path.with_suffix(".bin"), chunk=100) for path in paths]

    async def open(self, request: HttpRequest) -> ByteStream:
        self.asked.append(json.loads(request.body))
        return await self._replays[len(self.asked) - 1].open(request)

    async def aclose(self) -> None:
        """Hold nothing."""


def said(path: Path) -> dict[str, Any]:
    return json.loads(path.read_text())


def whole(path: Path) -> bool:
    wanted = said(path)["expected"]
    return bool(wanted) and wanted.get("error") is None and bool(wanted.get("terminated"))


def ours(path: Path) -> list[dict[str, Any]]:
    """The calls that are for the client to run: xAI tells of its own as of custom ones, which nobody offered."""
    return [call for call in said(path)["expected"]["tool_calls"] if call.get("type") != "custom"]


def sessions() -> list[Any]:
    """Every recorded run of turns that call tools, with the responses of one conversation together."""
    if STREAMS is None:
        return [pytest.param(None, None, marks=pytest.mark.skip(reason="RXLLM_STREAMS names no folder of recordings"))]
    found: list[Any] = []
    for folder in WIRES:
        conversations: dict[str, list[Path]] = defaultdict(list)
        answers: list[Path] = []
        for path in filter(whole, sorted((STREAMS / folder).glob("*.json"))):
            if ours(path):
                conversations[said(path)["source"]["path"]].append(path)
            elif said(path)["expected"]["finish_reason"] in ("stop", "completed", "end_turn", "STOP"):
                answers.append(path)
        for turns in conversations.values():
            turns.sort(key=lambda path: said(path)["source"]["interaction"])
            found.append(pytest.param(turns, answers[0], id=f"{folder}/{turns[0].stem}"))
    return found


@pytest.mark.parametrize(("turns", "answer"), sessions())
async def test_a_recorded_session_runs_to_its_answer(turns: list[Path], answer: Path):
    expected = [said(path)["expected"] for path in turns]
    session = Session([*turns, answer])
    names = {call["name"] for each in expected for call in each["tool_calls"]}
    tools = [Tool(Anything, name=name) for name in names]
    model: Any = Model("openai:m", wire=WIRES[answer.parent.name], transport=session)
    seen: list[Any] = []
    stream = Agent(model, tools=tools, max_tool_errors=9).stream("go")
    stream.subscribe(seen.append)
    completion = await stream
    if expected[0]["finish_reason"] in NOT_ACTED_ON:
        assert len(session.asked) == 1
        return
    assert completion.text == said(answer)["expected"]["text"]
    assert len(session.asked) == len(turns) + 1
    done = [item for item in seen if isinstance(item, ToolCompleted)]
    calls = [call for each in expected for call in each["tool_calls"]]
    assert [item.name for item in done] == [call["name"] for call in calls]
    assert [item.error is None for item in done] == [isinstance(call["arguments"], dict) for call in calls]
    for asked, before in zip(session.asked[1:], expected, strict=True):
        for call in before["tool_calls"]:
            assert json.dumps(asked).count(json.dumps(call["id"])) in ((2,) if call["id"] else range(99))
