"""Recorded bytes in place of the network: `ReplayTransport`, for tests, demonstrations and bug reports."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import TYPE_CHECKING, Final

from rxllm.errors import ConfigurationError
from rxllm.transport.arguments import checked_number, checked_path
from rxllm.transport.record import recorded_reads
from rxllm.transport.refusals import refusal, secrets_of

if TYPE_CHECKING:
    import os
    from collections.abc import Callable, Mapping

    from rxllm.transport.exchange import HttpRequest

__all__ = ["ReplayTransport"]

_READ: Final = 64 * 1024
_BYTES: Final = (bytes, bytearray, memoryview)


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
        timing: How fast the bytes come, as `RecordingTransport` saw them come: 1.0 as recorded, 2.0 twice as fast. Cut
            as recorded, too, so `chunk` and `delay` have no place beside it; `body` must be a path.
        status: The HTTP status; one that is not 2xx makes `open` raise what `HttpTransport` would.

    Raises:
        ConfigurationError: The file cannot be read, or not the arrival times beside it; `chunk` is below 1, `delay`
            below 0, `timing` not above it, or one of them is no number.
    """

    def __init__(
        self,
        body: bytes | bytearray | memoryview | str | os.PathLike[str],
        *,
        chunk: int | None = None,
        delay: float = 0.0,
        timing: float | None = None,
        status: int = 200,
    ) -> None:
        if chunk is not None:
            checked_number("chunk", chunk, "bytes a read, 1 or more, or None for 64 KiB", least=1, whole=True)
        checked_number("delay", delay, "seconds, 0 or more")
        checked_number("status", status, "an HTTP status, e.g. 200", least=100, whole=True)
        if timing is not None and (chunk is not None or delay):
            raise ConfigurationError("timing keeps the recorded reads; expected it without chunk and delay.")
        self._body = bytes(body) if isinstance(body, _BYTES) else _recording(body)
        self._chunk = chunk or _READ
        self._delay = delay
        self._reads = None if timing is None else _timed_reads(body, timing)
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
        return ReplayByteStream(self._body, self._pace(), self)

    async def aclose(self) -> None:
        """Do nothing: a recording holds nothing."""

    def _pace(self) -> Callable[[int], tuple[float, int]]:
        """Start the clock of one response; it tells the seconds before a read, by its number, and its bytes."""
        reads = self._reads
        if reads is None:
            read = (self._delay, self._chunk)
            return lambda _number: read
        loop = asyncio.get_running_loop()
        start = loop.time()

        def recorded(number: int) -> tuple[float, int]:
            if number >= len(reads):
                return 0.0, _READ  # a crash between the two files: bytes without their time
            due, size = reads[number]
            # From the start and not from the last read, so that a thousand late timers do not add up.
            return max(0.0, start + due - loop.time()), size

        return recorded


class ReplayByteStream:
    """The recorded bytes on their way; made by `ReplayTransport.open`."""

    def __init__(self, body: bytes, pace: Callable[[int], tuple[float, int]], owner: ReplayTransport) -> None:
        self._body = body
        self._position = 0
        self._pace = pace
        self._reads = 0
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
            At most `chunk` bytes, or as many as came in the recorded read.
        """
        delay, size = self._pace(self._reads)
        if delay:
            with suppress(TimeoutError):
                async with asyncio.timeout(delay):
                    await self._closing.wait()  # a sleep that `close` ends
        else:
            await asyncio.sleep(0)  # a socket gives the loop its turn, too
        await self._running.wait()
        if self._closing.is_set():
            return b""
        start = self._position
        self._position += size
        self._reads += 1
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
    file = checked_path("body", path)
    try:
        return file.read_bytes()
    except OSError as error:
        raise ConfigurationError(
            f"The recording {path} cannot be read: {error.strerror}. Expected a file with the bytes of a response."
        ) from error


def _timed_reads(
    body: bytes | bytearray | memoryview | str | os.PathLike[str], timing: float
) -> list[tuple[float, int]]:
    checked_number("timing", timing, "1.0 for as recorded, 2.0 for twice as fast, or None", above=True)
    if isinstance(body, _BYTES):
        raise ConfigurationError("timing needs the arrival times beside a recording; expected its path, not its bytes.")
    return [(seconds / timing, size) for seconds, size in recorded_reads(body)]
