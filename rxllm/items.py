"""What flows: every item of a stream, a frozen msgspec Struct with a tag.

Deltas carry a piece of a part of a choice; `part` tells which, and `joined` makes one delta of several of one part.
All other items are structural: their place among the deltas has a meaning.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeAlias, Union, cast

import msgspec

if TYPE_CHECKING:
    from collections.abc import Hashable, Sequence

__all__ = [
    "ChoiceFinished",
    "Delta",
    "Finish",
    "Logprobs",
    "Media",
    "Ping",
    "ProviderEvent",
    "Reasoning",
    "ReasoningDelta",
    "RefusalDelta",
    "Rollback",
    "ServerToolCall",
    "ServerToolResult",
    "Source",
    "Stamped",
    "Started",
    "StreamItem",
    "TextDelta",
    "Timing",
    "ToolCall",
    "ToolCallDelta",
    "Usage",
    "joined",
    "part",
]


class StreamItem(msgspec.Struct, frozen=True, tag=True, tag_field="kind", omit_defaults=True, repr_omit_defaults=True):
    """The root of all items."""


class Started(StreamItem, frozen=True):
    """The provider began to answer; a new attempt or turn begins with a new one."""

    id: str | None = None
    model: str | None = None


class TextDelta(StreamItem, frozen=True, gc=False):
    """A piece of the answer."""

    text: str
    choice: int = 0


class ReasoningDelta(StreamItem, frozen=True, gc=False):
    """A piece of the reasoning."""

    text: str
    choice: int = 0


class Reasoning(StreamItem, frozen=True):
    """A whole block of reasoning, after its deltas: what the provider wants back in the next request.

    `text` repeats the block's deltas, so that aggregation takes the text from the deltas alone.
    """

    text: str = ""
    signature: str | None = None
    redacted: str | None = None
    choice: int = 0
    extra: dict[str, Any] | None = None


class RefusalDelta(StreamItem, frozen=True, gc=False):
    """A piece of a refusal."""

    text: str
    choice: int = 0


class ToolCallDelta(StreamItem, frozen=True, gc=False):
    """A piece of a tool call; `call` is our own number, the same in each delta and in the whole `ToolCall`.

    The provider's `id` and the `name` stand in the first delta that knows them.
    """

    call: int
    name: str | None = None
    arguments: str = ""
    choice: int = 0
    id: str | None = None


class ToolCall(StreamItem, frozen=True):
    """A whole tool call.

    `arguments` is the parsed JSON, `{}` for the empty string and None where `arguments_raw` is not JSON.
    """

    call: int
    id: str | None = None
    name: str = ""
    arguments: Any = None
    arguments_raw: str = ""
    choice: int = 0
    signature: str | None = None
    extra: dict[str, Any] | None = None


class ServerToolCall(StreamItem, frozen=True, repr_omit_defaults=True):
    """A tool that the provider itself runs (search, code execution, MCP), whole: nobody here need answer it."""

    id: str | None = None
    name: str = ""
    arguments: Any = None
    choice: int = 0
    extra: dict[str, Any] | None = None


class ServerToolResult(StreamItem, frozen=True, repr_omit_defaults=True):
    """What a provider's own tool gave; `id` is that of its `ServerToolCall`."""

    id: str | None = None
    name: str = ""
    content: Any = None
    is_error: bool = False
    choice: int = 0


class Source(StreamItem, frozen=True):
    """A citation: where a statement comes from."""

    url: str | None = None
    title: str | None = None
    text: str | None = None
    choice: int = 0
    extra: dict[str, Any] | None = None


class Media(StreamItem, frozen=True):
    """An image or a piece of audio: base64 `data`, or a `url`."""

    media_type: str
    data: str | None = None
    url: str | None = None
    choice: int = 0
    extra: dict[str, Any] | None = None


class Logprobs(StreamItem, frozen=True):
    """Log probabilities of the tokens just sent, in the provider's own form."""

    content: list[Any]
    choice: int = 0


class ProviderEvent(StreamItem, frozen=True):
    """Something that we do not know: never dropped, never fatal."""

    type: str
    data: Any = None


