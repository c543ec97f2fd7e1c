"""CPU per token, as a ratio to the floor in the same run: `python benchmarks/throughput.py [--json] [--quick]`.

The floor is aiohttp + orjson.loads + a list of strings, no Rx at all. Beside it stand plain reactivex (a Subject with
three observers) and rxllm (three live observers: text, smoothing, aggregate). Rounds are interleaved, the medians of
their ratios count; absolute times say more about the machine than about the code.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import json
import statistics
import time
from typing import TYPE_CHECKING, Any

import aiohttp
import orjson
from reactivex import operators as rx
from reactivex.scheduler.eventloop import AsyncIOScheduler
from reactivex.subject import Subject
from server import answer, running

from rxllm import Model, TextDelta
from rxllm import operators as ops
from rxllm.hub import Hub, Seat
from rxllm.observable import Sink

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable

WINDOW = 0.05
BATCH = 20_000  # tokens at least that one measurement takes, so that a short answer is not measured on cold caches


async def tokens_of(session: aiohttp.ClientSession, url: str) -> AsyncIterator[list[str]]:
    """Read an answer the shortest way that is still right: the new tokens of each read."""
    held = b""
    async with session.post(url, json={"stream": True}) as response:
        async for data in response.content.iter_any():
            *lines, held = (held + data).split(b"\n")
            tokens = []
            for line in lines:
                if line.startswith(b"data: {"):
                    chunk = orjson.loads(line[6:])
                    if chunk["choices"] and (content := chunk["choices"][0]["delta"].get("content")):
                        tokens.append(content)
            yield tokens


async def floor(session: aiohttp.ClientSession, url: str) -> str:
    """Collect strings, nothing else."""
    parts: list[str] = []
    async for tokens in tokens_of(session, url):
        parts += tokens
    return "".join(parts)


async def plain(session: aiohttp.ClientSession, url: str) -> str:
    """Feed a plain Subject with three observers: text, smoothing, aggregate."""
    subject: Subject[str] = Subject()
    scheduler = AsyncIOScheduler(asyncio.get_running_loop())
    text: list[str] = []
    shown: list[list[str]] = []
    whole: list[str] = []
    subject.subscribe(text.append)
    subject.pipe(rx.buffer_with_time(WINDOW, scheduler=scheduler)).subscribe(shown.append)
    subject.pipe(rx.scan(lambda parts, token: parts.append(token) or parts, whole)).subscribe(lambda _: None)
    async for tokens in tokens_of(session, url):
        for token in tokens:
            subject.on_next(token)
    subject.on_completed()
    return "".join(text)


async def ours(model: Model) -> str:
    """Stream with three live observers, and await the whole."""
    stream = model.stream("Go.")
    text: list[str] = []
    shown: list[str] = []
    snapshots: list[Any] = [None]
    stream.pipe(ops.text()).subscribe(text.append)
    stream.pipe(ops.smooth(WINDOW), ops.text()).subscribe(shown.append)
    stream.pipe(ops.aggregate()).subscribe(lambda snapshot: snapshots.__setitem__(0, snapshot))
    completion = await stream
    assert "".join(shown) == completion.text == snapshots[0].text
    return "".join(text)


async def measure(run: Callable[[], Awaitable[str]], tokens: int, times: int) -> float:
    """Give the CPU seconds a token of some requests one after the other, whose answers must be right."""
    gc.collect()
    began = time.process_time()
    texts = [await run() for _ in range(times)]
    spent = time.process_time() - began
    assert texts == [answer(tokens)] * times
    return spent / tokens / times


async def compare(base: str, mode: str, tokens: int, rounds: int) -> dict[str, Any]:
    """Run the three in turn, and give medians: seconds a token, and ratios to the floor of the same round."""
    url = f"{base}/{mode}/{tokens}"
    times = max(1, BATCH // tokens) if mode == "burst" else 1
    spent: dict[str, list[float]] = {"floor": [], "plain": [], "rxllm": []}
    async with aiohttp.ClientSession() as session, Model("openai:benchmark", base_url=url) as model:
        for turn in range(rounds + 1):
            for name, run in (
                ("floor", lambda: floor(session, url)),
                ("plain", lambda: plain(session, url)),
                ("rxllm", lambda: ours(model)),
            ):
                seconds = await measure(run, tokens, times)
                if turn:  # the first round warms up
                    spent[name].append(seconds)
    result: dict[str, Any] = {"mode": mode, "tokens": tokens, "rounds": rounds}
    for name, seconds in spent.items():
        result[f"{name}_us"] = round(statistics.median(seconds) * 1e6, 3)
    for name in ("plain", "rxllm"):
        ratios = [a / b for a, b in zip(spent[name], spent["floor"], strict=True)]
        result[f"{name}_ratio"] = round(statistics.median(ratios), 3)
    return result


async def growth(base: str, few: int, many: int, rounds: int) -> float:
    """Give how much more a token costs in a long answer than in a short one, measured in turn."""
    ratios: list[float] = []
    async with (
        Model("openai:benchmark", base_url=f"{base}/burst/{few}") as short,
        Model("openai:benchmark", base_url=f"{base}/burst/{many}") as long,
    ):
        for turn in range(rounds + 1):
            small = await measure(lambda: ours(short), few, many // few)
            large = await measure(lambda: ours(long), many, 1)
            if turn:  # the first round warms up
                ratios.append(large / small)
    return round(statistics.median(ratios), 3)


def fan_out(subscribers: int = 1000, tokens: int = 200) -> float:
    """Give the nanoseconds of one delivery to one of many subscribers."""
    rounds = []
    for _ in range(5):
        hub = Hub()
        for _ in range(subscribers):
            hub.take_seat(Seat(hub, Sink([].append, print, print), stamps=False, leave=print))
        items = [TextDelta("token") for _ in range(tokens)]
        began = time.process_time()
        hub.push(list(items), 0.0)
        rounds.append((time.process_time() - began) / subscribers / tokens * 1e9)
    return round(statistics.median(rounds), 1)


async def benchmark(*, quick: bool) -> dict[str, Any]:
    """Measure everything."""
    with running() as base:
        cases = [("burst", 1_000, 15), ("burst", 10_000, 15), ("burst", 50_000, 9), ("paced", 1_000, 5)]
        if quick:
            cases = [("burst", 1_000, 7), ("burst", 50_000, 3)]
        rows = [await compare(base, *case) for case in cases]
        grown = await growth(base, 1_000, 50_000, 3 if quick else 9)
    return {"rows": rows, "growth_1k_to_50k": grown, "fan_out_ns": fan_out()}


def main() -> None:
    """Print a table, or JSON."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--json", action="store_true", help="print JSON")
    arguments.add_argument("--quick", action="store_true", help="few rounds, for a first look")
    options = arguments.parse_args()
    result = asyncio.run(benchmark(quick=options.quick))
    if options.json:
        print(json.dumps(result, indent=2))
        return
    print("CPU a token, three live observers    floor µs  plain µs  rxllm µs  plain/floor  rxllm/floor")
    for row in result["rows"]:
        costs = f"{row['floor_us']:>8} {row['plain_us']:>9} {row['rxllm_us']:>9}"
        ratios = f"{row['plain_ratio']:>12} {row['rxllm_ratio']:>12}"
        print(f"{row['mode']:>6} {row['tokens']:>7,} tokens ({row['rounds']:>2} rounds)    {costs} {ratios}")
    print(f"growth of rxllm's cost a token from 1,000 to 50,000 tokens: {result['growth_1k_to_50k']}")
    print(f"one delivery to one of 1,000 subscribers: {result['fan_out_ns']} ns")


if __name__ == "__main__":
    main()
