"""Ollama's own `/api/chat`: a JSON document a line, text in pieces, tool calls whole, `done: true` on the last line."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, cast

import msgspec

from rxllm.errors import provider_error
from rxllm.items import ProviderEvent
from rxllm.wire import ndjson
from rxllm.wire.decoding import Decoding, is_whole
from rxllm.wire.loose_json import REFUSED
from rxllm.wire.ollama_answer import Answer
from rxllm.wire.ollama_line import Line, decode_line, read_line
from rxllm.wire.ollama_request import encode

if TYPE_CHECKING:
    from rxllm.errors import DecodeError, ProviderError
    from rxllm.items import StreamItem

__all__ = ["PATH", "Decoder", "encode"]

PATH: Final = "/api/chat"
"""What is added to a provider's base URL, which has no `/v1` here."""


class Decoder(Decoding[Answer]):
    r"""Turn the bytes of one response into items.

    >>> decoder = Decoder()
    >>> decoder.feed(b'{"model": "m", "message": {"role": "assistant", "content": "Hi"}, "done": false}\n')
    [Started(model='m'), TextDelta(text='Hi')]
    """

    FORMAT = "ollama"
    EXPECTED = "a chat response of Ollama, one JSON object a line, from base_url as the server's root, without /v1"
    END = "a line with `done: true`"

    def __init__(self) -> None:
        super().__init__(Answer())
        self._lines = ndjson.Decoder()

    def _take(self, data: bytes, out: list[StreamItem]) -> None:
        if not any(self._line(line, out) for line in self._lines.feed(data)) and self._lines.fault is not None:
            self._fail(self._lines.fault, out)

    def _take_end(self, out: list[StreamItem]) -> None:
        stray = b""
        for line in self._lines.finish():
            if is_whole(line):
                self._line(line, out)
            else:  # it was cut in the middle, and what it would have become is not known
                stray = line
        if self.fault is None and not self._done:
            is_begun = self._answer.started or not stray or stray.startswith(b"{")
            self._fail(self._truncated(stray) if is_begun else self._unreadable("it is not JSON", stray), out)

    def _line(self, payload: bytes, out: list[StreamItem]) -> bool:
        """Take a line, whatever is in it, and tell whether it was the last."""
        unknown: dict[str, Any] = {}
        try:
            line = decode_line(payload)
        except REFUSED:
            try:
                line, unknown = read_line(payload)
            except ValueError as error:
                return self._fail(self._unreadable(error, payload), out)
        if line is None:
            out.append(ProviderEvent("unknown", unknown[""]))
        elif line.message is None and not line.done and line.error is None:
            self._unknown(line, unknown, payload, out)
        else:
            try:
                self._done = self._answer.take(line, unknown, out)
            except (ValueError, RecursionError) as error:
                return self._fail(self._unreadable(error, payload), out)
            if line.error is not None:
                return self._fail(_fault_of(line, unknown), out)
        return self._done

    def _unknown(self, line: Line, unknown: dict[str, Any], payload: bytes, out: list[StreamItem]) -> None:
        """Take a line that is neither a part of the answer nor an error."""
        try:
            value: Any = msgspec.json.decode(payload)
        except REFUSED:
            value = {**msgspec.structs.asdict(line), **unknown}
        kind = next(iter(unknown), "unknown")
        out.append(ProviderEvent(kind, value))

    def _unreadable(self, why: object, payload: bytes) -> DecodeError:
        return self._malformed(f"A line cannot be read: {why}", payload)


def _fault_of(line: Line, unknown: dict[str, Any]) -> ProviderError:
    """Make an exception of a line's error, which is a text, or with other servers of this format an object."""
    error = line.error
    fields = {**unknown, **cast("dict[str, Any]", error)} if isinstance(error, dict) else unknown
    said: Any = fields.get("message") if isinstance(error, dict) else error
    message = said if isinstance(said, str) and said else f"The provider reported an error: {error!s:.200}"
    given = [fields.get(name) for name in ("code", "type", "status", "status_code")]
    return provider_error(message, words=[word for word in given if isinstance(word, (str, int)) and word])
