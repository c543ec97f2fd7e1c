"""What is left behind, counted."""

from __future__ import annotations

import asyncio
import gc
import threading
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from loguru import logger

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator


def held() -> tuple[int, int, int]:
    """Tasks, open files and sockets, threads."""
    return len(asyncio.all_tasks()), len(list(Path("/proc/self/fd").iterdir())), threading.active_count()


@pytest.fixture
async def nothing_left() -> AsyncIterator[None]:
    """Fail where a test leaves a task, a file, a socket or a thread behind."""
    before = held()
    yield
    async with asyncio.timeout(5):
        while any(now > then for now, then in zip(held(), before, strict=True)):
            gc.collect()
            await asyncio.sleep(0.01)  # a socket closes in its own time


@pytest.fixture
def logged() -> Iterator[list[str]]:
    """What the library logs."""
    said: list[str] = []
    handler = logger.add(lambda message: said.append(message.record["message"]), level="DEBUG")
    logger.enable("rxllm")
    yield said
    logger.disable("rxllm")
    logger.remove(handler)
