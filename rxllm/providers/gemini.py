"""Google's Gemini API; its key goes into a header of its own, never into the URL."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rxllm.providers.provider import Provider
from rxllm.wire import gemini

if TYPE_CHECKING:
    from collections.abc import Mapping


def goog_api_key_header(key: str) -> Mapping[str, str]:
    """Send the key as Google does: `x-goog-api-key: …`."""
    return {"x-goog-api-key": key}


PROVIDER = Provider(
    name="gemini",
    base_url="https://generativelanguage.googleapis.com/v1beta",
    wire=gemini,
    api_key_env="GEMINI_API_KEY",
    auth=goog_api_key_header,
)
