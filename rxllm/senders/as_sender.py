"""`as_sender`: what `to=` takes."""

from __future__ import annotations

import asyncio
import inspect
import queue
from functools import partial
from typing import Any, cast

from rxllm.errors import ConfigurationError
from rxllm.senders.callback import CallbackSender
from rxllm.senders.sender import Sender

__all__ = ["as_sender"]


def as_sender(given: Any) -> Sender:
    """Make a sender of whatever can be sent to; a sender is taken as it is.

    Of a class of senders, `to=StdoutSender`, one is made. An observer's or a function's failure is then its own affair.
    A queue of yours gets the items, then None or the error; where an `asyncio.Queue` is full, what comes waits merged
    in front of it.

    >>> as_sender(print)
    <CallbackSender open, 0 lost>

    Args:
        given: A sender, an observer, a class of these, a function (sync or async), an `asyncio.Queue`, a `queue.Queue`
            without bound, or a list of these.

    Returns:
        An observer that raises nothing.

    Raises:
        ConfigurationError: It is none of these, or a class that cannot be made without arguments.
    """
    from rxllm.senders.broadcast import BroadcastSender  # which takes what we take

    if isinstance(given, type):
        given = _made(cast("Any", given))
    if isinstance(given, Sender):
        return given
    if isinstance(given, asyncio.Queue):
        put = cast("asyncio.Queue[Any]", given).put
        return CallbackSender(put, on_error=put, on_completed=partial(put, None))
    if isinstance(given, (queue.Queue, queue.SimpleQueue)):
        return _of_threads(cast("queue.Queue[Any]", given))
    if hasattr(given, "on_next"):
        return CallbackSender(given.on_next, getattr(given, "on_error", None), getattr(given, "on_completed", None))
    if isinstance(given, (list, tuple)):
        return BroadcastSender(*cast("list[Any]", given))
    if callable(given):
        return CallbackSender(given)
    raise ConfigurationError(
        f"Nothing can be sent to {given!r}. Give a sender of rxllm.senders, an observer, a function (sync or async), "
        "an asyncio.Queue, a queue.Queue, or a list of these."
    )


def _made(kind: Any) -> Any:
    """Make one of a class of senders or observers; to call any other class with each item makes no sense."""
    if not hasattr(kind, "on_next"):
        raise ConfigurationError(f"{kind.__name__} is a class, and not one of senders; give an object.")
    try:
        inspect.signature(kind).bind()
    except (TypeError, ValueError) as error:
        raise ConfigurationError(f"{kind.__name__} cannot be made without arguments ({error}); give one.") from error
    return kind()


def _of_threads(given: queue.Queue[Any]) -> Sender:
    if getattr(given, "maxsize", 0) > 0:
        raise ConfigurationError(
            "A queue.Queue with a bound would stop the event loop when it is full. Give one without maxsize, or an "
            "asyncio.Queue, in front of which deltas are merged."
        )
    put = given.put_nowait
    return CallbackSender(put, on_error=put, on_completed=partial(put, None))
