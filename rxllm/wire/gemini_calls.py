"""The function calls of one answer; most come whole, a few with their arguments in pieces.

`{name, willContinue}` begins a call in pieces, `{partialArgs, willContinue}` goes on with it, `{}` ends it. The end may
be missing: another call, or the end of the answer, then is.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

import msgspec

from rxllm.completion import parse_arguments
from rxllm.items import ProviderEvent, StreamItem, ToolCall, ToolCallDelta
from rxllm.wire.gemini_arguments import Arguments
from rxllm.wire.gemini_chunk import Json, listed, object_of
from rxllm.wire.loose_json import word

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["Calls"]

_KNOWN: Final = frozenset({"name", "id", "args", "partialArgs", "willContinue"})
_VALUES: Final = ("stringValue", "numberValue", "boolValue")


class _Call(msgspec.Struct):
    """A call in pieces, and the part that it will be in the next request."""

    number: int
    part: Json
    function: Json
    arguments: Arguments

    def told(self) -> tuple[str | None, str, str | None, Json | None]:
        """Give its id, its name, its signature, and what else was said of it."""
        rest = {key: value for key, value in self.part.items() if key not in ("functionCall", "thoughtSignature")}
        rest |= {key: value for key, value in self.function.items() if key not in _KNOWN}
        signature = word(self.part.get("thoughtSignature"))
        return word(self.function.get("id")), word(self.function.get("name")) or "", signature, rest or None


class Calls:
    """The calls of one answer.

    Args:
        choice: The answer's index.
        numbers: Gives each call its number.
        parts: The answer's parts for the next request; each call becomes one.
    """

    def __init__(self, choice: int, numbers: Iterator[int], parts: list[Json]) -> None:
        self.count = 0
        self._choice = choice
        self._numbers = numbers
        self._parts = parts
        self._open: _Call | None = None

    def take(self, function: Json, part: Json, out: list[StreamItem]) -> None:
        """Take a function call, or a piece of one.

        Args:
            function: The part's `functionCall`.
            part: The whole part, which may have a signature.
            out: Where the items go.

        Raises:
            ValueError: It is not what it should be.
        """
        id_, name = word(function.get("id")), word(function.get("name"))
        pieces = listed(function, "partialArgs")
        more = function.get("willContinue") is True
        call = self._open
        if name is not None and (call is None or id_ is None or id_ != call.function.get("id")):
            self.end(out)
            call = self._open = _Call(next(self._numbers), {}, {}, Arguments())
            self.count += 1
            self._parts.append(call.part)
            if more or pieces:
                out.append(ToolCallDelta(call.number, name, "", self._choice, id_))
        elif call is None:
            out.append(ProviderEvent("functionCall", part))  # a piece of nothing that began
            return
        call.part |= part
        args = {**call.function.get("args", {}), **object_of(function.get("args") or {}, "args")}
        call.function |= {key: value for key, value in function.items() if key not in ("partialArgs", "willContinue")}
        call.function |= {"args": args} if args else {}
        for piece in pieces:
            self._piece(call, object_of(piece, "a partial argument"), out)
        if not more:
            self.end(out, at_once=not pieces and name is not None)

    def _piece(self, call: _Call, piece: Json, out: list[StreamItem]) -> None:
        place: Any = piece.get("jsonPath")
        more = piece.get("willContinue") is True
        kind = next((kind for kind in _VALUES if piece.get(kind) is not None), None)
        if kind is not None:
            value = piece[kind]
            if not isinstance(value, (str, int, float)):
                raise ValueError(f"`{kind}` is none")
            text = call.arguments.take(place, value, more=more)
        elif "nullValue" in piece:
            text = call.arguments.take(place, None)
        else:
            ended = call.arguments.end_string(place) if not more else ""
            if ended is None:
                out.append(ProviderEvent("partialArgs", piece))
            text = ended or ""
        self._write(call, text, out)

    def _write(self, call: _Call, text: str, out: list[StreamItem]) -> None:
        if text:
            out.append(ToolCallDelta(call.number, None, text, self._choice))

    def end(self, out: list[StreamItem], *, cut: bool = False, at_once: bool = False) -> None:
        """Give the call that is open, if one is.

        Args:
            out: Where the items go.
            cut: Whether the answer was cut off, so that the call is not known to be whole.
            at_once: Whether nothing was told of it yet.

        Raises:
            ValueError: Its arguments contradict each other.
        """
        call, self._open = self._open, None
        if call is None:
            return
        id_, name, signature, extra = call.told()
        args: Json = call.function.get("args") or {}
        arguments: Any
        if cut and not args:
            raw = call.arguments.text
            arguments = parse_arguments(raw)
            self._parts[:] = [part for part in self._parts if part is not call.part]  # nobody can answer it
        elif args or not call.arguments:
            arguments = {**call.arguments.whole()[0], **args}
            raw = json.dumps(arguments, ensure_ascii=False, separators=(",", ":"))
            if at_once:
                out.append(ToolCallDelta(call.number, name, raw, self._choice, id_))
            elif not call.arguments:
                self._write(call, raw, out)
        else:
            self._write(call, call.arguments.close(), out)
            arguments, raw = call.arguments.whole()
        call.part["functionCall"] = {**call.function, "args": arguments}
        out.append(ToolCall(call.number, id_, name, arguments, raw, self._choice, signature, extra))
