"""OpenAI Chat Completions, and what a hundred servers call compatible with it.

One chunk may carry anything, so each field is asked whether it is there, and no order is relied upon. What most chunks
are, a piece of text and nothing else, has a type of its own that nothing else fits; `skeleton` spares even the parsing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, cast

from msgspec import UNSET

from rxllm.items import Ping, ProviderEvent, ReasoningDelta, TextDelta
from rxllm.wire.chat_completions_answer import Answer
from rxllm.wire.chat_completions_chunk import Chunk, decode_chunk, decode_plain, read_chunk
from rxllm.wire.chat_completions_request import encode
from rxllm.wire.decoding import EventDecoding
from rxllm.wire.faults import error_in, fault_of
from rxllm.wire.loose_json import REFUSED, read_json
from rxllm.wire.skeleton import Skeleton, skeleton

if TYPE_CHECKING:
    from rxllm.items import StreamItem

__all__ = ["PATH", "Decoder", "encode"]

PATH: Final = "/chat/completions"
"""What is added to a provider's base URL."""

_TELLING: Final = [name for name in Chunk.__struct_fields__ if name != "choices"]
_LESSONS: Final = 8  # how often a shorter way is tried in vain: some providers pad each chunk differently
_RETRY: Final = 64  # after that, how seldom
_FIELDS: Final = {TextDelta: [b"content"], ReasoningDelta: [b"reasoning_content", b"reasoning"]}


