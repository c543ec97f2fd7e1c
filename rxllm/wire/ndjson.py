"""Newline-delimited JSON: one document a line."""

from __future__ import annotations

from typing import Final

from rxllm.errors import DecodeError

__all__ = ["LIMIT", "Decoder"]

LIMIT: Final = 16 * 1024 * 1024
"""The default bound of one line, in bytes."""


class Decoder:
    r"""Cut bytes into lines; unlike `sse.Decoder` it knows no fields: a line is a document, a blank one nothing.

    >>> decoder = Decoder()
    >>> decoder.feed(b'{"a": 1}\n\n{"b"'), decoder.feed(b": 2}"), decoder.finish()
    ([b'{"a": 1}'], [], [b'{"b": 2}'])

    Attributes:
        fault: What the next `feed` or `finish` raises; whatever came before it has been returned.

    Args:
        limit: The longest line, in bytes.
    """

    def __init__(self, *, limit: int = LIMIT) -> None:
        self.fault: DecodeError | None = None
        self._limit = limit
        self._line = bytearray()

    def feed(self, data: bytes) -> list[bytes]:
        """Take the next bytes.

        Args:
            data: Bytes, cut anywhere.

        Returns:
            The lines that ended in them, blank ones left out.

        Raises:
            DecodeError: An earlier read held a line longer than the limit.
        """
        if self.fault is not None:
            raise self.fault
        if b"\n" not in data:  # adding to the bytearray alone keeps a long line, fed in small pieces, linear
            self._line += data
            self._bound(len(self._line))
            return []
        *lines, rest = data.split(b"\n")
        lines[0] = bytes(self._line + lines[0])
        self._line = bytearray(rest)
        whole: list[bytes] = []
        for line in lines:
            if self._bound(len(line)):
                return whole
            if stripped := line.strip():
                whole.append(stripped)
        self._bound(len(rest))
        return whole

    def finish(self) -> list[bytes]:
        """Take the end of the stream.

        Returns:
            The last line, if no line feed ended it.

        Raises:
            DecodeError: An earlier read held a line longer than the limit.
        """
        if self.fault is not None:
            raise self.fault
        line = bytes(self._line).strip()
        self._line.clear()
        return [line] if line else []

    def _bound(self, length: int) -> bool:
        if length <= self._limit:
            return False
        snippet = bytes(self._line[:200]).decode("utf-8", "replace")
        self._line.clear()
        self.fault = DecodeError(
            f"A line is longer than {self._limit} bytes, which is all that is held of one. "
            "Expected one JSON document a line; check that the address is that of a streaming endpoint.",
            format="ndjson",
            snippet=snippet,
        )
        return True
