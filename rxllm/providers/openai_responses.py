"""OpenAI: the Responses API, with its own tools and its reasoning."""

from rxllm.providers.provider import Provider
from rxllm.wire import responses

PROVIDER = Provider(
    name="openai-responses",
    base_url="https://api.openai.com/v1",
    wire=responses,
    api_key_env="OPENAI_API_KEY",
)
