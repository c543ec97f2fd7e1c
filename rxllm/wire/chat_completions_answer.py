"""What the chunks of one response amount to: its choices, what is still open in them, and its end."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Any, Final, cast

from rxllm.items import (
    ChoiceFinished,
    Finish,
    Logprobs,
    ProviderEvent,
    ReasoningDelta,
    RefusalDelta,
    Started,
    StreamItem,
    TextDelta,
    ToolCallDelta,
    Usage,
)
from rxllm.wire.chat_completions_calls import ToolCalls
from rxllm.wire.chat_completions_chunk import Fragment, read_name, usage
from rxllm.wire.chat_completions_parts import citations, content_parts, media, reasoning, sources
from rxllm.wire.loose_json import read_json
from rxllm.wire.surrogates import Halves, Key

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rxllm.items import Delta
    from rxllm.wire.chat_completions_chunk import Choice, Chunk
    from rxllm.wire.chat_completions_chunk import Delta as ChunkDelta

__all__ = ["Answer"]

_LEGACY: Final = -1  # `function_call`, of which there is one, and no index
_REASONS: Final = {
    "stop": ("stop", "eos", "eos_token", "end_turn", "stop_sequence", "complete"),
    "length": ("length", "max_tokens", "model_length", "max_output_tokens"),
    "tool_calls": ("tool_calls", "function_call", "tool_use"),
    "content_filter": ("content_filter", "safety", "recitation", "sensitive"),
    "refusal": ("refusal",),
    "pause": ("pause", "pause_turn"),
    "cancelled": ("cancelled", "canceled", "abort", "aborted"),
}
_REASON: Final = {word: reason for reason, words in _REASONS.items() for word in words}
_TOLD_BEFORE: Final = frozenset(
    {"choices", "usage", "error", "id", "object", "model", "obfuscation", "p", "citations", "search_results"}
    | {"prompt_progress"}
)


class _Choice:
    """What is known of one choice."""

    __slots__ = ("calls", "finish", "index", "refused", "spoke")

    def __init__(self, index: int, numbers: Iterator[int], halves: Halves) -> None:
        self.index = index
        self.calls = ToolCalls(index, numbers, halves)
        self.finish: str | None = None
        self.spoke = False
        self.refused = False

    def reason(self) -> str:
        """Say in our own words how it ended."""
        if self.finish is None:
            return "tool_calls" if self.calls else "other"
        reason = _REASON.get(self.finish.lower(), "other")
        if reason == "stop" and self.calls:
            return "tool_calls"
        if reason == "stop" and self.refused and not self.spoke:
            return "refusal"
        return reason


class Answer:
    """The answer so far; each method adds the items it makes to `out`.

    Attributes:
        waiting: The half characters that wait for their other half.
        speaking: The choice of the last text, known to have some; -1 before that.
        started: Whether a choice was seen.
    """

    def __init__(self) -> None:
        self._halves = Halves()
        self.waiting = self._halves.waiting
        self.speaking = -1
        self.started = False
        self._model: str | None = None
        self._numbers = itertools.count()
        self._choices: dict[int, _Choice] = {}
        self._usage: Usage | None = None
        self._cited: set[str] = set()
        self._response: dict[str, Any] = {}

    def is_finished(self) -> bool:
        """Tell whether there is a choice, and a `finish_reason` for each."""
        return bool(self._choices) and all(choice.finish for choice in self._choices.values())

    def take(self, chunk: Chunk, payload: bytes, out: list[StreamItem]) -> Any:
        """Take a chunk, whatever is in it.

        Args:
            chunk: The chunk.
            payload: The same, to look for what is not typed.
            out: Where the items go.

        Returns:
            The provider's error, if there is one in it; it comes after all else that the chunk says.
        """
        choices = chunk.choices or []
        if not self.started:
            self._start(payload, out, at_last=bool(choices))
        error = chunk.error
        for choice in choices:
            self._choice(choice, out)
            error = error or choice.error
        if chunk.search_results is not None or chunk.citations is not None:
            out.extend(citations(chunk.search_results, chunk.citations, self._cited))
        if chunk.prompt_progress is not None:
            out.append(ProviderEvent("prompt_progress", chunk.prompt_progress))
        groq = cast("dict[str, Any]", chunk.x_groq) if isinstance(chunk.x_groq, dict) else {}
        self._count(chunk.usage or groq.get("usage"), out)
        if chunk.timings is not None:
            self._response["timings"] = chunk.timings
        if not choices or any(choice.finish_reason for choice in choices):
            fields = cast("dict[str, Any]", read_json(payload))
            self._response |= {k: v for k, v in fields.items() if v is not None and k not in _TOLD_BEFORE}
        return error or groq.get("error")

    def _start(self, payload: bytes, out: list[StreamItem], *, at_last: bool) -> None:
        """Say whose response it is, at the first chunk that knows or has a choice; Azure's first is anonymous."""
        id_, model = read_name(payload)
        self._model = model or self._model
        if id_ or at_last:
            self.started = True
            out.append(Started(id_, self._model))

    def _count(self, numbers: Any, out: list[StreamItem]) -> None:
        """Give usage, if it is new; null and `{}` say nothing, and do not undo what was said."""
        if isinstance(numbers, dict) and numbers and (item := usage(cast("dict[str, Any]", numbers))) != self._usage:
            self._usage = item
            out.append(item)

    def _choice(self, new: Choice, out: list[StreamItem]) -> None:
        index = new.index or 0
        choice = self._choices.get(index)
        if choice is None:
            choice = self._choices[index] = _Choice(index, self._numbers, self._halves)
        delta = new.delta
        if delta is None and new.finish_reason and not choice.spoke and not choice.calls:
            delta = new.message  # the whole answer at once, from a server that only plays at streaming
        if delta is not None:
            self._delta(delta, choice, out)
        if isinstance(new.logprobs, dict):
            logprobs = cast("dict[str, Any]", new.logprobs)
            tokens = [logprobs.get("content"), logprobs.get("refusal")]
            out.extend(Logprobs(cast("list[Any]", each), index) for each in tokens if each and isinstance(each, list))
        if new.finish_reason and choice.finish is None:
            choice.finish = new.finish_reason
            self._close(choice, out)
            out.append(ChoiceFinished(index, choice.reason(), choice.finish))

    def _delta(self, delta: ChunkDelta, choice: _Choice, out: list[StreamItem]) -> None:
        if delta.reasoning_content or delta.reasoning or delta.reasoning_details:
            for item in reasoning(delta, choice.index):
                self._say(item, choice, out)
        if isinstance(delta.content, str):
            self._say(TextDelta(delta.content, choice.index), choice, out)
        elif delta.content:
            for item in content_parts(delta.content, choice.index):
                self._say(item, choice, out)
        if delta.refusal:
            choice.refused = True
            self._say(RefusalDelta(delta.refusal, choice.index), choice, out)
        if delta.tool_calls or delta.function_call is not None:
            self._calls(delta, choice, out)
        if delta.annotations is not None:
            out.extend(sources(delta.annotations, choice.index))
        if delta.audio is not None or delta.images is not None:
            out.extend(media(delta, choice.index))

    def _calls(self, delta: ChunkDelta, choice: _Choice, out: list[StreamItem]) -> None:
        fragments = delta.tool_calls or []
        pieces = [
            choice.calls.take(fragment, position if len(fragments) > 1 else None)
            for position, fragment in enumerate(fragments)
        ]
        if delta.function_call is not None:
            pieces.append(choice.calls.take(Fragment(index=_LEGACY, function=delta.function_call)))
        out.extend([piece for piece in pieces if piece is not None])

    def _say(self, item: StreamItem, choice: _Choice, out: list[StreamItem]) -> None:
        """Give a piece of text without half characters and unless it is empty; anything else as it is."""
        if not isinstance(item, (TextDelta, ReasoningDelta, RefusalDelta)):
            out.append(item)
            return
        kind = type(item)
        text = self._halves.joined(Key(kind, choice.index), item.text)
        if text:
            out.append(item if text is item.text else kind(text, choice.index))
            if kind is TextDelta:
                choice.spoke = True
                self.speaking = choice.index

    def _close(self, choice: _Choice, out: list[StreamItem]) -> None:
        """Give what a choice still holds: half characters, and calls that are new or have grown since."""
        for kind, index, call in self._halves.flushed(choice.index):
            choice.calls.add(call, "\ufffd")
            out.append(_replacement(kind, index, call))
        out.extend(choice.calls.whole())

    def end(self, out: list[StreamItem]) -> None:
        """Give what is still open, and the one `Finish`, whose reason is that of choice 0."""
        for choice in self._choices.values():
            self._close(choice, out)
        first = self._choices.get(0) or next(iter(self._choices.values()), None)
        out.append(
            Finish(
                first.reason() if first else "other",
                first.finish if first else None,
                self._usage,
                self._response or None,
            )
        )

    def give_up(self, out: list[StreamItem]) -> None:
        """End what waits for its other half, which will not come."""
        for kind, index, call in self._halves.flushed():
            out.append(_replacement(kind, index, call))


def _replacement(kind: type[Delta], choice: int, call: int) -> Delta:
    """Give U+FFFD as the end of a part whose last character was never completed."""
    if kind is ToolCallDelta:
        return ToolCallDelta(call, arguments="\ufffd", choice=choice)
    return cast("type[TextDelta]", kind)("\ufffd", choice)
