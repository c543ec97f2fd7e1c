"""One model on one event loop, asked once or many times; Ctrl-C ends an answer, and not the loop."""

from __future__ import annotations

import asyncio
import signal
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Self

from rxllm.cli.meter import Meter
from rxllm.cli.outcome import BROKEN_PIPE, INTERRUPTED, TERMINATED, Outcome, complain, explain, final_json
from rxllm.cli.screen import Screen, dimmed
from rxllm.completion import Completion
from rxllm.errors import RxllmError

if TYPE_CHECKING:
    from collections.abc import Callable, Generator
    from types import TracebackType

    from rxllm.messages import Prompt
    from rxllm.model import Model

__all__ = ["Session"]


class Session:
    """A model, the loop that its answers are read on, and the way they are shown.

    Between two answers the loop stands still, so that a prompt can be read in the plain way and Ctrl-C is Python's own.

    Args:
        model: What is asked.
        as_json: Show nothing, and at the end of each answer print it as one JSON object.
        conclude: Says something below an answer that did not fail; by default the statistics, on stderr.
    """

    def __init__(
        self, model: Model, *, as_json: bool = False, conclude: Callable[[Meter, Completion], None] | None = None
    ) -> None:
        self._model = model
        self._as_json = as_json
        self._conclude = conclude or _statistics
        self._runner = asyncio.Runner()
        self._left = False

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._runner.run(self._model.aclose())
        # Closing waits for the loop's threads, one of which may still be loading a model that nobody wants any more.
        if not self._left and (kind is None or issubclass(kind, Exception)):
            self._runner.close()

    def ask(self, prompt: Prompt, **settings: Any) -> Outcome:
        """Ask once: show the answer as it arrives, then the statistics on stderr, or what went wrong.

        Args:
            prompt: A text or a conversation.
            settings: Fields of `ChatRequest`.

        Returns:
            How it ended.

        Raises:
            RxllmError: Nothing was sent.
            OSError: The answer could not be written.
        """
        screen = Screen()
        meter = Meter()
        outcome = self._runner.run(self._answer(prompt, settings, screen, meter))
        if self._as_json:
            sys.stdout.write(final_json(outcome) + "\n")
            sys.stdout.flush()
        else:
            screen.end()
        if isinstance(screen.failure, BrokenPipeError):
            outcome = outcome._replace(left=outcome.left or BROKEN_PIPE)
        elif screen.failure is not None:
            raise screen.failure
        elif outcome.error is None and not self._as_json:
            self._conclude(meter, outcome.completion)
        if outcome.error is not None:
            complain(explain(outcome.error))
        self._left = bool(outcome.left)
        return outcome

    async def _answer(self, prompt: Prompt, settings: dict[str, Any], screen: Screen, meter: Meter) -> Outcome:
        stream = self._model.stream(prompt, **settings)
        left: list[int] = []

        def leave(status: int) -> None:
            left.append(status)
            stream.cancel()

        with _signals(leave):
            meter.watch(stream)
            if not self._as_json:
                screen.show(stream)
            try:
                completion = await stream
            except RxllmError as error:
                return Outcome(error.partial or Completion(), error, *left[:1])
        return Outcome(completion, None, *left[:1])


def _statistics(meter: Meter, completion: Completion) -> None:
    sys.stderr.write(dimmed(meter.line(completion), sys.stderr) + "\n")


@contextmanager
def _signals(leave: Callable[[int], None]) -> Generator[None]:
    """Call `leave` on the loop with the exit status when SIGINT or SIGTERM comes.

    Python's own handlers and not the loop's: those are not to be had on every system, and a loop that is stuck in a
    write to a full pipe runs none.
    """
    loop = asyncio.get_running_loop()
    asked: list[int] = []

    def handle(number: int, _frame: object) -> None:
        if asked:
            raise KeyboardInterrupt
        asked.append(number)
        loop.call_soon_threadsafe(leave, INTERRUPTED if number == signal.SIGINT else TERMINATED)

    before = {number: signal.signal(number, handle) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
