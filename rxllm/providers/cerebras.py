"""Cerebras: Chat Completions."""

from rxllm.providers.provider import Provider
from rxllm.wire import chat_completions

PROVIDER = Provider(
    name="cerebras",
    base_url="https://api.cerebras.ai/v1",
    wire=chat_completions,
    api_key_env="CEREBRAS_API_KEY",
)
