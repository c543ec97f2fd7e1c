"""Ollama's OpenAI-compatible endpoint, on its default port."""

from rxllm.providers.provider import Provider
from rxllm.wire import chat_completions

PROVIDER = Provider(
    name="ollama",
    base_url="http://127.0.0.1:11434/v1",
    wire=chat_completions,
    api_key_env="OLLAMA_API_KEY",
    key_required=False,
)
