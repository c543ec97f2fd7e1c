"""A recording in place of a provider: `Model("replay", path="answer.sse")`; its format is given with `wire=`."""

from rxllm.providers.provider import Provider
from rxllm.wire import chat_completions

PROVIDER = Provider(
    name="replay",
    base_url=None,
    wire=chat_completions,
    key_required=False,
    default_model="recording",
)
