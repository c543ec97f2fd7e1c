"""`ollama`, of /api/chat, whose parts are to be summed."""

from __future__ import annotations

from functools import cache
from typing import Any

from official.view import Served, View


@cache
def client() -> tuple[Any, Served]:
    import httpx
    import ollama

    served = Served(httpx, "application/x-ndjson")
    return ollama.Client("http://test", transport=served.transport, trust_env=False), served


def chat(pieces: list[bytes]) -> View:
    import ollama

    ollama_, served = client()
    served.pieces = pieces
    view = View({0: ""}, {0: ""}, {0: []})
    try:
        for told in ollama_.chat("m", [{"role": "user", "content": "Why?"}], stream=True):
            view.text[0] += told.message.content or ""
            view.reasoning[0] += told.message.thinking or ""
            view.tools[0] += [(c.function.name, c.function.arguments) for c in told.message.tool_calls or []]
            view.finish[0] = told.done_reason
            view.usage = (told.prompt_eval_count, told.eval_count)
    except ollama.ResponseError as error:
        view.end, view.why = "refused", repr(error)
    except Exception as error:  # noqa: BLE001 - whatever the client stumbles over is what is looked for
        view.end, view.why = "broken", repr(error)
    return view
