"""What agents and pipelines add to a stream, between the models' own items: their turns, tools and stages."""

from __future__ import annotations

from typing import Any

from rxllm.items import StreamItem, Usage

__all__ = [
    "AgentCompleted",
    "StageCompleted",
    "StageStarted",
    "ToolApprovalRequested",
    "ToolCompleted",
    "ToolProgress",
    "ToolStarted",
    "TurnCompleted",
    "TurnStarted",
]


class TurnStarted(StreamItem, frozen=True):
    """A model is asked: the first time, or again with what the tools gave. Turns count from 1."""

    turn: int


class ToolApprovalRequested(StreamItem, frozen=True):
    """A tool waits until somebody says `stream.approve(call)` or `stream.deny(call)`."""

    call: int
    name: str
    arguments: Any = None
    id: str | None = None


class ToolStarted(StreamItem, frozen=True):
    """A tool begins; `call` is the number of its `ToolCall`, unlike any other of the run."""

    call: int
    name: str
    arguments: Any = None
    id: str | None = None


class ToolProgress(StreamItem, frozen=True):
    """Something that a tool yielded while it ran."""

    call: int
    name: str
    progress: Any = None


class ToolCompleted(StreamItem, frozen=True):
    """A tool has ended after so many milliseconds: with a result, or with the error that the model is told."""

    call: int
    name: str
    duration_ms: float
    result: Any = None
    error: str | None = None
    id: str | None = None


class TurnCompleted(StreamItem, frozen=True):
    """A turn has ended, its tools too; `usage` is what this turn cost."""

    turn: int
    usage: Usage | None = None


class AgentCompleted(StreamItem, frozen=True):
    """The agent has its answer; `usage` is that of all turns.

    `output` is the validated answer where a type was asked for.
    """

    duration_ms: float
    usage: Usage | None = None
    output: Any = None


class StageStarted(StreamItem, frozen=True):
    """A stage of a pipeline begins."""

    name: str


class StageCompleted(StreamItem, frozen=True):
    """A stage of a pipeline has ended after so many milliseconds."""

    name: str
    duration_ms: float
