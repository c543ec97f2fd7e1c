"""The five formats: whose they are, where their recordings stand, and how a client of each is asked."""

from __future__ import annotations

import importlib
import os
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest
from official import by_anthropic, by_google, by_ollama, by_openai, spoken

from rxllm.wire import anthropic, chat_completions, gemini, ollama, responses

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import ModuleType

    from official.view import View


class Format(NamedTuple):
    """A format.

    `call` spells our tool call as the official client's are; `own` and `folder` are where our recordings and the
    others are; `say` makes an answer into events.
    """

    wire: ModuleType
    package: str
    theirs: Callable[[list[bytes]], View]
    call: Callable[[Any], Any]
    own: str
    folder: str
    say: Callable[[list[spoken.Part]], list[spoken.Event]]

    def need(self) -> None:
        """Skip the test where the official client is missing, and fail it where CI should have it."""
        try:
            importlib.import_module(self.package)
        except ImportError:
            (pytest.fail if os.environ.get("CI") else pytest.skip)(
                f"{self.package} is missing: `make test` installs it"
            )


def with_raw(call: Any) -> Any:
    return call.id, call.name, call.arguments_raw


def with_parsed(call: Any) -> Any:
    return call.id, call.name, call.arguments


def without_id(call: Any) -> Any:
    return call.name, call.arguments


CHAT_COMPLETIONS = Format(
    wire=chat_completions,
    package="openai",
    theirs=by_openai.chat_completions,
    call=with_raw,
    own="llama_cpp/*.sse",
    folder="openai-chat",
    say=spoken.chat_completions,
)
RESPONSES = Format(
    wire=responses,
    package="openai",
    theirs=by_openai.responses,
    call=with_raw,
    own="llama_cpp/responses-*.body",
    folder="openai-responses",
    say=spoken.responses,
)
ANTHROPIC = Format(
    wire=anthropic,
    package="anthropic",
    theirs=by_anthropic.messages,
    call=with_parsed,
    own="llama_cpp/messages-*.body",
    folder="anthropic-messages",
    say=spoken.anthropic,
)
OLLAMA = Format(
    wire=ollama,
    package="ollama",
    theirs=by_ollama.chat,
    call=without_id,
    own="ollama/*.ndjson",
    folder="ollama-chat",
    say=spoken.ollama,
)
GEMINI = Format(
    wire=gemini,
    package="google.genai",
    theirs=by_google.generate_content,
    call=with_parsed,
    own="gemini/*",
    folder="gemini",
    say=spoken.gemini,
)
FORMATS = [CHAT_COMPLETIONS, RESPONSES, ANTHROPIC, OLLAMA, GEMINI]
