"""Responses written down as they come: `RecordingTransport`, and the form of what it writes.

A recording is two files. `answer.sse` holds the body of the response, byte for byte. `answer.sse.reads.json` holds
when it came, one entry a read: seconds since the request, and bytes.

    [[0.31204, 172],
    [0.334871, 507]]

Both are written read by read, past Python's buffers, and the second is a whole JSON list after each: a crash or a
cancel in the middle leaves what had come. Nothing of the request is written, neither URL nor headers nor body. A
provider that repeats the prompt in its answer has it in its answer's body, though.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import msgspec
from loguru import logger

from rxllm.errors import ConfigurationError
from rxllm.transport.arguments import checked_path

if TYPE_CHECKING:
    import os
    from collections.abc import Callable, Mapping
    from io import FileIO

    from rxllm.transport.exchange import ByteStream, HttpRequest, Transport

__all__ = ["RecordingTransport", "recorded_reads"]

_Reads = list[tuple[Annotated[float, msgspec.Meta(ge=0)], Annotated[int, msgspec.Meta(gt=0)]]]
_read_times: Final[Callable[[bytes], list[tuple[float, int]]]] = msgspec.json.Decoder(_Reads).decode


class RecordingTransport:
    """A transport that writes down what another one brings.

    Unlike a sender, it records bytes and not items: also what no decoder of ours understood is there, for a bug report
    or for `ReplayTransport`. The first response goes to the path as given, those after it to paths with a number
    before the suffix (`answer.sse`, `answer.2.sse`, …); what had been there is overwritten. A request that got no
    response takes no number.

    >>> import asyncio, tempfile
    >>> from rxllm.transport.exchange import HttpRequest
    >>> from rxllm.transport.replay import ReplayTransport
    >>> async def main(path):
    ...     transport = RecordingTransport(ReplayTransport(b"data: [DONE]", chunk=7), path)
    ...     stream = await transport.open(HttpRequest("POST", "http://recorded/"))
    ...     while await stream.read():
    ...         pass
    ...     return Path(path).read_bytes(), [size for seconds, size in recorded_reads(path)]
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     asyncio.run(main(folder + "/answer.sse"))
    (b'data: [DONE]', [7, 5])

    Args:
        inner: Where the bytes come from; closed with this one.
        path: The file for the first response.

    Raises:
        ConfigurationError: `path` is no path.
    """

    def __init__(self, inner: Transport, path: str | os.PathLike[str]) -> None:
        self._inner = inner
        self._path = checked_path("path", path)
        self._responses = 0

    async def open(self, request: HttpRequest) -> RecordingByteStream:
        """Send a request and record the body of its response.

        Args:
            request: What is sent; nothing of it is written.

        Returns:
            The body, to be read to its end or closed.

        Raises:
            ConfigurationError: A file cannot be written; nothing was sent.
            RxllmError: What the inner transport raises.
        """
        _check(self._numbered(self._responses + 1))
        started = asyncio.get_running_loop().time()
        stream = await self._inner.open(request)
        self._responses += 1
        return RecordingByteStream(stream, _Tape(self._numbered(self._responses)), started)

    async def aclose(self) -> None:
        """Close the inner transport."""
        await self._inner.aclose()

    def _numbered(self, response: int) -> Path:
        path = self._path
        return path if response == 1 else path.with_name(f"{path.stem}.{response}{path.suffix}")


class RecordingByteStream:
    """The bytes of one response on their way past the tape; made by `RecordingTransport.open`."""

    def __init__(self, inner: ByteStream, tape: _Tape, started: float) -> None:
        self._inner = inner
        self._tape = tape
        self._started = started

    @property
    def headers(self) -> Mapping[str, str]:
        """The response's headers."""
        return self._inner.headers

    async def read(self) -> bytes:
        """Wait for the next bytes and write them down; `b""` at the end of the body."""
        data = await self._inner.read()
        if data:
            self._tape.add(asyncio.get_running_loop().time() - self._started, data)
        else:
            self._tape.close()
        return data

    def pause(self) -> None:
        """Stop reading; the times go on, for the recording says when bytes were read."""
        self._inner.pause()

    def resume(self) -> None:
        """Go on."""
        self._inner.resume()

    def close(self) -> None:
        """Begin closing the socket, then close the files."""
        self._inner.close()
        self._tape.close()


class _Tape:
    """The two files of one response. What goes wrong with them ends the recording, never the stream."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._files: list[FileIO] = []
        self._times_end = 1  # behind the opening bracket
        try:
            self._files.append(path.open("wb", buffering=0))
            self._files.append(_times_path(path).open("wb", buffering=0))
            _write(self._files[1], b"[]\n")
        except OSError as error:
            self._give_up(error)

    def add(self, seconds: float, data: bytes) -> None:
        if not self._files:
            return
        body, times = self._files
        separator = b"" if self._times_end == 1 else b",\n"
        entry = b"%s[%.6f, %d]" % (separator, seconds, len(data))
        try:
            _write(body, data)
            times.seek(self._times_end)
            _write(times, entry + b"]\n")  # over the closing bracket, in one write: the list is whole before and after
        except OSError as error:
            self._mend()
            self._give_up(error)
        else:
            self._times_end += len(entry)

    def close(self) -> None:
        files, self._files = self._files, []
        for file in files:
            try:
                file.close()
            except OSError as error:  # some file systems tell only now that there was no room
                self._warn(error)

    def __del__(self) -> None:
        self.close()  # forgotten in mid-body, as a stream may be

    def _mend(self) -> None:
        """Take away half an entry; the bracket needs no more room than there was before."""
        with suppress(OSError):  # the one that is being told already
            times = self._files[1]
            times.truncate(self._times_end)
            times.seek(self._times_end)
            _write(times, b"]\n")

    def _give_up(self, error: OSError) -> None:
        self._warn(error)
        self.close()

    def _warn(self, error: OSError) -> None:
        logger.warning(
            "The recording {} is not complete: {}. The stream goes on; make room and record the next one.",
            self._path,
            error.strerror,
        )


def recorded_reads(path: str | os.PathLike[str]) -> list[tuple[float, int]]:
    """Read when the bytes of a recording came.

    Args:
        path: The recording; the times are in the file beside it.

    Returns:
        Seconds since the request, and bytes, of each read.

    Raises:
        ConfigurationError: The file beside it is missing, or not of this form.
    """
    beside = _times_path(Path(path))
    try:
        return _read_times(beside.read_bytes())
    except OSError as error:
        raise ConfigurationError(
            f"The recording {path} has no arrival times: {beside} cannot be read ({error.strerror}). "
            "It is written beside a recording; get it too, or replay without timing."
        ) from error
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise ConfigurationError(
            f"{beside} has no arrival times in it; expected a JSON list of [seconds, bytes], one a read. "
            "Record again, or replay without timing."
        ) from error


def _times_path(path: Path) -> Path:
    return Path(f"{path}.reads.json")


def _check(path: Path) -> None:
    """Tell before anything is sent that a recording cannot be written; what the files hold stays as it is."""
    try:
        for each in (path, _times_path(path)):
            each.open("ab").close()
    except (OSError, ValueError) as error:  # ValueError: a path with a NUL in it
        reason = error.strerror if isinstance(error, OSError) else error
        raise ConfigurationError(
            f"The recording {path} cannot be written: {reason}. Expected the path of a file, in a folder that exists."
        ) from error


def _write(file: FileIO, data: bytes) -> None:
    rest = memoryview(data)
    while rest:  # a disk that is nearly full takes a part
        rest = rest[file.write(rest) :]
