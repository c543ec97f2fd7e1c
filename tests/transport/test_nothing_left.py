"""What is left behind when nobody tidies up: nothing; shown by a Python that is told to complain of everything."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

TESTS = Path(__file__).parents[1]

PROGRAM = """
import asyncio, gc, sys
from rxllm import Model
sys.path.insert(0, {tests!r})
from misbehaving_server import MisbehavingServer, stall, stream
from rxllm.transport.exchange import HttpRequest
from rxllm.transport.http import HttpTransport

kept = HttpTransport()
ANSWER = b'data: {{"choices": [{{"index": 0, "delta": {{}}, "finish_reason": "stop"}}]}}\\n\\ndata: [DONE]\\n\\n'

async def main():
    asyncio.get_running_loop().slow_callback_duration = 60  # a busy machine is no complaint
    async with MisbehavingServer(stall(b"x")) as server:
        request = HttpRequest("POST", server.url + "/")
{body}

asyncio.run(main())
gc.collect()
"""

LEFT_BEHIND = {
    "a transport that was read to the end": """
        server.play(stream(b"x"))
        await HttpTransport().fetch(request)
    """,
    "a transport that outlives the loop": """
        server.play(stream(b"x"))
        await kept.fetch(request)
    """,
    "a stream in mid-body": """
        body = await HttpTransport().open(request)
        await body.read()
    """,
    "a stream in mid-body of a transport that outlives the loop": """
        kept.body = await kept.open(request)
        await kept.body.read()
        kept.body.pause()
    """,
    "a task that reads": """
        body = await kept.open(request)
        kept.task = asyncio.ensure_future(body.read())
        await asyncio.sleep(0)
        await asyncio.sleep(0)
    """,
    "a task that opens": """
        kept.task = asyncio.ensure_future(kept.open(request))
        await server.request()
    """,
    "a transport that was closed in mid-body": """
        body = await kept.open(request)
        await kept.aclose()
    """,
    "a model that the garbage collector finds": """
        server.play(stream(ANSWER))
        model = Model("openai:m", base_url=server.url)
        model.knot = model, await model.stream("Hi")
        del model
        gc.collect()
        await server.no_sockets()
    """,
    "a model that the garbage collector finds at the very end": """
        server.play(stream(ANSWER))
        model = Model("openai:m", base_url=server.url)
        model.knot = model, await model.stream("Hi")
        del model
    gc.collect()
    """,
    "a stream started after its model was closed": """
        server.play(stream(ANSWER))
        async with Model("openai:m", base_url=server.url) as model:
            answered = model.stream("Hi")
        await answered
    """,
}


@pytest.mark.parametrize("left", LEFT_BEHIND)
def test_nothing_is_said_of(left):
    program = PROGRAM.format(tests=str(TESTS), body=LEFT_BEHIND[left])
    done = subprocess.run(  # noqa: S603 - our own interpreter
        [sys.executable, "-W", "error", "-X", "dev", "-c", program],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        cwd=TESTS.parent,
    )
    assert done.stderr == ""
    assert done.returncode == 0
