"""`tee`: an observer beside the pipe."""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING, Any

from loguru import logger

from rxllm.errors import ConfigurationError
from rxllm.observable import Operator, Sink, lift

if TYPE_CHECKING:
    from collections.abc import Callable

    from reactivex import abc

__all__ = ["tee"]


def tee(observer: abc.ObserverBase[Any] | Callable[[Any], object]) -> Operator:  # noqa: C901 - closures and no class, so that an item costs one call
    """Show everything to an observer too; whatever it does, the stream goes on.

    Unlike `rx.do`, whose observer ends the stream when it raises, this one is then detached, told through its own
    `on_error` and logged. It sees each item before those below.

    >>> from rxllm.testing import play
    >>> seen = []
    >>> play(tee(seen.append), "ab|"), len(seen)
    ('ab|', 2)
    >>> play(tee(lambda item: 1 / 0), "ab|")
    'ab|'

    Args:
        observer: An observer (of which any function may be missing), or a function for the items alone.

    Returns:
        An operator over any values, all of which pass unchanged.

    Raises:
        ConfigurationError: It can observe nothing, or is async, which nobody would await.
    """
    see, fail, complete = (getattr(observer, name, None) for name in ("on_next", "on_error", "on_completed"))
    see = see or (observer if callable(observer) else None)
    if not (see or fail or complete):
        raise ConfigurationError(f"tee takes an observer or a function of an item, not {type(observer).__name__}.")
    if any(map(inspect.iscoroutinefunction, (see, fail, complete))):
        raise ConfigurationError("tee's observer is async, and nobody would await it. Put map_async(f) into the pipe.")

    def connect(down: Sink, _: abc.SchedulerBase | None) -> Sink:  # noqa: C901 - as above
        emit = down.on_next
        attached = True

        def show(call: Callable[..., object] | None, *values: Any) -> None:
            nonlocal attached
            try:
                if call is not None:
                    call(*values)
            except BaseException as error:
                if isinstance(error, (KeyboardInterrupt, SystemExit)):
                    raise
                attached = False
                logger.warning("A tee's observer raised {} and was detached; the stream goes on", type(error).__name__)
                if call is see:
                    show(fail, error)

        def on_next(item: Any) -> None:
            if attached:
                show(see, item)
            emit(item)

        def on_error(error: Exception) -> None:
            if attached:
                show(fail, error)
            down.on_error(error)

        def on_completed() -> None:
            if attached:
                show(complete)
            down.on_completed()

        return Sink(on_next, on_error, on_completed)

    return lift(connect)
