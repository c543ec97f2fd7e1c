"""One of the answers of a response, which Gemini calls a candidate: its parts, its facts, its end."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from rxllm.items import (
    ChoiceFinished,
    ProviderEvent,
    Reasoning,
    ReasoningDelta,
    Source,
    StreamItem,
    TextDelta,
)
from rxllm.wire.gemini_calls import Calls
from rxllm.wire.gemini_chunk import Json, listed, object_of
from rxllm.wire.gemini_parts import DATA, logprobs, other_data, sources
from rxllm.wire.loose_json import word
from rxllm.wire.surrogates import Halves, Key

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["Choice"]

_FILTERED: Final = (
    "SAFETY", "RECITATION", "BLOCKLIST", "PROHIBITED_CONTENT", "SPII", "MODEL_ARMOR",
    "IMAGE_SAFETY", "IMAGE_PROHIBITED_CONTENT", "IMAGE_RECITATION",
)  # fmt: skip
_REASON: Final = {"STOP": "stop", "MAX_TOKENS": "length", **dict.fromkeys(_FILTERED, "content_filter")}
_PART: Final = frozenset({"text", "thought", "thoughtSignature", "functionCall"}) | DATA
_TOLD_BEFORE: Final = frozenset({"content", "index", "finishReason", "logprobsResult", "citationMetadata"})
_FACTS: Final = frozenset(
    {"safetyRatings", "finishMessage", "avgLogprobs", "tokenCount", "groundingMetadata", "urlContextMetadata"}
    | {"groundingAttributions"}
)


class Choice:
    """An answer so far; each method adds the items it makes to `out`.

    Args:
        index: Its index.
        numbers: Gives each call its number.
        halves: Keeps half a character until the other half comes.
    """

    def __init__(self, index: int, numbers: Iterator[int], halves: Halves) -> None:
        self.index = index
        self.finish: str | None = None
        self.parts: list[Json] = []
        self.facts: Json = {}
        self._calls = Calls(index, numbers, self.parts)
        self._halves = halves
        self._thought: list[str] | None = None  # the block of reasoning that is open
        self._run: list[str] = []  # pieces of text that become one part of the next request
        self._run_thinks = False
        self._cited: list[Source] = []

    def text(self, text: str, out: list[StreamItem], *, thought: bool = False) -> None:
        """Take a piece of text, or of a thought's summary, and nothing else."""
        said = self._say(text, out, thought=thought)
        if said:
            if thought != self._run_thinks:
                self._end_run()
            self._run_thinks = thought
            self._run.append(said)

    def take(self, candidate: Json, out: list[StreamItem]) -> None:
        """Take a chunk's candidate, whatever is in it.

        Raises:
            ValueError: A field is not what it should be.
        """
        content = object_of(candidate.get("content") or {}, "content")
        for part in listed(content, "parts"):
            self._part(object_of(part, "a part"), out)
        if found := logprobs(candidate.get("logprobsResult"), self.index):
            out.append(found)
        for source in sources(candidate, self.index):
            if source not in self._cited:
                self._cited.append(source)
                out.append(source)
        unknown = {f"content.{key}": value for key, value in content.items() if key not in ("parts", "role")}
        for key, value in {**candidate, **unknown}.items():
            if key in _TOLD_BEFORE or value is None:
                continue
            if key not in _FACTS and (key not in self.facts or self.facts[key] != value):
                out.append(ProviderEvent(f"candidate.{key}", value))
            self.facts[key] = value
        self.finish = word(candidate.get("finishReason")) or self.finish  # each chunk may say one, and the last counts

    def _part(self, part: Json, out: list[StreamItem]) -> None:
        text, thought, signature = part.get("text"), part.get("thought") is True, word(part.get("thoughtSignature"))
        if not isinstance(text, (str, type(None))):
            raise ValueError("`text` is no text")  # noqa: TRY004 - the wire's fault, not that of an argument
        if part.keys() <= {"text", "thought"}:
            self.text(text or "", out, thought=thought)
            return
        self._end_run()
        said = self._say(text or "", out, thought=thought)
        if "functionCall" in part:
            self._close_thought(out)
            self._calls.take(object_of(part["functionCall"], "functionCall"), part, out)
        else:
            self.parts.append({**part, "text": said} if text is not None else part)
            data = [name for name in part if name in DATA]
            for name in data:
                self._close_thought(out)
                out.append(other_data(name, object_of(part[name], name), part, self.index))
            if signature and not data:
                self._sign(signature, out)
        out.extend([ProviderEvent(f"part.{name}", part) for name in part if name not in _PART])

    def _say(self, text: str, out: list[StreamItem], *, thought: bool) -> str:
        """Give a piece without half characters; text ends the block of reasoning before it."""
        kind = ReasoningDelta if thought else TextDelta
        text = self._halves.joined(Key(kind, self.index), text)
        if not text:
            return ""
        if not thought:
            self._close_thought(out)
        elif self._thought is None:
            self._thought = [text]
        else:
            self._thought.append(text)
        out.append(kind(text, self.index))
        return text

    def _sign(self, signature: str, out: list[StreamItem]) -> None:
        """Take a signature, which signs the open block, or a thought that was not shown."""
        if self._thought is None:
            out.append(Reasoning(signature=signature, choice=self.index))
        else:
            self._close_thought(out, signature)

    def _close_thought(self, out: list[StreamItem], signature: str | None = None) -> None:
        if self._thought is not None:
            block, self._thought = self._thought, None
            out.append(Reasoning("".join(block), signature, choice=self.index))

    def _end_run(self) -> None:
        if self._run:
            part: Json = {"text": "".join(self._run)}
            self.parts.append({**part, "thought": True} if self._run_thinks else part)
            self._run = []

    def reason(self) -> str:
        """Say in our own words how it ended."""
        reason = _REASON.get(self.finish or "", "other")
        return "tool_calls" if reason == "stop" and self._calls.count else reason

    def end(self, out: list[StreamItem]) -> None:
        """Give what is still open, and how it ended.

        Raises:
            ValueError: The arguments of a call contradict each other.
        """
        for kind in [key.kind for key in self._halves.flushed(self.index)]:
            self.text("\ufffd", out, thought=kind is ReasoningDelta)
        self._end_run()
        self._close_thought(out)
        self._calls.end(out, cut=_REASON.get(self.finish or "") != "stop")
        out.append(ChoiceFinished(self.index, self.reason(), self.finish))
