"""A function of a value, sync or async, called so that nothing else waits for it."""

from __future__ import annotations

import asyncio
import inspect
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar

from rxllm.errors import RxllmError
from rxllm.threads import in_thread

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Iterable

__all__ = ["called", "together"]

T = TypeVar("T")


async def called(function: Callable[[Any], Any], value: Any) -> Any:
    """Call a function: an async one here, a sync one in a thread of its own, since it may block.

    A sync function that is in the middle of its work cannot be stopped: it ends in its own time, unheard.

    Args:
        function: What is called.
        value: With what.

    Returns:
        What it gave, awaited where that can be.
    """
    if inspect.iscoroutinefunction(function):
        return await function(value)
    result, error = await in_thread(partial(function, value), "rxllm stage")
    if error is None:
        return await result if inspect.isawaitable(result) else result
    if isinstance(error, Exception) and not isinstance(error, StopIteration):
        raise error
    # A StopIteration cannot leave a coroutine, a CancelledError would look like our own, and a SystemExit end the loop.
    raise RxllmError(f"A stage's function raised {error!r}; it must return a value, or raise another Exception.") from (
        error
    )


async def together(coroutines: Iterable[Coroutine[Any, Any, T]]) -> list[T]:
    """Await all at once; the first that fails stops the others, and is raised as it is.

    Args:
        coroutines: At least one.

    Returns:
        What each gave, in order.
    """
    failure: Exception | None = None
    tasks: list[asyncio.Task[T]] = []
    try:
        async with asyncio.TaskGroup() as group:
            tasks += [group.create_task(each) for each in coroutines]
    except ExceptionGroup as failed:
        failure = failed.exceptions[0]
    if failure is not None:  # raised here, where it gets no other cause or context
        raise failure
    return [task.result() for task in tasks]
