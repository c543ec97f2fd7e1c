"""What each operator costs: nanoseconds an item, `python benchmarks/operators.py [--json] [--quick]`.

Each is fed the same answer of short deltas, alone and in chains, beside the nearest that reactivex has and beside a
plain closure. Rounds are interleaved, and the medians count. `growth` is the cost an item in an answer of 50,000 items
over that in one of 1,000. Absolute times say more about the machine than about the code; the ratios do not.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import json
import statistics
import time
from collections import deque
from itertools import cycle, islice
from typing import TYPE_CHECKING, Any

import reactivex
from pydantic import BaseModel
from reactivex import operators as rx
from reactivex.subject import Subject

from rxllm import (
    Completion,
    Finish,
    ReasoningDelta,
    StreamItem,
    TextDelta,
    ToolCall,
    ToolCallDelta,
    Usage,
    accumulate,
)
from rxllm import operators as ops
from rxllm.bridge import loop_scheduler
from rxllm.observable import Lifted, Sink

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from reactivex import Observable

PROSE = (
    "Dr. Rain fell at 3.5 mm an hour, and the roof held. Why? Nobody knew!\n\nIt was built of slate; and of patience. "
    "- one\n- two\n\n```python\nprint('x')\n```\n\nMail me at rain@example.org or wait … until <b>June</b>. "
)
WORDS = [word + " " for word in PROSE.split(" ")]
ROWS = ['{"id": 7,', ' "name": "Ra', "in", '", "tags', '": ["a",', ' "b"]}', ","]


class Row(BaseModel):
    """A row of the table that is read while it comes."""

    id: int
    name: str
    tags: list[str]


class Table(BaseModel):
    """A table that is read while it comes."""

    rows: list[Row]


def prose(count: int) -> list[StreamItem]:
    """Give an answer of so many deltas of text."""
    return [TextDelta(word) for word in islice(cycle(WORDS), count)]


def table(count: int) -> list[StreamItem]:
    """Give an answer of so many deltas that is one JSON document."""
    pieces = ['{"rows": [', *islice(cycle(ROWS), (count - 2) // len(ROWS) * len(ROWS) - 1), "]}"]
    return [TextDelta(piece) for piece in pieces]


def call(count: int) -> list[StreamItem]:
    """Give a tool call whose arguments come in so many deltas, after the one that names it."""
    pieces = [ToolCallDelta(0, None, item.text) for item in table(count) if isinstance(item, TextDelta)]
    return [ToolCallDelta(0, "save"), *pieces]


def thought(count: int) -> list[StreamItem]:
    """Give an answer of so many deltas of reasoning."""
    return [ReasoningDelta(word) for word in islice(cycle(WORDS), count)]


def story(count: int) -> list[StreamItem]:
    """Give an answer of so many deltas that never goes round in circles."""
    return [TextDelta(f"{word}{at} " if not at % 5 else word) for at, word in enumerate(islice(cycle(WORDS), count))]


def ignore(*_: object) -> None:
    """Take what comes out."""


def feed(pipe: Callable[[Observable[Any]], Observable[Any]], items: list[StreamItem], scheduler: Any) -> float:
    """Give the CPU seconds of sending all items through a pipe to one who takes what comes out."""
    return spend(entrance(pipe, ignore, scheduler), items)


def entrance(pipe: Callable[[Observable[Any]], Observable[Any]], take: Callable[[Any], None], scheduler: Any) -> Sink:
    """Give what sends items into a pipe, whose values somebody takes."""
    held: list[Sink] = []

    def core(sink: Sink, _: Any) -> Any:
        held.append(sink)
        return reactivex.disposable.Disposable()

    pipe(Lifted(core)).subscribe(Sink(take, ignore, ignore), scheduler=scheduler)
    return held[0]


def feed_rx(pipe: Callable[[Observable[Any]], Observable[Any]], items: list[StreamItem], scheduler: Any) -> float:
    """Give the CPU seconds of sending all items from a Subject through a pipe of reactivex's own."""
    subject: Subject[StreamItem] = Subject()
    pipe(subject).subscribe(ignore, scheduler=scheduler)
    return spend(subject, items)


