"""`measure`: how fast it comes."""

from __future__ import annotations

import math
from array import array
from typing import TYPE_CHECKING, Any, Final

import msgspec

from rxllm.errors import ConfigurationError
from rxllm.items import Finish, Ping, Rollback, Stamped, StreamItem, TextDelta, ToolCallDelta
from rxllm.kinds import BEGINNINGS
from rxllm.observable import Operator, Sink, clock_of
from rxllm.operators._ending import Exit, lift_ending
from rxllm.operators._numbers import check_seconds
from rxllm.operators._tokens import DELTAS, TokenCount, encoder_of

if TYPE_CHECKING:
    from reactivex import abc

__all__ = ["Metrics", "measure"]

_SHORTEST: Final = 1e-4  # seconds; below that gaps are not told apart
_STEPS: Final = 4  # buckets from one gap to its double: each is within 9 % of its middle
_BUCKETS: Final = 96  # up to about 28 minutes
_OFFSET: Final = 1 - math.log2(_SHORTEST) * _STEPS
_NOW: Final = 1.0  # seconds that "now" looks back, with the older counting less


class Metrics(msgspec.Struct, frozen=True):
    """What was measured so far; times in seconds, rates in tokens a second, None where there is nothing to tell yet.

    `items` are all, `tokens` and `chars` those of the living attempt. Gaps are the times between two deltas.
    """

    elapsed: float
    items: int
    tokens: int
    chars: int
    stalls: int
    first_item: float | None
    first_content: float | None
    last_content: float | None
    gap_max: float | None
    _gaps: array[int]
    _recent: float  # tokens up to the last content, each the less the longer ago it came

    @property
    def tokens_per_second(self) -> float | None:
        """Tokens a second from the first content to the last."""
        seconds = self._generating(self.last_content)
        return (self.tokens - 1) / seconds if seconds else None

    @property
    def tokens_per_second_now(self) -> float | None:
        """Tokens a second in about the last second; it falls while nothing comes."""
        seconds = self._generating(self.elapsed)
        if not seconds or self.last_content is None:
            return None
        recent = self._recent * math.exp((self.last_content - self.elapsed) / _NOW)
        return recent / (_NOW * -math.expm1(-seconds / _NOW))  # a second that is not over yet counts for less

    def _generating(self, until: float | None) -> float | None:
        return None if until is None or self.first_content is None else until - self.first_content

    @property
    def gap_p50(self) -> float | None:
        """The gap that half of all gaps do not exceed, to within a tenth."""
        return self._gap_at(0.5)

    @property
    def gap_p95(self) -> float | None:
        """The gap that 95 % of all gaps do not exceed, to within a tenth."""
        return self._gap_at(0.95)

    def _gap_at(self, share: float) -> float | None:
        wanted = share * sum(self._gaps)
        for bucket, count in enumerate(self._gaps):
            wanted -= count
            if count and wanted <= 0:
                middle = _SHORTEST * 2 ** ((bucket - 0.5) / _STEPS) if bucket else 0.0
                return min(middle, self.gap_max or 0.0)
        return None

    def __repr__(self) -> str:
        rate = self.tokens_per_second
        shown = "" if rate is None else f", tokens_per_second={rate:.1f}"
        return f"Metrics(elapsed={self.elapsed:.3f}, items={self.items}, tokens={self.tokens}{shown})"


