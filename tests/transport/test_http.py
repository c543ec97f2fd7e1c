"""`HttpTransport.open` and `fetch`: what is sent, what comes back, and what each failure is called."""

from __future__ import annotations

import asyncio
import gzip
import socket

import pytest
from misbehaving_server import (
    Exchange,
    MisbehavingServer,
    answer,
    close_early,
    garbage,
    hold_head,
    reset,
    stall,
    stream,
)

from rxllm.errors import (
    AuthenticationError,
    ConfigurationError,
    ConnectTimeout,
    IdleTimeout,
    OverloadedError,
    ProviderError,
    RateLimitError,
    TransportError,
)
from rxllm.transport.exchange import HttpRequest
from rxllm.transport.http import HttpTransport


def ask(server: MisbehavingServer, body: bytes = b"{}", **headers: str) -> HttpRequest:
    return HttpRequest("POST", f"{server.url}/v1/chat", {"Content-Type": "application/json", **headers}, body)


@pytest.fixture
async def transport():
    transport = HttpTransport()
    yield transport
    await transport.aclose()


async def whole(opened) -> bytes:
    parts = []
    while data := await opened.read():
        parts.append(data)
    return b"".join(parts)


async def refused(transport: HttpTransport, request: HttpRequest) -> ProviderError:
    with pytest.raises(ProviderError) as caught:
        await transport.open(request)
    return caught.value


async def test_a_body_comes_as_it_was_sent(misbehaving, transport):
    misbehaving.play(stream(b"data: 1\n\n", "data: ü\n\n".encode()))
    opened = await transport.open(ask(misbehaving))
    assert opened.headers["content-type"] == "text/event-stream"
    assert await whole(opened) == "data: 1\n\ndata: ü\n\n".encode()
    assert await opened.read() == b""


async def test_the_request_is_sent_as_it_is(misbehaving, transport):
    await whole(await transport.open(ask(misbehaving, b'{"a": 1}', Authorization="Bearer k")))
    exchange = await misbehaving.request()
    assert (exchange.method, exchange.path, exchange.body) == ("POST", "/v1/chat", b'{"a": 1}')
    assert exchange.headers["Authorization"] == "Bearer k"
    assert exchange.headers["User-Agent"].startswith("rxllm/")
    assert "Cookie" not in exchange.headers


async def test_a_body_of_two_megabytes_is_sent_without_a_warning(misbehaving, transport):
    await whole(await transport.open(ask(misbehaving, b"x" * 2 * 2**20)))
    assert len(misbehaving.exchanges[0].body) == 2 * 2**20


async def test_two_requests_one_after_the_other_share_a_socket(misbehaving, transport):
    for _ in range(2):
        await whole(await transport.open(ask(misbehaving)))
    assert (misbehaving.requests, misbehaving.connections) == (2, 1)


async def test_two_transports_of_a_loop_share_a_socket(misbehaving, transport):
    other = HttpTransport()
    await whole(await transport.open(ask(misbehaving)))
    await whole(await other.open(ask(misbehaving)))
    await other.aclose()
    assert misbehaving.connections == 1
    assert misbehaving.open_sockets == 1  # the first transport is still there


async def test_more_than_a_hundred_requests_run_at_once(misbehaving, transport):
    misbehaving.play(stall(b"x"))
    streams = await asyncio.wait_for(asyncio.gather(*[transport.open(ask(misbehaving)) for _ in range(120)]), 10)
    assert misbehaving.open_sockets == 120
    for each in streams:
        each.close()
    await misbehaving.no_sockets()


async def test_a_compressed_body_is_decompressed(misbehaving, transport):
    misbehaving.play(answer(200, gzip.compress(b"hello"), {"Content-Encoding": "gzip"}))
    assert await transport.fetch(ask(misbehaving)) == b"hello"


async def test_fetch_gives_a_small_body_whole(misbehaving, transport):
    misbehaving.play(stream(b'{"data"', b": []}"))
    assert await transport.fetch(ask(misbehaving)) == b'{"data": []}'


async def test_fetch_refuses_a_large_body_and_closes(misbehaving, transport):
    misbehaving.play(stall(b"x" * 11))
    with pytest.raises(TransportError, match="more than 10 bytes"):
        await transport.fetch(ask(misbehaving), limit=10)
    await (await misbehaving.request()).gone()


async def test_fetch_fails_as_open_does(misbehaving, transport):
    misbehaving.play(answer(401, b'{"error": {"message": "no"}}'))
    with pytest.raises(AuthenticationError):
        await transport.fetch(ask(misbehaving))


async def test_nobody_listening_is_a_transport_error(transport):
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        port = unused.getsockname()[1]
        with pytest.raises(TransportError, match=rf"127.0.0.1:{port}: Connection refused. Is the server running"):
            await transport.open(HttpRequest("POST", f"http://127.0.0.1:{port}/?key=sk-secret"))


