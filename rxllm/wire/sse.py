"""Server-sent events: bytes to events, as the WHATWG's "Interpreting an event stream" says.

Two ways through, one state. A read that is nothing but `data: …` frames is found to be so by counting its line feeds,
and is cut by `bytes.split`; any other goes line by line. Both leave what has not ended yet in the same place, so that
reads of both kinds may alternate.

Differs from that text in two points: a last event without a blank line is delivered, since many providers end so, and
UTF-8 is left to whoever reads the payload.
"""

from __future__ import annotations

import re
from typing import Final

import msgspec

from rxllm.errors import DecodeError

__all__ = ["LIMIT", "Decoder", "Event"]

LIMIT: Final = 16 * 1024 * 1024
"""The default bound of one event, in bytes."""

_IGNORED_LIMIT: Final = 64 * 1024
_LINE_END: Final = re.compile(rb"\r\n|\n|\r")  # never str.splitlines: text may hold U+0085, U+2028 and U+2029
_BOM: Final = b"\xef\xbb\xbf"
_COLON: Final = ord(":")
_RETRY_DIGITS: Final = 12


class Event(msgspec.Struct, frozen=True, gc=False):
    """One event: its data, its name unless that is the default one, and the last id that was sent."""

    data: bytes
    event: str | None = None
    id: str | None = None


