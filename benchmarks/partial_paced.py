"""What `partial` costs at a real pace: `python benchmarks/partial_paced.py [--pace 100] [--fragments 10000]`.

Fragments of a tool call come by the clock, and the value is read every 50 ms by the clock. Only the CPU time within the
operators counts, not the waiting: that of `partial` with its values, beside that of plain accumulation of the same
fragments at the same moments, each first in turn. Caches are cold then, for both.
"""

from __future__ import annotations

import argparse
import time
from typing import Any

from operators import Table, call, entrance
from reactivex import operators as rx

from rxllm import Completion, accumulate
from rxllm import operators as ops

WINDOW = 0.05  # seconds between two values


def spent(take: Any, *item: Any) -> int:
    """Give the CPU nanoseconds of one call."""
    began = time.thread_time_ns()
    take(*item)
    return time.thread_time_ns() - began


def main() -> None:
    """Print both, a fragment, and their ratio."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--pace", type=float, default=100.0, help="fragments a second")
    arguments.add_argument("--fragments", type=int, default=10_000, help="how many")
    options = arguments.parse_args()
    items = call(options.fragments)
    handles: list[Any] = []
    partial = entrance(ops.partial(Table, tool="save"), lambda handle: handles.__setitem__(slice(None), [handle]), None)
    plain = entrance(rx.scan(accumulate, Completion()), lambda _: None, None)
    clock = min(spent(lambda: None) for _ in range(1_000))  # what telling the time costs
    whole = accumulated = reads = 0
    start = time.monotonic()
    for number, item in enumerate(items, 1):
        time.sleep(max(0.0, start + number / options.pace - time.monotonic()))
        if number % 2:
            accumulated += spent(plain.on_next, item) - clock
        whole += spent(partial.on_next, item) - clock
        if not number % 2:
            accumulated += spent(plain.on_next, item) - clock
        if handles and time.monotonic() - start >= (reads + 1) * WINDOW:
            whole += spent(lambda: handles[0].value) - clock
            reads += 1
    print(f"{len(items):,} fragments, {options.pace:g} a second, {reads:,} values:")
    print(f"plain accumulation {accumulated / len(items):.0f} ns a fragment, partial {whole / len(items):.0f} ns")
    print(f"ratio {whole / accumulated:.2f}")


if __name__ == "__main__":
    main()
