"""What `rxllm demo workflow` and `rxllm demo tools` show: agents in a row, and one that searches."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final

import click

from rxllm import operators as ops
from rxllm.agent import Agent
from rxllm.cli.meter import usage_line
from rxllm.model import Model
from rxllm.pipelines import pipeline
from rxllm.senders import StdoutSender
from rxllm.senders.printable import printable
from rxllm.tools import tool
from rxllm.turn_items import AgentCompleted, StageStarted, ToolCompleted

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rxllm.pipelines import Step

__all__ = ["tools", "workflow"]

_ANSWER: Final = 60  # tokens
_SMOOTH: Final = 0.05  # seconds
_SEARCH: Final = 1.0  # seconds, long enough to see it spin
_BOOKS: Final = ("Genesis", "Exodus", "Leviticus", "Numbers", "Deuteronomy")


async def workflow() -> None:
    """Greet, analyze, summarize: each text live, and a table of the steps at the end."""
    async with Model("local", seed=5, max_tokens=_ANSWER) as model:
        agents = (
            Agent(model, "You greet whoever comes.", name="greeter"),
            Agent(model, "You say what a text means.", name="analyzer"),
            Agent(model, "You say it in one sentence.", name="summarizer"),
        )
        steps = pipeline(name="workflow")
        for agent in agents:
            steps = steps.prompt(agent, to=StdoutSender)
        stream = steps.stream("Hello! Tell me about the house.")
        stream.pipe(ops.of_type(StageStarted)).subscribe(_head)
        await stream
    click.echo()
    for line in _table(stream.steps):
        click.echo(line)


def _head(stage: StageStarted) -> None:
    click.echo(f"\n{stage.name} >")


def _table(steps: Sequence[Step]) -> list[str]:
    rows = [f"{'step':<12}{'ms':>8}{'tokens':>8}"]
    for step in steps:
        tokens = "-" if step.usage is None else step.usage.output_tokens
        rows.append(f"{step.name:<12}{step.duration_ms:>8.0f}{tokens:>8}")
    return [*rows, f"{len(steps)} steps, {sum(step.duration_ms for step in steps):.0f} ms"]


@tool
async def search(query: str) -> str:
    """Search the library.

    Args:
        query: What to look for.
    """
    await asyncio.sleep(_SEARCH)
    return f"{_BOOKS[len(query) % len(_BOOKS)]} tells of {query}."


async def tools() -> None:
    """Let an agent search: its answer live, and how long all took."""
    async with Model("local", seed=2, max_tokens=_ANSWER) as model:
        agent = Agent(model, "Answer from what the search found.", tools=[search], tool_choice="required")
        stream = agent.stream("Who was Moses?")
        stream.pipe(ops.smooth(_SMOOTH)).subscribe(StdoutSender())
        completion = await stream
    click.echo()
    for item in completion.items:
        if isinstance(item, ToolCompleted):
            click.echo(f"searched in {item.duration_ms:.0f} ms: {printable(str(item.result))}")
        elif isinstance(item, AgentCompleted):
            told = "" if item.usage is None else f": {usage_line(item.usage)}"
            click.echo(f"completed in {item.duration_ms:.0f} ms{told}")
