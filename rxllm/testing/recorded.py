"""`recorded`: a recording as an answer for a `ScriptedModel`, with its times, on virtual time or on a loop."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from rxllm.errors import ConfigurationError, RxllmError
from rxllm.transport.record import recorded_reads
from rxllm.wire import find_wire

if TYPE_CHECKING:
    import os

    from rxllm.testing.scripted import Step

__all__ = ["recorded"]


def recorded(path: str | os.PathLike[str], *, wire: str = "chat_completions", timing: float | None = 1.0) -> list[Step]:
    """Make an answer of a recording: what each read brought, and when.

    Unlike `ReplayTransport(path, timing=1.0)` it needs no loop, so that an answer of a minute is played in no time at
    all on virtual time.

    Args:
        path: The raw body of a response, as `Model(record=path)` wrote it.
        wire: Its format by name, e.g. `anthropic`.
        timing: How fast it comes: 1.0 as recorded, 2.0 twice as fast; None has the whole in one read, and needs no
            times beside the body.

    Returns:
        An answer for `ScriptedModel`: seconds and items, and at the end the error if there was one.

    Raises:
        ConfigurationError: The file cannot be read, or not the times beside it; `timing` is not positive, or there is
            no such wire.
    """
    if timing is not None and not timing > 0:
        raise ConfigurationError(f"timing is {timing}; expected 1.0 for as recorded, 2.0 for twice as fast, or None.")
    try:
        body = Path(path).read_bytes()
    except OSError as error:
        raise ConfigurationError(f"The recording {path} cannot be read: {error.strerror}.") from error
    reads = [(0.0, len(body))] if timing is None else [(at / timing, size) for at, size in recorded_reads(path)]
    decoder = find_wire(wire).Decoder()
    answer: list[Step] = []
    before = 0.0
    position = 0
    for at, size in reads:
        answer.append(at - before)
        answer += decoder.feed(body[position : position + size])
        if decoder.fault is not None:
            return [*answer, decoder.fault]
        before = at
        position += size
    try:
        return [*answer, *decoder.finish()]
    except RxllmError as error:
        return [*answer, *decoder.rest, error]
