"""Feed a decoder in portions, and look at what came out."""

from __future__ import annotations

import json
from functools import reduce
from itertools import groupby
from typing import TYPE_CHECKING, Any

from rxllm.completion import Completion, accumulate
from rxllm.errors import RxllmError
from rxllm.items import Ping, StreamItem, joined, part
from rxllm.wire import chat_completions

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence


def portions(body: bytes, size: int) -> list[bytes]:
    return [body[at : at + size] for at in range(0, len(body), size)] if size else [body]


def fed(decoder: Any, pieces: Iterable[bytes]) -> tuple[list[StreamItem], RxllmError | None]:
    """Give all that a decoder makes of the pieces of a response, and how it failed."""
    items: list[StreamItem] = []
    try:
        for piece in pieces:
            items += decoder.feed(piece)
        items += decoder.finish()
    except RxllmError as error:
        return items + getattr(decoder, "rest", []), error
    return items, None


def completed(items: Iterable[StreamItem]) -> Completion:
    return reduce(accumulate, items, Completion())


def merged(items: Iterable[StreamItem]) -> list[StreamItem]:
    """Join neighbouring deltas of one part, and leave out signs of life: the same however the bytes were cut."""
    result: list[StreamItem] = []
    for key, group in groupby((i for i in items if not isinstance(i, Ping)), key=part):
        deltas: list[Any] = list(group)
        result += deltas if key is None else [joined(deltas)]
    return result


def event(value: Any) -> bytes:
    return b"data: " + (value if isinstance(value, bytes) else json.dumps(value).encode()) + b"\n\n"


def chunk(delta: dict[str, Any] | None = None, *, finish: str | None = None, index: int = 0, **fields: Any) -> bytes:
    """A frame with a chunk of one choice."""
    choice = {"index": index, "delta": delta or {}, "finish_reason": finish}
    return event({"id": "c1", "model": "m", "choices": [choice], **fields})


DONE = b"data: [DONE]\n\n"


def chat(*frames: bytes, done: bool = True, done_marker: bool = True) -> tuple[list[StreamItem], RxllmError | None]:
    """Decode frames of Chat Completions; every way of cutting them must give the same."""
    body = b"".join(frames) + (DONE if done else b"")
    ways = [fed(chat_completions.Decoder(done_marker=done_marker), portions(body, size)) for size in (0, 1, 7)]
    items, error = ways[0]
    for other, other_error in ways[1:]:
        assert merged(other) == merged(items)
        assert (type(other_error), str(other_error)) == (type(error), str(error))
    return items, error


def answer(*frames: bytes) -> Completion:
    """Decode frames that make a good response."""
    items, error = chat(*frames)
    assert error is None
    return completed(items)


def of_type(items: Sequence[StreamItem], kind: type[Any]) -> list[Any]:
    return [item for item in items if type(item) is kind]
