"""What the events of one response amount to: its output items, what is still open in them, and its end."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Any, Final, TypeAlias, cast

from rxllm.completion import STOPPED
from rxllm.items import ChoiceFinished, Finish, Started, StreamItem, TextDelta, ToolCallDelta, Usage
from rxllm.wire.loose_json import word
from rxllm.wire.responses_event import usage
from rxllm.wire.responses_item import OutputItem, matched
from rxllm.wire.responses_native import CALLS, is_call, objects, unbroken
from rxllm.wire.surrogates import Halves

if TYPE_CHECKING:
    from rxllm.wire.responses_event import Event, Place

__all__ = ["NAME", "Answer"]

NAME: Final = "responses"
"""What the format's blocks are called in `Finish.native` and `Message.native`."""

Json: TypeAlias = "dict[str, Any]"
_REASON: Final = {
    "max_output_tokens": "length",
    "max_tokens": "length",
    "length": "length",
    "content_filter": "content_filter",
}
# A response repeats the request, prompt and all; what is left is what the provider has to say.
_NOT_TOLD: Final = frozenset(
    {"background", "conversation", "error", "frequency_penalty", "id", "include", "input", "instructions", "metadata"}
    | {"max_output_tokens", "max_tool_calls", "model", "object", "output", "parallel_tool_calls", "presence_penalty"}
    | {"previous_response_id", "prompt", "prompt_cache_key", "prompt_cache_retention", "reasoning", "status", "store"}
    | {"safety_identifier", "temperature", "text", "tool_choice", "tools", "top_logprobs", "top_p", "truncation"}
    | {"usage", "user"}
)
_ENVELOPE: Final = frozenset({"type", "response", "sequence_number"})


