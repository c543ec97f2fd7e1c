"""Azure OpenAI, its v1 API: `base_url="https://RESOURCE.openai.azure.com/openai/v1"`, the deployment as the model."""

from rxllm.providers.provider import Provider, api_key_header
from rxllm.wire import chat_completions

PROVIDER = Provider(
    name="azure",
    base_url=None,
    wire=chat_completions,
    api_key_env="AZURE_OPENAI_API_KEY",
    auth=api_key_header,
    encoding={"max_tokens_field": "max_completion_tokens", "developer_role": "developer"},
)
