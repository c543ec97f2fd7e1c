"""`Model` against a real server on loopback, llama.cpp, and recordings."""

import asyncio
import json

import pytest
from misbehaving_server import answer, close_early, garbage, hold_head, reset, stall, stream
from reactivex import operators as rx

from rxllm import (
    AuthenticationError,
    ChatRequest,
    ConfigurationError,
    DecodeError,
    Finish,
    FirstItemTimeout,
    IdleTimeout,
    Message,
    Model,
    OverloadedError,
    ProgressTimeout,
    ProviderError,
    TextDelta,
    TotalTimeout,
    TransportError,
    TruncatedStreamError,
)
from rxllm import operators as ops
from rxllm.testing import ReplayTransport


def chunk(**delta):
    return (
        b"data: " + json.dumps({"id": "c1", "model": "m", "choices": [{"index": 0, "delta": delta}]}).encode() + b"\n\n"
    )


STOP = b'data: {"choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}\n\n'
DONE = b"data: [DONE]\n\n"
WHOLE = [chunk(content="Hel"), chunk(content="lo"), STOP, DONE]


@pytest.fixture
async def model(misbehaving):
    async with Model("openai:m", base_url=misbehaving.url, api_key="sk-secret") as model:
        yield model


async def test_an_answer_arrives_whole(model, misbehaving):
    misbehaving.play(stream(*WHOLE))
    completion = await model.stream("Hi")
    assert (completion.text, completion.finish_reason, completion.id, completion.model) == ("Hello", "stop", "c1", "m")
    assert completion.timing.total >= completion.timing.first_content > 0


async def test_what_a_request_says_itself_wins_over_what_the_model_was_made_with(misbehaving):
    misbehaving.play(stream(*WHOLE))
    async with Model("openai:m", base_url=misbehaving.url, temperature=0.2, top_p=0.5) as model:
        await model.stream(ChatRequest(messages=[Message.user("Hi")], temperature=1))
    sent = json.loads((await misbehaving.request(0)).body)
    assert (sent["temperature"], sent["top_p"]) == (1, 0.5)


async def test_many_observers_cost_one_request(model, misbehaving):
    misbehaving.play(stream(*WHOLE))
    answered = model.stream("Hi")
    seen = [[], [], []]
    for each in seen:
        answered.pipe(ops.text()).subscribe(each.append)
    first, second = await asyncio.gather(answered, answered)
    late = []
    answered.pipe(ops.text()).subscribe(late.append)
    assert ["".join(each) for each in seen] == ["Hello"] * 3
    assert late == ["Hello"]
    assert first == second
    assert misbehaving.requests == 1


async def test_nothing_is_sent_until_somebody_listens(model, misbehaving):
    model.stream("Hi")
    await asyncio.sleep(0)
    assert misbehaving.requests == 0


async def test_one_byte_a_packet_is_the_same_answer(model, misbehaving):
    body = b"".join([chunk(content="Grüße 🙂 "), chunk(content="狐"), STOP, DONE]).replace(b"\n", b"\r\n")
    misbehaving.play(stream(*[body[i : i + 1] for i in range(len(body))]))
    assert (await model.stream("Hi")).text == "Grüße 🙂 狐"


@pytest.mark.parametrize(
    ("script", "error"),
    [
        (stream(chunk(content="Hel")), TruncatedStreamError),
        (stream(chunk(content="Hel"), STOP), TruncatedStreamError),
        (stream(chunk(content="Hel"), chunk(content="lo")[:20]), TruncatedStreamError),
        (close_early(chunk(content="Hel")), TransportError),
        (reset(chunk(content="Hel")), TransportError),
        (stream(chunk(content="Hel"), b"data: {nonsense}\n\n"), DecodeError),
        (
            stream(chunk(content="Hel"), b'data: {"error":{"message":"busy","type":"overloaded_error"}}\n\n'),
            OverloadedError,
        ),
    ],
    ids=["no marker", "finish but no marker", "cut event", "closed early", "reset", "garbage", "error under 200"],
)
async def test_every_bad_end_is_typed_and_keeps_what_came(model, misbehaving, script, error):
    misbehaving.play(script)
    told = []
    answered = model.stream("Hi")
    answered.subscribe(on_error=told.append)
    with pytest.raises(error) as caught:
        await answered
    assert type(caught.value) is error
    assert caught.value.partial.text == "Hel"
    assert told == [caught.value]


async def test_garbage_instead_of_http_is_a_transport_error(model, misbehaving):
    misbehaving.play(garbage())
    with pytest.raises(TransportError):
        await model.stream("Hi")


