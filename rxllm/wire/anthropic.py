"""Anthropic Messages, and what llama.cpp, OpenRouter, vLLM and others call compatible with it.

The events name themselves in the JSON too, and only that name is believed: proxies lose the `event:` lines.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, cast

from rxllm.items import Ping, ProviderEvent
from rxllm.wire.anthropic_answer import Answer
from rxllm.wire.anthropic_event import Event, decode_event, read_event
from rxllm.wire.anthropic_request import encode
from rxllm.wire.decoding import EventDecoding
from rxllm.wire.faults import error_in, fault_of
from rxllm.wire.loose_json import REFUSED, read_json

if TYPE_CHECKING:
    from rxllm.items import StreamItem

__all__ = ["PATH", "Decoder", "encode"]

PATH: Final = "/messages"
"""What is added to a provider's base URL."""

_KNOWN: Final = frozenset(
    {"message_start", "content_block_start", "content_block_delta", "content_block_stop", "message_delta"}
    | {"message_stop"}
)
_COMMONEST: Final = "content_block_delta"
_NAME_LINE: Final = b"event: content_block_delta\n"


class Decoder(EventDecoding[Answer]):
    r"""Turn the bytes of one response into items.

    >>> decoder = Decoder()
    >>> decoder.feed(b'data: {"type": "message_start", "message": {"id": "1"}}\n\n')
    [Started(id='1')]
    >>> decoder.feed(b'data: {"type": "content_block_delta", "delta": {"type": "text_delta", "text": "Hi"}}\n\n')
    [TextDelta(text='Hi')]
    """

    FORMAT = "anthropic"
    EXPECTED = "an event of Anthropic Messages"
    END = "`message_stop`"

    def __init__(self) -> None:
        super().__init__(Answer())
        self._at_event_start = True

    def _take(self, data: bytes, out: list[StreamItem]) -> None:
        self._answer.stirred = False
        super()._take(self._unnamed(data), out)
        if self._answer.stirred and not out:
            out.append(Ping())  # the input of a provider's own tool grows: nothing to show yet, but it lives

    def _unnamed(self, data: bytes) -> bytes:
        """Take out the lines that name the commonest event: a read that is all data is cut into events at C speed."""
        if self._at_event_start and data.startswith(_NAME_LINE):
            data = data[len(_NAME_LINE) :]
        if data:
            self._at_event_start = data.endswith(b"\n\n")
        return data.replace(b"\n\n" + _NAME_LINE, b"\n\n")  # behind another name it is the one that stands

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
            return self._fail(
                self._malformed(f"An event of type {event.type!r} cannot be read ({error})", payload), out
            )

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
                return self._fail(self._malformed(f"An event's data is not JSON ({why})", payload), out)
        kind = cast("dict[str, Any]", value).get("type") if isinstance(value, dict) else None
        if isinstance(kind, str) and kind in _KNOWN:
            return self._fail(self._malformed(f"An event has a field of the wrong type ({why})", payload), out)
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
