"""OpenAI: Chat Completions; newer models take `max_completion_tokens` only."""

from rxllm.providers.provider import Provider
from rxllm.wire import chat_completions

PROVIDER = Provider(
    name="openai",
    base_url="https://api.openai.com/v1",
    wire=chat_completions,
    api_key_env="OPENAI_API_KEY",
    encoding={"max_tokens_field": "max_completion_tokens", "developer_role": "developer"},
)
