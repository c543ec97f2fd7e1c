"""`rxllm demo workflow` and `rxllm demo tools`, on the real model."""

from __future__ import annotations

import pytest
from rxllm_process import Terminal, run

pytestmark = pytest.mark.usefixtures("real_model")


async def test_the_workflow_shows_each_agent_and_a_table_of_the_steps() -> None:
    ran = await run("demo", "workflow")
    assert (ran.status, ran.err) == (0, "")
    heads = [line for line in ran.out.splitlines() if line.endswith(" >")]
    assert heads == ["greeter >", "analyzer >", "summarizer >"]
    rows = [line.split() for line in ran.out.split("step  ")[1].splitlines()[1:4]]
    assert [row[0] for row in rows] == ["greeter", "analyzer", "summarizer"]
    assert all(float(ms) > 0 and int(tokens) > 0 for _, ms, tokens in rows)
    assert "3 steps, " in ran.out


async def test_the_agent_searches_and_says_how_long_it_took() -> None:
    ran = await run("demo", "tools")
    assert (ran.status, ran.err) == (0, "")
    assert "searched in 1" in ran.out
    assert "completed in " in ran.out


async def test_on_a_terminal_the_search_spins(terminals: list[Terminal]) -> None:
    terminal = await Terminal.open("demo", "tools")
    terminals.append(terminal)
    await terminal.seen("0:00:00")
    await terminal.seen("completed in")
    assert await terminal.status() == 0
