"""The desk of a `typewriter`: what waits to be typed, cut into pieces, and how fast it must go."""

from __future__ import annotations

import importlib
import math
import re
from collections import deque
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from rxllm.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["Desk", "cutting"]

_FRAME: Final = 1 / 60  # seconds: no screen shows more, so what is due within one leaves together
_MEMORY: Final = 4  # the arrival rate is that of the last so many `max_lag`s
_ALONE: Final = r"\p{Han}\p{Hiragana}\p{Katakana}\p{Thai}\p{Lao}\p{Khmer}\p{Myanmar}"  # scripts without spaces
_NEEDS_REGEX: Final = {
    "grapheme": r"\X",
    "word": rf"\s*(?:(?=[{_ALONE}])\X|(?:(?![{_ALONE}\s])\X)+)",
}
_SLACK: Final = 1e-5  # seconds that a timer may be early
_ROUNDING: Final = 0.01  # characters
_LONGEST: Final = 1000  # characters of a piece
_Cut: TypeAlias = "Callable[[str], list[int]]"


def cutting(chunk: str | re.Pattern[str]) -> _Cut:
    """Give a function that tells where the whole pieces of a text end, and at last the text itself."""
    if isinstance(chunk, str) and chunk in _NEEDS_REGEX:
        try:
            regex: Any = importlib.import_module("regex")
        except ImportError as error:
            raise ConfigurationError(
                f'typewriter({chunk!r}) needs the package regex: pip install "rxllm[text]"; or choose "line".'
            ) from error
        pattern: Any = regex.compile(_NEEDS_REGEX[chunk])
    else:
        try:
            pattern = chunk if hasattr(chunk, "finditer") else re.compile(r"[^\n]*\n?" if chunk == "line" else chunk)
            pattern.match("")  # which one of bytes cannot
        except (re.error, TypeError) as error:
            raise ConfigurationError(
                f'typewriter takes "grapheme", "word", "line" or a regular expression, not {chunk!r}: {error}.'
            ) from error
    return lambda text: [match.end() for match in pattern.finditer(text) if match.end() > match.start()]


class Desk:
    """What waits to be typed, and how fast that must go.

    Rule 1: what came first is due first, `lag` after it came, and the pace is such that nothing is late.
    Rule 2: the pace is not slower than the text arrives, so that a steady stream hardly lags.
    """

    def __init__(self, cut: _Cut, lag: float) -> None:
        self._cut = cut
        self._lag = lag
        self._memory = _MEMORY * lag
        self._fresh: list[str] = []  # not looked at yet; that is done once a frame, not once a token
        self._pieces: deque[str] = deque()
        self._tail = ""  # the last piece, which may go on
        self._reads: deque[tuple[float, int]] = deque()  # when what came within one frame is due, and where it ends
        self._arrived = self._typed = 0  # characters
        self._rate = self._mass = 0.0  # at which they arrive; those that came of late
        self._newest = self._first = 0.0  # when the last frame's arrived, and the first of all
        self._counted = 0  # characters that are in the mass
        self._pace = 1.0
        self._earned = 0.0  # characters, since something was typed
        self._looked = -math.inf

    @property
    def starving(self) -> bool:
        """Whether there is no whole piece, so that the next arrival may bring one."""
        return not self._pieces

    def put(self, text: str, now: float) -> None:
        """Take what has arrived."""
        self._fresh.append(text)
        reads = self._reads
        if reads and now < self._newest + _FRAME:
            due = reads.pop()[0]
        else:
            self._measure(now)
            due = now + self._lag
        self._arrived += len(text)
        reads.append((due, self._arrived))

    def _measure(self, now: float) -> None:
        """Tell the rate of arrival from the frames before this one, the older counting less."""
        if not self._arrived:
            self._first = self._newest = now
        came, self._counted = self._arrived - self._counted, self._arrived
        self._mass = (self._mass + came) * math.exp((self._newest - now) / self._memory)
        self._newest = now
        seconds = self._memory * -math.expm1((self._first - now) / self._memory)
        self._rate = self._mass / seconds if seconds else 0.0

    def frame_left(self, now: float) -> float:
        """Tell the seconds until it is worth looking again."""
        return max(self._looked + _FRAME - now, 0.0)

    def take(self, now: float) -> str:
        """Give what is to be typed now."""
        starved = not self._pieces
        self._look()
        self._earned += self._pace * (now - self._looked)
        self._looked = now
        if starved and self._pieces:  # what was earned while there was nothing must not make a burst
            self._earned = min(self._earned, len(self._pieces[0]))
        late = self._late(now)
        typed: list[str] = []
        while self._pieces and (self._typed < late or len(self._pieces[0]) <= self._earned + _ROUNDING):
            self._type(self._pieces.popleft(), typed)
        if self._typed < late:
            self._type(self._tail, typed)
            self._tail = ""
        while self._reads and self._reads[0][1] <= self._typed:
            self._reads.popleft()
        self._pace = max([self._rate, *[(end - self._typed) / max(due - now, _FRAME) for due, end in self._reads]])
        return "".join(typed)

    def _look(self) -> None:
        """Cut what has arrived, not more than `_LONGEST` at once: a search that finds nothing may be quadratic."""
        text = self._tail + "".join(self._fresh)
        self._fresh.clear()
        start = 0
        while True:
            window = text[start : start + _LONGEST]
            before = 0
            for end in self._cut(window):
                if end < len(window):
                    self._pieces.append(window[before:end])
                    before = end
            if start + len(window) == len(text):
                self._tail = window[before:]
                return
            if not before:
                self._pieces.append(window)
                before = len(window)
            start += before

    def _late(self, now: float) -> int:
        """Tell up to where everything is due."""
        return max([end for due, end in self._reads if due <= now + _SLACK], default=0)

    def _type(self, piece: str, typed: list[str]) -> None:
        typed.append(piece)
        self._typed += len(piece)
        self._earned = max(self._earned - len(piece), 0.0)

    def pause(self, now: float) -> float | None:
        """Tell the seconds until `take` has something to give; None while nothing is held."""
        if not self._reads:
            return None
        rest = max(self._reads[0][0] - now, 0.0)
        if not self._pieces:
            return rest
        return min(max((len(self._pieces[0]) - self._earned) / self._pace, _FRAME), rest)

    def clear(self) -> str:
        """Give all that is held."""
        held = "".join([*self._pieces, self._tail, *self._fresh])
        self._pieces.clear()
        self._fresh.clear()
        self._reads.clear()
        self._tail = ""
        self._typed = self._arrived
        return held
