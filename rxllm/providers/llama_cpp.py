"""llama.cpp's own HTTP server, on its default port; a key only if it was started with one."""

from typing import Final

from rxllm.providers.provider import Provider
from rxllm.wire import chat_completions

ELSEWHERE: Final = {"responses": {"asks_format_as_chat": True}, "anthropic": {"takes_format": False}}
"""A schema is heard as Chat Completions says it, in Responses too; in Anthropic's format it is not heard at all."""

PROVIDER = Provider(
    name="llama_cpp",
    base_url="http://127.0.0.1:8080/v1",
    wire=chat_completions,
    api_key_env="LLAMA_API_KEY",
    key_required=False,
    default_model="default",
    elsewhere=ELSEWHERE,
)
