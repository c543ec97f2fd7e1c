"""Anthropic Messages, and what llama.cpp, OpenRouter, vLLM and others call compatible with it.

The events name themselves in the JSON too, and only that name is believed: proxies lose the `event:` lines.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, cast

from rxllm.errors import DecodeError, RxllmError, TruncatedStreamError
from rxllm.items import Ping, ProviderEvent, StreamItem
from rxllm.wire import sse
from rxllm.wire.anthropic_answer import Answer
from rxllm.wire.anthropic_event import REFUSED, Event, decode_event, read_event, read_json
from rxllm.wire.anthropic_request import encode
from rxllm.wire.chat_completions_parts import error_in, fault_of

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["PATH", "Decoder", "encode"]

PATH: Final = "/messages"
"""What is added to a provider's base URL."""

_FORMAT: Final = "anthropic"
_KNOWN: Final = frozenset(
    {"message_start", "content_block_start", "content_block_delta", "content_block_stop", "message_delta"}
    | {"message_stop"}
)
_COMMONEST: Final = "content_block_delta"
_NAME_LINE: Final = b"event: content_block_delta\n"


class Decoder:
    r"""Turn the bytes of one response into items.

    >>> decoder = Decoder()
    >>> decoder.feed(b'data: {"type": "message_start", "message": {"id": "1"}}\n\n')
    [Started(id='1')]
    >>> decoder.feed(b'data: {"type": "content_block_delta", "delta": {"type": "text_delta", "text": "Hi"}}\n\n')
    [TextDelta(text='Hi')]

    Attributes:
        fault: What the next `feed` or `finish` raises; whatever came before it has been returned.
        rest: The items of a last event that nothing ended, where `finish` raises and so cannot return them.
    """

    def __init__(self) -> None:
        self.fault: RxllmError | None = None
        self.rest: list[StreamItem] = []
        self._sse = sse.Decoder()
        self._at_line_start = True
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
        if self._done:
            return out
        comments = self._sse.comments
        events = self._sse.feed(self._unnamed(data))
        if self._sse.comments != comments:
            out.append(Ping())
        self._answer.stirred = False
        if not self._events(events, out) and self._sse.fault is not None:
            self._fail(self._sse.fault, out)
        if self._answer.stirred and not out:
            out.append(Ping())  # the input of a provider's own tool grows: nothing to show yet, but it lives
        return out

    def finish(self) -> list[StreamItem]:
        """Take the end of the response.

        Returns:
            The last items.

        Raises:
            TruncatedStreamError: The terminal marker has not come.
            RxllmError: A fault, of an earlier read or of the last event.
        """
        if self.fault is not None:
            raise self.fault
        out: list[StreamItem] = []
        if self._done:
            return out
        # One that is not whole was cut in the middle, and what it would have become is not known.
        self._events([event for event in self._sse.finish() if _is_whole(event.data)], out)
        if self.fault is None and not self._done:
            self._fail(self._why_no_end(), out)
        if self.fault is not None:
            self.rest = out
            raise self.fault
        return out

    def _unnamed(self, data: bytes) -> bytes:
        """Take out the lines that name the commonest event: a read that is all data is cut into events at C speed."""
        if self._at_line_start and data.startswith(_NAME_LINE):
            data = data[len(_NAME_LINE) :]
        if data:
            self._at_line_start = data.endswith(b"\n")
        return data.replace(b"\n" + _NAME_LINE, b"\n")

    def _events(self, events: Iterable[sse.Event], out: list[StreamItem]) -> bool:
        """Take events, and tell whether the last has come."""
        return any(self._payload(event.data, out, event.event) for event in events)

    def _payload(self, payload: bytes, out: list[StreamItem], name: str | None) -> bool:
        """Take an event's data, and tell whether it was the last."""
        if name == _COMMONEST:
            name = None  # as it is where the line that said it was taken out
        try:
            event = decode_event(payload)
        except REFUSED:
            try:
                event = read_event(payload)
            except ValueError as error:
                return self._refused(payload, out, name, str(error))
        if event.type == _COMMONEST and event.delta is not None and self._answer.take(event.index, event.delta, out):
            return False
        try:
            return self._rarer(event, payload, out, name)
        except ValueError as error:
            return self._fail(_malformed(f"An event of type {event.type!r} cannot be read ({error})", payload), out)

    def _rarer(self, event: Event, payload: bytes, out: list[StreamItem], name: str | None) -> bool:
        """Take what comes once a block or once a message."""
        kind = event.type
        if kind == "content_block_stop":
            self._answer.close(event.index, out)
            return False
        if kind == "message_stop":
            self._done = True
            self._answer.end(out)
            return True
        if kind == "ping":
            out.append(Ping())
            return False
        value = read_json(payload)
        if kind not in _KNOWN:
            return self._unknown(value, out, name)
        fields = cast("dict[str, Any]", value)
        if kind == _COMMONEST:  # of a kind that is rare or unknown, or not what its block is made of
            delta = fields.get("delta")
            if not (
                isinstance(delta, dict) and self._answer.take_rarer(event.index, cast("dict[str, Any]", delta), out)
            ):
                out.append(ProviderEvent(kind, fields))
        elif kind == "message_start":
            message = fields.get("message")
            if not isinstance(message, dict):
                raise ValueError("message is no object")
            self._answer.start(cast("dict[str, Any]", message), out)
        elif kind == "content_block_start":
            self._answer.open(event.index, fields.get("content_block"), out)
        else:
            self._answer.change(fields, out)
        return False

    def _refused(self, payload: bytes, out: list[StreamItem], name: str | None, why: str) -> bool:
        """Take what is no event: other JSON, text with an event's name, or nonsense."""
        payload = payload.strip()
        if not payload or (name == "ping" and not payload.startswith(b"{")):
            out.append(Ping())
            return False
        try:
            value = read_json(payload)
        except ValueError:
            value = payload.decode("utf-8", "replace")
            if name in {None, "message"} | _KNOWN and value != "[DONE]":  # which OpenRouter adds, and others may
                return self._fail(_malformed(f"An event's data is not JSON ({why})", payload), out)
        kind = cast("dict[str, Any]", value).get("type") if isinstance(value, dict) else None
        if isinstance(kind, str) and kind in _KNOWN:
            return self._fail(_malformed(f"An event has a field of the wrong type ({why})", payload), out)
        return self._unknown(value, out, name)

    def _unknown(self, value: Any, out: list[StreamItem], name: str | None) -> bool:
        """Take an event that is none of the message's."""
        fields = cast("dict[str, Any]", value) if isinstance(value, dict) else {}
        kind = fields.get("type") or name
        error: Any = error_in(value) if kind in (None, "error") else None  # llama.cpp sends one without a type
        if error is None and "error" in (kind, name):
            error = cast("Any", value)
        if error is not None:
            fault = fault_of(error)
            request_id = fields.get("request_id")
            fault.request_id = request_id if isinstance(request_id, str) else None
            return self._fail(fault, out)
        out.append(ProviderEvent(str(kind or "unknown"), value))
        return False

    def _fail(self, fault: RxllmError, out: list[StreamItem]) -> bool:
        self.fault = fault
        self._answer.give_up(out)
        return True

    def _why_no_end(self) -> RxllmError:
        """Say why a response ended without its end: an error page, an unstreamed answer, or simply too early."""
        stray = self._sse.ignored.strip()
        try:
            value = read_json(stray) if stray else None
        except ValueError:
            value = None
        error = error_in(value)
        if error is not None:
            return fault_of(error)
        is_begun = any(line.startswith(stray) for line in (b"event:", b"data:", b"{")) or stray.startswith(b"{")
        if self._answer.started or (value is None and is_begun):
            return TruncatedStreamError(
                "The response ended before `message_stop`, so it is not known to be whole. "
                "What came is kept; try again.",
                format=_FORMAT,
                snippet=_snippet(stray),
            )
        what = "one JSON document" if value is not None else "something else, perhaps a page for people"
        return DecodeError(
            f"The response is not a stream of server-sent events but {what}. "
            "Expected lines of `data: {…}`; check the base URL, and that the server can stream.",
            format=_FORMAT,
            snippet=_snippet(stray),
        )


def _is_whole(payload: bytes) -> bool:
    """Tell whether the data of an event that nothing ended is all of it."""
    try:
        read_json(payload)
    except ValueError:
        return False
    return True


def _malformed(what: str, payload: bytes) -> DecodeError:
    return DecodeError(
        f"{what}. Expected an event of Anthropic Messages; the error's `snippet` has its beginning.",
        format=_FORMAT,
        snippet=_snippet(payload),
    )


def _snippet(payload: bytes) -> str:
    return payload[:200].decode("utf-8", "replace")
