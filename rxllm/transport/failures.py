"""The network's failures in our words: the one border where foreign exceptions become ours.

No text of a foreign exception is passed on, and none is chained: there are URLs and headers in them, and so keys.
"""

from __future__ import annotations

import os
import ssl
from typing import Final

import aiohttp
from aiohttp.http_exceptions import HttpProcessingError

from rxllm.errors import ConfigurationError, ConnectTimeout, IdleTimeout, RxllmError, TransportError

__all__ = ["FOREIGN", "broken", "no_bytes", "unopened"]

FOREIGN: Final = (aiohttp.ClientError, HttpProcessingError, OSError, EOFError, ValueError, RuntimeError)
"""All that aiohttp, ssl, the resolver and the loop raise; `TimeoutError` and `ssl.SSLError` are OSErrors."""

# In this order: what is below another in aiohttp's tree must stand above it here.
_SAYINGS: Final[tuple[tuple[type[Exception] | tuple[type[Exception], ...], str], ...]] = (
    (
        (aiohttp.ClientSSLError, ssl.SSLError),
        "TLS with {place} failed: {reason}. Its own CA goes into ssl=<path>; without TLS it is http.",
    ),
    (
        aiohttp.ClientConnectorDNSError,
        "The name of {place} cannot be resolved. Is base_url right, and the network up?",
    ),
    (
        (aiohttp.ClientProxyConnectionError, aiohttp.ClientHttpProxyError),
        "The proxy that the environment names does not lead to {place}: {reason}. Is it right, or NO_PROXY missing?",
    ),
    (
        (aiohttp.ClientResponseError, HttpProcessingError),
        "{place} did not answer in HTTP. Is it the right port, and http or https right?",
    ),
    (
        aiohttp.ClientConnectorError,
        "No connection to {place}: {reason}. Is the server running?",
    ),
    (
        aiohttp.ServerDisconnectedError,
        "{place} closed the connection before it answered. Did the server stop or restart?",
    ),
    (
        OSError,
        "The connection to {place} broke before it answered: {reason}. Did the server stop or restart?",
    ),
)


def unopened(error: Exception, place: str, connect_timeout: float | None) -> RxllmError:
    """Say why there is no response.

    Args:
        error: One of `FOREIGN`.
        place: Who should have answered, host and port.
        connect_timeout: The limit in seconds, if there was one.

    Returns:
        The error, to be raised outside the `except`, so that no traceback shows the foreign one.
    """
    if isinstance(error, aiohttp.ConnectionTimeoutError):
        limit = connect_timeout or 0.0
        return ConnectTimeout(
            f"No connection to {place} within {limit:g} s. Is the server reachable from here? "
            "A slow network needs a larger connect_timeout.",
            limit,
        )
    for kinds, saying in _SAYINGS:
        if isinstance(error, kinds):
            return TransportError(saying.format(place=place, reason=_reason(error)))
    if isinstance(error, ValueError):
        return ConfigurationError(
            f"The request to {place} cannot be sent: its URL, a header or the proxy has what HTTP does not allow. "
            "Does the key end in a line break?"
        )
    return TransportError(f"The request to {place} failed: {_reason(error)}. It may be sent again.")


def broken(error: Exception, place: str) -> TransportError:
    """Say that a response ended before its end.

    Args:
        error: One of `FOREIGN`.
        place: Who was answering, host and port.

    Returns:
        The error.
    """
    return TransportError(
        f"The connection to {place} broke in mid-body: {_reason(error)}. The request may be sent again."
    )


def no_bytes(place: str, seconds: float) -> IdleTimeout:
    """Say that nothing came.

    Args:
        place: Who should have sent, host and port.
        seconds: The limit that was reached.

    Returns:
        The error.
    """
    return IdleTimeout(
        f"{place} sent not one byte for {seconds:g} s. Is it still working? "
        "A slow model, or one with a queue, needs a larger idle_timeout.",
        seconds,
    )


def _reason(error: BaseException) -> str:
    """Say why in the words of the system or of TLS."""
    inner = getattr(error, "certificate_error", None) or getattr(error, "os_error", None) or error
    if isinstance(inner, ssl.SSLError):
        return getattr(inner, "verify_message", None) or inner.reason or type(inner).__name__
    if isinstance(inner, OSError) and inner.errno is not None and inner.errno > 0:
        return os.strerror(inner.errno)
    if isinstance(inner, aiohttp.ClientHttpProxyError):
        return f"it answered {inner.status}"
    if isinstance(inner, aiohttp.ClientPayloadError):
        return "its body is not complete"
    if type(inner) is aiohttp.ClientConnectionError:
        return "the session was closed on our side"
    return type(inner).__name__
