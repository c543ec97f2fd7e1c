"""The rare facts of a completion, and what a rollback leaves of them."""

from __future__ import annotations

from typing import Any, Final

import msgspec

from rxllm.items import Finish, Rollback, Started, StreamItem, Usage
from rxllm.turn_items import AgentCompleted, StageStarted, TurnStarted

__all__ = ["SEED_HEAD", "Attempt", "Head", "rolled_back", "told"]


class Attempt(msgspec.Struct, frozen=True, repr_omit_defaults=True):
    """An attempt that was rolled back, and what it cost."""

    number: int
    usage: Usage | None


class Head(msgspec.Struct, frozen=True, repr_omit_defaults=True):
    """The rare facts, replaced as a whole when one of them changes."""

    id: str | None = None
    model: str | None = None
    usage: Usage | None = None
    finish: Finish | None = None
    attempts: tuple[Attempt, ...] = ()
    turn_start: int = 0
    output: Any = None


SEED_HEAD: Final = Head()


def told(head: Head, item: StreamItem, length: int) -> Head:
    """Give the head after a structural item, before which the log had a length."""
    if isinstance(item, Usage):
        return msgspec.structs.replace(head, usage=item)
    if isinstance(item, Started):
        return msgspec.structs.replace(head, id=item.id, model=item.model or head.model, turn_start=length)
    if isinstance(item, Finish):
        # llama.cpp's Responses names the model at the end only; so late, it stands with what else was said there.
        model: Any = (item.response or {}).get("model")
        named = model if isinstance(model, str) and model else head.model
        return msgspec.structs.replace(head, finish=item, usage=item.usage or head.usage, model=named)
    if isinstance(item, (TurnStarted, StageStarted)):
        return msgspec.structs.replace(head, turn_start=length + 1, output=None)
    if isinstance(item, AgentCompleted):
        return msgspec.structs.replace(head, output=item.output)
    return head


def rolled_back(log: list[StreamItem], head: Head, item: Rollback) -> tuple[list[StreamItem], Head]:
    """Forget the void attempt, but not what it cost."""
    usage = next((i for i in reversed(log[head.turn_start :]) if isinstance(i, Usage)), None)
    kept = log[: head.turn_start]
    before = SEED_HEAD  # what the turns before this one had told
    for length, earlier in enumerate(kept):
        before = told(before, earlier, length)
    attempts = (*head.attempts, Attempt(item.attempt, usage))
    return kept, msgspec.structs.replace(before, attempts=attempts, turn_start=len(kept))