def spend(observer: Any, items: Iterable[StreamItem]) -> float:
    """Give the CPU seconds that an observer takes for all items and the end."""
    on_next = observer.on_next
    gc.collect()
    began = time.process_time()
    for item in items:
        on_next(item)
    observer.on_completed()
    return time.process_time() - began


def joined(items: list[StreamItem]) -> float:
    """Give the CPU seconds of the least that keeps the text: a closure that appends."""
    parts: list[str] = []

    def on_next(item: Any) -> None:
        parts.append(item.text)

    return spend(Sink(on_next, ignore, lambda: "".join(parts) and None), items)


OURS: dict[str, tuple[Callable[[], Any], Callable[[int], list[StreamItem]]]] = {
    "text": (ops.text, prose),
    "reasoning": (ops.reasoning, thought),
    "of_type": (lambda: ops.of_type(TextDelta), prose),
    "tool_calls": (ops.tool_calls, call),
    "tool_call_deltas": (ops.tool_call_deltas, call),
    "usage": (ops.usage, prose),
    "choice": (lambda: ops.choice(0), prose),
    "aggregate": (ops.aggregate, prose),
    "final": (ops.final, prose),
    "turns": (ops.turns, prose),
    "smooth": (lambda: ops.smooth(0.05), prose),
    "typewriter": (lambda: ops.typewriter("word"), prose),
    "lines": (ops.lines, prose),
    "sentences": (ops.sentences, prose),
    "paragraphs": (ops.paragraphs, prose),
    "markdown_blocks": (ops.markdown_blocks, prose),
    "code_blocks": (ops.code_blocks, prose),
    "think_tags": (ops.think_tags, prose),
    "stop_at": (lambda: ops.stop_at("THE END", "###"), prose),
    "redact": (lambda: ops.redact(r"secret"), prose),
    "json_values": (lambda: ops.json_values("$.rows[*]"), table),
    "partial": (lambda: ops.partial(Table), table),
    "tool_ready": (ops.tool_ready, call),
    "conflate": (lambda: ops.conflate(0.05), prose),
    "pausable": (lambda: ops.pausable(ops.Gate()), prose),
    "cancel_on": (lambda: ops.cancel_on(reactivex.never()), prose),
    "timeouts": (lambda: ops.timeouts(progress=60.0), prose),
    "tee": (lambda: ops.tee(ignore), prose),
    "measure": (ops.measure, prose),
    "count_tokens": (ops.count_tokens, prose),
    "budget": (lambda: ops.budget(tokens=10**9), prose),
    "repetition_guard": (ops.repetition_guard, story),
    "tag": (lambda: ops.tag("a"), prose),
    "merge_tagged": (lambda: lambda source: ops.merge_tagged(a=source, b=reactivex.never()), prose),
}
THEIRS: dict[str, Callable[[], Any]] = {
    "text": lambda: rx.map(lambda item: item.text),
    "reasoning": lambda: rx.map(lambda item: item.text),
    "of_type": lambda: rx.filter(lambda item: isinstance(item, TextDelta)),
    "tool_calls": lambda: rx.filter(lambda item: isinstance(item, ToolCall)),
    "tool_call_deltas": lambda: rx.filter(lambda item: isinstance(item, ToolCallDelta)),
    "usage": lambda: rx.filter(lambda item: isinstance(item, Usage)),
    "choice": lambda: rx.filter(lambda item: item.choice == 0),
    "aggregate": lambda: rx.scan(accumulate, Completion()),
    "final": lambda: reactivex.compose(rx.scan(accumulate, Completion()), rx.last()),
    "smooth": lambda: rx.buffer_with_time(0.05),
    "timeouts": lambda: rx.timeout(60.0),
    "tee": lambda: rx.do_action(ignore),
    "cancel_on": lambda: rx.take_until(reactivex.never()),
    "tag": lambda: rx.map(lambda item: ("a", item)),
    "merge_tagged": lambda: lambda source: reactivex.merge(source.pipe(rx.map(lambda i: ("a", i))), reactivex.never()),
}
GROWING = ("lines", "sentences", "paragraphs", "markdown_blocks", "code_blocks", "think_tags", "stop_at", "redact")
GROWING += ("json_values", "partial", "tool_ready", "aggregate", "repetition_guard")


