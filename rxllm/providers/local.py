"""The embedded model: llama.cpp's server in a child process, started when first used; no key, no account, no hub."""

from rxllm.providers.llama_cpp import ELSEWHERE
from rxllm.providers.provider import Provider
from rxllm.wire import chat_completions

PROVIDER = Provider(
    name="local",
    base_url=None,
    wire=chat_completions,
    key_required=False,
    default_model="tiny-kjv-chat",
    elsewhere=ELSEWHERE,
)