async def test_an_unknown_name_is_a_transport_error(transport):
    with pytest.raises(TransportError, match=r"nowhere.invalid:443 cannot be resolved"):
        await transport.open(HttpRequest("POST", "https://nowhere.invalid/v1"))


@pytest.mark.parametrize("url", ["", "localhost:8080/v1", "ftp://a.example/", "http://", "http://a:b/", "http://[1"])
async def test_what_is_no_url_is_a_configuration_error(transport, url):
    with pytest.raises(ConfigurationError, match="expected http://host:port"):
        await transport.open(HttpRequest("POST", url))


async def test_a_key_with_a_line_break_is_a_configuration_error_that_does_not_show_it(misbehaving, transport):
    with pytest.raises(ConfigurationError, match="line break") as caught:
        await transport.open(ask(misbehaving, Authorization="Bearer sk-secret\n"))
    assert "sk-secret" not in str(caught.value)
    assert misbehaving.requests == 0


async def test_a_name_that_is_too_long_is_no_foreign_error(transport):
    with pytest.raises((ConfigurationError, TransportError)):
        await transport.open(HttpRequest("POST", f"http://{'a' * 70}.example/"))


async def test_a_server_that_closes_before_it_answers_is_a_transport_error(misbehaving, transport):
    misbehaving.play(close_early())
    with pytest.raises(TransportError, match="closed the connection before it answered"):
        await transport.open(ask(misbehaving))
    assert misbehaving.requests == 1  # a POST is never sent twice


async def test_a_server_that_resets_before_it_answers_is_a_transport_error(misbehaving, transport):
    misbehaving.play(reset())
    with pytest.raises(TransportError, match="before it answered"):
        await transport.open(ask(misbehaving))


async def test_garbage_in_place_of_http_is_a_transport_error(misbehaving, transport):
    misbehaving.play(garbage())
    with pytest.raises(TransportError, match="did not answer in HTTP"):
        await transport.open(ask(misbehaving))
    await misbehaving.no_sockets()


async def test_no_foreign_exception_hangs_on_ours(misbehaving, transport):
    misbehaving.play(garbage())
    with pytest.raises(TransportError) as caught:
        await transport.open(ask(misbehaving, Authorization="Bearer sk-secret"))
    assert caught.value.__cause__ is None
    assert caught.value.__context__ is None


async def test_a_connection_that_is_not_made_in_time_is_a_connect_timeout(misbehaving):
    # TLS with a listener that accepts and never says a word: the handshake belongs to the connection
    with socket.create_server(("127.0.0.1", 0)) as mute:
        transport = HttpTransport(connect_timeout=0.05)
        with pytest.raises(ConnectTimeout, match=r"within 0.05 s") as caught:
            await transport.open(HttpRequest("POST", f"https://127.0.0.1:{mute.getsockname()[1]}/"))
        await transport.aclose()
    assert caught.value.seconds == 0.05


async def test_a_head_that_does_not_come_is_an_idle_timeout(misbehaving):
    misbehaving.play(hold_head())
    transport = HttpTransport(connect_timeout=5, idle_timeout=0.05)
    with pytest.raises(IdleTimeout, match=r"not one byte for 0.05 s") as caught:
        await transport.open(ask(misbehaving))
    assert caught.value.seconds == 0.05
    await (await misbehaving.request()).gone()
    await transport.aclose()


async def test_the_wait_for_the_head_is_no_part_of_the_connect_timeout(misbehaving, clock):
    # queued behind a busy slot: the server accepts at once and answers after more than the connect time-out
    misbehaving.play(hold_head(misbehaving.release, b"x"))
    transport = HttpTransport(connect_timeout=20)
    opening = asyncio.ensure_future(transport.open(ask(misbehaving)))
    await misbehaving.request()
    await clock.skip(60)
    misbehaving.release.set()
    assert await whole(await opening) == b"x"
    await transport.aclose()


async def test_a_cancelled_open_leaves_no_socket(misbehaving, transport):
    misbehaving.play(hold_head())
    opening = asyncio.ensure_future(transport.open(ask(misbehaving)))
    exchange = await misbehaving.request()
    opening.cancel()
    with pytest.raises(asyncio.CancelledError):
        await opening
    await exchange.gone()
    assert misbehaving.open_sockets == 0


@pytest.mark.parametrize("limit", [0, -1, float("nan"), float("inf"), "5", True])
def test_a_limit_that_is_not_positive_is_refused(limit):
    with pytest.raises(ConfigurationError, match="expected seconds above 0"):
        HttpTransport(idle_timeout=limit)
    with pytest.raises(ConfigurationError, match="expected seconds above 0"):
        HttpTransport(connect_timeout=limit)


