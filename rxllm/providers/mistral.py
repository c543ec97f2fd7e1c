"""Mistral: `content` may be a list of parts, several tool calls stand in one delta, and usage comes unasked."""

from rxllm.providers.provider import Provider
from rxllm.wire import chat_completions

PROVIDER = Provider(
    name="mistral",
    base_url="https://api.mistral.ai/v1",
    wire=chat_completions,
    api_key_env="MISTRAL_API_KEY",
    encoding={"asks_usage": False, "seed_field": "random_seed"},
)
