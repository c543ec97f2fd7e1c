"""A cancel at any moment of a run leaves nothing behind: no task, no socket, no thread, no further request."""

from __future__ import annotations

import asyncio
import json
import threading
from typing import TYPE_CHECKING, Any

from misbehaving_server import PATIENCE, stall, stream

from rxllm import Finish, Model
from rxllm.agent import Agent
from rxllm.tools import tool
from rxllm.turn_items import ToolStarted

if TYPE_CHECKING:
    from collections.abc import Callable

    from misbehaving_server import MisbehavingServer


def event(finish: str | None = None, **delta: Any) -> bytes:
    choice = {"index": 0, "delta": delta, "finish_reason": finish}
    return b"data: " + json.dumps({"id": "x", "model": "m", "choices": [choice]}).encode() + b"\n\n"


def piece(index: int, arguments: str, **more: Any) -> bytes:
    return event(tool_calls=[{"index": index, "function": {"arguments": arguments, **more.pop("f", {})}, **more}])


CALLS = [
    event(role="assistant", content="I"),
    event(content=" look"),
    piece(0, "", id="a", type="function", f={"name": "fetch"}),
    piece(0, '{"what":'),
    piece(0, '"x"}'),
    piece(1, "", id="b", type="function", f={"name": "work"}),
    piece(1, '{"steps": 2}'),
    event("tool_calls"),
    b"data: [DONE]\n\n",
]
ANSWER = [event(role="assistant", content="So"), event(content=" it is."), event("stop"), b"data: [DONE]\n\n"]


@tool
async def fetch(what: str) -> str:
    """Take a moment, in the loop."""
    await asyncio.sleep(0.005)
    return what


@tool
def work(steps: int):
    """Take a moment, in a thread."""
    for step in range(steps):
        threading.Event().wait(0.002)
        yield step


@tool
async def hang() -> None:
    """Never end."""
    await asyncio.Event().wait()


async def until(true: Callable[[], bool]) -> None:
    async with asyncio.timeout(PATIENCE):
        while not true():  # noqa: ASYNC110 - threads and tasks set no event
            await asyncio.sleep(0.001)


def threads() -> list[str]:
    return [thread.name for thread in threading.enumerate() if thread.name.startswith("rxllm tool")]


def our_tasks() -> list[str]:
    return [task.get_name() for task in asyncio.all_tasks() if task.get_name().startswith("rxllm")]


async def run(server: MisbehavingServer, cancel_at: int | None) -> tuple[list[Any], Any]:
    """Run two turns with two tools, and cancel from inside the delivery of one item."""
    server.play(stream(*CALLS), stream(*ANSWER))
    seen: list[Any] = []
    async with Model("openai:m", base_url=server.url, api_key="k") as model:
        watched = Agent(model, tools=[fetch, work]).stream("go")

        def note(item: Any) -> None:
            seen.append(item)
            if len(seen) - 1 == cancel_at:
                watched.cancel()

        watched.subscribe(note)
        completion = await watched
        asked = server.requests
        await until(lambda: not our_tasks() and not threads())
    await server.no_sockets()
    assert server.requests == asked
    return seen, completion


async def test_a_cancel_at_every_single_item_leaves_nothing(misbehaving: MisbehavingServer):
    whole, completion = await run(misbehaving, None)
    assert completion.text == "So it is."
    assert len(whole) > 20
    for at in range(len(whole) - 1):
        seen, completion = await run(misbehaving, at)
        assert completion.finish_reason == "cancelled"
        assert type(seen[-1]) is Finish
        assert len(seen) == at + 2  # nothing came after it but the Finish


async def test_a_cancel_while_the_model_speaks_closes_its_socket(misbehaving: MisbehavingServer):
    misbehaving.play(stream(*CALLS), stall(*ANSWER[:1]))
    async with Model("openai:m", base_url=misbehaving.url, api_key="k") as model:
        watched = Agent(model, tools=[fetch, work]).stream("go").start()
        await until(lambda: "So" in [getattr(item, "text", "") for item in watched._hub.items()])
        watched.cancel()
        await (await misbehaving.request(1)).gone()


async def test_a_cancel_while_a_tool_hangs_ends_it(misbehaving: MisbehavingServer):
    calls = [piece(0, "{}", id="a", type="function", f={"name": "hang"}), *CALLS[-2:]]
    misbehaving.play(stream(*calls))
    async with Model("openai:m", base_url=misbehaving.url, api_key="k") as model:
        watched = Agent(model, tools=[hang]).stream("go")
        watched.subscribe(lambda item: watched.cancel() if type(item) is ToolStarted else None)
        await watched
        await until(lambda: not our_tasks())
    assert misbehaving.requests == 1


async def test_leaving_the_stream_ends_its_tools(misbehaving: MisbehavingServer):
    calls = [piece(0, "{}", id="a", type="function", f={"name": "hang"}), *CALLS[-2:]]
    misbehaving.play(stream(*calls))
    async with Model("openai:m", base_url=misbehaving.url, api_key="k") as model:
        async for item in Agent(model, tools=[hang]).stream("go"):
            if type(item) is ToolStarted:
                assert our_tasks() == ["rxllm tool hang"]
                break
        del item
        await until(lambda: not our_tasks())
