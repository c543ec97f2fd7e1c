"""Together: Chat Completions."""

from rxllm.providers.provider import Provider
from rxllm.wire import chat_completions

PROVIDER = Provider(
    name="together",
    base_url="https://api.together.xyz/v1",
    wire=chat_completions,
    api_key_env="TOGETHER_API_KEY",
)
