"""Server-sent events, over real sockets: clients that read, that do not, and that go away."""

from __future__ import annotations

import asyncio
import json
from functools import partial

import aiohttp
import pytest
from loop_clock import LoopClock, turns
from scripted_origin import scripted, watch
from senders.sse_server import events_of, served, silent_client

from rxllm.errors import RateLimitError, TransportError
from rxllm.items import Finish, Ping, Reasoning, ReasoningDelta, Rollback, Stamped, Started, TextDelta, ToolCall, Usage
from rxllm.senders import SseSender
from rxllm.testing import ScriptedModel
from rxllm.turn_items import ToolCompleted, ToolProgress, ToolStarted

pytestmark = pytest.mark.usefixtures("nothing_left")
ANSWER = (
    Started("1", "m"),
    ReasoningDelta("hm"),
    Reasoning("hm", "signature"),
    TextDelta("Hé\nllo"),
    ToolCall(0, "id", "weather", {"city": "Rome"}, '{"city":"Rome"}'),
    ToolStarted(0, "weather", {"city": "Rome"}),
    ToolProgress(0, "weather", 0.5),
    ToolCompleted(0, "weather", 12.0, {"sky": "blue"}),
    Usage(1, 2, 3),
    Rollback(2),
)
NAMES = (
    *("started", "reasoning", "reasoning_block", "token"),
    *("tool_call", "tool_start", "tool_progress", "tool_complete", "usage", "rollback", "done"),
)


class Handler:
    """Answers each request with a stream, and remembers the sender."""

    def __init__(self, *steps, stream=None, **settings) -> None:
        self.steps = steps
        self.stream = stream
        self.settings = settings
        self.sender: SseSender
        self.returned = asyncio.Event()

    async def answer(self, request):
        self.sender = SseSender(request, **self.settings)
        stream = self.stream or ScriptedModel(list(self.steps)).stream("Hi")
        try:
            with stream.subscribe(self.sender):
                return await self.sender.respond()
        finally:
            self.returned.set()


async def read(handler: Handler) -> tuple[aiohttp.ClientResponse, bytes]:
    async with served(handler) as url, aiohttp.ClientSession() as session, session.get(url) as got:
        return got, await got.read()


async def test_each_item_is_a_named_event_with_its_position():
    _, body = await read(Handler(*ANSWER))
    events = events_of(body)
    assert tuple(event.event for event in events) == NAMES
    assert [event.id for event in events] == [str(n) for n in range(len(NAMES))]


async def test_no_timer_is_left_after_the_end():
    handler = Handler("a")
    await read(handler)
    assert handler.sender._timer.cancelled()


async def test_an_events_data_is_the_item_as_json():
    _, body = await read(Handler(*ANSWER))
    data = {event.event: json.loads(event.data) for event in events_of(body)}
    assert data["token"] == {"kind": "TextDelta", "text": "Hé\nllo"}
    assert data["tool_start"]["name"] == "weather"
    assert data["tool_complete"]["result"] == {"sky": "blue"}
    assert data["rollback"]["attempt"] == 2
    assert data["done"]["reason"] == "tool_calls"


async def test_the_headers_keep_proxies_and_caches_from_holding_tokens_back():
    got, _ = await read(Handler("a", headers={"Access-Control-Allow-Origin": "*"}))
    assert got.headers["Content-Type"] == "text/event-stream; charset=utf-8"
    assert got.headers["Cache-Control"] == "no-store"
    assert got.headers["X-Accel-Buffering"] == "no"
    assert got.headers["Access-Control-Allow-Origin"] == "*"


async def test_a_browser_is_not_sent_the_providers_own_blocks():
    _, body = await read(Handler(Finish("stop", native={"w": [{"signature": "s"}]}, response={"id": "r"})))
    assert set(json.loads(events_of(body)[-1].data)) == {"kind", "reason", "timing"}


async def test_a_failed_stream_ends_with_an_event_error():
    _, body = await read(Handler("a", RateLimitError("slow down")))
    names = [event.event for event in events_of(body)]
    assert names == ["token", "error"]
    assert json.loads(events_of(body)[-1].data) == {"type": "RateLimitError", "message": "slow down"}


async def test_a_pipe_that_ends_without_a_finish_is_done_too():
    origin, stream = scripted()
    handler = Handler(stream=stream.pipe(lambda source: source))
    reading = asyncio.create_task(read(handler))
    async with asyncio.timeout(5):
        while not origin.calls:  # noqa: ASYNC110 - the request is on its way
            await asyncio.sleep(0.01)
    origin.send("a")
    origin.inlet.complete()
    _, body = await reading
    assert [event.event for event in events_of(body)] == ["token", "done"]


async def test_stamped_items_bring_their_own_positions():
    async def handler(request):
        sender = SseSender(request)
        for seq in (3, 4):
            sender.on_next(Stamped(seq, 0.1, TextDelta("a")))
        sender.on_completed()
        return await sender.respond()

    _, body = await read(handler)
    assert [event.id for event in events_of(body)][:2] == ["3", "4"]


