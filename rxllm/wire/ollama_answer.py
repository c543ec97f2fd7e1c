"""What the lines of one response amount to: the message so far, and its end."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final, cast

from rxllm.completion import parse_arguments
from rxllm.items import (
    ChoiceFinished,
    Finish,
    Logprobs,
    Media,
    ProviderEvent,
    Reasoning,
    ReasoningDelta,
    Started,
    StreamItem,
    TextDelta,
    ToolCall,
    ToolCallDelta,
    Usage,
)
from rxllm.wire.loose_json import count
from rxllm.wire.ollama_line import FACTS
from rxllm.wire.surrogates import Halves, Key, mended

if TYPE_CHECKING:
    from rxllm.wire.ollama_line import Line, Spoken

__all__ = ["Answer"]

_REASON: Final = {"stop": "stop", "length": "length"}  # `load` and `unload` answer nothing, and are `other`
_MEDIA_TYPES: Final = {"iVBOR": "image/png", "/9j/": "image/jpeg", "R0lG": "image/gif", "UklGR": "image/webp"}
_TEXT: Final = Key(TextDelta, 0)
_THOUGHT: Final = Key(ReasoningDelta, 0)


class Answer:
    """The answer so far; each method adds the items it makes to `out`.

    Attributes:
        started: Whether a line of it was seen.
    """

    def __init__(self) -> None:
        self.started = False
        self._halves = Halves()
        self._role = "assistant"
        self._text: list[str] = []
        self._thoughts: list[str] = []
        self._block = 0  # where in the thoughts the block begins that is still open
        self._calls: list[dict[str, Any]] = []
        self._images: list[str] = []
        self._unknown: dict[str, Any] = {}

    def take(self, line: Line, unknown: dict[str, Any], out: list[StreamItem]) -> bool:
        """Take a line, whatever is in it.

        Args:
            line: The line.
            unknown: The fields that it has no name for.
            out: Where the items go.

        Returns:
            Whether it was the last.

        Raises:
            ValueError: A tool call is none.
        """
        if not self.started and line.error is None:
            self.started = True
            out.append(Started(None, line.model))
        if line.message is not None:
            self._message(line.message, out)
        if line.logprobs:
            out.append(Logprobs(line.logprobs))
        for name, value in unknown.items():
            if line.error is None and (name not in self._unknown or self._unknown[name] != value):
                self._unknown[name] = value  # told again only when it changes: some servers add a field to each line
                out.append(ProviderEvent(name, value))
        is_last = bool(line.done) and line.error is None
        if is_last:
            self._end(line, out)
        return is_last

    def give_up(self, out: list[StreamItem]) -> None:
        """End what waits for its other half, which will not come."""
        out.extend([cast("type[TextDelta]", key.kind)("\ufffd") for key in self._halves.flushed()])

    def _message(self, message: Spoken, out: list[StreamItem]) -> None:
        if message.role:
            self._role = message.role
        if message.thinking:
            self._say(_THOUGHT, message.thinking, self._thoughts, out)
        if message.content or message.tool_calls:
            self._close_reasoning(out)
        if message.content:
            self._say(_TEXT, message.content, self._text, out)
        for call in message.tool_calls or []:
            self._call(call, out)
        for image in message.images or []:
            self._images.append(image)
            kind = next((kind for head, kind in _MEDIA_TYPES.items() if image.startswith(head)), "image/*")
            out.append(Media(kind, data=image))

    def _say(self, key: Key, text: str, said: list[str], out: list[StreamItem]) -> None:
        text = self._halves.joined(key, text)
        if text:
            said.append(text)
            out.append(cast("type[TextDelta]", key.kind)(text))

    def _close_reasoning(self, out: list[StreamItem]) -> None:
        if _THOUGHT in self._halves.waiting:
            self._halves.waiting.pop(_THOUGHT)
            self._say(_THOUGHT, "\ufffd", self._thoughts, out)
        if len(self._thoughts) > self._block:
            out.append(Reasoning("".join(self._thoughts[self._block :])))
            self._block = len(self._thoughts)

    def _call(self, value: Any, out: list[StreamItem]) -> None:
        """Take a tool call, which comes whole; its arguments are an object, with some servers its JSON."""
        call = cast("dict[str, Any]", value) if isinstance(value, dict) else {}
        function: Any = call.get("function")
        if not isinstance(function, dict):
            raise ValueError("a tool call has no `function`")  # noqa: TRY004 - of the wire's value, not of an argument
        fields = cast("dict[str, Any]", function)
        given = fields.get("arguments")
        raw = given if isinstance(given, str) else "" if given is None else _compact(given)
        name = str(fields.get("name") or "")
        id_ = str(call["id"]) if call.get("id") not in (None, "") else None
        extra = {k: v for k, v in call.items() if k not in ("id", "function", "type")}
        extra |= {k: v for k, v in fields.items() if k not in ("index", "name", "arguments", "description")}
        number = len(self._calls)
        self._calls.append(call)
        out.append(ToolCallDelta(number, name, raw, 0, id_))
        arguments = parse_arguments(raw)
        if "\\u" in raw:  # an escaped half of a surrogate pair, in arguments that came as text
            arguments = mended(arguments)
        out.append(ToolCall(number, id_, name, arguments, raw, extra=extra or None))

    def _end(self, line: Line, out: list[StreamItem]) -> None:
        self._close_reasoning(out)
        for key in self._halves.flushed():
            self._say(key, "\ufffd", self._text, out)
        usage = Usage(count(line.prompt_eval_count), count(line.eval_count))
        if usage != Usage():
            out.append(usage)
        raw = line.done_reason or None
        reason = _REASON.get(raw or "", "other")
        if self._calls and (raw is None or reason == "stop"):  # Ollama says `stop` for tool calls too
            reason = "tool_calls"
        out.append(ChoiceFinished(0, reason, raw))
        facts = {name: fact for name in FACTS if (fact := getattr(line, name)) is not None}
        facts |= {name: value for name, value in self._unknown.items() if not name.startswith("message.")}
        out.append(
            Finish(
                reason,
                raw,
                usage if usage != Usage() else None,
                facts or None,
                native={"ollama": [self._native()]},
            )
        )

    def _native(self) -> dict[str, Any]:
        """Give the whole message as the next request wants it."""
        message: dict[str, Any] = {"role": self._role, "content": "".join(self._text)}
        if self._thoughts:
            message["thinking"] = "".join(self._thoughts)
        if self._images:
            message["images"] = self._images
        if self._calls:
            message["tool_calls"] = self._calls
        rest = {name: value for name, value in self._unknown.items() if name.startswith("message.")}
        return message | {name.removeprefix("message."): value for name, value in rest.items()}


def _compact(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