class Decoder(EventDecoding[Answer]):
    r"""Turn the bytes of one response into items.

    >>> decoder = Decoder()
    >>> decoder.feed(b'data: {"id": "1", "choices": [{"delta": {"content": "Hi"}}]}\n\n')
    [Started(id='1'), TextDelta(text='Hi')]

    Args:
        done_marker: Whether `[DONE]` must come; False for a provider known never to send it, where a clean end after
            every choice's `finish_reason` will do.
    """

    FORMAT = "chat_completions"
    EXPECTED = "a chat.completion.chunk"
    END = "`data: [DONE]`"
    ADVICE = ", or, if this provider never sends that marker, use Decoder(done_marker=False)"

    def __init__(self, *, done_marker: bool = True) -> None:
        super().__init__(Answer())
        self._done_marker = done_marker
        self._waiting = self._answer.waiting
        self._skeleton: Skeleton | None = None
        self._lessons = _LESSONS
        self._misses = 0

    def _take(self, data: bytes, out: list[StreamItem]) -> None:
        frames = self._sse.frames(data)
        if frames is None:
            self._events(self._sse.feed, data, out)
        else:
            self._frames(frames, out)

    def _end_unsaid(self, out: list[StreamItem]) -> None:
        if not self._done_marker and self._answer.is_finished():
            self._end(out)
        else:
            super()._end_unsaid(out)

    def _frames(self, frames: bytes, out: list[StreamItem]) -> None:
        """Take whole events; those that differ from an earlier one in their text only are not parsed."""
        if self._skeleton is None and self._lessons:
            first, frames = _parted(frames, _LESSONS)
            if self._strange(first, out) or not frames:
                return
        bones = self._skeleton
        if bones is None or self._waiting:
            self._strange(frames, out)
            return
        strange = 0

        def take_strange(frame: bytes) -> bool:
            nonlocal strange
            strange += frame.count(b"\n\n")
            return self._strange(frame, out) or bool(self._waiting)

        unread = bones.read(frames, out, take_strange)
        if unread and not (self._done or self.fault):  # half a surrogate pair waits for what follows
            self._strange(unread, out)
        if self._skeleton is bones:
            if 2 * strange < len(out):
                self._lessons = _LESSONS
            elif not self._lessons:
                self._skeleton = None  # so that no more time is lost with comparing

    def _strange(self, frames: bytes, out: list[StreamItem]) -> bool:
        """Take whole events by parsing them, and tell whether the last has come."""
        return self._events(self._sse.events, frames, out)

    def _payload(self, payload: bytes, out: list[StreamItem], name: str | None) -> bool:
        """Take an event's data, and tell whether it was the last."""
        before = len(out)
        if self._misses < _LESSONS or not self._misses % _RETRY:
            try:
                choice = decode_plain(payload).choices[0]
            except REFUSED:
                self._misses += 1
            else:
                self._misses = 0
                if choice.index == self._answer.speaking and not self._waiting:  # else there is more to say than text
                    if choice.delta.content:
                        out.append(TextDelta(choice.delta.content, choice.index))
                        self._learn(payload, out[before])
                    return False
        else:
            self._misses += 1
        try:
            chunk = decode_chunk(payload)
        except REFUSED:
            return self._refused(payload, out, name)
        if self._chunk(chunk, payload, out, name):
            return True
        if len(out) == before + 1:
            self._learn(payload, out[before])
        return False

    def _learn(self, payload: bytes, item: StreamItem) -> None:
        """Take the skeleton of a chunk that came to one piece of text."""
        if self._lessons and not self._waiting and isinstance(item, (TextDelta, ReasoningDelta)):
            self._lessons -= 1
            self._skeleton = skeleton(payload, item, _FIELDS[type(item)]) or self._skeleton

    def _refused(self, payload: bytes, out: list[StreamItem], event: str | None) -> bool:
        """Take what msgspec refuses: the marker, a rarity of JSON's, something unknown, or nonsense."""
        payload = payload.strip()
        if payload == b"[DONE]":
            return self._end(out)
        if not payload:
            out.append(Ping())
            return False
        try:
            chunk = read_chunk(payload)
        except ValueError as error:
            return self._no_chunk(payload, out, event, str(error))
        return self._chunk(chunk, payload, out, event)

    def _no_chunk(self, payload: bytes, out: list[StreamItem], event: str | None, why: str) -> bool:
        """Take what is not a chunk: other JSON, text with an event's name, or nonsense."""
        try:
            value = read_json(payload)
        except ValueError:
            if event is None or event == "message":
                return self._fail(self._malformed(f"An event's data is not JSON ({why})", payload), out)
            value = payload.decode("utf-8", "replace")
        if isinstance(value, dict) and "choices" in value:
            return self._fail(self._malformed(f"A chunk has a field of the wrong type ({why})", payload), out)
        return self._unknown(value, out, event)

    def _unknown(self, value: Any, out: list[StreamItem], event: str | None) -> bool:
        """Take an event that is no chunk."""
        error = error_in(value)
        if error is None and event == "error":
            error = value
        if error is not None:
            return self._fail(fault_of(error), out)
        fields = cast("dict[str, Any]", value) if isinstance(value, dict) else {}
        kind = event or fields.get("type") or fields.get("object") or "unknown"
        out.append(ProviderEvent(str(kind), value))
        return False

    def _chunk(self, chunk: Chunk, payload: bytes, out: list[StreamItem], event: str | None) -> bool:
        """Take a chunk, whatever is in it."""
        if chunk.choices is UNSET and all(getattr(chunk, name) is None for name in _TELLING):
            return self._no_chunk(payload, out, event, "it has no choices")
        try:
            error = self._answer.take(chunk, payload, out)
        except ValueError as reason:
            return self._fail(self._malformed(f"A chunk cannot be read ({reason})", payload), out)
        return self._fail(fault_of(error), out) if error else False

    def _end(self, out: list[StreamItem]) -> bool:
        self._done = True
        self._answer.end(out)
        return True


def _parted(frames: bytes, count: int) -> tuple[bytes, bytes]:
    """Part the first frames from the others."""
    end = 0
    for _ in range(count):
        end = frames.find(b"\n\n", end) + 2
        if end < 2:  # noqa: PLR2004 - there are no more
            return frames, b""
    return frames[:end], frames[end:]
