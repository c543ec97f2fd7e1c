"""xAI: Chat Completions; `completion_tokens` leaves out reasoning."""

from rxllm.providers.provider import Provider
from rxllm.wire import chat_completions

PROVIDER = Provider(
    name="xai",
    base_url="https://api.x.ai/v1",
    wire=chat_completions,
    api_key_env="XAI_API_KEY",
)
