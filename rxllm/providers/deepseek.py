"""DeepSeek: Chat Completions plus `reasoning_content`, which it wants back once the answer called a tool."""

from rxllm.providers.provider import Provider
from rxllm.wire import chat_completions

PROVIDER = Provider(
    name="deepseek",
    base_url="https://api.deepseek.com",
    wire=chat_completions,
    api_key_env="DEEPSEEK_API_KEY",
    encoding={"reasoning_field": "reasoning_content"},
)
