"""Fuzz every decoder for a while, each for as long: `make fuzz SECONDS=600`.

Whatever the bytes, a decoder gives items or one of our errors; the same items however the bytes were cut; a `Finish`
last if it ended well, and none if not; items that can be encoded; and it keeps nothing of what it has read.
"""

from __future__ import annotations

import argparse
import gc
import itertools
import multiprocessing
import os
import random
import resource
import sys
import time
import tracemalloc
import warnings
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import msgspec
from fed import completed, fed, merged, portions
from fuzz.hostile import TARGETS, Target, bodies, damaged, recorded
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis.errors import HypothesisWarning

import rxllm
from rxllm.items import Finish

if TYPE_CHECKING:
    from rxllm.errors import RxllmError
    from rxllm.items import StreamItem

ROUND = 100
"""Draws a round; each round has a seed of its own, and hypothesis forgets the last."""

KEPT = 50_000
"""Bytes that may be held after decoding that were not before: caches of the interpreter, no answer's worth."""


@dataclass
class Findings:
    """What came of fuzzing one decoder: how the bodies ended, and, of each fault, the least body that shows it.

    `slowest` is seconds of CPU for the most expensive body, decoded in each way.
    """

    tried: int = 0
    ends: dict[str, int] = field(default_factory=dict)
    faults: dict[str, bytes] = field(default_factory=dict)
    slowest: float = 0.0


def told(items: list[StreamItem], error: RxllmError | None) -> str:
    """Spell what came out, for comparison; not even NaN is NaN."""
    return f"{merged(items)!r} {type(error)} {error}"


def sound(target: Target, body: bytes) -> tuple[str, str]:
    """Decode a body at one go; give the name of how it ended, and what came out.

    Raises:
        Exception: As `checked`.
    """
    items, error = fed(target.wire.Decoder(), [body])
    msgspec.json.encode(items)
    completed(items).to_message()
    assert [type(item) is Finish for item in items].count(True) == (error is None), "there is a Finish if it ended well"
    assert error is not None or type(items[-1]) is Finish, "the Finish is the last item"
    return "completed" if error is None else type(error).__name__, told(items, error)


def checked(target: Target, body: bytes) -> str:
    """Decode a body, and give the name of how it ended.

    Raises:
        Exception: What should not be: any that is not ours, or that a promise was not kept.
    """
    end, whole = sound(target, body)
    for size in (1, 7, 1000):
        if len(body) < 200 * size:
            assert told(*fed(target.wire.Decoder(), portions(body, size))) == whole, f"cut by {size}, it is another"
    return end


def least(target: Target, body: bytes, kind: type[Exception]) -> bytes:
    """Leave out of a body each line without which the same kind of exception still comes."""
    lines = body.split(b"\n")
    for at in reversed(range(len(lines))):
        fewer = lines[:at] + lines[at + 1 :]
        try:
            checked(target, b"\n".join(fewer))
        except kind:
            lines = fewer
        except Exception:  # noqa: BLE001, S110 - another fault is not the one to be shown here
            pass
    return b"\n".join(lines)


def fuzzed(target: Target, seconds: float, first: int, size: int = ROUND) -> Findings:
    """Fuzz a decoder in rounds of a size, the first of them with a seed, for so many seconds of CPU."""
    findings = Findings()
    recordings = recorded(target)
    until = time.process_time() + seconds
    for rounds in itertools.count(first):
        if rounds > first and time.process_time() >= until:
            break
        last = b""

        @seed(rounds)
        @settings(
            max_examples=size,
            deadline=None,
            database=None,
            phases=[Phase.generate, Phase.shrink],
            suppress_health_check=list(HealthCheck),
        )
        @given(bodies(target, recordings))
        def one_round(drawn: list[bytes]) -> None:
            nonlocal last
            for body in drawn:
                last = body
                started = time.process_time()
                end = checked(target, body)
                findings.slowest = max(findings.slowest, time.process_time() - started)
                findings.tried += 1
                findings.ends[end] = findings.ends.get(end, 0) + 1

        try:
            one_round()
        except Exception as error:  # noqa: BLE001 - whatever it is, it is what is looked for
            name = f"{type(error).__name__}: {str(error)[:200]}"
            if name not in findings.faults:
                findings.faults[name] = least(target, last, type(error))
    return findings


def kept_by(target: Target) -> int:
    """Count the bytes that rxllm's own lines hold after the same bodies were decoded again and again."""
    chance = random.Random(0)  # noqa: S311 - damage, no secret
    found = recorded(target) or [b"{}"]
    samples = [damaged(chance.choice(found), chance) for _ in range(50)]
    rxllm_only = tracemalloc.Filter(inclusive=True, filename_pattern=f"{rxllm.__path__[0]}/*")

    def held() -> int:
        for body in samples:
            fed(target.wire.Decoder(), portions(body, 512))
        gc.collect()
        return sum(each.size for each in tracemalloc.take_snapshot().filter_traces([rxllm_only]).statistics("filename"))

    tracemalloc.start()
    try:
        before = held()
        return max(held() for _ in range(3)) - before
    finally:
        tracemalloc.stop()


def report(name: str, seconds: float, first: int) -> tuple[str, bool]:
    """Fuzz the decoder of a name in this process; tell what was found, and whether it is bad."""
    warnings.simplefilter("ignore", HypothesisWarning)  # that a body is long
    target = next(target for target in TARGETS if target.name == name)
    findings = fuzzed(target, seconds, first)
    kept = kept_by(target)
    line = (
        f"{name}, seed {first}: {findings.tried} bodies in {time.process_time():.0f} s of CPU, {findings.ends}, "
        f"slowest {findings.slowest:.2f} s, {kept} bytes kept, peak {peak():.0f} MB with hypothesis's own"
    )
    faults = [f"  FAULT {fault}\n    {body!r}" for fault, body in findings.faults.items()]
    return "\n".join([line, *faults]), bool(faults) or kept > KEPT


def main(arguments: list[str] | None = None) -> int:
    """Fuzz each decoder in a process of its own, tell what was found, and return the exit status."""
    names = [target.name for target in TARGETS]
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=600, help="of CPU, for each decoder")
    parser.add_argument("--seed", type=int, default=time.time_ns() % 10**9, help="where the rounds begin to count")
    parser.add_argument("--decoder", action="append", choices=names, help="only this one; may be given again")
    asked = parser.parse_args(arguments)
    is_bad = False
    fresh = multiprocessing.get_context("spawn")  # so that the memory of one is not the other's
    with ProcessPoolExecutor(os.cpu_count(), mp_context=fresh, max_tasks_per_child=1) as processes:
        reports = [processes.submit(report, name, asked.seconds, asked.seed) for name in asked.decoder or names]
        for done in as_completed(reports):
            told_of, found = done.result()
            sys.stdout.write(f"{told_of}\n")
            sys.stdout.flush()
            is_bad |= found
    return int(is_bad)


def peak() -> float:
    """Give the most memory that the process has had, in megabytes."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


if __name__ == "__main__":
    sys.exit(main())
