"""What the tests of the command line share."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from rxllm_process import Terminal


@pytest.fixture
async def terminals() -> AsyncIterator[list[Terminal]]:
    """Terminals to be closed with the test: `terminals.append(await Terminal.open(...))`."""
    opened: list[Terminal] = []
    yield opened
    for terminal in opened:
        await terminal.close()
