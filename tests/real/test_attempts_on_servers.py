"""Retry, fallback, hedge and race on real sockets: whatever the servers do, none stays open."""

from __future__ import annotations

import json
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING, Any

import pytest
from misbehaving_server import (
    MisbehavingServer,
    Script,
    answer,
    close_early,
    garbage,
    hold_head,
    reset,
    stall,
    stream,
)

from rxllm import (
    AuthenticationError,
    Model,
    OverloadedError,
    Retry,
    Rollback,
    TextDelta,
    TransportError,
    fallback,
    hedge,
)

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from conftest import LlamaCpp


def chunk(**delta: Any) -> bytes:
    made = {"id": "c1", "model": "m", "choices": [{"index": 0, "delta": delta}]}
    return b"data: " + json.dumps(made).encode() + b"\n\n"


DONE = b'data: {"choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}\n\ndata: [DONE]\n\n'
WHOLE = stream(chunk(content="Hel"), chunk(content="lo"), DONE)
BUSY = answer(503, b'{"error":{"message":"busy"}}')
REFUSED = answer(401, b'{"error":{"message":"no such key"}}')
MUTE = stall(chunk(role="assistant"))  # it has begun, and says nothing
BAD_BEGINNINGS = {
    "busy": BUSY,
    "slow down": answer(429, b'{"error":{"message":"slow down"}}', {"Retry-After": "0"}),
    "reset": reset(),
    "closed": close_early(),
    "no HTTP": garbage(),
    "mute": MUTE,
    "no head": hold_head(),
    "cut": stream(chunk(role="assistant")),
    "error under 200": stream(b'data: {"error":{"message":"busy","type":"overloaded_error"}}\n\n'),
}
NO_PATIENCE = {"idle": 0.1}  # seconds
QUICK = Retry(delay=0.01)


class Servers:
    """Real servers, as many as are asked for, and how many sockets they have between them."""

    def __init__(self, stack: AsyncExitStack) -> None:
        self._stack = stack
        self.all: list[MisbehavingServer] = []

    async def model(self, *scripts: Script, **settings: Any) -> Model:
        """A model at a server of its own."""
        server = await self._stack.enter_async_context(MisbehavingServer(*scripts))
        self.all.append(server)
        return Model(f"openai:{len(self.all)}", base_url=server.url, timeouts=NO_PATIENCE, **settings)

    @property
    def requests(self) -> list[int]:
        return [server.requests for server in self.all]

    async def no_sockets(self) -> None:
        for server in self.all:
            await server.no_sockets()


@pytest.fixture
async def servers() -> AsyncIterator[Servers]:
    async with AsyncExitStack() as stack:
        yield Servers(stack)


@pytest.mark.parametrize("bad", BAD_BEGINNINGS)
async def test_a_retry_outlasts_every_bad_beginning(servers: Servers, bad: str):
    async with await servers.model(BAD_BEGINNINGS[bad], WHOLE, retry=QUICK) as model:
        completion = await model.stream("Hi")
    assert (completion.text, completion.finish_reason, servers.requests) == ("Hello", "stop", [2])
    await servers.no_sockets()


@pytest.mark.parametrize("bad", BAD_BEGINNINGS)
async def test_a_fallback_outlasts_every_bad_beginning(servers: Servers, bad: str):
    models = [await servers.model(BAD_BEGINNINGS[bad]), await servers.model(WHOLE)]
    async with fallback(*models) as group:
        answered = group.stream("Hi")
        assert (await answered).text == "Hello"
    assert (answered.answered_by, servers.requests) == ("openai:2", [1, 1])
    await servers.no_sockets()


@pytest.mark.parametrize("bad", BAD_BEGINNINGS)
@pytest.mark.parametrize("after", [0, 0.02], ids=["race", "hedge"])
async def test_the_quick_one_wins_from_every_bad_beginning(servers: Servers, bad: str, after: float):
    models = [await servers.model(BAD_BEGINNINGS[bad]), await servers.model(WHOLE)]
    async with hedge(*models, after=after) as group:
        answered = group.stream("Hi")
        assert (await answered).text == "Hello"
    assert answered.answered_by == "openai:2"
    await servers.no_sockets()


