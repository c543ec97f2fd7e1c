"""Recorded bytes in place of the network: `ReplayTransport`, for tests, demonstrations and bug reports."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Final

from rxllm.errors import ConfigurationError
from rxllm.transport.refusals import refusal, secrets_of

if TYPE_CHECKING:
    import os
    from collections.abc import Mapping

    from rxllm.transport.exchange import HttpRequest

__all__ = ["ReplayTransport"]

_READ: Final = 64 * 1024


class ReplayTransport:
    """A transport that answers every request with the same recorded bytes.

    Unlike a mocked client, all above the socket is the real thing: the wire's decoder, the stream, the errors.

    >>> import asyncio
    >>> from rxllm.transport.exchange import HttpRequest
    >>> async def main():
    ...     transport = ReplayTransport(b"data: [DONE]", chunk=7)
    ...     stream = await transport.open(HttpRequest("POST", "http://recorded/"))
    ...     return [await stream.read(), await stream.read(), await stream.read()], transport.opened
    >>> asyncio.run(main())
    ([b'data: [', b'DONE]', b''], 1)

    Args:
        body: The bytes, or the path of a file that holds them.
        chunk: Bytes a read; None for reads as large as a socket's, 64 KiB.
        delay: Seconds before each read.
        status: The HTTP status; one that is not 2xx makes `open` raise what `HttpTransport` would.

    Raises:
        ConfigurationError: The file cannot be read, `chunk` is below 1 or `delay` below 0.
    """

    def __init__(
        self,
        body: bytes | str | os.PathLike[str],
        *,
        chunk: int | None = None,
        delay: float = 0.0,
        status: int = 200,
    ) -> None:
        if chunk is not None and chunk < 1:
            raise ConfigurationError(f"chunk is {chunk}; expected bytes a read, 1 or more, or None for 64 KiB.")
        if not delay >= 0:
            raise ConfigurationError(f"delay is {delay}; expected seconds, 0 or more.")
        self._body = body if isinstance(body, bytes) else _recording(body)
        self._chunk = chunk or _READ
        self._delay = delay
        self._status = status
        self.opened = 0
        """How many requests were answered."""
        self.closed = 0
        """How many of their streams were closed by their reader."""

    async def open(self, request: HttpRequest) -> ReplayByteStream:
        """Answer a request, whatever it asks.

        Args:
            request: What would be sent.

        Returns:
            The recorded body.

        Raises:
            ProviderError: The status is not 2xx.
        """
        self.opened += 1
        if not 200 <= self._status < 300:  # noqa: PLR2004 - the class of success
            raise refusal(self._status, {}, self._body, place="the recording", secrets=secrets_of(request))
        return ReplayByteStream(self._body, self._chunk, self._delay, self)

    async def aclose(self) -> None:
        """Do nothing: a recording holds nothing."""


class ReplayByteStream:
    """The recorded bytes on their way; made by `ReplayTransport.open`."""

    def __init__(self, body: bytes, chunk: int, delay: float, owner: ReplayTransport) -> None:
        self._body = body
        self._position = 0
        self._chunk = chunk
        self._delay = delay
        self._owner = owner
        self._running = asyncio.Event()
        self._running.set()
        self._closing = asyncio.Event()

    @property
    def headers(self) -> Mapping[str, str]:
        """No headers: they are not recorded."""
        return {}

    async def read(self) -> bytes:
        """Wait for the next bytes, `b""` at the end.

        Returns:
            At most `chunk` bytes.
        """
        if self._delay:
            with suppress(TimeoutError):
                async with asyncio.timeout(self._delay):
                    await self._closing.wait()  # a sleep that `close` ends
        else:
            await asyncio.sleep(0)  # a socket gives the loop its turn, too
        await self._running.wait()
        if self._closing.is_set():
            return b""
        start = self._position
        self._position += self._chunk
        return self._body[start : self._position]

    def pause(self) -> None:
        """Let no more bytes out."""
        if not self._closing.is_set():
            self._running.clear()

    def resume(self) -> None:
        """Go on."""
        self._running.set()

    def close(self) -> None:
        """End: a pending or later `read` gives `b""`."""
        if not self._closing.is_set():
            self._owner.closed += 1
            self._closing.set()
            self._running.set()


def _recording(path: str | os.PathLike[str]) -> bytes:
    try:
        return Path(path).read_bytes()
    except OSError as error:
        raise ConfigurationError(
            f"The recording {path} cannot be read: {error.strerror}. Expected a file with the bytes of a response."
        ) from error
