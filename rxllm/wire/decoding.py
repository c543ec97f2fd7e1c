"""The frame of every `Decoder`: how bytes are taken, how a fault waits for its turn, how a response may end.

What the bytes say is the format's own affair. That nothing is lost before a fault, that the end must have been said,
and how an error page is told from a cut stream, is the same for all.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Any, ClassVar, Final, Generic, Protocol, TypeVar

from rxllm.errors import DecodeError, RxllmError, TruncatedStreamError
from rxllm.items import Ping, StreamItem
from rxllm.wire import sse
from rxllm.wire.faults import error_in, fault_of
from rxllm.wire.loose_json import read_json

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["Decoding", "EventDecoding", "is_whole"]

_SNIPPET: Final = 200
_FIELDS: Final = (b"data", b"event", b"id", b"retry")


class Ongoing(Protocol):
    """What an answer so far must know."""

    started: bool

    def give_up(self, out: list[StreamItem], /) -> None:
        """End what waits for its other half, which will not come."""
        ...


AnswerT = TypeVar("AnswerT", bound=Ongoing)


class Decoding(ABC, Generic[AnswerT]):
    """Turn the bytes of one response into items.

    Attributes:
        fault: What the next `feed` or `finish` raises; whatever came before it has been returned.
        rest: The items of a last event that nothing ended, where `finish` raises and so cannot return them.

    Args:
        answer: Where the format keeps what came so far.
    """

    FORMAT: ClassVar[str]
    """The format's name, as in `find_wire`."""
    EXPECTED: ClassVar[str]
    """What a payload should have been, for the message that says that it was not."""
    END: ClassVar[str]
    """The terminal marker, for the message that says that it has not come."""
    ADVICE: ClassVar[str] = ""
    """What else to try where it has not come."""

    def __init__(self, answer: AnswerT) -> None:
        self.fault: RxllmError | None = None
        self.rest: list[StreamItem] = []
        self._answer = answer
        self._done = False

    def feed(self, data: bytes) -> list[StreamItem]:
        """Take the next bytes of the response; what follows its end is not looked at.

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
        if not self._done:
            self._take(data, out)
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
        if not self._done:
            self._take_end(out)
            if self.fault is not None:
                self.rest = out
                raise self.fault
        return out

    @abstractmethod
    def _take(self, data: bytes, out: list[StreamItem]) -> None:
        """Take bytes, the next."""

    @abstractmethod
    def _take_end(self, out: list[StreamItem]) -> None:
        """Take what nothing ended, and fail unless the end has been said."""

    def _fail(self, fault: RxllmError, out: list[StreamItem]) -> bool:
        """Keep a fault for the next call; True, as after the last event."""
        self.fault = fault
        self._answer.give_up(out)
        return True

    def _malformed(self, what: str, payload: bytes) -> DecodeError:
        return DecodeError(
            f"{what}. Expected {self.EXPECTED}; the error's `snippet` has its beginning.",
            format=self.FORMAT,
            snippet=_snippet(payload),
        )

    def _truncated(self, stray: bytes) -> TruncatedStreamError:
        return TruncatedStreamError(
            f"The response ended before {self.END}, so it is not known to be whole. "
            f"What came is kept; try again{self.ADVICE}.",
            format=self.FORMAT,
            snippet=_snippet(stray),
        )


class EventDecoding(Decoding[AnswerT]):
    """The frame of the formats that come in server-sent events."""

    def __init__(self, answer: AnswerT) -> None:
        super().__init__(answer)
        self._sse = sse.Decoder()

    @abstractmethod
    def _payload(self, payload: bytes, out: list[StreamItem], name: str | None, /) -> bool:
        """Take an event's data, and tell whether it was the last."""

    def _error_in(self, value: Any) -> RxllmError | None:
        """Make an exception of a JSON document that stands where a stream was expected, if it tells of an error."""
        error = error_in(value)
        return None if error is None else fault_of(error)

    def _take(self, data: bytes, out: list[StreamItem]) -> None:
        self._events(self._sse.feed, data, out)

    def _events(self, read: Callable[[bytes], list[sse.Event]], data: bytes, out: list[StreamItem]) -> bool:
        """Take bytes as events, and tell whether the last has come."""
        comments = self._sse.comments
        events = read(data)
        if self._sse.comments != comments:
            out.append(Ping())
        if any(self._payload(event.data, out, event.event) for event in events):
            return True
        return self._sse.fault is not None and self._fail(self._sse.fault, out)

    def _take_end(self, out: list[StreamItem]) -> None:
        for event in self._sse.finish():
            if is_whole(event.data):  # else it was cut in the middle, and what it would have become is not known
                self._payload(event.data, out, event.event)
        if self.fault is None and not self._done:
            self._end_unsaid(out)

    def _end_unsaid(self, out: list[StreamItem]) -> None:
        """Take a clean end of the bytes, which is no end of the response."""
        self._fail(self._why_no_end(), out)

    def _why_no_end(self) -> RxllmError:
        """Say why a response ended without its end: an error page, an unstreamed answer, or simply too early."""
        stray = self._sse.ignored.strip()
        try:
            value = read_json(stray) if stray else None
        except ValueError:
            value = None
        return self._error_in(value) or self._no_stream(stray, is_json=value is not None)

    def _no_stream(self, stray: bytes, *, is_json: bool) -> DecodeError:
        """Tell a stream that was cut, perhaps in its first word, from what never was one."""
        is_begun = stray.startswith((b"{", b"[")) or any(field.startswith(stray) for field in _FIELDS)
        if self._answer.started or (is_begun and not is_json):
            return self._truncated(stray)
        what = "one JSON document" if is_json else "something else, perhaps a page for people"
        return DecodeError(
            f"The response is not a stream of server-sent events but {what}. "
            "Expected lines of `data: {…}`; check the base URL, and that the server can stream.",
            format=self.FORMAT,
            snippet=_snippet(stray),
        )


def is_whole(payload: bytes) -> bool:
    """Tell whether a payload that nothing ended is all of it.

    >>> is_whole(b'{"a": 1}'), is_whole(b'{"a": '), is_whole(b"[DONE]")
    (True, False, True)

    Args:
        payload: The data of the last event, or the last line.

    Returns:
        False for what was cut in the middle.
    """
    try:
        read_json(payload)
    except ValueError:
        return payload.strip() == b"[DONE]"
    return True


def _snippet(payload: bytes) -> str:
    return payload[:_SNIPPET].decode("utf-8", "replace")
