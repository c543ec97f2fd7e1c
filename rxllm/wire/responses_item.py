"""One output item of a response: a message, a block of reasoning, a tool call, or what a tool of the provider's did."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, TypeAlias, cast

from rxllm.completion import parse_arguments
from rxllm.items import (
    Logprobs,
    ProviderEvent,
    Reasoning,
    ToolCall,
    ToolCallDelta,
)
from rxllm.wire.loose_json import word
from rxllm.wire.responses_native import CALLS, TEXTS, assembled, joined, listed, objects, text_of
from rxllm.wire.responses_said import Said
from rxllm.wire.responses_tools import server_tool, source
from rxllm.wire.surrogates import mended

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from rxllm.items import StreamItem
    from rxllm.wire.surrogates import Halves

__all__ = ["OutputItem", "matched"]

Json: TypeAlias = "dict[str, Any]"
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
        said: Its texts.
        strange_parts: The types of its parts of unknown kinds that have been told.
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
        self.said = Said(kind, number, halves)
        self.strange_parts: set[str] = set()
        self._cited = 0
        self._weighed = False
        self._is_told = False

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

    def _close_message(self, raw: Json, out: list[StreamItem]) -> bool:
        parts = objects(raw.get("content"))
        agreed = [self.said.settle(field, joined(parts, field), out) for field in ("output_text", "refusal")]
        annotations = [each for part in parts for each in listed(part.get("annotations"))]
        for annotation in annotations[self._cited :]:
            self.cite(annotation, out)
        if not self._weighed:
            self.weigh([each for part in parts for each in listed(part.get("logprobs"))], out)
        out.extend(
            ProviderEvent("response.content_part.done", {"part": part})
            for part in parts
            if str(part.get("type")) not in {*TEXTS, *self.strange_parts}
        )
        return all(agreed)

    def _close_reasoning(self, raw: Json, out: list[StreamItem]) -> bool:
        whole = {
            "reasoning_text": joined(objects(raw.get("content")), "reasoning_text"),
            "summary_text": joined(objects(raw.get("summary")), "summary_text"),
        }
        voice = self.said.voice or ("reasoning_text" if whole["reasoning_text"] else "summary_text")
        agreed = self.said.settle(voice, whole[voice], out)
        extra: Json = {"id": self.id} if self.id else {}
        if voice == "reasoning_text" and self.raw.get("summary"):
            extra["summary"] = self.raw["summary"]
        signature = word(self.raw.get("encrypted_content"))
        out.append(Reasoning(self.said.text(voice), signature, extra=extra or None))
        return agreed

    def _close_call(self, raw: Json, out: list[StreamItem]) -> None:
        field = CALLS[self.kind]
        self._introduce(out)
        whole = text_of(raw.get(field)) or self.said.whole or ""
        agreed = self.said.settle(field, whole, out)
        text = self.said.text(field) if agreed and not any(part.disputed for part in self.said.parts) else whole
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

    def native(self) -> Json:
        """Give the item in the format's own terms, put together from its pieces where the server never told it whole.

        Returns:
            The item, for the next request.
        """
        if self._is_told:
            return self.raw
        item: Json = {**self.raw, "type": self.kind}
        if self.kind in CALLS:
            item |= {"call_id": self._call_id, "name": self.name or ""}
        return assembled(item, self.said.parts)


def matched(
    items: Sequence[OutputItem], by_index: Mapping[int, OutputItem], final: Sequence[Json]
) -> list[OutputItem | None]:
    """Find the items that a whole output repeats: by their ids, else by their places, else by kind and order.

    Args:
        items: The items that there were, in order.
        by_index: Those whose place the server told.
        final: The whole output.

    Returns:
        For each of the output its item, or None for one that was never heard of.
    """
    named: dict[tuple[str, str | None], OutputItem] = {(i.kind, i.id): i for i in items if i.id}
    found = [named.pop((str(raw.get("type")), word(raw.get("id"))), None) for raw in final]
    taken = {id(item) for item in found}
    for place, raw in enumerate(final):
        item = by_index.get(place)
        if found[place] is None and item and id(item) not in taken and item.kind == raw.get("type"):
            found[place] = item
            taken.add(id(item))
    left: dict[str, list[OutputItem]] = {}
    for item in reversed(items):
        if id(item) not in taken:
            left.setdefault(item.kind, []).append(item)
    for place, raw in enumerate(final):
        if found[place] is None and (same := left.get(str(raw.get("type")))):
            found[place] = same.pop()
    return found