async def test_a_refused_key_is_told_without_the_key(model, misbehaving):
    misbehaving.play(
        answer(
            401,
            json.dumps(
                {"error": {"message": "Incorrect API key provided: sk-secret", "code": "invalid_api_key"}}
            ).encode(),
        )
    )
    with pytest.raises(AuthenticationError) as caught:
        await model.stream("Hi")
    assert "sk-secret" not in str(caught.value) + repr(model)
    assert caught.value.status == 401


@pytest.mark.parametrize(
    ("timeouts", "script", "error"),
    [
        ({"idle": 0.05}, stall(chunk(content="Hel")), IdleTimeout),
        ({"first_item": 0.05}, hold_head(), FirstItemTimeout),
        ({"total": 0.05}, stall(chunk(content="Hel")), TotalTimeout),
        ({"progress": 0.05}, stall(chunk(content="Hel")), ProgressTimeout),
    ],
)
async def test_each_time_out_is_its_own_error_and_closes_the_socket(misbehaving, timeouts, script, error):
    misbehaving.play(script)
    async with Model("openai:m", base_url=misbehaving.url, timeouts=timeouts) as model:
        with pytest.raises(error) as caught:
            await model.stream("Hi")
        assert caught.value.partial.text in ("", "Hel")
        await misbehaving.no_sockets()


async def test_keep_alives_do_not_count_as_progress(misbehaving):
    async def keep_alive(exchange):
        await exchange.head()
        await exchange.send(chunk(content="Hel"))
        while not exchange.closed.is_set():
            await exchange.send(b": ping\n\n")
            await asyncio.sleep(0.01)

    misbehaving.play(keep_alive)
    async with Model("openai:m", base_url=misbehaving.url, timeouts={"idle": 5, "progress": 0.1}) as model:
        with pytest.raises(ProgressTimeout):
            await model.stream("Hi")


async def cancel(answered):
    answered.cancel()
    await answered


async def leave(answered):
    async for item in answered:
        if isinstance(item, TextDelta):
            break


async def unsubscribe(answered):
    seen = asyncio.Event()
    subscription = answered.subscribe(lambda _: seen.set())
    await seen.wait()
    subscription.dispose()


async def give_up(answered):
    async def wait():
        await answered

    task = asyncio.create_task(wait())
    seen = asyncio.Event()
    answered.pipe(rx.take(1)).subscribe(lambda _: seen.set())
    await seen.wait()
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def scope(answered):
    async with answered:
        await anext(aiter(answered))


@pytest.mark.parametrize("let_go", [leave, unsubscribe, give_up, scope])
async def test_letting_go_closes_the_socket(model, misbehaving, let_go):
    misbehaving.play(stall(chunk(content="Hel")))
    answered = model.stream("Hi")
    await let_go(answered)
    await misbehaving.no_sockets()
    completion = await answered
    assert (completion.text, completion.finish_reason) == ("Hel", "cancelled")
    assert completion.usage.estimated
    assert misbehaving.requests == 1


async def test_a_cancel_before_the_head_leaves_no_socket(model, misbehaving):
    misbehaving.play(hold_head())
    answered = model.stream("Hi").start()
    await misbehaving.request(0)
    answered.cancel()
    assert (await answered).finish_reason == "cancelled"
    await misbehaving.no_sockets()


async def test_a_guard_in_through_closes_the_socket_for_all(model, misbehaving):
    misbehaving.play(stall(chunk(content="a"), chunk(content="b"), chunk(content="c")))
    answered = model.stream("Hi", through=[rx.take(3)])
    ends = []
    answered.subscribe(on_completed=lambda: ends.append("one"))
    answered.subscribe(on_completed=lambda: ends.append("two"))
    completion = await answered
    assert completion.text == "ab"  # after `Started`
    assert ends == ["one", "two"]
    await misbehaving.no_sockets()


async def test_the_connection_is_used_again(model, misbehaving):
    misbehaving.play(stream(*WHOLE))
    await model.stream("Hi")
    await model.stream("Hi")
    assert misbehaving.connections == 1


async def test_no_task_outlives_its_stream(model, misbehaving):
    misbehaving.play(stream(*WHOLE))
    before = len(asyncio.all_tasks())
    await model.stream("Hi")
    await asyncio.sleep(0)
    pumps = [task for task in asyncio.all_tasks() if task.get_name() == "rxllm pump"]
    await asyncio.wait_for(asyncio.gather(*pumps), 1)
    assert len(asyncio.all_tasks()) <= before + 1  # the server's own, for the connection that is kept


