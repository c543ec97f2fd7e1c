"""llama.cpp's own HTTP server, on its default port; a key only if it was started with one."""

from rxllm.providers.provider import Provider
from rxllm.wire import chat_completions

PROVIDER = Provider(
    name="llama_cpp",
    base_url="http://127.0.0.1:8080/v1",
    wire=chat_completions,
    api_key_env="LLAMA_API_KEY",
    key_required=False,
    default_model="default",
)
