"""`Sender`: an observer whose failures are nobody else's; what all senders share."""

from __future__ import annotations

from abc import abstractmethod
from typing import TYPE_CHECKING, Any, Self

from loguru import logger
from reactivex import abc

from rxllm.errors import SenderError

if TYPE_CHECKING:
    from types import TracebackType

__all__ = ["Sender"]


class Sender(abc.ObserverBase[Any]):
    """Puts one stream somewhere, as well as it can.

    Unlike a plain observer that raises, a sender that fails keeps its seat and does nothing in it: were it the stream's
    only holder, its failure would otherwise cancel the answer that somebody awaits. One sender serves one stream. Left
    as a context manager, `async with sender:`, it is closed.

    To write your own, say in `send` where a value goes, and perhaps in `release` what is to be let go of:

    >>> class Shout(Sender):
    ...     def send(self, value):
    ...         print(value.text.upper())
    >>> from rxllm.items import Finish, TextDelta
    >>> sender = Shout()
    >>> sender.on_next(TextDelta("hey"))
    HEY
    >>> sender.on_next(Finish("stop"))  # has no text, which is our own fault, and told once in the log
    >>> sender.on_next(TextDelta("more"))
    >>> type(sender.failure.__cause__).__name__, sender.lost
    ('AttributeError', 2)
    """

    def __init__(self) -> None:
        self.failure: SenderError | None = None
        """Why it failed; its `__cause__` is what was raised."""
        self.lost = 0
        """How many values it was given and did not put anywhere."""
        self.ended = False
        """Whether the stream's end has been told."""
        self.closed = False
        """Whether nothing is held any more."""
        self._reused = False

    # ---- what a sender of your own says

    @abstractmethod
    def send(self, value: Any) -> None:
        """Put one value where it belongs; may raise.

        Args:
            value: An item of the stream, or what a pipe made of it.
        """

    def end(self, error: Exception | None) -> None:
        """Do what is to be done at the stream's end, and close; may raise.

        Args:
            error: Why the stream failed, or None.
        """
        del error
        self.close()

    def release(self) -> None:
        """Let go of what is held; called once."""

    # ---- what the stream says

    def on_next(self, value: Any) -> None:
        """Take a value; raises nothing."""
        if self.closed or self.ended:
            self._lose()
            return
        try:
            self.send(value)
        except BaseException as error:  # noqa: BLE001 - also CancelledError, which must not end the stream's task
            self.lost += 1
            self.fail(error)

    def on_error(self, error: Exception) -> None:
        """Take the bad end; raises nothing."""
        self._end(error)

    def on_completed(self) -> None:
        """Take the end; raises nothing."""
        self._end(None)

    def _end(self, error: Exception | None) -> None:
        if self.closed or self.ended:
            return
        self.ended = True
        try:
            self.end(error)
        except BaseException as raised:  # noqa: BLE001 - as in `on_next`
            self.fail(raised)

    def _lose(self) -> None:
        self.lost += 1
        if self.ended and self.failure is None and not self._reused:
            self._reused = True
            logger.warning("A {} was given to a second stream and takes nothing of it; make one a stream", self._name)

    # ---- its own end

    def close(self) -> None:
        """Take nothing more, and let go of what is held; may be called at any time and again."""
        if self.closed:
            return
        self.closed = True
        try:
            self.release()
        except BaseException as error:  # noqa: BLE001 - as in `on_next`
            self.fail(error)

    async def wait_closed(self) -> None:
        """Wait until everything has been put where it belongs and nothing is held any more."""

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
        await self.wait_closed()

    def fail(self, error: BaseException) -> None:
        """Note and log a failure, the first time, and close.

        Args:
            error: What was raised.
        """
        if isinstance(error, (KeyboardInterrupt, SystemExit)):
            raise error
        if self.failure is None:
            self.failure = SenderError(
                f"{self._name} failed with {type(error).__name__}: {error}. It takes nothing more, and the stream goes "
                "on; give the next stream a new one."
            )
            self.failure.__cause__ = error
            logger.warning("{}", self.failure)
        self.close()

    @property
    def _name(self) -> str:
        return type(self).__name__

    def __repr__(self) -> str:
        state = "failed" if self.failure else "closed" if self.closed else "ended" if self.ended else "open"
        return f"<{self._name} {state}, {self.lost} lost>"
