"""The network: `HttpTransport`, requests over aiohttp."""

from __future__ import annotations

import asyncio
import io
import os
import ssl as tls
from contextlib import suppress
from functools import lru_cache
from ipaddress import ip_address
from pathlib import Path
from typing import TYPE_CHECKING, Final
from urllib.request import getproxies_environment, proxy_bypass

import aiohttp
from loguru import logger
from yarl import URL

from rxllm.errors import ConfigurationError, TotalTimeout, TransportError
from rxllm.transport.arguments import checked_number
from rxllm.transport.byte_stream import HttpByteStream
from rxllm.transport.failures import FOREIGN, no_bytes, unopened
from rxllm.transport.refusals import refusal, secrets_of
from rxllm.transport.session import Sending, SharedSession, abort

if TYPE_CHECKING:
    from rxllm.errors import ProviderError
    from rxllm.transport.exchange import HttpRequest

__all__ = ["HttpTransport"]

_REFUSAL_BYTES: Final = 64 * 1024
_REFUSAL_SECONDS: Final = 5.0
_LARGE_BODY: Final = 2**20  # above it aiohttp wants a file, and warns

_STALE_SECONDS: Final = 1.0
_CUT_OFF: Final = (aiohttp.ServerDisconnectedError, aiohttp.ClientOSError, ConnectionError)

_unverified: Final[set[str]] = set()


class HttpTransport:
    """Requests over the network; all transports of a loop share one session, and so their connections.

    Unlike an aiohttp session, it has no limit of connections and no limit of time but the two told here, raises the
    errors of `rxllm.errors` only, and may be used from one loop after another. Proxies are taken from the environment
    (`HTTPS_PROXY`, `NO_PROXY`), save for this machine's own servers; `~/.netrc` is not read, redirects are not followed
    and no cookie is kept.

    >>> import asyncio
    >>> from rxllm.transport.exchange import HttpRequest
    >>> async def main():
    ...     transport = HttpTransport(connect_timeout=5)
    ...     try:
    ...         await transport.open(HttpRequest("GET", "http://127.0.0.1:1/v1/models"))
    ...     finally:
    ...         await transport.aclose()
    >>> asyncio.run(main())
    Traceback (most recent call last):
        ...
    rxllm.errors.TransportError: No connection to 127.0.0.1:1: Connection refused. Is the server running?

    Args:
        ssl: None or True verifies with the system's authorities, a path with those in that file or directory;
            False verifies nothing, which is said in the log once a server; an `ssl.SSLContext` decides itself.
        connect_timeout: Seconds for name, TCP and TLS together; None waits for ever.
        idle_timeout: Seconds without one byte while somebody waits for it, the response's head included: a request
            that is queued behind a busy slot gets nothing before its first token. None waits for ever.

    Raises:
        ConfigurationError: A limit is not positive, or `ssl` is none of the above.
    """

    def __init__(
        self,
        *,
        ssl: bool | tls.SSLContext | str | os.PathLike[str] | None = None,
        connect_timeout: float | None = 15.0,
        idle_timeout: float | None = 300.0,
    ) -> None:
        for name, limit in (("connect_timeout", connect_timeout), ("idle_timeout", idle_timeout)):
            if limit is not None:
                checked_number(name, limit, "seconds above 0, or None for no limit", above=True)
        self._ssl = _trust(ssl)
        self._connect_timeout = connect_timeout
        self._idle_timeout = idle_timeout
        self._shared: SharedSession | None = None

    async def open(self, request: HttpRequest) -> HttpByteStream:
        """Send a request and wait for the head of a good (2xx) response.

        Args:
            request: What is sent.

        Returns:
            The body, to be read to its end or closed.

        Raises:
            ConfigurationError: The request cannot be sent.
            ConnectTimeout: No connection in time.
            IdleTimeout: A connection, but not one byte of an answer in time.
            TransportError: The network failed.
            ProviderError: The provider answered with another status, typed by what it said.
        """
        url, place = _checked(request)
        if self._ssl is False and url.scheme == "https" and place not in _unverified:
            _unverified.add(place)
            logger.warning(
                "TLS certificates of {} are not verified (ssl=False): anybody on the way can read along.", place
            )
        shared = self._shared = await SharedSession.join(self)
        while True:
            sending = Sending(asyncio.timeout(None), self._idle_timeout)
            begun = shared.loop.time()
            try:
                response = await self._sent(shared, request, url, sending)
            except FOREIGN as error:
                if sending.reused and isinstance(error, _CUT_OFF) and shared.loop.time() - begun < _STALE_SECONDS:
                    # So soon, its server closed an idle connection while the request was on its way there. Later it
                    # may have been at work on it, and a second request would be paid for twice.
                    continue
                if sending.clock.expired():
                    failure = no_bytes(place, self._idle_timeout or 0.0)
                else:
                    failure = unopened(error, place, self._connect_timeout)
                break
            if 200 <= response.status < 300:  # noqa: PLR2004 - the class of success
                return HttpByteStream(response, place, self._idle_timeout, shared)
            failure = await _refused(response, place, request)
            break
        # Raised here, so that no traceback shows aiohttp's exception: its request_info has the key.
        raise failure

    async def _sent(
        self, shared: SharedSession, request: HttpRequest, url: URL, sending: Sending
    ) -> aiohttp.ClientResponse:
        async with sending.clock:
            return await shared.opened().request(
                request.method,
                url,
                headers=request.headers,
                data=io.BytesIO(request.body) if len(request.body) > _LARGE_BODY else request.body or None,
                allow_redirects=False,
                ssl=self._ssl,
                proxy=_proxy(url),
                timeout=aiohttp.ClientTimeout(connect=self._connect_timeout),
                trace_request_ctx=sending,
            )

    async def fetch(self, request: HttpRequest, *, limit: int = 4 * 1024 * 1024, total: float | None = None) -> bytes:
        """Read a small body whole, e.g. a list of models.

        Args:
            request: What is sent.
            limit: Bytes that a small body may have.
            total: Seconds that the whole may take; None for no limit but those of `open`.

        Returns:
            The body.

        Raises:
            TotalTimeout: It was not whole in time.
            TransportError: The body is larger, or any reason that `open` has.
        """
        try:
            async with asyncio.timeout(total):
                return await self._fetched(request, limit)
        except TimeoutError:
            place = _checked(request)[1]
            raise TotalTimeout(
                f"{place} gave no whole answer within {total:g} s. Is it still working?", total or 0.0
            ) from None

    async def _fetched(self, request: HttpRequest, limit: int) -> bytes:
        stream = await self.open(request)
        whole = bytearray()
        try:
            while data := await stream.read():
                whole += data
                if len(whole) > limit:
                    raise TransportError(
                        f"{stream.place} sent more than {limit} bytes where a small answer was expected."
                    )
        finally:
            stream.close()
        return bytes(whole)

    async def aclose(self) -> None:
        """Let go of the loop's session; the last transport of the loop closes it. A later request opens it again."""
        shared, self._shared = self._shared, None
        if shared is not None:
            await shared.leave(self)


