"""One output item of a response: a message, a block of reasoning, a tool call, or what a tool of the provider's did.

Its text comes in deltas, and again whole in up to four later events. Servers are known to leave out any of these, so
each whole text adds what the deltas have not said yet.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, TypeAlias, cast

from rxllm.completion import parse_arguments
from rxllm.items import (
    Logprobs,
    ProviderEvent,
    Reasoning,
    ReasoningDelta,
    RefusalDelta,
    TextDelta,
    ToolCall,
    ToolCallDelta,
)
from rxllm.wire.responses_native import CALLS, TEXTS, Part, assembled, joined, listed, objects, text_of, word
from rxllm.wire.responses_tools import server_tool, source
from rxllm.wire.surrogates import Halves, Key, mended

if TYPE_CHECKING:
    from rxllm.items import Delta, StreamItem

__all__ = ["OutputItem"]

Json: TypeAlias = "dict[str, Any]"
_DELTA: Final[dict[str, type[Delta]]] = {
    "output_text": TextDelta,
    "refusal": RefusalDelta,
    "reasoning_text": ReasoningDelta,
    "summary_text": ReasoningDelta,
    "arguments": ToolCallDelta,
    "input": ToolCallDelta,
}
_CALL_KNOWN: Final = frozenset({"type", "id", "call_id", "name", "arguments", "input", "status"})


class OutputItem:
    """An item that is being written.

    Args:
        kind: Its type in the format.
        number: Of a call, our own number, else another that no item of its kind has.
        halves: Keeps half a character until the other half comes.
        index: Its place in the output, where the server tells it.
        id: Its id, which a few servers change with each event.

    Attributes:
        raw: The item as the server told it last.
        is_announced: Whether the server told of it before its content.
        is_done: Whether it is closed.
        is_served: Of a custom tool's call, whether the provider answers it itself.
    """

    def __init__(
        self,
        kind: str,
        number: int,
        halves: Halves,
        index: int | None,
        id: str | None,  # noqa: A002 - the format's own word
    ) -> None:
        self.kind = kind
        self.number = number
        self.index = index
        self.id = id
        self.raw: Json = {}
        self.is_announced = False
        self.is_done = False
        self.is_served = False
        self.name: str | None = None
        self._call_id: str | None = None
        self._halves = halves
        self._parts: list[Part] = []
        self._by_place: dict[tuple[str, int | None], Part] = {}
        self._voice: str | None = None  # which of its two texts a block of reasoning speaks with
        self._whole: str | None = None
        self._cited = 0
        self._weighed = False
        self._is_told = False

    def said(self, field: str) -> str:
        """Join what was said of a field.

        Args:
            field: The field's name.

        Returns:
            Its text so far.
        """
        return "".join([piece for part in self._parts if part.field == field for piece in part.pieces])

    def announce(self, raw: Json, out: list[StreamItem]) -> None:
        """Take the item as it is before its content; what content it has already will come again.

        Args:
            raw: The item.
            out: Where the items go.
        """
        self.is_announced = True
        self.raw = raw
        if self.kind in CALLS:
            self._introduce(out)

    def _introduce(self, out: list[StreamItem]) -> None:
        """Tell a call's name and id, each once."""
        name = word(self.raw.get("name")) if self.name is None else None
        id_ = (word(self.raw.get("call_id")) or word(self.raw.get("id"))) if self._call_id is None else None
        self.name = name or self.name
        self._call_id = id_ or self._call_id
        if name or id_:
            out.append(ToolCallDelta(self.number, name, id=id_))

    def begin(self, field: str, index: int | None) -> Part:
        """Begin a part, also where there was one of the same index, as with servers that count none.

        Args:
            field: What it is a part of.
            index: Its place among the item's parts.

        Returns:
            The part.
        """
        part = self._by_place[field, index] = Part(field)
        self._parts.append(part)
        return part

    def say(self, field: str, index: int | None, text: str, out: list[StreamItem]) -> bool:
        """Take a piece of a text.

        Args:
            field: What it is a piece of.
            index: Of which part.
            text: The piece.
            out: Where the items go.

        Returns:
            False for a text that is not the item's to say: reasoning's summary beside reasoning itself.
        """
        if self.kind == "reasoning" and field != self._voice:
            if self._voice is not None:
                return False
            self._voice = field
        part = self._by_place.get((field, index)) or self.begin(field, index)
        if self._halves.waiting or not text.isascii():
            text = self._halves.joined(Key(_DELTA[field], 0, self.number), text)
        self._add(part, text, out)
        return True

    def weigh(self, logprobs: Any, out: list[StreamItem]) -> None:
        """Take the probabilities of the tokens just said, if there are any.

        Args:
            logprobs: The list.
            out: Where the items go.
        """
        if isinstance(logprobs, list) and logprobs:
            self._weighed = True
            out.append(Logprobs(cast("list[Any]", logprobs)))

    def cite(self, annotation: Any, out: list[StreamItem]) -> None:
        """Take a citation.

        Args:
            annotation: Its object.
            out: Where the items go.
        """
        self._cited += 1
        is_known = isinstance(annotation, dict)
        out.append(source(cast("Json", annotation)) if is_known else ProviderEvent("annotation", annotation))

    def complete(self, field: str, index: int | None, whole: Any, out: list[StreamItem]) -> bool:
        """Take a part's whole text.

        Args:
            field: What it is a part of.
            index: Of which part.
            whole: Its text; what is no text says nothing.
            out: Where the items go.

        Returns:
            False if it says another thing than its pieces did, which can be told once and not be taken back.
        """
        if self.kind == "reasoning" and self._voice not in (None, field):
            return True  # it will stand in the whole item
        text = text_of(whole)
        if text and field in CALLS.values():
            self._whole = text
        part = self._by_place.get((field, index))
        if part is None:
            if not text:
                return True
            part = self.begin(field, index)
        return self._catch_up([part], text, out)

    def _catch_up(self, parts: list[Part], whole: str, out: list[StreamItem]) -> bool:
        """Say what the parts have not said yet of their whole text."""
        last = parts[-1]
        half = self._halves.waiting.pop(Key(_DELTA[last.field], 0, self.number), None)
        said = "".join([piece for part in parts for piece in part.pieces])
        if whole.startswith(said) and whole:
            if self.kind == "reasoning":
                self._voice = last.field
            self._add(last, whole[len(said) :], out)
            return True
        if half:
            self._add(last, "\ufffd", out)
        if not whole or any(part.disputed for part in parts):
            return True
        last.disputed = True
        return False

    def _add(self, part: Part, text: str, out: list[StreamItem]) -> None:
        if not text:
            return
        part.pieces.append(text)
        kind = _DELTA[part.field]
        if kind is ToolCallDelta:
            out.append(ToolCallDelta(self.number, None, text))
        else:
            out.append(cast("type[TextDelta]", kind)(text))

    def close(self, raw: Json | None, out: list[StreamItem]) -> None:
        """Take the item as it is at the end.

        Args:
            raw: The item, or None where it was cut off or never told.
            out: Where the items go.
        """
        self.is_done = True
        self._is_told = raw is not None
        if raw is not None:
            self.raw = raw
        disputed = False
        if self.kind == "message":
            disputed = not self._close_message(raw or {}, out)
        elif self.kind == "reasoning":
            disputed = not self._close_reasoning(raw or {}, out)
        elif self.kind in CALLS:
            self._close_call(raw or {}, out)
        else:
            ran = server_tool(self.raw) if raw is not None else None
            out.extend(ran if ran is not None else [ProviderEvent("response.output_item.done", self.raw)])
        if disputed:
            out.append(ProviderEvent("response.output_item.done", self.raw))

    def _settle(self, field: str, whole: str, out: list[StreamItem]) -> bool:
        parts = [part for part in self._parts if part.field == field]
        if not parts:
            if not whole:
                return True
            parts = [self.begin(field, 0)]
        return self._catch_up(parts, whole, out)

    def _close_message(self, raw: Json, out: list[StreamItem]) -> bool:
        parts = objects(raw.get("content"))
        agreed = [self._settle(field, joined(parts, field), out) for field in ("output_text", "refusal")]
        annotations = [each for part in parts for each in listed(part.get("annotations"))]
        for annotation in annotations[self._cited :]:
            self.cite(annotation, out)
        if not self._weighed:
            self.weigh([each for part in parts for each in listed(part.get("logprobs"))], out)
        out.extend(
            ProviderEvent("response.content_part.done", {"part": part})
            for part in parts
            if part.get("type") not in TEXTS and (str(part.get("type")), None) not in self._by_place
        )
        return all(agreed)

    def strange(self, kind: str) -> None:
        """Remember that a part of an unknown kind has been told.

        Args:
            kind: Its type.
        """
        self._by_place[kind, None] = Part(kind)

    def _close_reasoning(self, raw: Json, out: list[StreamItem]) -> bool:
        whole = {
            "reasoning_text": joined(objects(raw.get("content")), "reasoning_text"),
            "summary_text": joined(objects(raw.get("summary")), "summary_text"),
        }
        voice = self._voice or ("reasoning_text" if whole["reasoning_text"] else "summary_text")
        agreed = self._settle(voice, whole[voice], out)
        extra: Json = {"id": self.id} if self.id else {}
        if voice == "reasoning_text" and self.raw.get("summary"):
            extra["summary"] = self.raw["summary"]
        signature = word(self.raw.get("encrypted_content"))
        out.append(Reasoning(self.said(voice), signature, extra=extra or None))
        return agreed

    def _close_call(self, raw: Json, out: list[StreamItem]) -> None:
        field = CALLS[self.kind]
        self._introduce(out)
        whole = text_of(raw.get(field)) or self._whole or ""
        agreed = self._settle(field, whole, out)
        text = self.said(field) if agreed and not self._is_disputed() else whole
        arguments = parse_arguments(text)
        if "\\u" in text:
            try:
                arguments = mended(arguments)
            except RecursionError:
                arguments = None
        extra = {name: value for name, value in self.raw.items() if name not in _CALL_KNOWN and value is not None}
        if self.kind == "custom_tool_call":
            extra["type"] = "custom"
        if self.is_served:
            extra["execution"] = "server"
        out.append(ToolCall(self.number, self._call_id, self.name or "", arguments, text, extra=extra or None))

    def _is_disputed(self) -> bool:
        return any(part.disputed for part in self._parts)

    def native(self) -> Json:
        """Give the item in the format's own terms, put together from its pieces where the server never told it whole.

        Returns:
            The item, for the next request.
        """
        if self._is_told:
            return self.raw
        item: Json = {**self.raw, "type": self.kind}
        if self.kind in CALLS:
            item |= {"call_id": self._call_id or f"call_{self.number}", "name": self.name or ""}
        return assembled(item, self._parts)
