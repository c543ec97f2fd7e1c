"""What comes out: `Completion`, the whole of a stream so far, and `accumulate`, which adds one item to it.

A completion is a view of a log of items that it shares with its successors: (log, length, head). Adding an item to the
newest snapshot appends to the log and makes a new view, whatever the length; adding to an older one copies first, so
that every snapshot stays what it was. Text is joined when it is read.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final, cast

import msgspec

from rxllm.items import (
    ChoiceFinished,
    Finish,
    Logprobs,
    Media,
    ProviderEvent,
    Reasoning,
    ReasoningDelta,
    RefusalDelta,
    Rollback,
    Source,
    Started,
    StreamItem,
    TextDelta,
    Timing,
    ToolCall,
    ToolCallDelta,
    Usage,
)
from rxllm.messages import Message, MessageToolCall

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["Attempt", "Choice", "Completion", "accumulate", "fold", "parse_arguments"]


class Attempt(msgspec.Struct, frozen=True, repr_omit_defaults=True):
    """An attempt that was rolled back, and what it cost."""

    number: int
    usage: Usage | None


class Choice(msgspec.Struct, frozen=True, repr_omit_defaults=True):
    """One of the answers of a completion; there is more than one only where `n` asked for it."""

    index: int
    text: str
    reasoning: str
    refusal: str
    tool_calls: list[ToolCall]
    finish_reason: str | None
    raw_finish_reason: str | None


class _Head(msgspec.Struct, frozen=True, repr_omit_defaults=True):
    """The rare facts, replaced as a whole when one of them changes."""

    id: str | None = None
    model: str | None = None
    usage: Usage | None = None
    finish: Finish | None = None
    attempts: tuple[Attempt, ...] = ()
    turn_start: int = 0


_SEED_HEAD: Final = _Head()
_CHOOSING: Final = (TextDelta, ReasoningDelta, RefusalDelta, ToolCallDelta, ToolCall, ChoiceFinished)


class Completion(msgspec.Struct, eq=False, repr_omit_defaults=True):
    """The whole of a stream so far; cheap to make, immutable, read when wanted.

    Differs from a list of items in that it knows what belongs together, and from a string in that it knows how the
    stream ended: `finish_reason` is None until it did.

    >>> c = accumulate(accumulate(Completion(), TextDelta("Hel")), TextDelta("lo"))
    >>> c.text, c.finish_reason
    ('Hello', None)
    """

    _log: list[StreamItem] = []
    _length: int = -1  # the seed: never appended to in place, so that it can be shared by many scans
    _head: _Head = _SEED_HEAD

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
                log, head = _rolled_back(log, head, cast("Rollback", item))
                return Completion(log, len(log), head)
            head = _told(head, item, length)
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
        return self._text(TextDelta, 0)

    @property
    def reasoning(self) -> str:
        """The reasoning of choice 0."""
        return self._text(ReasoningDelta, 0)

    @property
    def refusal(self) -> str:
        """The refusal of choice 0, or the empty string."""
        return self._text(RefusalDelta, 0)

    def _text(self, kind: type[TextDelta | ReasoningDelta | RefusalDelta], choice: int) -> str:
        return "".join([i.text for i in self._items() if type(i) is kind and i.choice == choice])

    @property
    def tool_calls(self) -> list[ToolCall]:
        """The tool calls of choice 0; one that is still being written has its arguments so far in `arguments_raw`."""
        return self._tool_calls(0)

    def _tool_calls(self, choice: int) -> list[ToolCall]:
        whole: dict[int, ToolCall | None] = {}
        pieces: dict[int, list[ToolCallDelta]] = {}
        for item in self._items():
            if type(item) is ToolCallDelta and item.choice == choice:
                whole.setdefault(item.call, None)
                pieces.setdefault(item.call, []).append(item)
            elif type(item) is ToolCall and item.choice == choice:
                whole[item.call] = item
        return [done or _unfinished(pieces[call]) for call, done in whole.items()]

    @property
    def content(self) -> list[str | ToolCall]:
        """The aggregated choice: its text first, then its tool calls; the empty text only where there is no call."""
        calls = self.tool_calls
        text = self.text
        return [text, *calls] if text or not calls else list(calls)

    @property
    def choices(self) -> list[Choice]:
        """All choices by index; choice 0 is what the plain properties tell."""
        indexes = {0} | {i.choice for i in self._items() if isinstance(i, _CHOOSING)}
        return [
            Choice(
                n,
                self._text(TextDelta, n),
                self._text(ReasoningDelta, n),
                self._text(RefusalDelta, n),
                self._tool_calls(n),
                *self._finish_of(n),
            )
            for n in sorted(indexes)
        ]

    def _finish_of(self, choice: int) -> tuple[str | None, str | None]:
        for item in self._items():
            if type(item) is ChoiceFinished and item.choice == choice:
                return item.reason, item.raw_reason
        return None, None

    @property
    def finish_reason(self) -> str | None:
        """How the stream ended; None while it runs, or where it failed before choice 0 was finished."""
        finish = self._head.finish
        return finish.reason if finish else self._finish_of(0)[0]

    @property
    def raw_finish_reason(self) -> str | None:
        """The provider's own word for `finish_reason`."""
        finish = self._head.finish
        return finish.raw_reason if finish else self._finish_of(0)[1]

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
            An assistant's message with the text, the reasoning and the tool calls whose arguments are whole.
        """
        finish = self._head.finish
        return Message(
            role="assistant",
            content=self.text or None,
            reasoning=self.reasoning or None,
            tool_calls=[
                MessageToolCall(id=c.id or f"call_{c.call}", name=c.name, arguments=c.arguments_raw or "{}")
                for c in self.tool_calls
                if c.arguments is not None
            ],
            native=(finish.native or {}) if finish else {},
        )

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


def _unfinished(pieces: list[ToolCallDelta]) -> ToolCall:
    raw = "".join([p.arguments for p in pieces])
    name = next((p.name for p in pieces if p.name), "")
    id_ = next((p.id for p in pieces if p.id), None)
    return ToolCall(pieces[0].call, id_, name, parse_arguments(raw), raw, pieces[0].choice)


def parse_arguments(raw: str) -> Any:
    """Parse a tool call's arguments: None where they are not JSON, `{}` where they are empty.

    >>> parse_arguments('{"a": 1}'), parse_arguments('{"a":'), parse_arguments("")
    ({'a': 1}, None, {})

    Args:
        raw: The arguments as the provider sent them.

    Returns:
        The parsed value.
    """
    if not raw:
        return {}
    try:
        return json.loads(raw)
    except (ValueError, RecursionError):
        return None


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


def _told(head: _Head, item: StreamItem, length: int) -> _Head:
    """Give the head after a structural item."""
    if isinstance(item, Usage):
        return msgspec.structs.replace(head, usage=item)
    if isinstance(item, Started):
        return msgspec.structs.replace(head, id=item.id, model=item.model or head.model, turn_start=length)
    if isinstance(item, Finish):
        return msgspec.structs.replace(head, finish=item, usage=item.usage or head.usage)
    return head


def _rolled_back(log: list[StreamItem], head: _Head, item: Rollback) -> tuple[list[StreamItem], _Head]:
    """Forget the void attempt, but not what it cost."""
    usage = next((i for i in reversed(log[head.turn_start :]) if isinstance(i, Usage)), None)
    kept = log[: head.turn_start]
    before = _Head()  # what the turns before this one had told
    for length, earlier in enumerate(kept):
        before = _told(before, earlier, length)
    attempts = (*head.attempts, Attempt(item.attempt, usage))
    return kept, msgspec.structs.replace(before, attempts=attempts, turn_start=len(kept))


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
