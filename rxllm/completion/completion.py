"""`Completion`, and `accumulate`.

A completion is a view of a log of items that it shares with its successors: (log, length, head). Adding an item to the
newest snapshot appends to the log and makes a new view, whatever the length; adding to an older one copies first, so
that every snapshot stays what it was. Text is joined when it is read.
"""

from __future__ import annotations

from itertools import pairwise, takewhile
from typing import TYPE_CHECKING, Any, cast

import msgspec

from rxllm.completion.answer_message import message_of
from rxllm.completion.choice import Choice, choices_of, finish_of, text_of, tool_calls_of
from rxllm.completion.head import SEED_HEAD, Attempt, Head, rolled_back, told
from rxllm.items import (
    Logprobs,
    Media,
    ProviderEvent,
    Reasoning,
    ReasoningDelta,
    RefusalDelta,
    Rollback,
    Source,
    StreamItem,
    TextDelta,
    Timing,
    ToolCall,
    ToolCallDelta,
    Usage,
)
from rxllm.turn_items import TurnCompleted, TurnStarted

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from rxllm.messages import Message

__all__ = ["Completion", "accumulate", "accumulator", "fold"]


class Completion(msgspec.Struct, eq=False, repr_omit_defaults=True, gc=False):
    """The whole of a stream so far; cheap to make, immutable, read when wanted.

    Differs from a list of items in that it knows what belongs together, and from a string in that it knows how the
    stream ended: `finish_reason` is None until it did.

    >>> c = accumulate(accumulate(Completion(), TextDelta("Hel")), TextDelta("lo"))
    >>> c.text, c.finish_reason
    ('Hello', None)
    """

    _log: list[StreamItem] = []
    _length: int = -1  # the seed: never appended to in place, so that it can be shared by many scans
    _head: Head = SEED_HEAD

    def plus(self, item: StreamItem) -> Completion:
        """Add one item in constant time; the same as `accumulate(self, item)`."""
        log = self._log
        length = self._length
        if length != len(log):
            log = log[: max(length, 0)]
            length = len(log)
        kind = type(item)
        head = self._head
        if kind is not TextDelta and kind is not ReasoningDelta and kind is not ToolCallDelta:
            if kind is Rollback:
                log, head = rolled_back(log, head, cast("Rollback", item))
                return Completion(log, len(log), head)
            head = told(head, item, length)
        log.append(item)
        return Completion(log, length + 1, head)

    def _items(self) -> list[StreamItem]:
        """Give the items of the living attempt's last turn."""
        return self._log[self._head.turn_start : self._length] if self._length > 0 else []

    @property
    def items(self) -> list[StreamItem]:
        """Everything that this completion was made of, in order."""
        return self._log[: self._length] if self._length > 0 else []

    @property
    def id(self) -> str | None:
        """The provider's id of the response."""
        return self._head.id

    @property
    def model(self) -> str | None:
        """The model that answered, in the provider's own words."""
        return self._head.model

    @property
    def text(self) -> str:
        """The answer: the text of choice 0."""
        return text_of(self._items(), TextDelta, 0)

    @property
    def reasoning(self) -> str:
        """The reasoning of choice 0."""
        return text_of(self._items(), ReasoningDelta, 0)

    @property
    def refusal(self) -> str:
        """The refusal of choice 0, or the empty string."""
        return text_of(self._items(), RefusalDelta, 0)

    @property
    def tool_calls(self) -> list[ToolCall]:
        """The tool calls of choice 0; one that is still being written has its arguments so far in `arguments_raw`."""
        return tool_calls_of(self._items(), 0)

    @property
    def content(self) -> list[str | ToolCall]:
        """The aggregated choice: its text first, then its tool calls; the empty text only where there is no call."""
        calls = self.tool_calls
        text = self.text
        return [text, *calls] if text or not calls else list(calls)

    @property
    def choices(self) -> list[Choice]:
        """All choices by index; choice 0 is what the plain properties tell."""
        return choices_of(self._items())

    @property
    def finish_reason(self) -> str | None:
        """How the stream ended; None while it runs, or where it failed before choice 0 was finished."""
        finish = self._head.finish
        return finish.reason if finish else finish_of(self._items(), 0)[0]

    @property
    def raw_finish_reason(self) -> str | None:
        """The provider's own word for `finish_reason`."""
        finish = self._head.finish
        return finish.raw_reason if finish else finish_of(self._items(), 0)[1]

    @property
    def answered_by(self) -> str | None:
        """Which model it is of, as `"provider:model"`, once it has ended; None where a stream has no model."""
        return self._head.finish.answered_by if self._head.finish else None

    @property
    def usage(self) -> Usage | None:
        """Tokens, as the provider counted them last; `usage.estimated` where we had to count."""
        return self._head.usage

    @property
    def timing(self) -> Timing | None:
        """Seconds to the first item, the first content and the end; None while the stream runs."""
        return self._head.finish.timing if self._head.finish else None

    @property
    def response(self) -> dict[str, Any] | None:
        """What else the provider said at the end, e.g. llama.cpp's `timings`."""
        return self._head.finish.response if self._head.finish else None

    @property
    def output(self) -> Any:
        """An agent's answer as the type that was asked for; None where none was."""
        return self._head.output

    @property
    def turns(self) -> list[Completion]:
        """What was said in each turn of an agent; the plain properties tell the last."""
        items = self.items
        starts = [n for n, item in enumerate(items) if isinstance(item, TurnStarted)]
        if not starts:
            return [self]
        turns = [items[start:end] for start, end in pairwise([*starts, len(items)])]
        return [fold(takewhile(lambda item: not isinstance(item, TurnCompleted), turn)) for turn in turns]

    @property
    def attempts(self) -> tuple[Attempt, ...]:
        """The attempts that were rolled back, and what each cost."""
        return self._head.attempts

    @property
    def reasoning_blocks(self) -> list[Reasoning]:
        """The blocks of reasoning with their signatures, for the next request."""
        return [i for i in self._items() if type(i) is Reasoning]

    @property
    def sources(self) -> list[Source]:
        """The citations."""
        return [i for i in self._items() if type(i) is Source]

    @property
    def media(self) -> list[Media]:
        """Images and audio."""
        return [i for i in self._items() if type(i) is Media]

    @property
    def logprobs(self) -> list[Any]:
        """The log probabilities of choice 0, one entry a token."""
        return [entry for i in self._items() if type(i) is Logprobs and i.choice == 0 for entry in i.content]

    @property
    def events(self) -> list[ProviderEvent]:
        """What the provider sent that we do not know."""
        return [i for i in self._items() if type(i) is ProviderEvent]

    def to_message(self) -> Message:
        """Put the answer back into the conversation, so that the provider's own rules accept it.

        >>> accumulate(Completion(), TextDelta("Hello")).to_message().content
        'Hello'

        Returns:
            An assistant's message with the text, the reasoning and the tool calls that somebody here has to answer:
            those whose arguments are whole. One that came without an id has one that no other turn's calls have.
        """
        return message_of(self, self._items(), self._head.finish)

    def __bool__(self) -> bool:
        return self._length > 0

    def _facts(self) -> tuple[Any, ...]:
        head = self._head
        return (
            (head.id, head.model, head.usage, head.finish, head.attempts),
            self.choices,
            [i for i in self._items() if isinstance(i, (Reasoning, Source, Media, Logprobs, ProviderEvent))],
        )

    def __eq__(self, other: object) -> bool:
        """Tell whether both say the same; how the text was cut into deltas does not matter."""
        if not isinstance(other, Completion):
            return NotImplemented
        return self is other or self._facts() == other._facts()

    __hash__ = None  # type: ignore[assignment]  # equal by content, and the content is long

    def __repr__(self) -> str:
        text = self.text
        shown = text if len(text) <= 60 else text[:57] + "…"  # noqa: PLR2004 - a line of a terminal
        calls = f", tool_calls={[c.name for c in self.tool_calls]}" if self.tool_calls else ""
        return f"Completion({shown!r}{calls}, finish_reason={self.finish_reason!r})"


