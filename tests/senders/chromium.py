"""A real Chromium without a screen, driven over its DevTools socket; nothing but aiohttp is needed for that."""

from __future__ import annotations

import asyncio
import shutil
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import aiohttp

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

__all__ = ["CHROMIUM", "Tab", "chromium"]

CHROMIUM = next(
    (found for name in ("chromium", "chromium-browser", "google-chrome") if (found := shutil.which(name))), None
)
_QUIET = (
    *("--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-dev-shm-usage"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync", "--remote-debugging-port=0"),
)


class Tab:
    """The one page that is open."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        self._socket = socket
        self._asked = 0

    async def call(self, method: str, **parameters: Any) -> dict[str, Any]:
        """Call a method of the DevTools protocol."""
        self._asked += 1
        await self._socket.send_json({"id": self._asked, "method": method, "params": parameters})
        while (answer := await self._socket.receive_json()).get("id") != self._asked:
            pass
        return answer["result"]

    async def evaluate(self, expression: str) -> Any:
        """Give the value of a JavaScript expression."""
        return (await self.call("Runtime.evaluate", expression=expression))["result"].get("value")

    async def until(self, expression: str) -> None:
        """Wait until an expression is true."""
        async with asyncio.timeout(30):
            while not await self.evaluate(expression):  # noqa: ASYNC110 - it happens in the browser
                await asyncio.sleep(0.05)


@asynccontextmanager
async def chromium(profile: Path) -> AsyncIterator[Tab]:
    """Run a browser with an empty profile."""
    assert CHROMIUM is not None
    process = await asyncio.create_subprocess_exec(
        CHROMIUM, *_QUIET, f"--user-data-dir={profile}", "about:blank", stderr=asyncio.subprocess.DEVNULL
    )
    try:
        async with asyncio.timeout(60), aiohttp.ClientSession() as session:
            told = profile / "DevToolsActivePort"
            while not told.exists() or len(told.read_text().splitlines()) < 2:  # noqa: ASYNC110 - as above
                await asyncio.sleep(0.05)
            port = told.read_text().splitlines()[0]
            async with session.get(f"http://127.0.0.1:{port}/json/list") as tabs:
                address = next(tab["webSocketDebuggerUrl"] for tab in await tabs.json() if tab["type"] == "page")
            async with session.ws_connect(address, max_msg_size=0) as socket:
                yield Tab(socket)
    finally:
        process.terminate()
        await process.wait()
