"""What the transport's tests share."""

from __future__ import annotations

import pytest
from loop_clock import LoopClock


@pytest.fixture
async def clock(monkeypatch: pytest.MonkeyPatch) -> LoopClock:
    """The running loop's clock; `await clock.skip(seconds)` puts it forward."""
    return LoopClock(monkeypatch)
