"""An event loop whose time is virtual: it never waits, so that tools of seconds are tested in none."""

from __future__ import annotations

import asyncio
import selectors
from contextlib import suppress
from typing import TYPE_CHECKING, Any, TypeVar

from rxllm import Finish, RxllmError, TextDelta, ToolCall, ToolCallDelta
from rxllm.turn_items import (
    AgentCompleted,
    ToolApprovalRequested,
    ToolCompleted,
    ToolProgress,
    ToolStarted,
    TurnCompleted,
    TurnStarted,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

    from rxllm.agent import Agent, AgentStream
    from rxllm.items import StreamItem

__all__ = ["VirtualLoop", "played", "told", "virtually"]

T = TypeVar("T")
PATIENCE = 5.0  # seconds of the real clock, for a thread that must answer


class _Jumping(selectors.DefaultSelector):
    """Where a loop would wait, its time is put forward instead."""

    loop: VirtualLoop

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        if timeout is None:  # only a thread, or nothing at all, can go on here
            found = super().select(PATIENCE)
            assert found, "the loop waits for what never comes"
            return found
        found = super().select(0)
        if not found:
            self.loop.now += timeout
        return found


class VirtualLoop(asyncio.SelectorEventLoop):
    """A loop that jumps to what is due next."""

    def __init__(self) -> None:
        self.now = 0.0
        selector = _Jumping()
        selector.loop = self
        super().__init__(selector)

    def time(self) -> float:
        return self.now


def virtually(work: Coroutine[Any, Any, T]) -> T:
    """Run a coroutine in virtual time."""
    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        return runner.run(work)


WORDS: dict[type, Callable[[Any], str]] = {
    TurnStarted: lambda item: f"turn {item.turn}",
    TurnCompleted: lambda item: f"turn {item.turn} done",
    TextDelta: lambda item: repr(item.text),
    ToolCall: lambda item: f"call {item.name} {item.call}",
    ToolCallDelta: lambda item: f"piece {item.call} {item.arguments}",
    ToolApprovalRequested: lambda item: f"may {item.name} {item.call}?",
    ToolStarted: lambda item: f"start {item.name} {item.call}",
    ToolProgress: lambda item: f"{item.name} says {item.progress}",
    ToolCompleted: lambda item: (
        f"{item.name} {item.call} " + (f"failed: {item.error}" if item.error else f"gave {item.result}")
    ),
    AgentCompleted: lambda item: f"answered after {item.duration_ms / 1000:g} s",
    Finish: lambda item: f"finish {item.reason}",
}


def told(item: StreamItem) -> str:
    """Say in a few words what an item tells."""
    return WORDS.get(type(item), lambda item: type(item).__name__)(item)


def played(
    agent: Agent,
    watch: Callable[[AgentStream, StreamItem], object] = lambda _stream, _item: None,
    **settings: Any,
) -> list[str]:
    """Play an agent in virtual time, and tell what came when: `"3 fast gave 1"` after three seconds."""

    async def play() -> list[str]:
        lines: list[str] = []
        loop = asyncio.get_running_loop()
        stream = agent.stream("go", **settings)

        def note(item: StreamItem) -> None:
            lines.append(f"{loop.time():g} {told(item)}")
            watch(stream, item)

        stream.subscribe(note, lambda error: lines.append(f"{loop.time():g} {type(error).__name__}: {error}"))
        await asyncio.wait([asyncio.ensure_future(_ended(stream))])
        left = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
        assert not left, left
        return lines

    return virtually(play())


async def _ended(stream: AgentStream) -> None:
    with suppress(RxllmError):  # its observer has told it
        await stream
    await asyncio.sleep(0)  # a cancelled tool ends in the next turn of the loop
    await asyncio.sleep(0)
