"""A real llama.cpp for the tests of this room, one for the whole run."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from rxllm.local import shared_server

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(scope="session")
def local_url(real_model: None) -> Iterator[str]:
    """The base URL of the embedded model, e.g. `http://127.0.0.1:40123/v1`."""
    server = shared_server()
    with asyncio.Runner() as runner:
        url = runner.run(server.url())
    yield url
    server.close()
