"""A format a file, sans-I/O: a request becomes JSON, bytes become items."""

from __future__ import annotations

import importlib
from typing import Any, Final

from rxllm.errors import ConfigurationError

__all__ = ["FORMATS", "find_wire"]

FORMATS: Final = ("anthropic", "chat_completions", "gemini", "ollama", "responses")
"""The modules here that have both halves of a format: `encode` for the request, `Decoder` for the response."""


def find_wire(name: str) -> Any:
    """Look a format up by its module's name in `rxllm.wire`; the others are not imported.

    >>> find_wire("chat_completions").PATH
    '/chat/completions'

    Args:
        name: E.g. `chat_completions`.

    Returns:
        The module.

    Raises:
        ConfigurationError: There is none of that name; those that there are are listed.
    """
    if name not in FORMATS:
        raise ConfigurationError(f"Unknown wire {name!r}. Available: {', '.join(FORMATS)}.")
    return importlib.import_module(f"rxllm.wire.{name}")
