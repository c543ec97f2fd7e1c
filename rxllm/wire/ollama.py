"""Ollama's own `/api/chat`: a JSON document a line, text in pieces, tool calls whole, `done: true` on the last line."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final, cast

import msgspec

from rxllm.errors import DecodeError, RxllmError, TruncatedStreamError, provider_error
from rxllm.items import ProviderEvent, StreamItem
from rxllm.wire import ndjson
from rxllm.wire.ollama_answer import Answer
from rxllm.wire.ollama_line import REFUSED, Line, decode_line, read_line
from rxllm.wire.ollama_request import encode

if TYPE_CHECKING:
    from rxllm.errors import ProviderError

__all__ = ["PATH", "Decoder", "encode"]

PATH: Final = "/api/chat"
"""What is added to a provider's base URL, which has no `/v1` here."""

_FORMAT: Final = "ollama"


class Decoder:
    r"""Turn the bytes of one response into items.

    >>> decoder = Decoder()
    >>> decoder.feed(b'{"model": "m", "message": {"role": "assistant", "content": "Hi"}, "done": false}\n')
    [Started(model='m'), TextDelta(text='Hi')]

    Attributes:
        fault: What the next `feed` or `finish` raises; whatever came before it has been returned.
        rest: The items of a last line that nothing ended, where `finish` raises and so cannot return them.
    """

    def __init__(self) -> None:
        self.fault: RxllmError | None = None
        self.rest: list[StreamItem] = []
        self._lines = ndjson.Decoder()
        self._answer = Answer()

    def feed(self, data: bytes) -> list[StreamItem]:
        """Take the next bytes of the response.

        Args:
            data: Bytes, cut anywhere.

        Returns:
            The items they complete; look at `fault` after it.

        Raises:
            RxllmError: The fault that an earlier read ended with.
        """
        if self.fault is not None:
            raise self.fault
        out: list[StreamItem] = []
        if self._answer.done:
            return out
        for line in self._lines.feed(data):
            self._line(line, out)
            if self._answer.done or self.fault is not None:
                return out
        if self._lines.fault is not None:
            self._fail(self._lines.fault, out)
        return out

    def finish(self) -> list[StreamItem]:
        """Take the end of the response.

        Returns:
            The last items.

        Raises:
            TruncatedStreamError: No line said `done: true`.
            RxllmError: A fault, of an earlier read or of the last line.
        """
        if self.fault is not None:
            raise self.fault
        out: list[StreamItem] = []
        if self._answer.done:
            return out
        stray = b""
        for line in self._lines.finish():
            if _is_whole(line):
                self._line(line, out)
            else:  # it was cut in the middle, and what it would have become is not known
                stray = line
        if self.fault is None and not self._answer.done:
            self._fail(self._why_no_end(stray), out)
        if self.fault is not None:
            self.rest = out
            raise self.fault
        return out

    def _line(self, payload: bytes, out: list[StreamItem]) -> None:
        """Take a line, whatever is in it."""
        unknown: dict[str, Any] = {}
        try:
            line = decode_line(payload)
        except REFUSED:
            try:
                line, unknown = read_line(payload)
            except ValueError as error:
                self._fail(_malformed(str(error), payload), out)
                return
        if line is None:
            out.append(ProviderEvent("unknown", unknown[""]))
            return
        if line.message is None and not line.done and line.error is None:
            self._unknown(line, unknown, payload, out)
            return
        try:
            self._answer.take(line, unknown, out)
        except (ValueError, RecursionError) as error:
            self._fail(_malformed(str(error), payload), out)
            return
        if line.error is not None and not self._answer.done:
            self._fail(_fault_of(line, unknown), out)

    def _unknown(self, line: Line, unknown: dict[str, Any], payload: bytes, out: list[StreamItem]) -> None:
        """Take a line that is neither a part of the answer nor an error."""
        try:
            value: Any = msgspec.json.decode(payload)
        except REFUSED:
            value = {**msgspec.structs.asdict(line), **unknown}
        kind = next(iter(unknown), "unknown")
        out.append(ProviderEvent(kind, value))

    def _fail(self, fault: RxllmError, out: list[StreamItem]) -> None:
        self.fault = fault
        self._answer.give_up(out)

    def _why_no_end(self, stray: bytes) -> DecodeError:
        if self._answer.started or not stray or stray.startswith(b"{"):
            return TruncatedStreamError(
                "The response ended before a line with `done: true`, so it is not known to be whole. "
                "What came is kept; try again.",
                format=_FORMAT,
                snippet=_snippet(stray),
            )
        return _malformed("it is not JSON", stray)


def _is_whole(line: bytes) -> bool:
    """Tell whether a line that nothing ended is all of it."""
    try:
        json.loads(line)
    except (ValueError, RecursionError):
        return False
    return True


def _fault_of(line: Line, unknown: dict[str, Any]) -> ProviderError:
    """Make an exception of a line's error, which is a text, or with other servers of this format an object."""
    error = line.error
    fields = {**unknown, **cast("dict[str, Any]", error)} if isinstance(error, dict) else unknown
    said: Any = fields.get("message") if isinstance(error, dict) else error
    message = said if isinstance(said, str) and said else f"The provider reported an error: {error!s:.200}"
    given = [fields.get(name) for name in ("code", "type", "status", "status_code")]
    return provider_error(message, words=[word for word in given if isinstance(word, (str, int)) and word])


def _malformed(why: str, payload: bytes) -> DecodeError:
    return DecodeError(
        f"A line cannot be read: {why}. Expected a chat response of Ollama, one JSON object a line; "
        "check that base_url is the server's root, without /v1.",
        format=_FORMAT,
        snippet=_snippet(payload),
    )


def _snippet(payload: bytes) -> str:
    return payload[:200].decode("utf-8", "replace")
