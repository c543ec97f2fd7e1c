"""The real servers: the embedded model's llama.cpp as it tells of its own work, and an Ollama where there is one."""

from __future__ import annotations

import asyncio
import os
from typing import TYPE_CHECKING, NamedTuple

import aiohttp
import pytest

from rxllm.local import shared_server

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

PATIENCE = 20.0  # seconds: a bound, not a wait


class Work(NamedTuple):
    """What a server has done in its life, in tokens, by its own count."""

    prompt: int
    predicted: int

    def since(self, before: Work) -> Work:
        return Work(self.prompt - before.prompt, self.predicted - before.predicted)


class LlamaCpp:
    """llama.cpp's own account of what it is doing."""

    def __init__(self, root: str, session: aiohttp.ClientSession) -> None:
        self.url = root + "/v1"
        self.root = root
        self._session = session

    async def busy(self) -> int:
        """How many answers it is writing now."""
        async with self._session.get(self.root + "/slots") as response:
            return sum(slot["is_processing"] for slot in await response.json())

    async def idle(self) -> None:
        """Wait until it writes no answer any more."""
        async with asyncio.timeout(PATIENCE):
            while await self.busy():
                pass

    async def work(self) -> Work:
        """What it has done; an answer in progress is counted at its end."""
        async with self._session.get(self.root + "/metrics") as response:
            lines = [line.split() for line in (await response.text()).splitlines() if not line.startswith("#")]
        count = {name.removeprefix("llamacpp:"): float(value) for name, value in lines}
        prompt = count["prompt_tokens_total"] + count["prompt_tokens_cached_total"]
        return Work(int(prompt), int(count["tokens_predicted_total"]))


@pytest.fixture
async def llama_cpp(real_model: None) -> AsyncIterator[LlamaCpp]:
    """The server behind `Model("local")`, with nothing to do."""
    url = await shared_server().url()
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(PATIENCE)) as session:
        server = LlamaCpp(url.removesuffix("/v1"), session)
        await server.idle()
        yield server


@pytest.fixture(scope="session")
def ollama_url() -> str:
    """The root of an Ollama that has the embedded model; unlike llama.cpp it may be missing everywhere."""
    if url := os.environ.get("RXLLM_REAL_OLLAMA"):
        return url
    return pytest.skip("there is no Ollama: set RXLLM_REAL_OLLAMA to the root URL of one that has tiny-kjv-chat")
