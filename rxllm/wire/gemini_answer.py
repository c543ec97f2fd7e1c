"""What the chunks of one response amount to: its answers, their usage, and its end."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Any, Final, cast

from rxllm.items import Finish, ProviderEvent, Started, StreamItem, Usage
from rxllm.wire.gemini_choice import Choice
from rxllm.wire.gemini_chunk import Json, PlainChunk, listed, object_of
from rxllm.wire.gemini_parts import usage
from rxllm.wire.loose_json import word
from rxllm.wire.surrogates import Halves

if TYPE_CHECKING:
    from rxllm.items import TextDelta

__all__ = ["FIELDS", "Answer"]

_FACTS: Final = frozenset({"promptFeedback", "createTime", "modelStatus"})
FIELDS: Final = frozenset({"candidates", "usageMetadata", "modelVersion", "responseId", "error"}) | _FACTS
"""What a chunk may say; an object with none of them is no chunk."""


class Answer:
    """The response so far; each method adds the items it makes to `out`.

    Attributes:
        started: Whether a chunk was seen.
    """

    def __init__(self) -> None:
        self.started = False
        self._halves = Halves()
        self._numbers = itertools.count()
        self._choices: dict[int, Choice] = {}
        self._counted: Json = {}
        self._usage: Usage | None = None
        self._facts: Json = {}

    def is_finished(self) -> bool:
        """Tell whether there is an answer, and a `finishReason` for each."""
        return bool(self._choices) and all(choice.finish for choice in self._choices.values())

    def take_plain(self, chunk: PlainChunk, out: list[StreamItem]) -> None:
        """Take a chunk that is text and nothing else."""
        self._start(chunk.responseId, chunk.modelVersion, out)
        (candidate,) = chunk.candidates
        choice = self._choice(candidate.index)
        for part in candidate.content.parts:
            choice.text(part.text, out, thought=part.thought)
        self._count(chunk.usageMetadata or {}, out)

    def take(self, chunk: Json, out: list[StreamItem]) -> None:
        """Take a chunk, whatever is in it.

        Raises:
            ValueError: A field is not what it should be.
        """
        self._start(word(chunk.get("responseId")), word(chunk.get("modelVersion")), out)
        for each in listed(chunk, "candidates"):
            candidate = object_of(each, "a candidate")
            index = candidate.get("index") or 0
            if not isinstance(index, int):
                raise ValueError("`index` is no number")  # noqa: TRY004 - the wire's fault, not that of an argument
            self._choice(index).take(candidate, out)
        self._count(object_of(chunk.get("usageMetadata") or {}, "usageMetadata"), out)
        for name, value in chunk.items():
            if name in _FACTS:
                self._facts[name] = value
            elif name not in FIELDS and (name not in self._facts or self._facts[name] != value):
                self._facts[name] = value  # told again only when it changes
                out.append(ProviderEvent(name, value))

    def _start(self, id_: str | None, model: str | None, out: list[StreamItem]) -> None:
        if not self.started:
            self.started = True
            out.append(Started(id_, model))

    def _choice(self, index: int) -> Choice:
        choice = self._choices.get(index)
        if choice is None:
            choice = self._choices[index] = Choice(index, self._numbers, self._halves)
        return choice

    def _count(self, numbers: Json, out: list[StreamItem]) -> None:
        """Give usage, if it is new: each chunk counts from the beginning."""
        if not numbers or numbers == self._counted:
            return
        self._counted = numbers
        if (item := usage(numbers)) is not None:
            self._usage = item
            out.append(item)

    def end(self, out: list[StreamItem]) -> None:
        """Give what is still open, and the one `Finish`, whose reason is that of choice 0.

        Raises:
            ValueError: The arguments of a call contradict each other.
        """
        for choice in self._choices.values():
            choice.end(out)
        first = self._choices.get(0) or next(iter(self._choices.values()))
        facts: dict[str, Any] = {**self._facts, **first.facts}
        others = {str(choice.index): choice.facts for choice in self._choices.values() if choice is not first}
        if any(others.values()):
            facts["candidates"] = others
        out.append(
            Finish(first.reason(), first.finish, self._usage, facts or None, native={"gemini": list(first.parts)})
        )

    def end_finished(self, out: list[StreamItem]) -> None:
        """Give what is still open in the answers that have a `finishReason`, where an error follows instead of the end.

        Raises:
            ValueError: The arguments of a call contradict each other.
        """
        for choice in self._choices.values():
            if choice.finish:
                choice.end(out)

    def give_up(self, out: list[StreamItem]) -> None:
        """End what waits for its other half, which will not come."""
        out.extend([cast("type[TextDelta]", key.kind)("\ufffd", key.choice) for key in self._halves.flushed()])
