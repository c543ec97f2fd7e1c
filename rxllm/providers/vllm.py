"""vLLM's OpenAI-compatible server, on its default port."""

from rxllm.providers.provider import Provider
from rxllm.wire import chat_completions

PROVIDER = Provider(
    name="vllm",
    base_url="http://127.0.0.1:8000/v1",
    wire=chat_completions,
    api_key_env="VLLM_API_KEY",
    key_required=False,
)
