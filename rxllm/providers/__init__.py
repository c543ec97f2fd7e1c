"""The providers by name, a line each."""

from __future__ import annotations

import difflib
from typing import Final

from rxllm.errors import ConfigurationError
from rxllm.providers import (
    anthropic,
    azure,
    cerebras,
    deepseek,
    fireworks,
    gemini,
    groq,
    llama_cpp,
    lmstudio,
    local,
    mistral,
    ollama,
    ollama_native,
    openai,
    openai_responses,
    openrouter,
    perplexity,
    replay,
    together,
    vllm,
    writer,
    xai,
)
from rxllm.providers.provider import Provider

__all__ = ["PROVIDERS", "Provider", "find_provider"]

PROVIDERS: Final[dict[str, Provider]] = {
    module.PROVIDER.name: module.PROVIDER
    for module in (
        openai,
        openai_responses,
        anthropic,
        gemini,
        azure,
        llama_cpp,
        local,
        vllm,
        ollama,
        ollama_native,
        lmstudio,
        groq,
        mistral,
        deepseek,
        openrouter,
        together,
        fireworks,
        xai,
        cerebras,
        perplexity,
        writer,
        replay,
    )
}


def find_provider(name: str) -> Provider:
    """Look a provider up.

    >>> find_provider("openai").base_url
    'https://api.openai.com/v1'

    Args:
        name: As it stands before the colon in `"provider:model"`.

    Returns:
        The provider.

    Raises:
        ConfigurationError: There is none of that name; those that there are, and the nearest, are listed.
    """
    try:
        return PROVIDERS[name]
    except KeyError:
        near = difflib.get_close_matches(name, PROVIDERS, n=1)
        hint = f" Did you mean {near[0]!r}?" if near else ""
        raise ConfigurationError(
            f"Unknown provider {name!r}.{hint} Available: {', '.join(sorted(PROVIDERS))}."
        ) from None
