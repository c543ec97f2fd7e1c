"""A function of a value, sync or async, called so that nothing else waits for it."""

from __future__ import annotations

import asyncio
import contextvars
import inspect
import threading
from contextlib import suppress
from typing import TYPE_CHECKING, Any, TypeVar

from rxllm.errors import RxllmError

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
    result = await _in_thread(function, value)
    return await result if inspect.isawaitable(result) else result


async def _in_thread(function: Callable[[Any], Any], value: Any) -> Any:
    """Unlike `asyncio.to_thread`, leave no pool of threads behind."""
    loop = asyncio.get_running_loop()
    future: asyncio.Future[tuple[Any, BaseException | None]] = loop.create_future()
    context = contextvars.copy_context()

    def settle(result: Any, error: BaseException | None) -> None:
        if not future.done():  # or we were cancelled meanwhile
            future.set_result((result, error))  # no exception, which asyncio would complain of if nobody came for it

    def work() -> None:
        result, error = None, None
        try:
            result = context.run(function, value)
        except BaseException as raised:  # noqa: BLE001 - of any kind, it is raised where it is waited for
            error = raised
        with suppress(RuntimeError):  # the loop is closed, and nobody waits any more
            loop.call_soon_threadsafe(settle, result, error)

    threading.Thread(target=work, name="rxllm stage", daemon=True).start()
    result, error = await future
    if error is None:
        return result
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
