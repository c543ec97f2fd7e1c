"""What can be asked for a stream: a model, several of them with a fallback, a race of two."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Any, Self

from rxllm.bridge import loop_scheduler
from rxllm.messages import Message
from rxllm.stream import CompletionStream

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from types import TracebackType

    from reactivex import abc

    from rxllm.holders import OnAbandon
    from rxllm.messages import Prompt, Timeouts
    from rxllm.observable import Operator
    from rxllm.origin import Origin

__all__ = ["Askable"]


class Askable(ABC):
    """Gives a `CompletionStream` for a prompt, wherever it comes from.

    Three levels: `prompt` takes a text, `chat` a text and what was said before, `stream` all that a request can hold.
    Each gives a stream, to be listened to, or awaited for the whole only.
    """

    timeouts: Timeouts
    watchers: tuple[Callable[[CompletionStream], object], ...] = ()
    """Called with each stream that is made, before anybody listens to it."""
    _stream_type: type[CompletionStream] = CompletionStream

    @abstractmethod
    def origin(self, prompt: Prompt, scheduler: abc.SchedulerBase, **settings: Any) -> Origin:
        """Prepare one answer; nothing is sent before the origin is started.

        Args:
            prompt: A text, a conversation, or a whole `ChatRequest`.
            scheduler: For the delays between attempts.
            settings: Fields of `ChatRequest` for this request.

        Returns:
            Where a stream comes from.

        Raises:
            ConfigurationError: The request cannot be sent as it is.
        """

    @abstractmethod
    async def aclose(self) -> None:
        """Let go of what is shared."""

    def prompt(self, text: str, **options: Any) -> CompletionStream:
        """Ask one question: `await model.prompt("Why?")`.

        Args:
            text: The question.
            options: As `stream` takes them.

        Returns:
            A hot observable; `await` it for the whole.
        """
        return self.stream(text, **options)

    def chat(self, text: str, history: Iterable[Message | Mapping[str, Any]], **options: Any) -> CompletionStream:
        """Go on with a conversation.

        Args:
            text: What the user says now.
            history: What was said before; `completion.to_message()` gives an answer in that form.
            options: As `stream` takes them.

        Returns:
            A hot observable; `await` it for the whole.
        """
        return self.stream([*history, Message.user(text)], **options)

    def stream(
        self,
        prompt: Prompt,
        *,
        to: Any = None,
        through: Sequence[Operator] = (),
        replay: bool = True,
        on_abandon: OnAbandon = "cancel",
        scheduler: abc.SchedulerBase | None = None,
        **settings: Any,
    ) -> CompletionStream:
        """Make the stream of one answer; nothing is sent until somebody listens.

        Args:
            prompt: A text, a conversation, or a whole `ChatRequest`.
            to: Where the items go besides, from now on: a sender, an observer, a queue, a function, or a list of them.
            through: Operators before the multicast; their end closes the socket, for everybody.
            replay: Whether a late subscriber gets what has been.
            on_abandon: When nobody listens any more: `"cancel"`, `"keep"`, or cancel after that many seconds.
            scheduler: The running loop's by default.
            settings: Fields of `ChatRequest` for this request.

        Returns:
            A hot observable; `await` it for the whole.

        Raises:
            ConfigurationError: The request cannot be sent as it is; nothing was.
        """
        home = scheduler or loop_scheduler()
        stream = self._stream_type(
            self.origin(prompt, home, **settings),
            scheduler=home,
            through=through,
            replay=replay,
            on_abandon=on_abandon,
            timeouts=self.timeouts,
        )
        for watch in self.watchers:
            watch(stream)
        if to is not None:
            from rxllm.senders import as_sender

            stream.subscribe(as_sender(to))
        return stream

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.aclose()
