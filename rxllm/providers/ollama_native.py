"""Ollama's own `/api/chat`, on its default port; unlike `ollama:` it knows `think`, `keep_alive` and all options."""

from rxllm.providers.provider import Provider
from rxllm.wire import ollama

PROVIDER = Provider(
    name="ollama-native",
    base_url="http://127.0.0.1:11434",
    wire=ollama,
    api_key_env="OLLAMA_API_KEY",
    key_required=False,
    models_path="/api/tags",
)
