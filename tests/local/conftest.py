"""A real llama.cpp for the tests of this room, one for the whole run."""

from __future__ import annotations

import asyncio
import importlib.util
import os
from typing import TYPE_CHECKING

import pytest

from rxllm.local import shared_server

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(scope="session")
def llama_cpp() -> None:
    """Skip where llama.cpp is not installed; where CI is set it has to be."""
    if importlib.util.find_spec("xllamacpp") is None:
        reason = "llama.cpp is not installed: pip install 'rxllm[local]'"
        if os.environ.get("CI"):
            pytest.fail(reason)
        pytest.skip(reason)


@pytest.fixture(scope="session")
def local_url(llama_cpp: None) -> Iterator[str]:
    """The base URL of the embedded model, e.g. `http://127.0.0.1:40123/v1`."""
    server = shared_server()
    with asyncio.Runner() as runner:
        url = runner.run(server.url())
    yield url
    server.close()
