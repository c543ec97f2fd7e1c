"""`of_type`: the items of some types."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rxllm.errors import ConfigurationError
from rxllm.items import StreamItem
from rxllm.observable import Operator, Sink, lift

if TYPE_CHECKING:
    from reactivex import abc

__all__ = ["of_type"]


def of_type(*types: type[StreamItem]) -> Operator:
    """Pass the items of these types, and nothing else.

    Equal to `rx.filter` with `isinstance`, without its stage of reactivex.

    >>> from rxllm import Finish, Rollback
    >>> from rxllm.testing import play
    >>> play(of_type(Finish, Rollback), "a-{rollback 1}-b-({finish stop}|)")
    '--{rollback 1}---({finish stop}|)'

    Args:
        types: One type or more; a subclass counts.

    Returns:
        An operator over stream items.

    Raises:
        ConfigurationError: No type was given, or something that is none of a stream item.
    """
    if not types or not all(isinstance(each, type) and issubclass(each, StreamItem) for each in types):  # pyright: ignore[reportUnnecessaryIsInstance] - untyped callers exist
        raise ConfigurationError(f"of_type(…) needs types of items, e.g. of_type(TextDelta, Finish); got {types!r}.")

    def connect(down: Sink, _: abc.SchedulerBase | None) -> Sink:
        emit = down.on_next

        def on_next(item: StreamItem) -> None:
            if isinstance(item, types):
                emit(item)

        return Sink(on_next, down.on_error, down.on_completed)

    return lift(connect)
