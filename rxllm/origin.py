"""Where a stream's items come from, and where they go: the two sides that `CompletionStream` and its sources share."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from rxllm.items import StreamItem

__all__ = ["Inlet", "Origin"]


class Inlet(Protocol):
    """Where an origin puts what it reads; called on the stream's own thread."""

    def push(self, items: list[StreamItem]) -> None:
        """Take what one read brought."""
        ...

    def complete(self) -> None:
        """Note that the `Finish` was the last."""
        ...

    def fail(self, error: Exception) -> None:
        """Note that it ended badly."""
        ...


class Origin(Protocol):
    """Where a stream comes from: a request, a recording, an agent's run.

    It may also have `answered_by`, a model's name; `usage`, what it has cost so far, for one that is cancelled; and,
    where it keeps items back, `first_item_at`, when the first of them came by the stream's clock.
    """

    def start(self, inlet: Inlet) -> None:
        """Begin; called once at most."""
        ...

    def pause(self) -> None:
        """Stop reading."""
        ...

    def resume(self) -> None:
        """Go on reading."""
        ...

    def close(self) -> None:
        """Begin closing before this returns; nothing need come any more."""
        ...