def accumulate(completion: Completion, item: StreamItem) -> Completion:
    """Add one item to a completion, in constant time: `rx.scan(accumulate, Completion())`.

    Unlike `text + delta`, it does not grow with the length of the answer, and no snapshot ever changes.

    Args:
        completion: What there was before; it stays as it is.
        item: The next item.

    Returns:
        The completion with the item.
    """
    return completion.plus(item)


def accumulator(emit: Callable[[Completion], object]) -> Callable[[StreamItem], None]:
    """Give what takes items one by one and emits the completion so far: `accumulate` without its costs a token.

    Args:
        emit: Called with each completion.

    Returns:
        A function of an item.
    """
    completion = Completion()
    log: list[StreamItem] = []
    length, head = -1, SEED_HEAD

    def add(item: StreamItem) -> None:
        nonlocal completion, log, length, head
        if type(item) is TextDelta and len(log) == length:  # nobody else has made something of the newest
            log.append(item)
            length += 1
            completion = Completion(log, length, head)
        else:
            completion = completion.plus(item)
            log, length, head = completion._log, completion._length, completion._head  # noqa: SLF001  # pyright: ignore[reportPrivateUsage] - its own
        emit(completion)

    return add


def fold(items: Iterable[StreamItem]) -> Completion:
    """Accumulate a whole list of items at once.

    Args:
        items: In order.

    Returns:
        The completion of all.
    """
    completion = Completion()
    for item in items:
        completion = completion.plus(item)
    return completion
