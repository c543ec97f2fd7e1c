"""OpenAI Responses, and what llama.cpp, Azure, xAI, OpenRouter, LM Studio and others call compatible with it.

The events name themselves in the JSON too, and only that name is believed where it is there. Ids are not believed
where there is an index: a proxy changes them with each event.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, TypeAlias, cast

from rxllm.items import Media, Ping, ProviderEvent
from rxllm.wire.decoding import EventDecoding
from rxllm.wire.faults import error_in
from rxllm.wire.loose_json import REFUSED, read_json
from rxllm.wire.responses_answer import NAME, Answer
from rxllm.wire.responses_event import DELTAS, WHOLES, Event, Place, decode_event, failure, read_event
from rxllm.wire.responses_request import encode

if TYPE_CHECKING:
    from rxllm.errors import RxllmError
    from rxllm.items import StreamItem

__all__ = ["PATH", "Decoder", "encode"]

PATH: Final = "/responses"
"""What is added to a provider's base URL."""

Json: TypeAlias = "dict[str, Any]"
_BEGINNINGS: Final = frozenset({"response.created", "response.queued", "response.in_progress"})
_ENDS: Final = {
    "response.completed": "completed",
    "response.incomplete": "incomplete",
    "response.failed": "failed",
    "response.cancelled": "cancelled",
    "response.done": "completed",
}
_ITEMS: Final = frozenset({"response.output_item.added", "response.output_item.done"})
_PARTS: Final = frozenset(
    {"response.content_part.added", "response.content_part.done"}
    | {"response.reasoning_summary_part.added", "response.reasoning_summary_part.done"}
)
_CITED: Final = "response.output_text.annotation.added"
_KNOWN: Final = _BEGINNINGS | _ENDS.keys() | _ITEMS | _PARTS | DELTAS.keys() | WHOLES.keys() | {_CITED}
_PLACES: Final = {place.field: place for place in DELTAS.values() if place.item in {"message", "reasoning"}}


class Decoder(EventDecoding[Answer]):
    r"""Turn the bytes of one response into items.

    >>> decoder = Decoder()
    >>> decoder.feed(b'data: {"type": "response.created", "response": {"id": "1"}}\n\n')
    [Started(id='1')]
    >>> decoder.feed(b'data: {"type": "response.output_text.delta", "output_index": 0, "delta": "Hi"}\n\n')
    [TextDelta(text='Hi')]
    """

    FORMAT = NAME
    EXPECTED = "an event of OpenAI Responses"
    END = "`response.completed`"

    def __init__(self) -> None:
        super().__init__(Answer())

    def _error_in(self, value: Any) -> RxllmError | None:
        error = error_in(value)
        return None if error is None else failure(error)

    def _payload(self, payload: bytes, out: list[StreamItem], name: str | None) -> bool:
        """Take an event's data, and tell whether it was the last."""
        try:
            event = decode_event(payload)
        except REFUSED:
            try:
                event = read_event(payload)
            except ValueError as error:
                return self._refused(payload, out, name, str(error))
        kind = event.type or name or ""
        place = DELTAS.get(kind)
        if place is not None and type(event.delta) is str and self._answer.say(place, event, out):
            return False
        try:
            return self._rarer(kind, event, cast("Json", read_json(payload)), out)
        except (ValueError, RecursionError) as error:
            return self._fail(self._malformed(f"An event of type {kind!r} cannot be read ({error})", payload), out)

    def _rarer(self, kind: str, event: Event, fields: Json, out: list[StreamItem]) -> bool:
        """Take what comes once an item or once a response."""
        if kind in _ENDS:
            return self._end(kind, fields, out)
        if kind in _BEGINNINGS:
            if not self._answer.start(_object(fields, "response"), out):
                out.append(Ping())
        elif kind == "keepalive":
            out.append(Ping())
        elif kind not in _KNOWN:
            return self._unknown(kind, fields, out)
        elif not self._content(kind, event, fields, out):
            out.append(ProviderEvent(kind, fields))
        return False

    def _content(self, kind: str, event: Event, fields: Json, out: list[StreamItem]) -> bool:
        """Take what an item consists of, and tell whether all that it says has been told."""
        answer = self._answer
        if kind == "response.output_item.added":
            return answer.announce(event, _object(fields, "item"), out)
        if kind == "response.output_item.done":
            answer.close(event, _object(fields, "item"), out)
        elif kind in _PARTS:
            return self._part(kind, event, _object(fields, "part"), out)
        elif kind in WHOLES:
            return answer.complete(WHOLES[kind], event, fields.get(_text_field(WHOLES[kind])), out)
        elif kind == _CITED:
            answer.cite(event, fields.get("annotation"), out)
        elif type(event.delta) is not str:
            raise ValueError("delta is no text")
        else:
            return False
        return True

    def _part(self, kind: str, event: Event, part: Json, out: list[StreamItem]) -> bool:
        place = _PLACES.get(str(part.get("type")))
        if place is None:
            self._answer.strange_part(event, str(part.get("type")))
            return False
        if kind.endswith("done"):
            return self._answer.complete(place, event, part.get(_text_field(place)), out)
        self._answer.begin_part(place, event, out)
        return True

    def _end(self, kind: str, fields: Json, out: list[StreamItem]) -> bool:
        response = _object(fields, "response")
        status = response.get("status")
        if status not in _ENDS.values():
            status = _ENDS[kind]
        self._answer.start(response, out)
        if status == "failed":
            return self._fail(failure(response.get("error")), out)
        self._done = True
        self._answer.end(str(status), fields, out)
        return True

    def _refused(self, payload: bytes, out: list[StreamItem], name: str | None, why: str) -> bool:
        """Take what is no event: other JSON, text with an event's name, or nonsense."""
        payload = payload.strip()
        if not payload:
            out.append(Ping())
            return False
        if payload == b"[DONE]":  # a few add it after the end; alone it tells of no end
            return self._fail(self._truncated(b""), out)
        try:
            value = read_json(payload)
        except ValueError:
            value = payload.decode("utf-8", "replace")
            if name in {None, "message"} | _KNOWN:
                return self._fail(self._malformed(f"An event's data is not JSON ({why})", payload), out)
        kind: Any = cast("Json", value).get("type") if isinstance(value, dict) else None
        kind = kind if isinstance(kind, str) and kind else name
        if kind in _KNOWN:
            return self._fail(self._malformed(f"An event has a field of the wrong type ({why})", payload), out)
        return self._unknown(kind or "", value, out)

    def _unknown(self, kind: str, value: Any, out: list[StreamItem]) -> bool:
        """Take an event that none of the above is for."""
        error: Any = error_in(value) if kind in ("", "error", "message") else None  # llama.cpp sends one without a type
        if error is None and kind == "error":
            error = value
        if error is not None:
            return self._fail(failure(error), out)
        fields = cast("Json", value) if isinstance(value, dict) else {}
        delta = fields.get("delta")
        if kind == "response.audio.delta" and isinstance(delta, str):
            out.append(Media("audio/pcm", delta))
        else:
            out.append(ProviderEvent(kind or "unknown", value))
        return False


def _object(fields: Json, name: str) -> Json:
    value = fields.get(name)
    if not isinstance(value, dict):
        raise ValueError(f"{name} is no object")  # noqa: TRY004 - what came is wrong, not what was called
    return cast("Json", value)


def _text_field(place: Place) -> str:
    """Give the name of the field that a whole text stands in."""
    return "text" if place.field.endswith("_text") else place.field
