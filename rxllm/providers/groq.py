"""Groq: Chat Completions with reasoning; usage may come as `x_groq.usage`."""

from rxllm.providers.provider import Provider
from rxllm.wire import chat_completions

PROVIDER = Provider(
    name="groq",
    base_url="https://api.groq.com/openai/v1",
    wire=chat_completions,
    api_key_env="GROQ_API_KEY",
)