async def _refused(response: aiohttp.ClientResponse, place: str, request: HttpRequest) -> ProviderError:
    """Read what there is of the refusal's body, within bounds: a status is an answer even if its body never ends."""
    body = bytearray()
    try:
        with suppress(*FOREIGN):
            async with asyncio.timeout(_REFUSAL_SECONDS):
                while len(body) < _REFUSAL_BYTES and (data := await response.content.readany()):
                    body += data
    finally:
        abort(response)
    return refusal(
        response.status,
        response.headers,
        bytes(body[:_REFUSAL_BYTES]),
        place=place,
        reason=response.reason,
        secrets=secrets_of(request),
    )


def _trust(ssl: bool | tls.SSLContext | str | os.PathLike[str] | None) -> bool | tls.SSLContext:  # noqa: FBT001 - the field's own form
    """Turn what people give into what aiohttp takes."""
    if ssl is None:
        return True
    if isinstance(ssl, (bool, tls.SSLContext)):
        return ssl
    try:
        path = Path(ssl or "no path")  # an empty one would be the working directory
        folder = path.is_dir()
        return tls.create_default_context(cafile=None if folder else path, capath=path if folder else None)
    except (OSError, TypeError) as error:
        raise ConfigurationError(
            f"ssl={ssl!r} is no bundle of certificates ({type(error).__name__}); "
            "expected True, False, an SSLContext, or the path of a PEM file or of a folder of them."
        ) from error


def _checked(request: HttpRequest) -> tuple[URL, str]:
    """Parse a request's URL; host and port are all of it that a message may show."""
    try:
        url = URL(request.url)
        host, port = url.host_subcomponent, url.port
    except ValueError:
        host = port = url = None
    if url is None or not host or port is None or url.scheme not in {"http", "https"}:
        raise ConfigurationError(
            "This is no URL to send to; expected http://host:port/path or https://host/path. Check base_url."
        )
    return url, f"{host}:{port}"


_PROXY_VARIABLES: Final = tuple(f(f"{s}_proxy") for s in ("http", "https", "no") for f in (str.lower, str.upper))


def _proxy(url: URL) -> str | None:
    """Look up the environment's proxy; aiohttp's `trust_env` would read ~/.netrc too, and then refuse our own key."""
    said = tuple(map(os.environ.get, _PROXY_VARIABLES))
    return _proxy_said(url.scheme, url.host or "", f"{url.host}:{url.port}", said) if any(said) else None


@lru_cache(maxsize=256)
def _proxy_said(scheme: str, host: str, place: str, _said: tuple[str | None, ...]) -> str | None:
    """Let urllib read the environment, once for all requests to a place while the environment says the same."""
    proxy = getproxies_environment().get(scheme)
    return None if not proxy or _is_this_machine(host) or proxy_bypass(place) else proxy


def _is_this_machine(host: str) -> bool:
    """Tell whether a proxy, for which these names mean itself, could never lead there: the embedded model, say."""
    try:
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False