async def test_a_reset_in_the_middle_is_rolled_back_for_all_and_answered_anew(servers: Servers):
    bad = reset(chunk(content="Good m"))
    async with await servers.model(bad, WHOLE, retry=Retry(delay=0.01, after_content=True)) as model:
        answered = model.stream("Hi")
        seen: list[Any] = []
        answered.subscribe(seen.append)
        completion = await answered
    assert [item.text if isinstance(item, TextDelta) else item for item in seen if _is_shown(item)] == [
        "Good m",
        Rollback(1),
        "Hel",
        "lo",
    ]
    assert (completion.text, [attempt.number for attempt in completion.attempts]) == ("Hello", [1])
    await servers.no_sockets()


def _is_shown(item: Any) -> bool:
    return isinstance(item, (TextDelta, Rollback))


async def test_a_retry_that_gives_up_tells_the_last_failure(servers: Servers):
    async with await servers.model(reset(), BUSY, retry=Retry(attempts=2, delay=0.01)) as model:
        with pytest.raises(OverloadedError, match="busy"):
            await model.stream("Hi")
    assert servers.requests == [2]
    await servers.no_sockets()


async def test_a_refused_key_is_not_tried_again_but_another_model_is_asked(servers: Servers):
    models = [await servers.model(REFUSED, retry=QUICK), await servers.model(WHOLE)]
    async with fallback(*models) as group:
        assert (await group.stream("Hi")).text == "Hello"
    assert servers.requests == [1, 1]
    await servers.no_sockets()


async def test_a_fallback_whose_last_is_refused_says_so(servers: Servers):
    async with fallback(await servers.model(BUSY), await servers.model(REFUSED)) as group:
        with pytest.raises(AuthenticationError, match="no such key"):
            await group.stream("Hi")
    await servers.no_sockets()


async def test_a_winner_that_breaks_off_leaves_what_it_said(servers: Servers):
    models = [await servers.model(MUTE), await servers.model(reset(chunk(content="Hel")))]
    async with hedge(*models, after=0) as group:
        with pytest.raises(TransportError) as caught:
            await group.stream("Hi")
        await servers.no_sockets()  # the loser's too, while the models are still open
    assert caught.value.partial.text == "Hel"


async def test_the_losers_sockets_are_closed_while_the_winner_still_speaks(servers: Servers):
    models = [
        await servers.model(MUTE),
        await servers.model(hold_head()),
        await servers.model(stall(chunk(content="I"))),
    ]
    async with hedge(*models, after=0) as group, group.stream("Hi") as answered:
        await _first_piece(answered)
        mute, holding, winner = servers.all
        await mute.no_sockets()
        await holding.no_sockets()
        assert winner.open_sockets == 1
    await servers.no_sockets()


async def test_a_cancel_in_the_middle_of_a_race_closes_every_socket(servers: Servers):
    models = [await servers.model(MUTE), await servers.model(hold_head()), await servers.model(MUTE)]
    async with hedge(*models, after=0) as group:
        answered = group.stream("Hi").start()
        for server in servers.all:
            await server.request()
        answered.cancel()
        assert (await answered).finish_reason == "cancelled"
        await servers.no_sockets()


async def test_a_fallback_reaches_the_real_model(servers: Servers, real_model: None):
    async with fallback(await servers.model(reset()), Model("local")) as group:
        answered = group.stream("Tell me of water.", max_tokens=20)
        assert (await answered).text + (await answered).reasoning
    assert answered.answered_by == "local:tiny-kjv-chat"
    await servers.no_sockets()


async def test_the_loser_of_a_race_of_real_models_stops_generating(llama_cpp: LlamaCpp):
    before = await llama_cpp.work()
    async with hedge(Model("local"), Model("local"), after=0) as group:
        completion = await group.stream("Tell me of water.", max_tokens=1500, extra={"ignore_eos": True})
    await llama_cpp.idle()
    assert completion.usage.output_tokens == 1500
    assert 1500 <= (await llama_cpp.work()).since(before).predicted < 2500


async def _first_piece(answered: Any) -> None:
    async for item in answered.items(overflow="pause"):
        if isinstance(item, TextDelta):
            return
