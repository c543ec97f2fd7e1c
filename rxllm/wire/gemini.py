"""Google's Gemini, `streamGenerateContent?alt=sse`: the end is the end of the bytes, after a `finishReason`."""

from __future__ import annotations

import re
from typing import Any, Final, cast
from urllib.parse import quote

from rxllm.errors import DecodeError, ProviderError, RxllmError, TruncatedStreamError
from rxllm.items import Ping, ProviderEvent, StreamItem
from rxllm.wire import sse
from rxllm.wire.gemini_answer import FIELDS, Answer
from rxllm.wire.gemini_chunk import REFUSED, decode_plain, read_chunk
from rxllm.wire.gemini_parts import blocked, fault_of
from rxllm.wire.gemini_request import encode

__all__ = ["PATH", "Decoder", "encode", "path"]

PATH: Final = ""
"""Nothing: the URL names the model, and `path` gives it."""

_FORMAT: Final = "gemini"
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


class Decoder:
    r"""Turn the bytes of one response into items.

    >>> decoder = Decoder()
    >>> decoder.feed(b'data: {"candidates": [{"content": {"parts": [{"text": "Hi"}]}, "finishReason": "STOP"}]}\n\n')
    [Started(), TextDelta(text='Hi')]
    >>> decoder.finish()[-1].reason
    'stop'

    Attributes:
        fault: What the next `feed` or `finish` raises; whatever came before it has been returned.
        rest: The items of a last event that nothing ended, where `finish` raises and so cannot return them.
    """

    def __init__(self) -> None:
        self.fault: RxllmError | None = None
        self.rest: list[StreamItem] = []
        self._sse = sse.Decoder()
        self._done = False
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
        comments = self._sse.comments
        events = self._sse.feed(data)
        if self._sse.comments != comments:
            out.append(Ping())
        for event in events:
            self._payload(event, out)
            if self.fault is not None:
                return out
        if self._sse.fault is not None:
            self._fail(self._sse.fault, out)
        return out

    def finish(self) -> list[StreamItem]:
        """Take the end of the response, which is the format's only terminal marker.

        Returns:
            The last items.

        Raises:
            TruncatedStreamError: An answer has no `finishReason`, or the last event is cut.
            RxllmError: A fault, of an earlier read or of the last event.
        """
        if self.fault is not None:
            raise self.fault
        out: list[StreamItem] = []
        if self._done:
            return out
        known = len(self._sse.ignored)
        events = self._sse.finish()
        is_cut = len(self._sse.ignored) > known  # in the middle of a field's name, unless an error stands there
        for event in events:
            if _is_whole(event.data):
                self._payload(event, out)
            else:  # it was cut in the middle, and what it would have become is not known
                is_cut = True
        if self.fault is None:
            self._end(out, is_cut=is_cut)
        if self.fault is not None:
            self.rest = out
            raise self.fault
        return out

    def _payload(self, event: sse.Event, out: list[StreamItem]) -> None:
        """Take an event's data."""
        payload = event.data
        try:
            chunk = decode_plain(payload)
        except REFUSED:
            self._rarer(payload, event.event, out)
        else:
            self._answer.take_plain(chunk, out)

    def _rarer(self, payload: bytes, name: str | None, out: list[StreamItem]) -> None:
        """Take what is not text alone: a rarer chunk, an error, something unknown, or nonsense."""
        payload = payload.strip()
        if not payload or payload == b"[DONE]":  # of which Google knows nothing, but gateways do
            out.append(Ping())
            return
        try:
            value = read_chunk(payload)
            if isinstance(value, list) and len(cast("list[Any]", value)) == 1:
                value = cast("list[Any]", value)[0]
            if not isinstance(value, dict) or not FIELDS & value.keys():
                out.append(ProviderEvent(name or "unknown", value))
                return
            fields = cast("dict[str, Any]", value)
            if fields.keys() & (FIELDS - {"error"}):
                self._answer.take(fields, out)
        except (ValueError, RecursionError) as error:
            self._fail(_malformed(str(error), payload), out)
            return
        if fields.get("error"):
            self._fail(fault_of(fields["error"]), out)
        elif not fields.get("candidates") and (refusal := blocked(fields.get("promptFeedback"))):
            self._fail(refusal, out)

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
        if value is not None:
            self._stray(value, out)
        if self.fault is not None:
            return
        if is_cut or not self._answer.is_finished():
            self._fail(self._why_no_end(stray, value), out)
            return
        try:
            self._answer.end(out)
        except (ValueError, RecursionError) as error:
            self._fail(_malformed(str(error), b""), out)
        else:
            self._done = True

    def _stray(self, value: Any, out: list[StreamItem]) -> None:
        """Take bare JSON that stood outside the events."""
        found: list[Any] = cast("list[Any]", value) if isinstance(value, list) else [value]
        for each in found:
            if isinstance(each, dict) and each.get("error"):  # pyright: ignore[reportUnknownMemberType] - JSON
                self._fail(fault_of(each["error"]), out)
                return
        if self._answer.started:
            out.append(ProviderEvent("unknown", value))

    def _fail(self, fault: RxllmError, out: list[StreamItem]) -> None:
        self.fault = fault
        if isinstance(fault, ProviderError):  # else a `finishReason` is no proof: some models say one in each chunk
            try:
                self._answer.end_finished(out)
            except (ValueError, RecursionError) as error:
                self.fault = _malformed(str(error), b"")
        self._answer.give_up(out)

    def _why_no_end(self, stray: bytes, value: Any) -> DecodeError:
        text = stray.strip()
        if self._answer.started or b"data".startswith(text) or (value is None and text.startswith((b"{", b"["))):
            return TruncatedStreamError(
                "The response ended before each answer's `finishReason`, or within an event, so it is not known to be "
                "whole. What came is kept; try again.",
                format=_FORMAT,
                snippet=_snippet(stray),
            )
        what = "JSON" if value is not None else "something else, perhaps a page for people"
        return DecodeError(
            f"The response is not a stream of server-sent events but {what}. "
            "Expected lines of `data: {…}`; check the base URL, and that the URL ends in `?alt=sse`.",
            format=_FORMAT,
            snippet=_snippet(stray),
        )


def _is_whole(payload: bytes) -> bool:
    """Tell whether the data of an event that nothing ended is all of it."""
    try:
        read_chunk(payload)
    except ValueError:
        return payload.strip() == b"[DONE]"
    return True


def _malformed(why: str, payload: bytes) -> DecodeError:
    return DecodeError(
        f"A chunk cannot be read: {why}. Expected a GenerateContentResponse; the error's `snippet` has its beginning.",
        format=_FORMAT,
        snippet=_snippet(payload),
    )


def _snippet(payload: bytes) -> str:
    return payload[:200].decode("utf-8", "replace")
