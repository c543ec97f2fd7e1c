"""A sync function in a thread of its own, awaited."""

from __future__ import annotations

import asyncio
import contextvars
import threading
from contextlib import suppress
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["in_thread"]


async def in_thread(call: Callable[[], Any], name: str) -> tuple[Any, BaseException | None]:
    """Run a function in a new thread, with the context variables of here.

    Unlike `asyncio.to_thread` it leaves no pool of threads behind, and hands back what was raised instead of raising
    it: a StopIteration or a CancelledError of the function's own is its caller's to judge.

    Args:
        call: The function, without arguments.
        name: The thread's.

    Returns:
        What it gave, and what it raised.
    """
    loop = asyncio.get_running_loop()
    future: asyncio.Future[tuple[Any, BaseException | None]] = loop.create_future()
    context = contextvars.copy_context()

    def settle(result: Any, error: BaseException | None) -> None:
        if not future.done():  # or we were cancelled meanwhile
            future.set_result((result, error))

    def work() -> None:
        result, error = None, None
        try:
            result = context.run(call)
        except BaseException as raised:  # noqa: BLE001 - of any kind, its caller decides
            error = raised
        with suppress(RuntimeError):  # the loop is closed, and nobody waits any more
            loop.call_soon_threadsafe(settle, result, error)

    threading.Thread(target=work, name=name, daemon=True).start()
    return await future
