"""What an agent costs beside its model: CPU a token, and memory for each of a thousand: `python benchmarks/agent.py`.

CPU is compared with the plain stream of the same model, round by round; the medians of the differences count. Memory is
what the process has grown by (resident pages, sockets' buffers in it too) while all agents are in the middle of an
answer, each on a socket of its own to a server in another process.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import json
import os
import statistics
import time
from pathlib import Path
from typing import Any

from reactivex import operators as rx
from server import running

from rxllm import Model
from rxllm.agent import Agent
from rxllm.askable import Askable  # noqa: TC001 - read by people
from rxllm.tools import tool

MOST_MICROSECONDS = 2.0
MOST_BYTES = 60_000
LONG = 300  # tokens of an answer, one a packet: long enough for all to begin before the first ends
BATCH = 20_000  # tokens at least that one measurement takes


@tool
async def look_up(word: str) -> str:
    """Look a word up."""
    return word


async def spent(asked: Askable, tokens: int, times: int) -> float:
    """Give the CPU microseconds a token of some answers, one after the other, with one observer each."""
    gc.collect()
    began = time.process_time()
    for _ in range(times):
        seen: list[Any] = []
        stream = asked.stream("Go.")
        stream.subscribe(seen.append)
        completion = await stream
        assert completion.usage is not None
        assert completion.usage.output_tokens == tokens
    return (time.process_time() - began) / tokens / times * 1e6


async def cpu(base: str, tokens: int, rounds: int) -> dict[str, float]:
    """Compare in turn."""
    plain: list[float] = []
    more: list[float] = []
    async with Model("openai:benchmark", base_url=f"{base}/burst/{tokens}") as model:
        agent = Agent(model, tools=[look_up])
        for turn in range(rounds + 1):
            one = await spent(model, tokens, max(1, BATCH // tokens))
            other = await spent(agent, tokens, max(1, BATCH // tokens))
            if turn:  # the first round warms up
                plain.append(one)
                more.append(other - one)
    return {"plain_us": round(statistics.median(plain), 3), "added_us": round(statistics.median(more), 3)}


def resident() -> int:
    """Give the process's resident memory in bytes."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


async def memory(base: str, number: int) -> float:
    """Give the bytes that each of many running agents holds."""
    async with Model("openai:benchmark", base_url=f"{base}/paced/{LONG}") as model:
        asked = Agent(model, "Be brief.", tools=[look_up])
        await asked.stream("Go.")  # what is made once only
        gc.collect()
        before = resident()
        begun = ended = 0

        def note() -> None:
            nonlocal begun
            begun += 1

        def note_end() -> None:
            nonlocal ended
            ended += 1

        streams = [asked.stream(f"Question {n}.") for n in range(number)]
        for stream in streams:
            stream.pipe(rx.take(5)).subscribe(on_completed=note)
            stream.subscribe(on_completed=note_end)
        while begun < number:  # noqa: ASYNC110 - the pace of a look, not of the work
            await asyncio.sleep(0.01)
        gc.collect()
        held = resident() - before
        assert ended == 0, "too short an answer: some have ended already"
        await asyncio.gather(*streams)
    return held / number


async def benchmark(*, quick: bool) -> dict[str, Any]:
    """Measure everything."""
    with running() as base:
        held = await memory(base, 1000)  # first: what was freed before would be used again, uncounted
        rows = {tokens: await cpu(base, tokens, 5 if quick else 15) for tokens in (1_000, 20_000)}
    return {"bytes_an_agent": round(held), "cpu": rows}


def main() -> None:
    """Print the figures; fail where they are above their limits."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--json", action="store_true", help="print JSON")
    arguments.add_argument("--quick", action="store_true", help="few rounds, for a first look")
    options = arguments.parse_args()
    result = asyncio.run(benchmark(quick=options.quick))
    if options.json:
        print(json.dumps(result, indent=2))
    else:
        for tokens, row in result["cpu"].items():
            print(
                f"{tokens:>7,} tokens: {row['plain_us']:>6} µs a token plain, {row['added_us']:>6} µs more as an agent"
            )
        print(f"1,000 agents at once: {result['bytes_an_agent']:,} bytes each")
    assert all(row["added_us"] <= MOST_MICROSECONDS for row in result["cpu"].values())
    assert result["bytes_an_agent"] <= MOST_BYTES


if __name__ == "__main__":
    main()
