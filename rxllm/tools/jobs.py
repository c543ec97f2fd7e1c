"""Tools at work: one task a call, with its thread, its limit of time and its limit of numbers."""

from __future__ import annotations

import asyncio
import inspect
import threading
from contextlib import AbstractAsyncContextManager, aclosing, nullcontext
from typing import TYPE_CHECKING, Any, cast

from rxllm.errors import ConfigurationError, ToolError, TransportError
from rxllm.threads import in_thread

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable, Generator

    from rxllm.tools import Tool

__all__ = ["Job"]


class Job:
    """One call of a tool, in a task of the running loop; a sync function runs in a thread of its own.

    Unlike a bare task it says when it really begins, hands over what the tool yields, and after `cancel` nothing more.
    A sync function that is in the middle of its work cannot be stopped: it ends in its own time, unheard.

    Args:
        tool: What is called.
        call: The call, with its arguments bound.
        started: Called when it begins, which may be late where `max_concurrency` is reached.
        progress: Called with each value that it yields.
        ended: Called once, with the result, or with the exception.
        lost: Called instead, when somebody else cancelled the task, as a loop does that is ending.

    Raises:
        ConfigurationError: No loop is running here.
    """

    def __init__(
        self,
        tool: Tool[..., Any],
        call: Callable[[], Any],
        *,
        started: Callable[[], None],
        progress: Callable[[Any], None],
        ended: Callable[[Any, Exception | None], None],
        lost: Callable[[Exception], None],
    ) -> None:
        self._tool = tool
        self._call = call
        self._started = started
        self._progress = progress
        self._ended = ended
        self._lost = lost
        self._cancelled = False  # nobody listens any more
        self._over = threading.Event()  # nobody waits any more: a generator in a thread ends at its next yield
        try:
            self._loop = asyncio.get_running_loop()
        except RuntimeError as error:
            raise ConfigurationError(
                f"No event loop is running here, and tool {tool.name} needs one. On virtual time an agent has no tools."
            ) from error
        self._task = self._loop.create_task(self._run(), name=f"rxllm tool {tool.name}")

    def cancel(self) -> None:
        """Stop the task, and tell nobody; also from within the tool itself."""
        if not self._cancelled:
            self._cancelled = True
            self._over.set()
            self._task.cancel()

    async def _run(self) -> None:
        try:
            result = await self._result()
        except asyncio.CancelledError:
            if self._cancelled:
                raise
            if self._task.cancelling():
                self._lost(TransportError(f"The event loop was shut down while tool {self._tool.name} ran."))
                raise
            self._end(None, ToolError(f"{self._tool.name} was cancelled from within."))
        except (KeyboardInterrupt, SystemExit):
            raise
        except BaseException as error:  # noqa: BLE001 - whatever a tool raises, the model is told
            self._end(None, self._told(error))
        else:
            self._end(result, None)
        finally:
            self._over.set()

    def _end(self, result: Any, error: Exception | None) -> None:
        if not self._cancelled:
            self._ended(result, error)

    def _told(self, error: BaseException) -> Exception:
        """Give an exception that may be raised anywhere; neither a bare BaseException nor a StopIteration may."""
        if isinstance(error, Exception) and not isinstance(error, StopIteration):
            return error
        wrapped = ToolError(f"{self._tool.name} raised {error!r}.")
        wrapped.__cause__ = error
        return wrapped

    async def _result(self) -> Any:
        seconds = self._tool.timeout
        async with self._slot():
            self._started()
            if self._cancelled:  # by whoever was told; the task itself would only notice at its first await
                raise asyncio.CancelledError
            limit = asyncio.timeout(seconds)
            try:
                async with limit:
                    return await self._work()
            except TimeoutError as error:
                if not limit.expired():  # the tool's own
                    raise
                raise ToolError(f"{self._tool.name} did not end within {seconds:g} s.") from error

    def _slot(self) -> AbstractAsyncContextManager[Any]:
        """Give what limits how many run at once in this loop."""
        most, slots = self._tool.max_concurrency, self._tool.slots
        if most is None:
            return nullcontext()
        for loop in [loop for loop in slots if loop.is_closed()]:
            del slots[loop]
        return slots.setdefault(self._loop, asyncio.Semaphore(most))

    async def _work(self) -> Any:
        result = self._call() if _is_async(self._tool.function) else await self._in_thread()
        if inspect.isasyncgen(result):
            return await self._last_of(cast("AsyncGenerator[Any, Any]", result))
        return await result if inspect.isawaitable(result) else result

    async def _last_of(self, values: AsyncGenerator[Any, Any]) -> Any:
        last = None
        async with aclosing(values):
            async for last in values:
                self._show(last)
                if self._cancelled:
                    break
        return last

    async def _in_thread(self) -> Any:
        result, error = await in_thread(self._called, f"rxllm tool {self._tool.name}")
        if error is not None:
            raise self._told(error)
        return result

    def _called(self) -> Any:
        result = self._call()
        return self._drained(cast("Any", result)) if inspect.isgenerator(result) else result

    def _drained(self, values: Generator[Any, None, Any]) -> Any:
        """Hand over what a generator yields; give what it returns, or else what it yielded last."""
        last = None
        while not self._over.is_set():
            try:
                last = next(values)
            except StopIteration as end:
                return last if end.value is None else end.value
            if not self._post(self._show, last):
                break
        values.close()
        return None

    def _post(self, action: Callable[..., None], *arguments: Any) -> bool:
        """Run something on the loop; False where that is closed, and nobody waits any more."""
        try:
            self._loop.call_soon_threadsafe(action, *arguments)
        except RuntimeError:
            return False
        return True

    def _show(self, value: Any) -> None:
        if not self._cancelled and not self._task.done():
            self._progress(value)


def _is_async(function: Any) -> bool:
    """Tell whether calling it only makes a coroutine or an async generator; a class or an object is asked its call."""
    if not inspect.isroutine(function) and not inspect.isclass(function) and not hasattr(function, "func"):
        function = type(function).__call__
    return inspect.iscoroutinefunction(function) or inspect.isasyncgenfunction(function)
