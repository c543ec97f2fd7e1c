"""LM Studio's OpenAI-compatible server, on its default port."""

from rxllm.providers.provider import Provider
from rxllm.wire import chat_completions

PROVIDER = Provider(
    name="lmstudio",
    base_url="http://127.0.0.1:1234/v1",
    wire=chat_completions,
    api_key_env="LMSTUDIO_API_KEY",
    key_required=False,
)