async def test_an_own_transport_serves_a_recording():
    async with Model("openai:m", transport=ReplayTransport(b"".join(WHOLE), chunk=7)) as model:
        items = [item async for item in model.stream("Hi")]
    assert "".join(i.text for i in items if isinstance(i, TextDelta)) == "Hello"
    assert isinstance(items[-1], Finish)


async def test_a_missing_key_is_told_with_its_variable(monkeypatch):
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    async with Model("openai:x") as model:
        with pytest.raises(ConfigurationError, match="OPENAI_API_KEY"):
            model.stream("Hi")


async def test_a_missing_model_is_told():
    async with Model("openai", base_url="http://127.0.0.1:9/v1") as model:
        with pytest.raises(ConfigurationError, match="openai:MODEL"):
            model.stream("Hi")


def test_a_stream_without_a_loop_is_told():
    with pytest.raises(ConfigurationError, match="event loop"):
        Model("openai:x", base_url="http://127.0.0.1:9/v1").stream("Hi")


async def test_the_real_server_streams_with_usage(real_model):
    async with Model("local", seed=2) as model:
        completion = await model.stream("Tell me about the light.", max_tokens=20)
    assert completion.text
    assert completion.usage.output_tokens == 20
    assert completion.finish_reason == "length"
    assert completion.response["timings"]["predicted_n"] == 20


async def test_the_real_server_calls_a_tool_that_it_must(real_model):
    tool = {"name": "weather", "parameters": {"type": "object", "properties": {"city": {"type": "string"}}}}
    async with Model("local", seed=2) as model:
        completion = await model.stream("Weather in Oslo?", tools=[tool], tool_choice="required", max_tokens=200)
    assert completion.finish_reason == "tool_calls"
    assert [(call.name, type(call.arguments)) for call in completion.tool_calls] == [("weather", dict)]


async def test_the_real_server_tells_its_errors(real_model):
    async with Model("local") as model:
        with pytest.raises(ProviderError) as caught:
            await model.stream("word " * 9000)
    assert caught.value.status == 400


async def test_the_real_server_reasons_when_told(real_model):
    async with Model("local", seed=2) as model:
        thinking = {"chat_template_kwargs": {"force_thinking": True}}
        completion = await model.stream("Tell me about the light.", max_tokens=60, extra=thinking)
    assert completion.reasoning


@pytest.mark.parametrize(
    "body",
    [
        b'data: {"error":{"message":"Incorrect API key provided: sk-secret","code":"sk-secret"}}\n\n',
        b"data: nonsense sk-secret\n\n",
        b"<html>Bearer sk-secret</html>",
    ],
)
@pytest.mark.parametrize("place", ["header", "query"])
async def test_a_key_echoed_under_200_is_told_to_nobody(misbehaving, body, place):
    misbehaving.play(stream(body))
    whose = {"api_key": "sk-secret"} if place == "header" else {}
    base_url = misbehaving.url + ("?api-key=sk-secret" if place == "query" else "")
    async with Model("openai:m", base_url=base_url, **whose) as model:
        with pytest.raises((ProviderError, DecodeError)) as caught:
            await model.stream("Hi")
    error = caught.value
    assert "sk-secret" not in f"{error} {error!r} {getattr(error, 'snippet', '')} {getattr(error, 'code', '')}"


async def test_an_answer_says_whose_it_is(model, misbehaving):
    misbehaving.play(stream(*WHOLE))
    completion = await model.stream("Hi")
    assert completion.answered_by == completion.to_message().answered_by == "openai:m"


@pytest.mark.parametrize(("name", "goes_back"), [("anthropic:claude-b", True), ("openrouter:claude", False)])
async def test_what_a_provider_signed_goes_back_to_that_provider_alone(misbehaving, name, goes_back):
    signed = [{"type": "thinking", "thinking": "x", "signature": "s"}, {"type": "text", "text": "Hm"}]
    said = Message(role="assistant", content="Hm", native={"anthropic": signed}, answered_by="anthropic:claude-a")
    restored = Message.model_validate_json(said.model_dump_json())  # a conversation is kept somewhere
    async with Model(name, base_url=misbehaving.url, api_key="k", wire="anthropic") as model:
        with pytest.raises(TruncatedStreamError):
            await model.stream([Message.user("Hi"), restored, Message.user("And?")])
    sent = json.loads((await misbehaving.request()).body)["messages"][1]["content"]
    assert sent == (signed if goes_back else "Hm")