def measure(*, stall: float = 2.0, encoder: Any = None) -> Operator:
    """Give the `Metrics` so far with each item, in constant time and memory.

    Unlike `rx.timestamp` or `rx.time_interval`, which leave the arithmetic to you, it keeps a histogram and no list.
    Times count from the subscription; behind `stream.stamped()` they are the stream's own, from the request. For a late
    subscriber what came before is few large deltas, each with the time of its last part: gaps within them are not
    seen, and the time to the first content is told by the `Finish`.

    >>> from reactivex import operators as rx
    >>> from rxllm.testing import play
    >>> told = rx.map(lambda m: (m.first_content, m.chars, m.gap_max))
    >>> play(lambda s: s.pipe(measure(), rx.last(), told), "--a-b---c|")
    '---------({(2.0, 3, 4.0)}|)'

    Args:
        stall: Seconds; a longer gap is counted as a stall.
        encoder: A tokenizer, or its function from text to tokens; without it a delta counts as one token, until the
            provider tells its own count.

    Returns:
        An operator from stream items, or `Stamped` ones, to `Metrics`. An exception of `encoder` goes to this pipe's
        `on_error`.

    Raises:
        ConfigurationError: `stall` is not positive, `encoder` is none, or nothing gives a clock: subscribe with
            `scheduler=`, or to a stream of ours.
    """
    check_seconds("measure(stall=)", stall)
    encode = encoder_of(encoder)

    def connect(down: Sink, scheduler: abc.SchedulerBase | None, way_out: Exit) -> Sink:
        if scheduler is None:
            raise ConfigurationError("measure needs a clock: subscribe with scheduler=…, or to a stream of rxllm.")
        emit = down.on_next
        clock = clock_of(scheduler)
        began = clock()
        meter = _Meter(stall, TokenCount(encode))
        note = meter.note

        def on_next(item: StreamItem | Stamped) -> None:
            if way_out.taken:
                return
            try:
                metrics = meter.note_stamped(item) if isinstance(item, Stamped) else note(item, clock() - began)
            except Exception as error:  # noqa: BLE001 - a user's encoder may raise anything
                way_out.fail(error)
                return
            emit(metrics)

        return Sink(on_next, way_out.fail, way_out.complete)

    return lift_ending(connect)


class _Meter:
    """The figures of one subscription, on their way."""

    __slots__ = (
        "_at_start",
        "_chars",
        "_count",
        "_first_content",
        "_first_item",
        "_gap_max",
        "_gaps",
        "_items",
        "_last_content",
        "_recent",
        "_stall",
        "_stalls",
    )

    def __init__(self, stall: float, count: TokenCount) -> None:
        self._stall = stall
        self._count = count
        self._gaps = array("L", bytes(array("L").itemsize * _BUCKETS))
        self._first_item: float | None = None
        self._first_content: float | None = None
        self._last_content: float | None = None
        self._gap_max: float | None = None
        self._items = self._chars = self._stalls = 0
        self._recent = 0.0
        self._at_start: tuple[int, float | None] = (0, None)  # chars and first content when the attempt began

    def note_stamped(self, stamped: Stamped) -> Metrics:
        """Believe the stream's own first times: a late subscriber's first delta bears the time of its last part."""
        item = stamped.item
        if type(item) is Finish and item.timing is not None:
            self._first_item = item.timing.first_item
            self._first_content = item.timing.first_content
        return self.note(item, stamped.at)

    def note(self, item: StreamItem, now: float) -> Metrics:
        self._items += 1
        if self._first_item is None and type(item) is not Ping:
            self._first_item = now
        before = self._count.output
        self._count.add(item)
        if type(item) is TextDelta:
            self._chars += len(item.text)
            self._content(self._count.output - before, now)
        elif isinstance(item, DELTAS):
            self._chars += len(item.arguments if isinstance(item, ToolCallDelta) else item.text)
            self._content(self._count.output - before, now)
        elif type(item) in BEGINNINGS:
            self._at_start = (self._chars, self._first_content)
        elif type(item) is Rollback:
            self._chars, self._first_content = self._at_start
            self._last_content, self._recent = None, 0.0
        return Metrics(
            now,
            self._items,
            self._count.output,
            self._chars,
            self._stalls,
            self._first_item,
            self._first_content,
            self._last_content,
            self._gap_max,
            self._gaps[:],
            self._recent,
        )

    def _content(self, tokens: int, now: float) -> None:
        last, self._last_content = self._last_content, now
        if self._first_content is None:
            self._first_content = now
        if last is None:
            return
        gap = now - last
        if gap > (self._gap_max or 0.0):
            self._gap_max = gap
        if gap > self._stall:
            self._stalls += 1
        self._recent = self._recent * math.exp(-gap / _NOW) + tokens
        bucket = 0 if gap <= _SHORTEST else int(math.log2(gap) * _STEPS + _OFFSET)
        self._gaps[bucket if bucket < _BUCKETS else -1] += 1
