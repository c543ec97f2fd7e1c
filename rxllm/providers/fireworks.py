"""Fireworks: Chat Completions."""

from rxllm.providers.provider import Provider
from rxllm.wire import chat_completions

PROVIDER = Provider(
    name="fireworks",
    base_url="https://api.fireworks.ai/inference/v1",
    wire=chat_completions,
    api_key_env="FIREWORKS_API_KEY",
)
