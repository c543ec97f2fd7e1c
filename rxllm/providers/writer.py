"""Writer: Chat Completions without a `[DONE]`."""

from rxllm.providers.provider import Provider
from rxllm.wire import chat_completions

PROVIDER = Provider(
    name="writer",
    base_url="https://api.writer.com/v1",
    wire=chat_completions,
    api_key_env="WRITER_API_KEY",
    decoding={"done_marker": False},
)
