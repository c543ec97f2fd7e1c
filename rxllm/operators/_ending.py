"""What operators need that end a pipe before its source does: a way out that leaves the source, and is taken once."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from reactivex.disposable import Disposable, SingleAssignmentDisposable

from rxllm.observable import Lifted, Operator, Sink

if TYPE_CHECKING:
    from collections.abc import Callable

    from reactivex import Observable, abc

__all__ = ["Exit", "lift_ending"]


class Exit:
    """The end of one subscription, whoever brings it about: the source, a limit, a trigger. The first is the last.

    Args:
        down: The sink below.
    """

    __slots__ = ("_down", "_undo", "subscription", "taken")

    def __init__(self, down: Sink) -> None:
        self._down = down
        self._undo: Callable[[], None] | None = None
        self.subscription = SingleAssignmentDisposable()
        self.taken = False

    def leave(self) -> None:
        """Leave the source, and undo what the operator has set up; nobody below is told."""
        if not self.taken:
            self.taken = True
            if self._undo is not None:
                self._undo()
            self.subscription.dispose()

    def complete(self, *last: Any) -> None:
        """Leave, and complete the pipe.

        Args:
            last: Items that are said before.
        """
        if not self.taken:
            self.leave()
            for item in last:
                self._down.on_next(item)
            self._down.on_completed()

    def fail(self, error: Exception) -> None:
        """Leave, and fail the pipe.

        Args:
            error: What went wrong.
        """
        if not self.taken:
            self.leave()
            self._down.on_error(error)

    def will_undo(self, undo: Callable[[], None] | None) -> None:
        """Note what is to be undone on the way out.

        Args:
            undo: Called once; at once, if the way was taken already.
        """
        self._undo = undo
        if self.taken and undo is not None:
            undo()


def lift_ending(connect: Callable[[Sink, abc.SchedulerBase | None, Exit], Sink]) -> Operator:
    """Make an operator like `lift`, of a function that is also given the way out.

    A source that was left before it was subscribed to never is. One that emits all it has while it is subscribed to
    cannot be left so early, so `connect` passes nothing on once `exit.taken` is true.

    Args:
        connect: Makes the upstream sink for one subscription.

    Returns:
        An operator for `.pipe(...)`.
    """

    def operator(source: Observable[Any]) -> Observable[Any]:
        def core(down: Sink, scheduler: abc.SchedulerBase | None) -> abc.DisposableBase:
            way_out = Exit(down)
            up = connect(down, scheduler, way_out)
            way_out.will_undo(up.undo)
            if not way_out.taken:
                way_out.subscription.disposable = source.subscribe(cast("Any", up), scheduler=scheduler)
            return Disposable(way_out.leave)

        return Lifted(core)

    return operator
