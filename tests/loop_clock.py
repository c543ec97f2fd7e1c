"""The running loop, turn by turn, and its clock put forward: for tests of time-outs that nobody wants to wait for."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pytest

__all__ = ["LoopClock", "turns"]


class LoopClock:
    """The running loop's clock, the only one that time-outs know."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        loop = asyncio.get_running_loop()
        self._skipped = 0.0
        real = loop.time
        monkeypatch.setattr(loop, "time", lambda: real() + self._skipped)

    async def skip(self, seconds: float) -> None:
        """Let so much time pass at once, and everything happen that is due then."""
        self._skipped += seconds
        await turns()


async def turns(count: int = 5) -> None:
    """Let everything that is due happen."""
    for _ in range(count):
        await asyncio.sleep(0)