class Answer:
    """The answer so far; each method adds the items it makes to `out`.

    Attributes:
        started: Whether anything of the response was seen.
    """

    def __init__(self) -> None:
        self.started = False
        self._model: str | None = None
        self._usage: Usage | None = None
        self._declared: set[str] = set()
        self._halves = Halves()
        self._calls = itertools.count()
        self._items: list[OutputItem] = []
        self._by_index: dict[int, OutputItem] = {}
        self._by_id: dict[str, OutputItem] = {}

    def start(self, response: Json, out: list[StreamItem]) -> bool:
        """Take what a response says of itself, whenever it does.

        Args:
            response: The object, without or with output.
            out: Where the items go.

        Returns:
            Whether it was the first to be heard of the response.
        """
        is_new = not self.started
        if is_new:
            self.started = True
            self._model = word(response.get("model"))
            out.append(Started(word(response.get("id")), self._model))
        tools = response.get("tools")
        self._declared = _names(tools) or self._declared
        numbers = response.get("usage")
        if isinstance(numbers, dict) and numbers and (item := usage(cast("Json", numbers))) != self._usage:
            self._usage = item
            out.append(item)
        return is_new

    def say(self, place: Place, event: Event, out: list[StreamItem]) -> bool:
        """Take a piece of a text.

        Args:
            place: What it is a piece of.
            event: The event, whose delta is a text.
            out: Where the items go.

        Returns:
            False if nobody can say it.
        """
        item = self._find(event.output_index, event.item_id, place.item)
        if item is None or item.is_done:
            item = self._open(place.item, event.output_index, event.item_id, out)
        elif item.kind != place.item:
            return False
        index = event.content_index if event.summary_index is None else event.summary_index
        if not item.said.say(place.field, index, cast("str", event.delta), out):
            return False
        if event.logprobs:
            item.weigh(event.logprobs, out)
        return True

    def complete(self, place: Place, event: Event, whole: Any, out: list[StreamItem]) -> bool:
        """Take a whole text, of which only what is new is said.

        Args:
            place: What it is the text of.
            event: The event.
            whole: The text.
            out: Where the items go.

        Returns:
            False if it contradicts its pieces, or nobody can say it.
        """
        item = self._find(event.output_index, event.item_id, place.item)
        if item is None:
            if not isinstance(whole, str) or not whole:
                return True
            item = self._open(place.item, event.output_index, event.item_id, out)
        if item.is_done:
            return True
        index = event.content_index if event.summary_index is None else event.summary_index
        return item.kind == place.item and item.said.complete(place.field, index, whole, out)

    def begin_part(self, place: Place, event: Event, out: list[StreamItem]) -> None:
        """Take the beginning of a part.

        Args:
            place: What it is a part of.
            event: The event.
            out: Where the items go.
        """
        item = self._find(event.output_index, event.item_id, place.item)
        if item is None or item.is_done:
            item = self._open(place.item, event.output_index, event.item_id, out)
        if item.kind == place.item:
            item.said.begin(place.field, event.content_index if event.summary_index is None else event.summary_index)

    def strange_part(self, event: Event, kind: str) -> None:
        """Remember a part of an unknown kind, which has been told.

        Args:
            event: The event.
            kind: The part's type.
        """
        item = self._find(event.output_index, event.item_id, "message")
        if item is not None:
            item.strange_parts.add(kind)

    def cite(self, event: Event, annotation: Any, out: list[StreamItem]) -> None:
        """Take a citation.

        Args:
            event: The event.
            annotation: Its object.
            out: Where the items go.
        """
        item = self._find(event.output_index, event.item_id, "message")
        if item is None or item.is_done or item.kind != "message":
            item = self._open("message", event.output_index, event.item_id, out)
        item.cite(annotation, out)

    def announce(self, event: Event, raw: Json, out: list[StreamItem]) -> bool:
        """Take a new item.

        Args:
            event: The event.
            raw: The item.
            out: Where the items go.

        Returns:
            False for an item whose beginning says nothing to us.
        """
        kind, id_ = str(raw.get("type")), word(raw.get("id"))
        item = self._find(event.output_index, id_ or event.item_id, kind)
        if item is None or item.is_done or item.is_announced or item.kind != kind:
            item = self._open(kind, event.output_index, id_ or event.item_id, out)
        item.announce(raw, out)
        return kind in CALLS or kind in {"message", "reasoning"}

    def close(self, event: Event, raw: Json, out: list[StreamItem]) -> None:
        """Take an item that is done.

        Args:
            event: The event.
            raw: The item.
            out: Where the items go.
        """
        kind, id_ = str(raw.get("type")), word(raw.get("id"))
        item = self._find(event.output_index, id_ or event.item_id, kind)
        if item is not None and item.is_done and item.raw == raw:
            return
        if item is None or item.is_done or item.kind != kind:
            item = self._open(kind, event.output_index, id_ or event.item_id, out)
        self._close(item, raw, out)

    def _find(self, index: int | None, id_: str | None, kind: str) -> OutputItem | None:
        """Find an item by its place, where the server counts; else by its id, else the last one open of its kind."""
        item = self._by_id.get(id_) if id_ is not None else None
        if index is not None:
            return item if item is not None and item.index == index else self._by_index.get(index)
        if item is not None or id_ is not None:
            return item
        return next((each for each in reversed(self._items) if each.kind == kind and not each.is_done), None)

    def _open(self, kind: str, index: int | None, id_: str | None, out: list[StreamItem]) -> OutputItem:
        if not self.started:
            self.start({}, out)
        number = next(self._calls) if kind in CALLS else len(self._items)
        item = OutputItem(kind, number, self._halves, index, id_)
        self._items.append(item)
        if index is not None:
            self._by_index[index] = item
        if id_ is not None:
            self._by_id[id_] = item
        return item

    def _close(self, item: OutputItem, raw: Json | None, out: list[StreamItem]) -> None:
        if item.kind == "custom_tool_call":  # xAI tells so of its own search, which nobody here was offered
            name = word((raw or {}).get("name")) or item.name
            item.is_served = bool(self._declared) and name not in self._declared
        item.close(raw, out)

    def end(self, status: str, fields: Json, out: list[StreamItem]) -> None:
        """Give what is still open, and the one `Finish`.

        Args:
            status: How the response ended: completed, incomplete or cancelled.
            fields: The last event.
            out: Where the items go.
        """
        response = cast("Json", fields["response"])
        native = self._settle(response.get("output"), out)
        reason = self._reason(status, response)
        if status != "completed":
            native = unbroken(native, is_stopped=reason in STOPPED)
        if any(is_call(item) and not item.get("call_id") for item in native):
            native = []  # the message makes up an id for such a call, and a result names it; so must the call
        told = {k: v for k, v in response.items() if k not in _NOT_TOLD and v is not None}
        told |= {k: v for k, v in fields.items() if k not in _ENVELOPE and v is not None}
        if self._model is None and (model := word(response.get("model"))):
            told["model"] = model
        out.append(ChoiceFinished(0, reason, status))
        out.append(Finish(reason, status, self._usage, told or None, native={NAME: native} if native else None))

    def _settle(self, output: Any, out: list[StreamItem]) -> list[Json]:
        """Close what is open, with the help of the whole output, which may be empty; give it in the format's terms."""
        final = objects(output)
        for item, raw in zip(matched(self._items, self._by_index, final), final, strict=True):
            if item is None:
                self._close(self._open(str(raw.get("type")), None, word(raw.get("id")), out), raw, out)
            elif not item.is_done:
                self._close(item, raw, out)
        rest = len(self._items) > len(final)
        for item in self._items:
            if not item.is_done:
                self._close(item, None, out)
        return [item.native() for item in self._items] if rest else final

    def _reason(self, status: str, response: Json) -> str:
        if status == "cancelled":
            return "cancelled"
        if status == "incomplete":
            details = response.get("incomplete_details")
            why = cast("Json", details).get("reason") if isinstance(details, dict) else None
            return _REASON.get(str(why), "other")
        if any(item.kind in CALLS and not item.is_served for item in self._items):
            return "tool_calls"
        messages = [item for item in self._items if item.kind == "message"]
        spoke, refused = (any(item.said.text(field) for item in messages) for field in ("output_text", "refusal"))
        return "refusal" if refused and not spoke else "stop"

    def give_up(self, out: list[StreamItem]) -> None:
        """End what waits for its other half, which will not come.

        Args:
            out: Where the items go.
        """
        for kind, _, number in self._halves.flushed():
            is_call = kind is ToolCallDelta
            out.append(
                ToolCallDelta(number, arguments="\ufffd") if is_call else cast("type[TextDelta]", kind)("\ufffd")
            )


def _names(tools: Any) -> set[str]:
    """Find the names of all tools that were offered; those that are the provider's own have none."""
    offered = objects(tools)
    names = {str(each.get("name") or each.get("type")) for each in offered}
    return names.union(*[_names(each.get("tools")) for each in offered])
