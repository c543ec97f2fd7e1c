"""Anthropic: its own Messages format, its key in a header of its own, its version in another."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rxllm.providers.provider import Provider
from rxllm.wire import anthropic

if TYPE_CHECKING:
    from collections.abc import Mapping


def x_api_key(key: str) -> Mapping[str, str]:
    """Send the key as Anthropic wants it, and with it the version of the API, without which nothing is answered."""
    return {"x-api-key": key, "anthropic-version": "2023-06-01"}


PROVIDER = Provider(
    name="anthropic",
    base_url="https://api.anthropic.com/v1",
    wire=anthropic,
    api_key_env="ANTHROPIC_API_KEY",
    auth=x_api_key,
)