async def test_a_refusal_is_typed_by_what_it_says(misbehaving, transport):
    misbehaving.play(
        answer(
            429,
            b'{"error": {"message": "Slow down", "type": "tokens", "code": "rate_limit_exceeded"}}',
            {"Retry-After": "7", "x-request-id": "req_1"},
        )
    )
    error = await refused(transport, ask(misbehaving))
    assert isinstance(error, RateLimitError)
    assert (str(error), error.status, error.code) == ("Slow down", 429, "rate_limit_exceeded")
    assert (error.retry_after, error.request_id, error.retryable) == (7.0, "req_1", True)


async def test_a_refusal_gives_its_connection_back(misbehaving, transport):
    misbehaving.play(answer(503, b"busy"), stream(b"x"))
    assert isinstance(await refused(transport, ask(misbehaving)), OverloadedError)
    assert await whole(await transport.open(ask(misbehaving))) == b"x"
    assert misbehaving.connections == 1


async def test_a_refusal_whose_body_breaks_is_still_a_refusal(misbehaving, transport):
    async def script(exchange: Exchange) -> None:
        await exchange.head(500, {})
        await exchange.send(b"half of")
        exchange.close()

    misbehaving.play(script)
    error = await refused(transport, ask(misbehaving))
    assert (error.status, error.retryable) == (500, True)
    assert "half of" in str(error)


async def test_a_refusal_whose_body_never_ends_is_cut_in_time(misbehaving, transport, monkeypatch):
    monkeypatch.setattr("rxllm.transport.http._REFUSAL_SECONDS", 0.05)

    async def script(exchange: Exchange) -> None:
        await exchange.head(500, {})
        await exchange.send(b"half of")
        await exchange.closed.wait()

    misbehaving.play(script)
    assert "half of" in str(await refused(transport, ask(misbehaving)))
    await (await misbehaving.request()).gone()


async def test_a_refusal_whose_body_is_endless_is_cut_in_length(misbehaving, transport):
    async def script(exchange: Exchange) -> None:
        await exchange.head(500, {})
        while not exchange.closed.is_set():
            await exchange.send(b"x" * 1024)

    misbehaving.play(script)
    assert len(str(await refused(transport, ask(misbehaving)))) < 400
    await (await misbehaving.request()).gone()


async def test_a_key_that_the_provider_says_back_is_masked(misbehaving, transport):
    misbehaving.play(answer(401, b'{"error": {"message": "Incorrect API key provided: sk-abc123."}}'))
    error = await refused(transport, ask(misbehaving, Authorization="Bearer sk-abc123"))
    assert str(error) == "Incorrect API key provided: ***."


async def test_a_redirect_is_not_followed(misbehaving, transport):
    misbehaving.play(answer(307, b"", {"Location": "https://elsewhere.example/v2?key=sk-secret"}))
    error = await refused(transport, ask(misbehaving))
    assert error.status == 307
    assert not error.retryable
    assert "https://elsewhere.example/v2" in str(error)
    assert "sk-secret" not in str(error)
    assert misbehaving.requests == 1


async def test_a_proxy_of_the_environment_is_used_and_no_proxy_is_obeyed(misbehaving, transport, monkeypatch):
    monkeypatch.setenv("http_proxy", misbehaving.url)
    monkeypatch.setenv("no_proxy", "direct.invalid")
    await whole(await transport.open(HttpRequest("POST", "http://proxied.invalid/v1")))
    assert misbehaving.exchanges[0].headers["Host"] == "proxied.invalid"
    with pytest.raises(TransportError):
        await transport.open(HttpRequest("POST", "http://direct.invalid/v1"))
    assert misbehaving.requests == 1


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
async def test_no_proxy_is_asked_for_this_machines_own_servers(misbehaving, transport, monkeypatch, host):
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    monkeypatch.delenv("no_proxy", raising=False)
    monkeypatch.delenv("NO_PROXY", raising=False)
    assert await whole(await transport.open(HttpRequest("POST", f"http://{host}:{misbehaving.port}/"))) is not None


async def test_a_netrc_does_not_stand_in_the_way_of_a_key(misbehaving, transport, monkeypatch, tmp_path):
    (tmp_path / "netrc").write_text("default login me password secret\n")
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    await whole(await transport.open(ask(misbehaving, Authorization="Bearer k")))
    assert misbehaving.exchanges[0].headers["Authorization"] == "Bearer k"


def test_a_transport_serves_one_loop_after_another():
    transport = HttpTransport()

    async def main() -> bytes:
        async with MisbehavingServer(stream(b"x")) as server:
            return await whole(await transport.open(ask(server)))

    assert [asyncio.run(main()), asyncio.run(main())] == [b"x", b"x"]
