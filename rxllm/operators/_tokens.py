"""Counting output tokens: by deltas or by an encoder, and by the provider's own numbers when they come."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, TypeAlias, cast

from rxllm.errors import ConfigurationError
from rxllm.items import (
    Delta,
    Finish,
    ReasoningDelta,
    RefusalDelta,
    Rollback,
    StreamItem,
    TextDelta,
    ToolCallDelta,
    Usage,
    part,
)
from rxllm.kinds import BEGINNINGS

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Sized

__all__ = ["DELTAS", "Encoder", "TokenCount"]

Encoder: TypeAlias = "Callable[[str], Sized]"

DELTAS: Final = (TextDelta, ReasoningDelta, ToolCallDelta, RefusalDelta)
_LONGEST_WORD: Final = 256  # characters that are encoded again with each delta, while no space comes


class TokenCount:
    """The output tokens of a stream so far.

    Args:
        encode: Text to tokens; without it a delta counts as one, which it is with most providers.
    """

    __slots__ = ("_encode", "_fresh", "_start", "_told", "_words", "output", "void")

    def __init__(self, encode: Encoder | None = None) -> None:
        self._encode = encode
        self._words: dict[Hashable, tuple[str, int]] = {}  # a part's last word, which may go on, and its tokens
        self._told: Usage | None = None
        self._fresh = False  # whether deltas came since
        self._start = 0  # the count when this answer began
        self.output = 0
        self.void = 0

    def add(self, item: StreamItem) -> bool:
        """Count one more item.

        Args:
            item: Any item of a stream.

        Returns:
            Whether the count may have changed.
        """
        if isinstance(item, DELTAS):
            self._fresh = True
            self.output += 1 if self._encode is None else self._encoded(item, self._encode)
            return True
        return self._note(item)

    def _note(self, item: StreamItem) -> bool:
        if type(item) in BEGINNINGS:
            self._start, self._told, self._fresh = self.output, None, False
            self._words.clear()
            return False
        match item:
            case Rollback():
                self.void += self.output - self._start
                self.output, self._told, self._fresh = self._start, None, False
                self._words.clear()
            case Usage():
                self._tell(item, self._start)
            case Finish(usage=Usage() as usage):
                self._tell(usage, 0)
            case _:
                return False
        return True

    def _tell(self, usage: Usage, before: int) -> None:
        self._told = usage
        if usage.output_tokens is not None:
            self.output = before + usage.output_tokens
            self._fresh = False
            self._words.clear()

    def _encoded(self, delta: Delta, encode: Encoder) -> int:
        """Encode the last word again, of which this may be more, so that a token cut in two is not counted twice."""
        text = delta.arguments if isinstance(delta, ToolCallDelta) else delta.text
        key = part(delta)
        word, counted = self._words.get(key, ("", 0))
        word += text
        cut = max(word.rfind(" "), word.rfind("\n"), 0)  # the space belongs to the word behind it
        tokens = len(encode(word[:cut])) if cut else 0
        word = word[cut:]
        last = len(encode(word)) if word else 0
        self._words[key] = (word, last) if len(word) <= _LONGEST_WORD else ("", 0)
        return tokens + last - counted

    def usage(self) -> Usage:
        """Give the count as a usage: the provider's own where nothing came since, else an estimate.

        Returns:
            What `Usage.estimated` tells apart.
        """
        told = self._told
        if told is not None and not self._fresh and told.output_tokens == self.output:
            return told
        return Usage(input_tokens=told and told.input_tokens, output_tokens=self.output, estimated=True)


def encoder_of(given: object) -> Encoder | None:
    """Take a tokenizer's `encode`, or the function itself.

    Args:
        given: None, a function from text to tokens, or an object that has one.

    Returns:
        The function.

    Raises:
        ConfigurationError: It is neither; a tokenizer's name is none (and a str has an `encode` of its own).
    """
    encode = getattr(given, "encode", given)
    if given is not None and (isinstance(given, str) or not callable(encode)):
        raise ConfigurationError(
            'encoder= takes a tokenizer, e.g. tiktoken.get_encoding("cl100k_base"), or a function from text to tokens; '
            f"got {given!r}."
        )
    return cast("Encoder | None", encode)
