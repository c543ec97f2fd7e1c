from __future__ import annotations

import asyncio
import functools

import pytest
from loop_clock import turns
from scripted_origin import Seen, scripted, watch

from rxllm.errors import ConfigurationError, TransportError
from rxllm.items import TextDelta
from rxllm.senders import CallbackSender

pytestmark = pytest.mark.usefixtures("nothing_left")


async def test_a_sync_function_is_called_at_once():
    seen = Seen()
    CallbackSender(seen.append).on_next(TextDelta("a"))
    assert seen == [TextDelta("a")]


async def test_an_async_function_is_awaited_in_order():
    seen = Seen()

    async def slowly(item):
        await asyncio.sleep(0)
        seen.append(item)

    async def end():
        seen.append("end")

    sender = CallbackSender(slowly, on_completed=end)
    origin, stream = scripted()
    stream.subscribe(sender)
    origin.finish("a", "b")
    await sender.wait_closed()
    assert (seen.text, seen[-1]) == ("ab", "end")


async def test_an_async_function_that_never_returns_is_stopped_by_close():
    async def never(item):
        await asyncio.Event().wait()

    origin, stream = scripted()
    sender = CallbackSender(never)
    stream.subscribe(sender)
    seen = watch(stream)
    origin.send("a", "b")
    await turns()
    origin.finish("c")
    assert (seen.text, seen.completed) == ("abc", 1)
    sender.close()
    await sender.wait_closed()


@pytest.mark.parametrize("at", range(4))
async def test_an_async_function_that_raises_at_any_item_fails_the_sender_only(at):
    heard = []

    async def failing(item):
        heard.append(item)
        if len(heard) > at:
            raise ValueError("mine")

    origin, stream = scripted()
    sender = CallbackSender(failing)
    stream.subscribe(sender)
    seen = watch(stream)
    for text in "abc":
        origin.send(text)
        await turns()
    origin.finish()
    await sender.wait_closed()
    assert (seen.text, seen.completed, len(heard)) == ("abc", 1, at + 1)
    assert isinstance(sender.failure.__cause__, ValueError)


async def test_an_object_and_a_partial_may_be_async():
    heard = []

    class Callable:
        async def __call__(self, item):
            heard.append(item)

    async def with_name(name, item):
        heard.append((name, item))

    for function in (Callable(), functools.partial(with_name, "me")):
        sender = CallbackSender(function)
        sender.on_next(TextDelta("a"))
        sender.on_completed()
        await sender.wait_closed()
    assert heard == [TextDelta("a"), ("me", TextDelta("a"))]


async def test_a_lambda_around_an_async_function_is_refused():
    async def send(item):
        raise AssertionError

    sender = CallbackSender(lambda item: send(item))  # noqa: PLW0108 - the lambda is the point
    sender.on_next(TextDelta("a"))
    assert isinstance(sender.failure.__cause__, ConfigurationError)


async def test_an_observer_that_raises_is_told_its_own_error():
    told = []
    error = ValueError("mine")

    def failing(item):
        raise error

    sender = CallbackSender(failing, told.append)
    sender.on_next(TextDelta("a"))
    sender.on_next(TextDelta("b"))
    assert told == [error]


async def test_an_on_error_that_raises_too_escapes_nowhere(logged):
    def failing(*_):
        raise ValueError("mine")

    sender = CallbackSender(failing, failing)
    sender.on_next(TextDelta("a"))
    assert (type(sender.failure.__cause__), len(logged)) == (ValueError, 2)


async def test_there_is_nothing_to_wait_for_with_a_sync_function():
    sender = CallbackSender(print)
    async with asyncio.timeout(5):
        await sender.wait_closed()
    assert not sender.closed


async def test_the_streams_error_is_told_to_an_async_function():
    told = []

    async def take(item):
        told.append(item)

    sender = CallbackSender(take, take)
    sender.on_next(TextDelta("a"))
    sender.on_error(error := TransportError("reset"))
    await sender.wait_closed()
    assert told == [TextDelta("a"), error]


async def test_what_cannot_be_called_is_refused():
    with pytest.raises(ConfigurationError, match="cannot call 3"):
        CallbackSender(print, 3)
