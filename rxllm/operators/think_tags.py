"""`think_tags`: reasoning that the model wrote into its text becomes reasoning items."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from rxllm.errors import ConfigurationError
from rxllm.items import ReasoningDelta, StreamItem, TextDelta
from rxllm.operators._by_choice import BESIDE, by_choice

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rxllm.observable import Operator

__all__ = ["think_tags"]

_NAME: Final = re.compile(r"[^<>\s/]+")


def think_tags(tag: str = "think", *, opened: bool = False) -> Operator:
    """Turn `<think>…</think>` in the text into reasoning deltas, wherever the tags are cut.

    Unlike a regular expression over the whole text it is live: only what may be the beginning of a tag is held back.
    The tags themselves go, every other character stays; what is never closed is reasoning to the end. Each choice has
    tags of its own.

    >>> from rxllm.testing import play
    >>> play(think_tags(), "'<thi'-'nk>hm</'-'think>Yes'|")
    "--{reason hm}-'Yes'|"

    Args:
        tag: The tag's name.
        opened: Begin within the reasoning, for a server whose prompt ends with the opening tag.

    Returns:
        An operator over stream items.

    Raises:
        ConfigurationError: `tag` is no name.
    """
    if not (isinstance(tag, str) and _NAME.fullmatch(tag)):  # pyright: ignore[reportUnnecessaryIsInstance] - untyped callers exist
        raise ConfigurationError(f"think_tags(tag) needs a tag's bare name, e.g. 'think'; got {tag!r}.")
    return by_choice(lambda choice: _Thought(tag, choice, inside=opened), BESIDE)


class _Thought:
    """Within the reasoning or outside, and what may be the beginning of the tag that ends this."""

    __slots__ = ("_choice", "_held", "_inside", "_tags")

    def __init__(self, tag: str, choice: int, *, inside: bool) -> None:
        self._tags = f"<{tag}>", f"</{tag}>"
        self._choice = choice
        self._inside = inside
        self._held = ""

    def feed(self, delta: TextDelta) -> Sequence[StreamItem]:
        text = delta.text
        if not self._held and "<" not in text:
            return (ReasoningDelta(text, self._choice) if self._inside else delta,)
        text = self._held + text
        found: list[StreamItem] = []
        at = 0
        while True:
            tag = self._tags[self._inside]
            end = text.find(tag, at)
            if end < 0:
                break
            self._put(found, text[at:end])
            self._inside = not self._inside
            at = end + len(tag)
        last = text.rfind("<", at)  # the only one of a tag
        end = last if last >= 0 and tag.startswith(text[last:]) else len(text)
        self._put(found, text[at:end])
        self._held = text[end:]
        return found

    def flush(self) -> Sequence[StreamItem]:
        found: list[StreamItem] = []
        self._put(found, self._held)
        self._held = ""
        return found

    def _put(self, found: list[StreamItem], text: str) -> None:
        if text:
            found.append((ReasoningDelta if self._inside else TextDelta)(text, self._choice))
