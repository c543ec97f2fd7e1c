"""Google's Gemini, `streamGenerateContent?alt=sse`: the end is the end of the bytes, after a `finishReason`."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final, cast
from urllib.parse import quote

from rxllm.errors import ProviderError
from rxllm.items import Ping, ProviderEvent
from rxllm.wire.decoding import EventDecoding, is_whole
from rxllm.wire.gemini_answer import FIELDS, Answer
from rxllm.wire.gemini_chunk import decode_plain, read_chunk
from rxllm.wire.gemini_parts import blocked, fault_of
from rxllm.wire.gemini_request import encode
from rxllm.wire.loose_json import REFUSED

if TYPE_CHECKING:
    from rxllm.errors import DecodeError, RxllmError
    from rxllm.items import StreamItem

__all__ = ["PATH", "Decoder", "encode", "path"]

PATH: Final = ""
"""Nothing: the URL names the model, and `path` gives it."""

_JSON: Final = re.compile(rb"^[ \t]*[\[{]", re.MULTILINE)


def path(model: str) -> str:
    """Give what is added to a provider's base URL.

    >>> path("gemini-2.5-flash")
    '/models/gemini-2.5-flash:streamGenerateContent?alt=sse'

    Args:
        model: The model's name; one with a slash (`tunedModels/…`) stands for itself.

    Returns:
        The path, which asks for server-sent events.
    """
    name = quote(model, safe="/@")
    return f"/{name if '/' in name else 'models/' + name}:streamGenerateContent?alt=sse"


class Decoder(EventDecoding[Answer]):
    r"""Turn the bytes of one response into items.

    >>> decoder = Decoder()
    >>> decoder.feed(b'data: {"candidates": [{"content": {"parts": [{"text": "Hi"}]}, "finishReason": "STOP"}]}\n\n')
    [Started(), TextDelta(text='Hi')]
    >>> decoder.finish()[-1].reason
    'stop'
    """

    FORMAT = "gemini"
    EXPECTED = "a GenerateContentResponse"
    END = "each answer's `finishReason`, or within an event"

    def __init__(self) -> None:
        super().__init__(Answer())

    def _error_in(self, value: Any) -> RxllmError | None:
        found: list[Any] = cast("list[Any]", value) if isinstance(value, list) else [value]
        errors = [cast("dict[str, Any]", each).get("error") for each in found if isinstance(each, dict)]
        return next((fault_of(error) for error in errors if error), None)

    def _payload(self, payload: bytes, out: list[StreamItem], name: str | None) -> bool:
        try:
            chunk = decode_plain(payload)
        except REFUSED:
            return self._rarer(payload, name, out)
        self._answer.take_plain(chunk, out)
        return False

    def _rarer(self, payload: bytes, name: str | None, out: list[StreamItem]) -> bool:
        """Take what is not text alone: a rarer chunk, an error, something unknown, or nonsense."""
        payload = payload.strip()
        if not payload or payload == b"[DONE]":  # of which Google knows nothing, but gateways do
            out.append(Ping())
            return False
        try:
            value = read_chunk(payload)
            if isinstance(value, list) and len(cast("list[Any]", value)) == 1:
                value = cast("list[Any]", value)[0]
            if not isinstance(value, dict) or not FIELDS & value.keys():
                out.append(ProviderEvent(name or "unknown", value))
                return False
            fields = cast("dict[str, Any]", value)
            if fields.keys() & (FIELDS - {"error"}):
                self._answer.take(fields, out)
        except (ValueError, RecursionError) as error:
            return self._fail(self._unreadable(error, payload), out)
        if fields.get("error"):
            return self._fail(fault_of(fields["error"]), out)
        refusal = None if fields.get("candidates") else blocked(fields.get("promptFeedback"))
        return refusal is not None and self._fail(refusal, out)

    def _take_end(self, out: list[StreamItem]) -> None:
        known = len(self._sse.ignored)
        events = self._sse.finish()
        is_cut = len(self._sse.ignored) > known  # in the middle of a field's name, unless an error stands there
        for event in events:
            if is_whole(event.data):
                self._payload(event.data, out, event.event)
            else:  # it was cut in the middle, and what it would have become is not known
                is_cut = True
        if self.fault is None:
            self._end(out, is_cut=is_cut)

    def _end(self, out: list[StreamItem], *, is_cut: bool) -> None:
        """End the answers, if they are known to be whole."""
        stray = self._sse.ignored
        start = _JSON.search(stray)
        value: Any = None
        if start is not None:  # Google sends a late error as bare JSON of several lines
            try:
                value = read_chunk(stray[start.start() :])
            except ValueError:
                is_cut = True
            else:
                is_cut = False
        if fault := self._error_in(value):
            self._fail(fault, out)
            return
        if value is not None and self._answer.started:
            out.append(ProviderEvent("unknown", value))
        if is_cut or not self._answer.is_finished():
            self._fail(self._no_stream(stray.strip(), is_json=value is not None), out)
            return
        try:
            self._answer.end(out)
        except (ValueError, RecursionError) as error:
            self._fail(self._unreadable(error, b""), out)
        else:
            self._done = True

    def _fail(self, fault: RxllmError, out: list[StreamItem]) -> bool:
        if isinstance(fault, ProviderError):  # else a `finishReason` is no proof: some models say one in each chunk
            try:
                self._answer.end_finished(out)
            except (ValueError, RecursionError) as error:
                fault = self._unreadable(error, b"")
        return super()._fail(fault, out)

    def _unreadable(self, why: Exception, payload: bytes) -> DecodeError:
        return self._malformed(f"A chunk cannot be read: {why}", payload)