class Decoder:
    r"""Cut bytes into events; unlike a line iterator it takes them in any portions, and holds at most `limit` of them.

    >>> decoder = Decoder()
    >>> decoder.feed(b"data: a\n\nda"), decoder.feed(b"ta: b\n"), decoder.finish()
    ([Event(data=b'a', event=None, id=None)], [], [Event(data=b'b', event=None, id=None)])

    Attributes:
        comments: How many comments came so far; they carry nothing, but show that the other side lives.
        ignored: Lines that are no field of an event (the first 64 KiB): an error page or a bare JSON body.
        retry: The reconnection time that was sent last, in milliseconds.
        fault: What the next `feed` or `finish` raises; whatever came before it has been returned.

    Args:
        limit: The largest event, in bytes.
    """

    def __init__(self, *, limit: int = LIMIT) -> None:
        self.comments = 0
        self.ignored = b""
        self.retry: int | None = None
        self.fault: DecodeError | None = None
        self._limit = limit
        self._line = bytearray()
        self._data: list[bytes] = []
        self._size = 0
        self._event: str | None = None
        self._id: str | None = None
        self._after_cr = False
        self._first = True

    def feed(self, data: bytes) -> list[Event]:
        """Take the next bytes.

        Args:
            data: Bytes, cut anywhere.

        Returns:
            The events that ended in them.

        Raises:
            DecodeError: An earlier read held an event larger than the limit.
        """
        frames = self.frames(data)
        if frames is not None:
            return self.events(frames)
        if self._after_cr and data:
            self._after_cr = False
            data = data.removeprefix(b"\n")
        events: list[Event] = []
        if b"\n" in data or b"\r" in data:
            self._after_cr = data.endswith(b"\r")
            self._take(data, events)
        else:  # adding to the bytearray alone keeps a large event, fed in small pieces, linear
            self._line += data
            self._bound()
        return events

    def frames(self, data: bytes) -> bytes | None:
        r"""Take the next bytes if they can be cut off at a blank line; unlike `feed`, do not look into the frames.

        >>> Decoder().frames(b"data: a\n\ndata: b\r\n\r\ndata: c")
        b'data: a\n\ndata: b\n\n'
        >>> Decoder().frames(b": a comment\n\n") is None
        True

        Args:
            data: Bytes, cut anywhere.

        Returns:
            Whole frames with bare line feeds, for `events` or whoever knows a shorter way; None where only `feed` can
            read these bytes, and nothing has been taken.

        Raises:
            DecodeError: An earlier read held an event larger than the limit.
        """
        if self.fault is not None:
            raise self.fault
        if self._data or self._event is not None or self._after_cr:
            return None
        if b"\r" in data:
            data = data.replace(b"\r\n", b"\n")
            if b"\r" in data:
                return None
        end = data.rfind(b"\n\n") + 2
        if end < 2:  # noqa: PLR2004 - there is none
            return None
        frames = bytes(self._line + data[:end]) if self._line else data[:end]
        if not frames.startswith(b"data: ") or len(frames) > self._limit:
            return None
        if b"\n" in data[end:]:  # the first lines of the next frame, which could say something of its own
            return None
        self._first = False
        self._line.clear()
        self._line += data[end:]
        return frames

    def events(self, frames: bytes) -> list[Event]:
        r"""Look into whole frames that `frames` gave.

        >>> [event.data for event in Decoder().events(b"data: a\n\ndata: b\n\n")]
        [b'a', b'b']

        Args:
            frames: Lines ended by line feeds, a blank one last.

        Returns:
            Their events.
        """
        payloads = frames[6:-2].split(b"\n\ndata: ")
        # Two line feeds stand between each two: if there are no more, no frame holds anything but one line of data.
        if frames.startswith(b"data: ") and frames.count(b"\n") == 2 * len(payloads):
            return [Event(payload, None, self._id) for payload in payloads]
        events: list[Event] = []
        held, self._line = self._line, bytearray()  # of what came after these frames
        self._take(frames, events)
        self._line = held
        return events

    def finish(self) -> list[Event]:
        """Take the end of the stream.

        Returns:
            The last event, if no blank line ended it.

        Raises:
            DecodeError: An earlier read held an event larger than the limit.
        """
        if self.fault is not None:
            raise self.fault
        events: list[Event] = []
        if self._line:
            self._field(bytes(self._line))
            self._line.clear()
        self._dispatch(events)
        return events

    def _take(self, data: bytes, events: list[Event]) -> None:
        *lines, rest = _LINE_END.split(data)
        if lines:
            lines[0] = bytes(self._line + lines[0])
            self._line = bytearray()
        for line in lines:
            if len(line) + self._size > self._limit:
                self._overflow()
                return
            if line or self._first:
                self._field(line)
            else:
                self._dispatch(events)
        self._line += rest
        self._bound()

    def _field(self, line: bytes) -> None:
        if self._first:
            self._first = False
            line = line.removeprefix(_BOM)
        if not line:
            return
        if line[0] == _COLON:
            self.comments += 1
            return
        name, _, value = line.partition(b":")
        value = value.removeprefix(b" ")
        if name == b"data":
            self._data.append(value)
            self._size += len(value) + 1  # a line of no data is held too
        else:
            self._rarer_field(name, value, line)

    def _rarer_field(self, name: bytes, value: bytes, line: bytes) -> None:
        if name == b"event":
            self._event = value.decode("utf-8", "replace") or None
        elif name == b"id":
            if b"\0" not in value:
                self._id = value.decode("utf-8", "replace") or None
        elif name == b"retry":
            if value.isdigit() and len(value) <= _RETRY_DIGITS:
                self.retry = int(value)
        elif len(self.ignored) < _IGNORED_LIMIT:
            self.ignored += line[:_IGNORED_LIMIT] + b"\n"

    def _dispatch(self, events: list[Event]) -> None:
        if self._data:
            events.append(Event(b"\n".join(self._data), self._event, self._id))
            self._data = []
            self._size = 0
        self._event = None

    def _bound(self) -> None:
        if len(self._line) + self._size > self._limit:
            self._overflow()

    def _overflow(self) -> None:
        snippet = (b"\n".join(self._data) or bytes(self._line[:200]))[:200].decode("utf-8", "replace")
        self._line.clear()
        self._data = []
        self.fault = DecodeError(
            f"A server-sent event is larger than {self._limit} bytes, which is all that is held of one. "
            "Expected a stream of smaller events; check that the address is that of a streaming endpoint.",
            format="sse",
            snippet=snippet,
        )
