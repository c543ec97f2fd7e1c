"""The operators before the multicast, and the hot source in front of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from reactivex.disposable import Disposable, SingleAssignmentDisposable

from rxllm.errors import RxllmError
from rxllm.observable import Lifted, Operator, Sink

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from reactivex import Observable, abc

    from rxllm.items import StreamItem

__all__ = ["Through"]


class Through:
    """What `through=[…]` makes of the items on their way to the hub.

    Unlike a Subject, its source catches whatever an operator lets escape, also a CancelledError, and hands it to the
    outlet, so that the origin never sees it.

    Args:
        outlet: Where the operators' result goes.
    """

    __slots__ = ("_early", "_entries", "_outlet", "_subscription", "_tell_end")

    def __init__(self, outlet: Sink) -> None:
        self._outlet = outlet
        self._entries: tuple[Sink, ...] = ()  # an operator may subscribe to its source late, or more than once
        self._early: list[StreamItem] | None = []  # what came before the first entry, which may be scheduled
        self._tell_end: Callable[[Sink], None] | None = None
        self._subscription = SingleAssignmentDisposable()

    def open(self, operators: Sequence[Operator], scheduler: abc.SchedulerBase) -> None:
        """Subscribe to the whole chain.

        Args:
            operators: In the order of the items' way.
            scheduler: For their timers.
        """
        source: Observable[Any] = Lifted(self._enter)
        for operator in operators:
            source = operator(source)
        self._subscription.disposable = source.subscribe(cast("Any", self._outlet), scheduler=scheduler)

    def _enter(self, sink: Sink, _: abc.SchedulerBase | None) -> abc.DisposableBase:
        self._entries = (*self._entries, sink)
        if self._early is not None:
            early, self._early = self._early, None
            self.push(early)
        if self._tell_end is not None:  # as a Subject that has ended does
            self._finish(self._tell_end)

        def leave() -> None:
            self._entries = tuple(entry for entry in self._entries if entry is not sink)

        return Disposable(leave)

    def push(self, items: list[StreamItem]) -> None:
        """Send items through; those after the operators' end go nowhere."""
        if self._early is not None:
            self._early += items
        for item in items:
            for sink in self._entries:
                try:
                    sink.on_next(item)
                except BaseException as error:  # noqa: BLE001 - also CancelledError, which must not end the source's task
                    self._escaped(sink, error)

    def _escaped(self, sink: Sink, error: BaseException) -> None:
        if isinstance(error, (KeyboardInterrupt, SystemExit)):
            raise error
        if not isinstance(error, Exception):  # awaiting it must not look like a cancelled task
            wrapped = RxllmError(f"An operator before the multicast raised {error!r}; it must raise an Exception.")
            wrapped.__cause__ = error
            error = wrapped
        sink.on_error(error)
        self._outlet.on_error(error)  # a stage of reactivex that raised has let go, and tells nobody

    def complete(self) -> None:
        """Tell the operators that there is no more."""
        self._finish(lambda sink: sink.on_completed())

    def fail(self, error: Exception) -> None:
        """Tell the operators that it ended badly."""
        self._finish(lambda sink: sink.on_error(error))

    def _finish(self, tell: Callable[[Sink], None]) -> None:
        self._tell_end = tell
        entries, self._entries = self._entries, ()
        for sink in entries:
            tell(sink)

    def close(self) -> None:
        """Let go of the operators and their timers."""
        self._entries = ()
        self._subscription.dispose()