def chain(length: int) -> Callable[[Observable[Any]], Observable[Any]]:
    """Give a pipe of so many operators, as one may really build it."""
    links = [ops.think_tags, lambda: ops.stop_at("THE END"), lambda: ops.tee(ignore), lambda: ops.redact("secret")]
    links += [lambda: ops.budget(tokens=10**9)]
    return reactivex.compose(*[make() for make in islice(cycle(links), length)])


def chain_rx(length: int) -> Callable[[Observable[Any]], Observable[Any]]:
    """Give a pipe of so many `rx.map`, the cheapest that reactivex has."""
    return reactivex.compose(*[rx.map(lambda item: item) for _ in range(length)])


def same(operator: Callable[..., Any], length: int) -> Callable[[Observable[Any]], Observable[Any]]:
    """Give a pipe of one operator, so many times, which shows what a stage costs."""
    return reactivex.compose(*[operator(ignore) for _ in range(length)])


def in_turn(runs: dict[str, Callable[[], float]], rounds: int) -> dict[str, float]:
    """Run each in turn, some times, and give the medians; the first round warms up."""
    spent: dict[str, list[float]] = {name: [] for name in runs}
    for turn in range(rounds + 1):
        for name, run in runs.items():
            seconds = run()
            if turn:
                spent[name].append(seconds)
    return {name: statistics.median(seconds) for name, seconds in spent.items()}


def costs(scheduler: Any, count: int, rounds: int) -> list[dict[str, Any]]:
    """Measure each operator alone, and chains."""
    texts = prose(count)
    rows: list[dict[str, Any]] = []
    pipes = {name: (make, items(count)) for name, (make, items) in OURS.items()}
    theirs = dict(THEIRS)
    for length in (5, 10):
        pipes[f"chain of {length}"] = (lambda length=length: chain(length), texts)
        theirs[f"chain of {length}"] = lambda length=length: chain_rx(length)
        pipes[f"{length} times tee"] = (lambda length=length: same(ops.tee, length), texts)
        theirs[f"{length} times tee"] = lambda length=length: same(rx.do_action, length)
    for name, (make, items) in pipes.items():
        runs = {"rxllm": lambda make=make, items=items: feed(make(), items, scheduler), "plain": lambda: joined(texts)}
        if name in theirs:
            runs["reactivex"] = lambda name=name: feed_rx(theirs[name](), texts, scheduler)
        medians = in_turn(runs, rounds)
        row: dict[str, Any] = {"operator": name, "reactivex_ns": None}
        sent = {"rxllm": len(items), "reactivex": count, "plain": count}
        row |= {f"{who}_ns": round(seconds / sent[who] * 1e9) for who, seconds in medians.items()}
        rows.append(row)
    return rows


