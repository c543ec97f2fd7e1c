"""One of several origins that are at work for one stream: `Entrant`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rxllm.limits import has_content

if TYPE_CHECKING:
    from rxllm.attempts.attempts import Attempts
    from rxllm.items import StreamItem
    from rxllm.origin import Origin

__all__ = ["Entrant"]


class Entrant:
    """One origin at work: what it says before its first content is kept back, in case it never gets there.

    Args:
        origin: What is at work.
        attempts: Who is told.
        index: Which one it is.
    """

    def __init__(self, origin: Origin, attempts: Attempts, index: int) -> None:
        self.origin = origin
        self.index = index
        self.speaking = False
        self.closed = False
        self.prelude: list[StreamItem] = []
        self._attempts = attempts
        self._limits = attempts.limits(index, self._expire)

    @property
    def first_item_at(self) -> float | None:
        """When its first item came, also one that is kept back."""
        within = getattr(self.origin, "first_item_at", None)
        if within is not None or self._limits.first_item is None:
            return within
        return self._limits.since + self._limits.first_item

    # ---- what is asked of it

    def start(self) -> None:
        """Begin, with its own clock."""
        self._limits.begin()
        self.origin.start(self)

    def pause(self) -> None:
        """Stop reading; its clock stands still."""
        self._limits.pause()
        self.origin.pause()

    def resume(self) -> None:
        """Go on reading."""
        self._limits.resume()
        self.origin.resume()

    def close(self) -> None:
        """Begin closing; nothing is heard any more."""
        if not self.closed:
            self._end()
            self.origin.close()

    def speak(self) -> None:
        """Be heard from now on, with what was kept back."""
        self.speaking = True
        kept, self.prelude = self.prelude, []
        self._attempts.inlet.push(kept)

    # ---- from the origin

    def push(self, items: list[StreamItem]) -> None:
        """Hand on what comes, once there is content."""
        if self.closed or not items:
            return
        if self._limits.watchful:
            self._limits.note(items)
        if self.speaking:
            self._attempts.inlet.push(items)
            return
        self.prelude += items
        if has_content(items):
            self._attempts.hear(self)

    def complete(self) -> None:
        """End the stream, or let the others decide where there was not a word."""
        if self.closed:
            return
        self._end()
        if self.speaking:
            self._attempts.inlet.complete()
        else:
            self._attempts.ended_silent(self)

    def fail(self, error: Exception) -> None:
        """Let the others decide what follows."""
        if not self.closed:
            self._end()
            self._attempts.failed(self, error)

    def _expire(self, error: Exception) -> None:
        self.origin.close()
        self.fail(error)

    def _end(self) -> None:
        self.closed = True
        self._limits.stop()
