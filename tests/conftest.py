"""What many tests share: a real server on loopback that misbehaves as it is told."""

from __future__ import annotations

import importlib.util
import os
from typing import TYPE_CHECKING

import pytest
from misbehaving_server import MisbehavingServer

if TYPE_CHECKING:
    from collections.abc import AsyncIterator


@pytest.fixture
async def misbehaving() -> AsyncIterator[MisbehavingServer]:
    """A running `MisbehavingServer`; set what it does with `misbehaving.play(...)`."""
    async with MisbehavingServer() as server:
        yield server


@pytest.fixture(scope="session")
def real_model() -> None:
    """The embedded model can run here; without llama.cpp the test skips, and fails where CI should have it."""
    if importlib.util.find_spec("xllamacpp") is None:
        (pytest.fail if os.environ.get("CI") else pytest.skip)("llama.cpp is missing: pip install 'rxllm[local]'")
