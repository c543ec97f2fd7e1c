r"""Halves of surrogate pairs: JSON's grammar allows `"\ud83d"` alone, no encoder takes it, and deltas are cut there."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final, NamedTuple, cast

if TYPE_CHECKING:
    from rxllm.items import Delta

__all__ = ["Halves", "Key", "mended", "mended_but_ends"]

_ANY: Final = re.compile("[\ud800-\udfff]")
_INNER: Final = re.compile("(?!^)[\udc00-\udfff]|[\ud800-\udbff](?!\\Z)")
_PIECES: Final = frozenset({"content", "text", "thinking", "reasoning_content", "reasoning", "refusal", "arguments"})


class Key(NamedTuple):
    """A part that deltas are pieces of."""

    kind: type[Delta]
    choice: int
    call: int = -1


class Halves:
    """The first halves that wait for the second, one a part: `waiting`."""

    def __init__(self) -> None:
        self.waiting: dict[Key, str] = {}

    def joined(self, key: Key, text: str) -> str:
        r"""Put the half that waited before a piece, and keep the half that ends it.

        >>> from rxllm.items import TextDelta
        >>> halves, key = Halves(), Key(TextDelta, 0)
        >>> halves.joined(key, "a\ud83d"), halves.joined(key, "\ude00b")
        ('a', '😀b')

        Args:
            key: The part.
            text: Its next piece.

        Returns:
            What can be said now, always encodable.
        """
        if not text or (text.isascii() and not self.waiting):
            return text
        text = self.waiting.pop(key, "") + text
        if "\ud800" <= text[-1] <= "\udbff":
            self.waiting[key] = text[-1]
            text = text[:-1]
        if not _ANY.search(text):
            return text
        return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")

    def flushed(self, choice: int | None = None) -> list[Key]:
        """Give up waiting.

        Args:
            choice: The choice that ended; None if all did.

        Returns:
            The parts that a half was missing from, each to be ended with U+FFFD.
        """
        keys = [key for key in self.waiting if choice in (None, key.choice)]
        for key in keys:
            del self.waiting[key]
        return keys


def mended(value: Any) -> Any:
    r"""Put U+FFFD where half a surrogate pair stands.

    >>> mended({"a": ["\ud83d!"]})
    {'a': ['�!']}

    Args:
        value: Parsed JSON.

    Returns:
        The same, with every string encodable.

    Raises:
        RecursionError: It is nested too deeply.
    """
    return _mended(value, pieces=False)


def mended_but_ends(chunk: Any) -> Any:
    """Mend a chunk, but leave the ends of a delta's texts, whose other half the next delta may bring.

    Args:
        chunk: Parsed JSON.

    Returns:
        The same, to be given to `Halves`.

    Raises:
        RecursionError: It is nested too deeply.
    """
    return _mended(chunk, pieces=False, delta="delta")


def _mended(value: Any, *, pieces: bool, key: str = "", delta: str | None = None) -> Any:
    if isinstance(value, str):
        return (_INNER if pieces and key in _PIECES else _ANY).sub("\ufffd", value)
    if isinstance(value, list):
        return [_mended(each, pieces=pieces, key=key, delta=delta) for each in cast("list[Any]", value)]
    if isinstance(value, dict):
        fields: dict[str, Any] = {}
        for name, each in cast("dict[str, Any]", value).items():
            inside = (pieces or name == delta) and name != "annotations"
            fields[_ANY.sub("\ufffd", name)] = _mended(each, pieces=inside, key=name, delta=delta)
        return fields
    return value
