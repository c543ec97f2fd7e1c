"""A block of an answer while it is being written: the pieces it is told in, and the items that it comes to."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final, cast

from rxllm.completion import parse_arguments
from rxllm.items import (
    ProviderEvent,
    Reasoning,
    ReasoningDelta,
    ServerToolCall,
    ServerToolResult,
    Source,
    TextDelta,
    ToolCall,
    ToolCallDelta,
)
from rxllm.wire.loose_json import word
from rxllm.wire.surrogates import Halves, Key, mended

if TYPE_CHECKING:
    from rxllm.items import StreamItem
    from rxllm.wire.anthropic_event import Delta

__all__ = ["Block"]

_SAYS: Final = {"text": TextDelta, "thinking": ReasoningDelta, "tool_use": ToolCallDelta}
_TELLS: Final = {"text_delta": "text", "thinking_delta": "thinking", "input_json_delta": "input"}
_RESULT: Final = "_tool_result"


class Block:
    """One block, from its start to its stop.

    Args:
        content: The block as it started; filled as it grows, so that at its stop it is what a request takes back.
        call: Our own number, if it is a tool call; else -1.

    Attributes:
        kind: Its `type`.
        content: See above.
    """

    __slots__ = ("_call", "_field", "_halves", "_key", "_opening", "_pieces", "content", "kind")

    def __init__(self, content: dict[str, Any], call: int = -1) -> None:
        self.kind = word(content.get("type")) or "unknown"
        self.content = content
        self._call = call
        if self.is_call() or self.kind.endswith("_tool_use"):
            self._field = "input"
        else:
            self._field = self.kind if self.kind in _SAYS else ""
        self._key = Key(_SAYS.get(self.kind, ToolCallDelta), 0, call)
        self._halves = Halves()
        self._pieces: list[str] = []
        self._opening: Any = content.get(self._field)

    def is_call(self) -> bool:
        """Tell whether it is a call of a tool that somebody here has to answer."""
        return self.kind == "tool_use"

    def start(self, out: list[StreamItem]) -> None:
        """Give what the start alone tells."""
        if self.is_call():
            out.append(ToolCallDelta(self._call, word(self.content.get("name")), "", 0, word(self.content.get("id"))))
        elif self.kind in _SAYS:
            self._add(self._opening if isinstance(self._opening, str) else "", out)
            out.extend(_source(citation) for citation in self._citations())

    def take(self, delta: Delta, out: list[StreamItem]) -> bool:
        """Take a delta, and tell whether it is one that this block can take."""
        told = delta.type
        if told == "signature_delta":
            self.content["signature"] = delta.signature or ""  # the last one counts: it signs the whole block
            return True
        if _TELLS.get(told or "") != self._field:
            return False
        self._add((delta.text if told == "text_delta" else delta.thinking if told == "thinking_delta" else
                   delta.partial_json) or "", out)  # fmt: skip
        return True

    def take_rarer(self, delta: dict[str, Any], out: list[StreamItem]) -> bool:
        """Take a delta of the kinds that come once a block at most or once a statement."""
        if delta.get("type") == "citations_delta" and self.kind == "text":
            self.content["citations"] = [*self._citations(), delta.get("citation")]
            out.append(_source(delta.get("citation")))
            return True
        if delta.get("type") == "compaction_delta" and self.kind == "compaction":
            self.content |= {name: value for name, value in delta.items() if name != "type"}
            return True
        return False

    def _citations(self) -> list[Any]:
        citations: Any = self.content.get("citations")
        return cast("list[Any]", citations) if isinstance(citations, list) else []

    def _add(self, piece: str, out: list[StreamItem]) -> None:
        text = self._halves.joined(self._key, piece)
        if text:
            self._pieces.append(text)
            self._say(text, out)

    def _say(self, text: str, out: list[StreamItem]) -> None:
        if self.kind == "text":
            out.append(TextDelta(text))
        elif self.kind == "thinking":
            out.append(ReasoningDelta(text))
        elif self._call >= 0:
            out.append(ToolCallDelta(self._call, arguments=text))

    def give_up(self, out: list[StreamItem]) -> None:
        """End what waits for its other half, which will not come."""
        if self._halves.flushed():
            self._pieces.append("\ufffd")
            self._say("\ufffd", out)

    def stop(self, names: dict[str, str], out: list[StreamItem]) -> None:
        """Give what the block came to.

        Args:
            names: The names of the provider's own tools by the ids of their calls; grows.
            out: Where the items go.

        Raises:
            ValueError: Its input is nested too deeply.
        """
        self.give_up(out)
        if self._field == "input":
            self._stop_call(names, out)
        elif self.kind == "thinking":
            text = self.content["thinking"] = "".join(self._pieces)
            signature = word(self.content.get("signature"))
            if text or signature:
                out.append(Reasoning(text, signature, extra=self._rest("thinking", "signature")))
        elif self.kind == "redacted_thinking":
            out.append(Reasoning("", redacted=word(self.content.get("data")), extra=self._rest("data")))
        elif self.kind.endswith(_RESULT):
            out.append(self._result(names))
        elif self.kind == "text":
            self.content["text"] = "".join(self._pieces)
        else:
            out.append(ProviderEvent(self.kind, self.content))

    def _stop_call(self, names: dict[str, str], out: list[StreamItem]) -> None:
        if not self._pieces and self._opening:  # the input came whole, with the block's start
            whole = self._opening if isinstance(self._opening, str) else _text(self._opening)
            self._pieces.append(whole)
            self._say(whole, out)
        raw = "".join(self._pieces)
        arguments = self.content["input"] = _arguments(raw)
        id_, name = word(self.content.get("id")), word(self.content.get("name")) or ""
        extra = self._rest("id", "name", "input")
        if self.is_call():
            out.append(ToolCall(self._call, id_, name, arguments, raw, extra=extra))
            return
        names[id_ or ""] = name
        if arguments is None:
            extra = {**(extra or {}), "arguments_raw": raw}
        out.append(ServerToolCall(id_, name, arguments, extra=extra))

    def _result(self, names: dict[str, str]) -> ServerToolResult:
        id_, content = word(self.content.get("tool_use_id")), self.content.get("content")
        kind: Any = cast("dict[str, Any]", content).get("type") if isinstance(content, dict) else None
        failed = self.content.get("is_error") is True or (isinstance(kind, str) and kind.endswith("_error"))
        return ServerToolResult(id_, names.get(id_ or "") or self.kind.removesuffix(_RESULT), content, failed)

    def _rest(self, *told: str) -> dict[str, Any] | None:
        """Give the fields that have no place in the item."""
        return {n: v for n, v in self.content.items() if n not in told and n != "type" and v is not None} or None

    def is_bare(self) -> bool:
        """Tell whether it is a call of which no argument was told: it has none, or was cut off before the first."""
        return self._field == "input" and not self._pieces

    def can_go_back(self) -> bool:
        """Tell whether a request may hold it: no text without a character, no call that was cut off."""
        if self.kind == "text":
            return bool(self.content.get("text"))
        if self.kind == "thinking":
            return bool(self.content.get("thinking") or self.content.get("signature"))
        return self._field != "input" or self.content.get("input") is not None


def _arguments(raw: str) -> Any:
    arguments = parse_arguments(raw)
    if "\\u" not in raw:
        return arguments
    try:
        return mended(arguments)
    except RecursionError:
        return None


def _text(value: Any) -> str:
    try:
        return json.dumps(value, ensure_ascii=False)
    except RecursionError as error:
        raise ValueError("nested too deeply") from error


def _source(citation: Any) -> Source:
    """Make a citation: of a page of the web, of a search's result, of a place in a document."""
    if not isinstance(citation, dict):
        return Source(extra={"citation": citation})
    fields = cast("dict[str, Any]", citation)
    known = ("url", "title", "cited_text")
    extra = {name: value for name, value in fields.items() if name not in known and value is not None}
    url = word(fields.get("url")) or word(fields.get("source"))
    title = word(fields.get("title")) or word(fields.get("document_title"))
    return Source(url, title, word(fields.get("cited_text")), extra=extra or None)
