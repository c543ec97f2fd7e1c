"""OpenRouter: many providers behind one; comments while it waits for them."""

from rxllm.providers.provider import Provider
from rxllm.wire import chat_completions

PROVIDER = Provider(
    name="openrouter",
    base_url="https://openrouter.ai/api/v1",
    wire=chat_completions,
    api_key_env="OPENROUTER_API_KEY",
)
