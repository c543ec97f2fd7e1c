"""The session that a loop's transports share: when it opens, when it closes, and that nobody has to see to it."""

from __future__ import annotations

import asyncio
import gc
import threading

import pytest
from loop_clock import turns
from misbehaving_server import MisbehavingServer, stall, stream

from rxllm import Model
from rxllm.transport.exchange import HttpRequest
from rxllm.transport.http import HttpTransport
from rxllm.transport.session import _sessions

WHOLE = b'data: {"choices":[{"index":0,"delta":{"content":"Hi"},"finish_reason":"stop"}]}\n\ndata: [DONE]\n\n'


class Knot:
    """Something in a reference cycle, which only the garbage collector unties."""

    def __init__(self, *held: object) -> None:
        self.held = (self, *held)


@pytest.fixture(autouse=True)
def _no_collection_by_chance():
    gc.collect()
    gc.disable()
    yield
    gc.enable()


def ask(server: MisbehavingServer) -> HttpRequest:
    return HttpRequest("POST", f"{server.url}/v1/chat")


async def test_it_closes_with_the_last_transport(misbehaving):
    first, second = HttpTransport(), HttpTransport()
    for each in (first, second):
        await each.fetch(ask(misbehaving))
    await first.aclose()
    await first.aclose()
    assert misbehaving.open_sockets == 1
    await second.aclose()
    await misbehaving.no_sockets()


async def test_a_closed_transport_opens_it_again(misbehaving):
    transport = HttpTransport()
    for _ in range(2):
        await transport.fetch(ask(misbehaving))
        await transport.aclose()
    assert misbehaving.connections == 2
    await misbehaving.no_sockets()


async def test_it_closes_when_its_transport_is_forgotten(misbehaving):
    transport = HttpTransport()
    await transport.fetch(ask(misbehaving))
    del transport
    await misbehaving.no_sockets()


async def test_it_closes_when_its_transport_is_found_by_the_garbage_collector(misbehaving):
    transport = HttpTransport()
    await transport.fetch(ask(misbehaving))
    Knot(transport, transport._shared)
    del transport
    await turns()
    assert misbehaving.open_sockets == 1
    gc.collect()
    await misbehaving.no_sockets()


async def test_it_closes_when_its_transport_is_forgotten_by_another_thread(misbehaving):
    forgettable = [HttpTransport()]
    await forgettable[0].fetch(ask(misbehaving))
    thread = threading.Thread(target=forgettable.clear)
    thread.start()
    thread.join()
    await misbehaving.no_sockets()


async def test_it_stays_when_one_of_two_is_forgotten(misbehaving):
    kept, forgotten = HttpTransport(), HttpTransport()
    for each in (kept, forgotten):
        await each.fetch(ask(misbehaving))
    del each, forgotten
    await turns(20)
    await kept.fetch(ask(misbehaving))
    assert misbehaving.connections == 1
    await kept.aclose()


async def test_a_stream_outlives_its_forgotten_transport(misbehaving):
    async def script(exchange):
        await exchange.send(b"one")
        await misbehaving.release.wait()
        await exchange.send(b"two")

    misbehaving.play(script)
    body = await HttpTransport().open(ask(misbehaving))
    assert await body.read() == b"one"
    gc.collect()
    await turns(20)
    misbehaving.release.set()
    assert await body.read() == b"two"
    del body
    await misbehaving.no_sockets()


async def test_a_loop_that_was_left_open_by_hand_is_not_kept_for_ever(misbehaving):
    def by_hand() -> asyncio.AbstractEventLoop:
        loop = asyncio.new_event_loop()
        transport = HttpTransport()
        with pytest.raises(Exception, match="No connection"):
            loop.run_until_complete(transport.open(HttpRequest("GET", "http://127.0.0.1:1/")))
        loop.run_until_complete(transport.aclose())
        loop.close()  # without closing its generators
        return loop

    ended = await asyncio.to_thread(by_hand)
    assert ended in _sessions
    transport = HttpTransport()
    await transport.fetch(ask(misbehaving))
    assert ended not in _sessions
    await transport.aclose()


async def test_a_model_that_was_never_closed_leaves_no_socket_and_no_warning(misbehaving):
    misbehaving.play(stream(WHOLE))
    model = Model("openai:m", base_url=misbehaving.url)
    answered = model.stream("Hi")
    assert (await answered).text == "Hi"
    Knot(model, answered)
    del model, answered
    gc.collect()
    await misbehaving.no_sockets()


async def test_a_model_that_is_forgotten_in_mid_answer_leaves_no_socket_and_no_warning(misbehaving):
    misbehaving.play(stall(WHOLE[:-14]))
    model = Model("openai:m", base_url=misbehaving.url)
    async for _ in model.stream("Hi"):
        break
    Knot(model)
    del model
    gc.collect()
    await misbehaving.no_sockets()


async def test_a_stream_that_is_started_after_its_model_was_closed_opens_a_new_session(misbehaving):
    misbehaving.play(stream(WHOLE))
    async with Model("openai:m", base_url=misbehaving.url) as model:
        answered = model.stream("Hi")
    assert (await answered).text == "Hi"
    del model, answered
    gc.collect()
    await misbehaving.no_sockets()