def growth(scheduler: Any, rounds: int, few: int = 1_000, many: int = 50_000) -> dict[str, float]:
    """Measure how much more an item costs in a long answer than in a short one."""
    grown: dict[str, float] = {}
    for name in GROWING:
        make, items = OURS[name]
        short, long = items(few), items(many)
        medians = in_turn(
            {
                "few": lambda make=make, short=short: sum(feed(make(), short, scheduler) for _ in range(many // few)),
                "many": lambda make=make, long=long: feed(make(), long, scheduler),
            },
            rounds,
        )
        grown[name] = round(medians["many"] / medians["few"] * (many // few) * len(short) / len(long), 2)
    return grown


def feed_and_read(
    pipe: Callable[[Observable[Any]], Observable[Any]],
    items: list[StreamItem],
    scheduler: Any,
    every: int,
    read: Callable[[Any], Any],
) -> float:
    """Give the CPU seconds of sending all items through a pipe to one who reads now and then, and keeps the latest."""
    latest: deque[Any] = deque(maxlen=1)
    observer = entrance(pipe, latest.append, scheduler)
    on_next = observer.on_next
    parts = [items[at : at + every] for at in range(0, len(items), every)]
    value: Any = None
    gc.collect()
    began = time.process_time()
    for part in parts:
        for item in part:
            on_next(item)
        value = read(latest[0])
        assert value is not None
    observer.on_completed()
    return time.process_time() - began


READS = {
    "every 5 fragments": 5,  # 50 ms at 100 fragments a second
    "every 10 fragments": 10,  # at 200
    "every 50 fragments": 50,  # and at 1,000
    "once, at the end": 10**9,  # and as fast as they can come
}


def partial_read(scheduler: Any, count: int, rounds: int) -> list[dict[str, Any]]:
    """Measure `partial` over a tool call in many fragments, beside plain accumulation, ours and reactivex's."""
    items: list[StreamItem] = [*call(count), Finish("tool_calls")]
    pipes: dict[str, tuple[Any, int, Callable[[Any], Any]]] = {
        "aggregate": (ops.aggregate(), len(items), bool),
        "scan": (rx.scan(accumulate, Completion()), len(items), bool),
    }
    kinds = [(of, read) for of in (dict, Table) for read in READS]
    for of, read in kinds:
        pipes[f"{of.__name__} {read}"] = (ops.partial(of, tool="save"), READS[read], lambda handle: handle.value)
    runs = {
        name: lambda pipe=pipe, every=every, read=read: feed_and_read(pipe, items, scheduler, every, read)
        for name, (pipe, every, read) in pipes.items()
    }
    medians = in_turn(runs, rounds)
    return [
        {
            "fragments": count,
            "of": of.__name__,
            "read": read,
            "partial_ns": round(medians[f"{of.__name__} {read}"] / len(items) * 1e9),
            "to_aggregate": round(medians[f"{of.__name__} {read}"] / medians["aggregate"], 2),
            "to_scan": round(medians[f"{of.__name__} {read}"] / medians["scan"], 2),
        }
        for of, read in kinds
    ]


async def benchmark(*, quick: bool) -> dict[str, Any]:
    """Measure everything; on a loop, since the time operators want its clock."""
    scheduler = loop_scheduler()
    rounds = 3 if quick else 9
    return {
        "costs": costs(scheduler, 2_000 if quick else 10_000, rounds),
        "growth_1k_to_50k": growth(scheduler, 1 if quick else 5),
        "partial": [row for count in (1_000, 10_000) for row in partial_read(scheduler, count, rounds)],
    }


def main() -> None:
    """Print tables, or JSON."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--json", action="store_true", help="print JSON")
    arguments.add_argument("--quick", action="store_true", help="few rounds, for a first look")
    options = arguments.parse_args()
    result = asyncio.run(benchmark(quick=options.quick))
    if options.json:
        print(json.dumps(result, indent=2))
        return
    print("| operator | rxllm ns/item | reactivex ns/item | plain closure ns/item |\n|---|---:|---:|---:|")
    for row in result["costs"]:
        print(f"| {row['operator']} | {row['rxllm_ns']} | {row['reactivex_ns'] or ''} | {row['plain_ns']} |")
    print("\n| operator | growth of an item's cost, 1,000 to 50,000 items |\n|---|---:|")
    for name, ratio in result["growth_1k_to_50k"].items():
        print(f"| {name} | {ratio} |")
    print(
        "\n| partial of | fragments | read | ns/fragment | to ops.aggregate() | to rx.scan(accumulate) |"
        "\n|---|---:|---|---:|---:|---:|"
    )
    for row in result["partial"]:
        count = f"{row['fragments']:,}"
        cells = (row["of"], count, row["read"], row["partial_ns"], row["to_aggregate"], row["to_scan"])
        print("| " + " | ".join(str(cell) for cell in cells) + " |")


if __name__ == "__main__":
    main()
