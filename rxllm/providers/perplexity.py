"""Perplexity: whole snapshots beside the deltas, citations, and never a `[DONE]`."""

from rxllm.providers.provider import Provider
from rxllm.wire import chat_completions

PROVIDER = Provider(
    name="perplexity",
    base_url="https://api.perplexity.ai",
    wire=chat_completions,
    api_key_env="PERPLEXITY_API_KEY",
    encoding={"asks_usage": False},  # it tells it in each chunk
    decoding={"done_marker": False},
)
