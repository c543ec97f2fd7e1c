"""The tool calls of one choice, put together by every key that providers are known to use.

The fragments of a call should share an `index`, and its first should bring the `id` and the `name`. In the wild:

- the index starts at 1, is missing (several whole calls in one delta, each with its id), or is shared by parallel calls
- id and name come in each fragment (they are the same, not further pieces), late, or never; null and "" mean absent
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import msgspec

from rxllm.completion import parse_arguments
from rxllm.items import ToolCall, ToolCallDelta
from rxllm.wire.surrogates import Key, mended

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rxllm.wire.chat_completions_chunk import Fragment
    from rxllm.wire.surrogates import Halves

__all__ = ["ToolCalls"]


class _Call(msgspec.Struct):
    """A call that is being written."""

    number: int
    id: str | None = None
    name: str | None = None
    pieces: list[str] = []
    extra: dict[str, Any] | None = None
    told: bool = False

    def is_another(self, name: str | None, *, may_end: bool) -> bool:
        """Tell whether a name that comes without telling keys is the head of another call, and not this one's again."""
        if name is None or self.name is None:
            return False
        return name != self.name or (may_end and self._is_whole())

    def _is_whole(self) -> bool:
        """Tell whether the arguments so far are a JSON document."""
        last = next((piece for piece in reversed(self.pieces) if piece.strip()), "")
        return last.rstrip().endswith("}") and parse_arguments("".join(self.pieces)) is not None


class ToolCalls:
    """The calls of one choice.

    Args:
        choice: The choice's index.
        numbers: Gives each call its number.
        halves: Keeps half a character of the arguments until the other half comes.
    """

    def __init__(self, choice: int, numbers: Iterator[int], halves: Halves) -> None:
        self._choice = choice
        self._numbers = numbers
        self._halves = halves
        self._calls: list[_Call] = []
        self._by_index: dict[int, _Call] = {}
        self._by_id: dict[str, _Call] = {}

    def __len__(self) -> int:
        return len(self._calls)

    def take(self, fragment: Fragment, position: int | None = None) -> ToolCallDelta | None:
        """Take a fragment.

        Args:
            fragment: The fragment.
            position: Its place among several fragments of one delta, which counts where it has neither index nor id.

        Returns:
            The delta, or None if the fragment says nothing new.
        """
        function, custom = fragment.function, fragment.custom
        name = (function.name if function else custom.name if custom else None) or None
        arguments = _text(function.arguments if function else custom.input if custom else None)
        id_ = str(fragment.id) if fragment.id not in (None, "") else None
        index = fragment.index
        if index is None and id_ is None:
            index = position
        call = self._find(index, id_, name, arguments)
        new_id = new_name = None
        if id_ is not None and call.id is None:
            call.id = new_id = id_
            self._by_id[id_] = call
        if name is not None and call.name is None:
            call.name = new_name = name
        if index is not None:
            self._by_index[index] = call
        if custom is not None:
            call.extra = {**(call.extra or {}), "type": "custom"}
        if fragment.extra_content:
            call.extra = {**(call.extra or {}), "extra_content": fragment.extra_content}
        arguments = self._halves.joined(Key(ToolCallDelta, self._choice, call.number), arguments)
        if arguments:
            call.pieces.append(arguments)
        if not arguments and new_id is None and new_name is None:
            return None
        call.told = False
        return ToolCallDelta(call.number, new_name, arguments, self._choice, new_id)

    def _find(self, index: int | None, id_: str | None, name: str | None, arguments: str) -> _Call:
        known = self._by_index.get(index) if index is not None else None
        if id_ is not None:
            same = self._by_id.get(id_)
            if same is not None and (same is known or not same.is_another(name, may_end=index is not None)):
                return same
            # A new id without a name is a server that makes one up for each fragment.
            if known is not None and (known.id is None or name is None):
                return known
            return self._new() if name is not None or index is not None or not self._calls else self._calls[-1]
        if known is None and index is None and self._calls:
            known = self._calls[-1]
        if known is None or known.is_another(name, may_end=arguments.startswith("{")):
            return self._new()
        return known

    def _new(self) -> _Call:
        call = _Call(next(self._numbers))
        self._calls.append(call)
        return call

    def add(self, number: int, arguments: str) -> None:
        """Add a last piece to a call's arguments.

        Args:
            number: The call.
            arguments: The piece.
        """
        for call in self._calls:
            if call.number == number:
                call.pieces.append(arguments)
                call.told = False

    def whole(self) -> list[ToolCall]:
        """Give the calls that were not given yet, or have grown since.

        Returns:
            Whole calls, in the order in which they began.
        """
        calls = [call for call in self._calls if not call.told]
        for call in calls:
            call.told = True
        return [_whole(call, self._choice) for call in calls]


def _whole(call: _Call, choice: int) -> ToolCall:
    raw = "".join(call.pieces)
    arguments = parse_arguments(raw)
    if "\\u" in raw:
        try:
            arguments = mended(arguments)
        except RecursionError:
            arguments = None
    return ToolCall(call.number, call.id, call.name or "", arguments, raw, choice, _signature(call.extra), call.extra)


def _signature(extra: dict[str, Any] | None) -> str | None:
    """Find the signature that Gemini's compatible endpoint wants back."""
    content: Any = (extra or {}).get("extra_content")
    google: Any = content.get("google") if isinstance(content, dict) else None  # pyright: ignore[reportUnknownMemberType, reportUnknownVariableType]
    signature: Any = google.get("thought_signature") if isinstance(google, dict) else None  # pyright: ignore[reportUnknownMemberType, reportUnknownVariableType]
    return signature if isinstance(signature, str) else None


def _text(arguments: Any) -> str:
    """Give arguments as text; a few providers send the object itself."""
    if arguments is None:
        return ""
    return arguments if isinstance(arguments, str) else json.dumps(arguments, ensure_ascii=False)
