"""How an answer ended: the final JSON, the exit status, and the one line on stderr."""

from __future__ import annotations

import json
import sys
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from rxllm.errors import (
    AuthenticationError,
    ConfigurationError,
    DecodeError,
    InvalidRequestError,
    ProviderError,
    RxllmError,
    TransportError,
    TruncatedStreamError,
)
from rxllm.senders.printable import printable

if TYPE_CHECKING:
    from rxllm.completion import Choice, Completion
    from rxllm.items import ToolCall, Usage

__all__ = ["Outcome", "complain", "explain", "final_json", "in_options", "status_of"]

UNEXPECTED: Final = 1
USAGE: Final = 2
INTERRUPTED: Final = 130
BROKEN_PIPE: Final = 141
TERMINATED: Final = 143

_STATUS: Final = (
    (ConfigurationError, USAGE),
    (ProviderError, 3),
    (TruncatedStreamError, 4),  # before the DecodeError that it is a kind of
    (DecodeError, 5),
    (TransportError, 6),
)
_SHOWN: Final = 80  # characters of what could not be read
# What the library calls its arguments, in the words of the command line.
_OPTIONS: Final = (
    ("gguf='FILE.gguf'", "--gguf FILE.gguf"),
    (", or give api_key=", ""),
    ("timeouts.total", "--timeout"),
    ("max_tokens", "--max-tokens"),
    ("; the error's `snippet` has its beginning", ""),
    ("ssl=", "--ca "),
    ("True, False, an SSLContext, or the path", "the path"),
    (
        "use Decoder(done_marker=False)",
        "ask it as --model writer:NAME --base-url URL (a recording: --provider writer), which waits for none",
    ),
)


class Outcome(NamedTuple):
    """How one answer ended.

    `left` is the status of a signal, or of a reader that has gone; it wins over everything else.
    """

    completion: Completion
    error: RxllmError | None = None
    left: int = 0

    @property
    def status(self) -> int:
        """The exit status."""
        if self.left:
            return self.left
        return 0 if self.error is None else status_of(self.error)


def status_of(error: RxllmError) -> int:
    """Give the exit status of an error.

    >>> status_of(TruncatedStreamError("cut", format="chat_completions"))
    4

    Args:
        error: Any error of ours.

    Returns:
        2 to 6, or 1 for an error that a command line does not expect.
    """
    return next((status for kind, status in _STATUS if isinstance(error, kind)), UNEXPECTED)


def complain(message: str) -> None:
    """Say on stderr, in one line, what is wrong.

    Args:
        message: What happened, what was expected, what to do.
    """
    with suppress(OSError):  # stderr has no reader: the status still tells
        sys.stderr.write(f"rxllm: {printable(' '.join(message.split()))}\n")
        sys.stderr.flush()


def explain(error: RxllmError) -> str:
    """Put an error into words for somebody who typed a command.

    >>> explain(ProviderError("No such model.", status=404, code="model_not_found"))
    'the provider answered with an error (404, model_not_found): No such model.'

    Args:
        error: Any error of ours.

    Returns:
        What happened and, as far as we know, what to do.
    """
    message = in_options(error)
    if not isinstance(error, ProviderError):
        lines = [line for line in message.splitlines() if line.strip()]
        begun = f" It begins: {error.snippet[:_SHOWN]!r}" if isinstance(error, DecodeError) and error.snippet else ""
        return (message if len(lines) < 2 else f"{lines[0]} {lines[-1]}") + begun  # noqa: PLR2004 - a log's beginning and end
    known = ", ".join(str(fact) for fact in (error.status, error.code) if fact is not None)
    told = f"the provider answered with an error{f' ({known})' if known else ''}: {_sentence(message)}"
    if isinstance(error, AuthenticationError):
        return f"{told} Check the key; `rxllm providers` names its variable."
    if isinstance(error, InvalidRequestError):
        return f"{told} Check the model's name and the options; `rxllm health` lists the models."
    if error.retry_after is not None:
        return f"{told} It asks to wait {error.retry_after:g} s."
    return f"{told} The same request may succeed later." if error.retryable else told


def _sentence(said: str) -> str:
    return said if said.endswith((".", "!", "?")) else f"{said}."


def in_options(error: RxllmError | str) -> str:
    """Name the options where the library names its arguments; what a provider calls them stays.

    >>> in_options("Is base_url right?")
    'Is --base-url right?'

    Args:
        error: An error of ours, or what was said about a provider.

    Returns:
        The message.
    """
    message = (str(error) or type(error).__name__).replace("base_url=", "--base-url").replace("base_url", "--base-url")
    if isinstance(error, (str, ProviderError)):
        return message
    for argument, option in _OPTIONS:
        message = message.replace(argument, option)
    return message


def final_json(outcome: Outcome) -> str:
    """Write the one JSON object that `--final json` prints.

    Args:
        outcome: How the answer ended.

    Returns:
        One line of JSON, in what stdout's encoding can say.
    """
    completion, error = outcome.completion, outcome.error
    choices = completion.choices
    said: dict[str, Any] = {
        **_choice(choices[0]),
        "finish_reason": completion.finish_reason,
        "raw_finish_reason": completion.raw_finish_reason,
        "usage": _usage(completion.usage),
        "model": completion.model,
    }
    if len(choices) > 1:
        said["choices"] = [{"index": choice.index, **_choice(choice)} for choice in choices]
    said["error"] = None if error is None else {"type": type(error).__name__, "message": in_options(error)}
    text = json.dumps(said, ensure_ascii=False)
    try:
        text.encode(sys.stdout.encoding)
    except UnicodeEncodeError:  # half of a surrogate pair, or a terminal that cannot show it
        return json.dumps(said)
    return text


def _choice(choice: Choice) -> dict[str, Any]:
    return {
        "text": choice.text,
        "reasoning": choice.reasoning,
        "refusal": choice.refusal or None,
        "tool_calls": [
            {"id": call.id, "name": call.name, "arguments": _arguments(call), "arguments_raw": call.arguments_raw}
            for call in choice.tool_calls
        ],
        "finish_reason": choice.finish_reason,
        "raw_finish_reason": choice.raw_finish_reason,
    }


def _arguments(call: ToolCall) -> Any:
    """Leave out what Python reads as JSON and nobody else does, NaN say."""
    try:
        json.dumps(call.arguments, allow_nan=False)
    except (ValueError, RecursionError):
        return None
    return call.arguments


def _usage(usage: Usage | None) -> dict[str, Any] | None:
    if usage is None:
        return None
    optional = ("total_tokens", "cached_tokens", "cache_write_tokens", "reasoning_tokens", "audio_tokens", "estimated")
    return {
        "input_tokens": usage.input_tokens,
        "output_tokens": usage.output_tokens,
        **{name: value for name in optional if (value := getattr(usage, name)) not in (None, False)},
    }
