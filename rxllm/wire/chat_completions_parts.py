"""The rarer parts of a chunk: lists of content, reasoning's three spellings, citations, media."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeAlias, cast

from rxllm.items import Media, ProviderEvent, Reasoning, ReasoningDelta, Source, TextDelta
from rxllm.wire.loose_json import word

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rxllm.items import StreamItem
    from rxllm.wire.chat_completions_chunk import Delta

__all__ = ["citations", "content_parts", "media", "reasoning", "sources"]

Json: TypeAlias = "dict[str, Any]"


def content_parts(parts: list[Any], choice: int) -> Iterator[StreamItem]:
    """Read a content that is a list, as Mistral sends it while it thinks.

    >>> list(content_parts([{"type": "thinking", "thinking": [{"type": "text", "text": "Hm"}]}], 0))
    [ReasoningDelta(text='Hm')]

    Args:
        parts: The list.
        choice: The choice's index.

    Yields:
        Deltas of text and reasoning, which may be empty; whatever else is in the list as a `ProviderEvent`.
    """
    for part in parts:
        if isinstance(part, str):
            yield TextDelta(part, choice)
        elif not isinstance(part, dict):
            yield ProviderEvent("content", part)
        else:
            yield from _content_part(cast("Json", part), choice)


def _content_part(part: Json, choice: int) -> Iterator[StreamItem]:
    kind, text, thinking = part.get("type"), part.get("text"), part.get("thinking")
    if kind in ("thinking", "reasoning"):
        thought = thinking if thinking is not None else text
        for piece in cast("list[Any]", thought) if isinstance(thought, list) else [thought]:
            said: Any = cast("Json", piece).get("text") if isinstance(piece, dict) else piece
            if isinstance(said, str):
                yield ReasoningDelta(said, choice)
    elif isinstance(text, str):
        yield TextDelta(text, choice)
    else:
        yield ProviderEvent(word(kind) or "content", part)


def reasoning(delta: Delta, choice: int) -> Iterator[StreamItem]:
    """Read reasoning, of which the several spellings say the same.

    Args:
        delta: A choice's delta.
        choice: The choice's index.

    Yields:
        Its text, once; then what must go back with the next request, as whole `Reasoning`s.
    """
    text = next((t for t in (delta.reasoning_content, delta.reasoning) if isinstance(t, str) and t), "")
    listed = cast("list[Any]", delta.reasoning_details) if isinstance(delta.reasoning_details, list) else []
    details = [cast("Json", detail) for detail in listed if isinstance(detail, dict)]
    if not text:
        pieces: list[Any] = [d.get("text") or d.get("summary") for d in details]
        text = "".join([p for p in pieces if isinstance(p, str)])
    yield ReasoningDelta(text, choice)
    for detail in details:
        signature, data = detail.get("signature"), detail.get("data")
        if signature or data:
            yield Reasoning("", word(signature), word(data), choice, detail)


def sources(annotations: Any, choice: int) -> Iterator[Source]:
    """Read a delta's annotations.

    Args:
        annotations: The list; anything else has none.
        choice: The choice's index.

    Yields:
        A source each.
    """
    for annotation in cast("list[Any]", annotations) if isinstance(annotations, list) else []:
        if isinstance(annotation, dict):
            fields = cast("Json", annotation)
            inner = fields.get(str(fields.get("type")))
            yield _source(cast("Json", inner) if isinstance(inner, dict) else fields, choice)


def _source(fields: Json, choice: int = 0) -> Source:
    known = ("url", "title", "content", "text", "snippet", "type")
    text = next(
        (t for t in (fields.get("content"), fields.get("text"), fields.get("snippet")) if isinstance(t, str)), None
    )
    extra = {name: value for name, value in fields.items() if name not in known and value is not None}
    return Source(word(fields.get("url")), word(fields.get("title")), text, choice, extra or None)


def citations(found: Any, urls: Any, seen: set[str]) -> Iterator[Source]:
    """Read Perplexity's sources, which each chunk repeats.

    Args:
        found: `search_results`: objects.
        urls: `citations`: addresses, mostly those of the objects.
        seen: The addresses that were told; grows.

    Yields:
        A source for each new address.
    """
    for result in cast("list[Any]", found) if isinstance(found, list) else []:
        if isinstance(result, dict):
            source = _source(cast("Json", result))
            if (source.url or str(source)) not in seen:
                seen.add(source.url or str(source))
                yield source
    for url in cast("list[Any]", urls) if isinstance(urls, list) else []:
        source = _source(cast("Json", url)) if isinstance(url, dict) else Source(url=str(url))
        if (source.url or str(source)) not in seen:
            seen.add(source.url or str(source))
            yield source


def media(delta: Delta, choice: int) -> Iterator[StreamItem]:
    """Read a delta's audio and images.

    Args:
        delta: A choice's delta.
        choice: The choice's index.

    Yields:
        A `Media` each; audio is the PCM that streaming is limited to, its transcript stands in `extra`.
    """
    if isinstance(delta.audio, dict):
        audio = cast("Json", delta.audio)
        rest = {name: value for name, value in audio.items() if name != "data" and value is not None}
        yield Media("audio/pcm", data=word(audio.get("data")), choice=choice, extra=rest or None)
    for image in cast("list[Any]", delta.images) if isinstance(delta.images, list) else []:
        place: Any = cast("Json", image).get("image_url") if isinstance(image, dict) else None
        url: Any = cast("Json", place).get("url") if isinstance(place, dict) else place
        if not isinstance(url, str):
            yield ProviderEvent("image", image)
        elif url.startswith("data:"):
            kind, _, data = url.removeprefix("data:").partition(";base64,")
            yield Media(kind, data=data, choice=choice)
        else:
            yield Media("image/*", url=url, choice=choice)