class Usage(StreamItem, frozen=True):
    """The provider's own numbers, unchanged, in tokens; `estimated` where we counted deltas for want of them."""

    input_tokens: int | None = None
    output_tokens: int | None = None
    total_tokens: int | None = None
    cached_tokens: int | None = None
    cache_write_tokens: int | None = None
    reasoning_tokens: int | None = None
    audio_tokens: int | None = None
    estimated: bool = False
    extra: dict[str, Any] | None = None


class Ping(StreamItem, frozen=True):
    """A sign of life without content."""


class ChoiceFinished(StreamItem, frozen=True):
    """One choice has ended; `raw_reason` is the provider's own word."""

    choice: int = 0
    reason: str = "stop"
    raw_reason: str | None = None


class Timing(msgspec.Struct, frozen=True, repr_omit_defaults=True):
    """Seconds from the request to the first item, to the first content and to the end."""

    first_item: float | None = None
    first_content: float | None = None
    total: float = 0.0


class Finish(StreamItem, frozen=True):
    """The last item of a stream, once.

    `reason` is one of stop, length, tool_calls, content_filter, refusal, pause, cancelled, other;
    `raw_reason` is the provider's own word, `response` what else it said at the end. `native` is the answer by wire,
    in the wire's own blocks, so that signatures and the like survive into the next request of the same provider, which
    `answered_by` names, as `"provider:model"`.
    """

    reason: str
    raw_reason: str | None = None
    usage: Usage | None = None
    response: dict[str, Any] | None = None
    timing: Timing | None = None
    native: dict[str, list[Any]] | None = None
    answered_by: str | None = None


class Rollback(StreamItem, frozen=True):
    """What came since the current request's `Started` is void; the next attempt begins."""

    attempt: int


class Stamped(msgspec.Struct, frozen=True, repr_omit_defaults=True):
    """An item with its position in the stream and the time it was read, in seconds since the request."""

    seq: int
    at: float
    item: StreamItem


Delta: TypeAlias = TextDelta | ReasoningDelta | RefusalDelta | ToolCallDelta
"""The items that are pieces of a part, and may be joined with their neighbours."""


def part(item: StreamItem) -> Hashable:
    """Tell which part a delta is a piece of, or None for a structural item.

    >>> part(TextDelta("a")) == part(TextDelta("b"))
    True
    >>> part(TextDelta("a")) == part(TextDelta("b", choice=1))
    False
    >>> part(Ping()) is None
    True

    Args:
        item: Any item of a stream.

    Returns:
        A key that is equal for deltas of one part.
    """
    kind = type(item)
    if kind is TextDelta or kind is ReasoningDelta or kind is RefusalDelta:
        return kind, cast("TextDelta", item).choice
    if kind is ToolCallDelta:
        item = cast("ToolCallDelta", item)
        return kind, item.choice, item.call
    return None


def joined(deltas: Sequence[Delta]) -> Delta:
    """Make one delta of several of the same part.

    >>> joined([TextDelta("a"), TextDelta("b")])
    TextDelta(text='ab')

    Args:
        deltas: At least one delta, all of one part, in order.

    Returns:
        One delta with the text of all.
    """
    first = deltas[0]
    if len(deltas) == 1:
        return first
    if isinstance(first, ToolCallDelta):
        calls = cast("Sequence[ToolCallDelta]", deltas)
        name = next((d.name for d in calls if d.name is not None), None)
        id_ = next((d.id for d in calls if d.id is not None), None)
        return ToolCallDelta(first.call, name, "".join([d.arguments for d in calls]), first.choice, id_)
    texts = cast("Sequence[TextDelta]", deltas)
    return type(first)("".join([d.text for d in texts]), first.choice)


def item_types() -> tuple[type[StreamItem], ...]:
    """List every item type, for a decoder of stored items: `msgspec.json.Decoder(item_union())`.

    Returns:
        The concrete subclasses of `StreamItem`.
    """
    import rxllm.turn_items  # noqa: F401  # pyright: ignore[reportUnusedImport] - its items are items too

    return tuple(StreamItem.__subclasses__())


def item_union() -> Any:
    """Give the union of all item types, as msgspec wants it.

    >>> msgspec.json.decode(msgspec.json.encode(TextDelta("a")), type=item_union())
    TextDelta(text='a')

    Returns:
        A typing.Union.
    """
    return Union[item_types()]  # noqa: UP007 - built from a tuple
