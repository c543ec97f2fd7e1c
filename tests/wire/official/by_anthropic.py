"""`anthropic`, of Messages, by its own accumulation."""

from __future__ import annotations

from functools import cache
from typing import Any

from official.view import Served, View


@cache
def client() -> tuple[Any, Served]:
    import anthropic
    import httpx2

    served = Served(httpx2, "text/event-stream")
    http = httpx2.Client(transport=served.transport, trust_env=False)
    return anthropic.Anthropic(api_key="-", base_url="http://test", max_retries=0, http_client=http), served


def messages(pieces: list[bytes]) -> View:
    import anthropic

    anthropic_, served = client()
    served.pieces = pieces
    view = View()
    with anthropic_.messages.stream(model="m", max_tokens=1, messages=[{"role": "user", "content": "Why?"}]) as stream:
        try:
            stream.until_done()
        except anthropic.APIError as error:
            view.end, view.why = "refused", repr(error)
        except Exception as error:  # noqa: BLE001 - whatever the client stumbles over is what is looked for
            view.end, view.why = "broken", repr(error)
        try:
            told = stream.current_message_snapshot
        except AssertionError:  # nothing came
            return view
    view.text[0] = "".join(block.text for block in told.content if block.type == "text")
    view.reasoning[0] = "".join(block.thinking for block in told.content if block.type == "thinking")
    view.tools[0] = [(block.id, block.name, block.input) for block in told.content if block.type == "tool_use"]
    view.finish[0] = told.stop_reason
    view.usage = (told.usage.input_tokens, told.usage.output_tokens)
    return view