async def test_merged_deltas_have_the_position_up_to_which_all_is_sent():
    async def handler(request):
        sender = SseSender(request, capacity=1)
        for item in (TextDelta("a"), TextDelta("b"), Rollback(2)):
            sender.on_next(item)
        sender.on_completed()
        return await sender.respond()

    _, body = await read(handler)
    assert [(event.event, event.id) for event in events_of(body)][:2] == [("token", None), ("rollback", "2")]


async def test_a_silent_stream_is_kept_alive_by_comments(monkeypatch):
    origin, stream = scripted()
    async with served(Handler(stream=stream, keep_alive=15.0)) as url, silent_client(url) as reader:
        assert b"200 OK" in await reader.readuntil(b"\r\n\r\n")
        clock = LoopClock(monkeypatch)
        for _ in range(2):
            await clock.skip(15.1)
            assert b": ping\n\n" in await reader.readuntil(b"ping\n\n\r\n")
        origin.finish("a")
        rest = await reader.read()
        assert b"event: done" in rest
        assert b"ping" not in rest


async def test_a_ping_of_the_providers_is_a_comment():
    _, body = await read(Handler(Ping(), "a"))
    assert body.startswith(b": ping\n\n")


async def test_a_client_that_does_not_read_never_slows_the_stream_and_loses_nothing():
    pieces = ["~" * 1_000_000] * 30
    origin, stream = scripted()
    handler = Handler(stream=stream, capacity=4)
    async with served(handler) as url, silent_client(url) as reader:
        await reader.readuntil(b"\r\n\r\n")
        seen = watch(stream)
        for piece in pieces:
            origin.send(piece)
            await turns()
        origin.finish()
        assert seen.completed == 1
        assert not handler.sender.closed
        text = await reader.read()
        assert text.count(b"~") == 30_000_000
        assert text.count(b"event: token") < 30


async def test_a_client_that_never_reads_is_cut_off_after_its_time(monkeypatch):
    origin, stream = scripted()
    handler = Handler(stream=stream, timeout=30.0)
    async with served(handler) as url, silent_client(url) as reader:
        await reader.readuntil(b"\r\n\r\n")
        clock = LoopClock(monkeypatch)
        for _ in range(30):
            origin.send("x" * 1_000_000)
            await turns()
        await clock.skip(31)
        await clock.skip(31)
        async with asyncio.timeout(5):
            await handler.returned.wait()
        assert "does not read" in str(handler.sender.failure)
        assert origin.calls == ["start", "close"]


async def test_a_client_that_goes_away_lets_go_of_the_stream():
    origin, stream = scripted()
    handler = Handler(stream=stream)
    async with served(handler) as url:
        async with silent_client(url) as reader:
            await reader.readuntil(b"\r\n\r\n")
            origin.send("a")
            await reader.readuntil(b"data:")
        async with asyncio.timeout(5):
            while not handler.returned.is_set():
                origin.send("a")
                await asyncio.sleep(0.01)
    assert origin.calls == ["start", "close"]
    assert isinstance(handler.sender.failure.__cause__, ConnectionError)


async def test_close_cuts_the_connection_since_not_all_is_said():
    origin, stream = scripted()
    handler = Handler(stream=stream)
    async with served(handler) as url, silent_client(url) as reader:
        await reader.readuntil(b"\r\n\r\n")
        origin.send("a")
        await reader.readuntil(b"data:")
        handler.sender.close()
        assert not (await reader.read()).endswith(b"0\r\n\r\n")
        async with asyncio.timeout(5):
            await handler.returned.wait()
    assert origin.calls == ["start", "close"]


async def test_a_handler_that_is_cancelled_closes_its_sender():
    senders = []

    async def handler(request):
        senders.append(sender := SseSender(request))
        responding = asyncio.create_task(sender.respond())
        await turns()
        responding.cancel()
        await asyncio.wait([responding])
        assert responding.cancelled()
        raise aiohttp.web.HTTPServiceUnavailable

    with pytest.raises(aiohttp.ClientError):
        await read(handler)
    assert senders[0].closed


async def test_a_sender_that_was_closed_before_it_began_has_no_content():
    async def handler(request):
        sender = SseSender(request)
        sender.close()
        return await sender.respond()

    got, body = await read(handler)
    assert (got.status, body) == (204, b"")


@pytest.mark.parametrize("error", [None, TransportError("reset")], ids=["completed", "failed"])
async def test_an_answer_without_an_item_is_answered_too(error):
    async def handler(request):
        sender = SseSender(request)
        (sender.on_completed if error is None else partial(sender.on_error, error))()
        return await sender.respond()

    _, body = await read(handler)
    assert [event.event for event in events_of(body)] == ["done" if error is None else "error"]
