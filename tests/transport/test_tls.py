"""TLS with a server that signs for itself: refused, trusted by its own authority, or not verified and said so."""

from __future__ import annotations

import asyncio
import shutil
import ssl
import subprocess

import pytest
from loguru import logger
from misbehaving_server import MisbehavingServer, hold_head, stall, stream

from rxllm.errors import ConfigurationError, TransportError
from rxllm.transport.exchange import HttpRequest
from rxllm.transport.http import HttpTransport


@pytest.fixture(scope="session")
def certificate(tmp_path_factory):
    """A certificate of 127.0.0.1 that signs itself, and its key, in one PEM file."""
    if shutil.which("openssl") is None:
        pytest.skip("there is no openssl to make a certificate with")
    path = tmp_path_factory.mktemp("tls") / "server.pem"
    command = "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 1 -subj /CN=127.0.0.1"
    made = [*command.split(), "-addext", "subjectAltName=IP:127.0.0.1", "-keyout", "-", "-out", "-"]
    path.write_bytes(subprocess.run(made, check=True, capture_output=True).stdout)  # noqa: S603 - a fixed command
    return path


@pytest.fixture
async def signing_itself(certificate):
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificate)
    async with MisbehavingServer(stream(b"x"), ssl=context) as server:
        yield server
        await server.no_sockets()


@pytest.fixture
def warnings():
    said: list[str] = []
    logger.enable("rxllm")
    sink = logger.add(said.append, level="WARNING", format="{message}")
    yield said
    logger.remove(sink)
    logger.disable("rxllm")


async def fetched(server: MisbehavingServer, ssl: object = None, times: int = 1) -> bytes:
    transport = HttpTransport(ssl=ssl)
    request = HttpRequest("POST", server.url + "/?key=sk-secret", {"Authorization": "Bearer sk-secret"})
    try:
        return b"".join([await transport.fetch(request) for _ in range(times)])
    finally:
        await transport.aclose()


async def test_an_unknown_authority_is_refused_and_the_way_out_is_told(signing_itself):
    with pytest.raises(TransportError, match=r"TLS with 127.0.0.1:\d+ failed: self.signed certificate.*ssl=<path"):
        await fetched(signing_itself)
    assert signing_itself.requests == 0


async def test_an_authority_of_its_own_is_trusted(signing_itself, certificate):
    assert await fetched(signing_itself, certificate) == b"x"
    assert await fetched(signing_itself, str(certificate)) == b"x"


async def test_a_context_decides_itself(signing_itself, certificate):
    assert await fetched(signing_itself, ssl.create_default_context(cafile=certificate)) == b"x"


async def test_no_verification_is_said_once(signing_itself, warnings):
    assert await fetched(signing_itself, ssl=False, times=2) == b"xx"
    assert await fetched(signing_itself, ssl=False) == b"x"
    assert len(warnings) == 1
    assert f"127.0.0.1:{signing_itself.port} are not verified" in warnings[0]
    assert "sk-secret" not in warnings[0]


async def test_http_without_tls_needs_no_warning(misbehaving, warnings):
    await fetched(misbehaving, ssl=False)
    assert warnings == []


async def test_https_to_a_server_without_tls_is_a_transport_error(misbehaving):
    transport = HttpTransport()
    with pytest.raises(TransportError, match=r"TLS with .* failed"):
        await transport.open(HttpRequest("POST", f"https://127.0.0.1:{misbehaving.port}/"))
    await transport.aclose()


async def test_close_is_seen_by_the_server_through_tls(signing_itself, certificate):
    signing_itself.play(stall(b"x"))
    transport = HttpTransport(ssl=certificate)
    body = await transport.open(HttpRequest("POST", signing_itself.url + "/"))
    assert await body.read() == b"x"
    body.pause()
    body.close()
    await signing_itself.exchanges[0].gone()
    await transport.aclose()


async def test_a_cancelled_open_leaves_no_socket_through_tls(signing_itself, certificate):
    signing_itself.play(hold_head())
    transport = HttpTransport(ssl=certificate)
    opening = asyncio.ensure_future(transport.open(HttpRequest("POST", signing_itself.url + "/")))
    exchange = await signing_itself.request()
    opening.cancel()
    with pytest.raises(asyncio.CancelledError):
        await opening
    await exchange.gone()
    await transport.aclose()


@pytest.mark.parametrize("wrong", ["/no/such/file.pem", 5])
def test_what_is_no_bundle_is_a_configuration_error(wrong):
    with pytest.raises(ConfigurationError, match="expected True, False, an SSLContext, or the path"):
        HttpTransport(ssl=wrong)


def test_a_file_without_certificates_is_a_configuration_error(tmp_path):
    (tmp_path / "empty.pem").write_text("nothing")
    with pytest.raises(ConfigurationError, match="no bundle of certificates"):
        HttpTransport(ssl=tmp_path / "empty.pem")
