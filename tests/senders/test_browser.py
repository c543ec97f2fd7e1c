"""The example's page, its JavaScript as it stands, read by a real Chromium."""

from __future__ import annotations

import os
import runpy
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from aiohttp import web
from senders.chromium import CHROMIUM, chromium

from rxllm.errors import OverloadedError
from rxllm.items import Rollback, Started
from rxllm.testing import ScriptedModel
from rxllm.turn_items import ToolCompleted, ToolStarted

pytestmark = pytest.mark.skipif(
    CHROMIUM is None and "CI" not in os.environ, reason="no Chromium: apt-get install chromium"
)
EXAMPLE = Path(__file__).parent.parent.parent / "examples" / "senders" / "web_page.py"


@asynccontextmanager
async def page(model, profile):
    """A tab with the example's page, on this model."""
    app = runpy.run_path(str(EXAMPLE))["application"](model)
    runner = web.AppRunner(app, shutdown_timeout=1.0)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        async with chromium(profile) as tab:
            await tab.call("Page.navigate", url=f"http://127.0.0.1:{runner.addresses[0][1]}/")
            yield tab
    finally:
        await runner.cleanup()


async def shown(tab) -> tuple[str, str]:
    """The answer and the state, once the page has closed its source."""
    await tab.until("typeof source === 'object' && source.readyState === EventSource.CLOSED")
    return await tab.evaluate("answer.textContent"), await tab.evaluate("state.textContent")


async def test_a_page_shows_the_answer_and_asks_once(tmp_path):
    model = ScriptedModel(["Über ", 0.05, "the\n", "sea <b>", "🌊"])
    async with page(model, tmp_path) as tab:
        assert await shown(tab) == ("Über the\nsea <b>🌊", "done: stop")
        assert len(model.requests) == 1


async def test_a_page_forgets_what_is_void(tmp_path):
    model = ScriptedModel([Started(), "wrong", Rollback(2), Started(), "right"])
    async with page(model, tmp_path) as tab:
        assert await shown(tab) == ("right", "done: stop")


async def test_a_page_is_told_why_an_answer_failed(tmp_path):
    model = ScriptedModel(["a", OverloadedError("no room")])
    async with page(model, tmp_path) as tab:
        assert await shown(tab) == ("a", "failed: no room")
        assert len(model.requests) == 1


async def test_a_page_shows_tools_at_work(tmp_path):
    steps = [ToolStarted(0, "weather"), 0.3, ToolCompleted(0, "weather", 300.0, "sunny"), float("inf")]
    async with page(ScriptedModel(steps), tmp_path) as tab:
        await tab.until("state.textContent === 'weather ✓ 300 ms'")
