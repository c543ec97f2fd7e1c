"""`google-genai`, of streamGenerateContent, whose parts are to be summed."""

from __future__ import annotations

from functools import cache
from typing import Any

from official.view import Served, View


@cache
def client() -> tuple[Any, Served]:
    import httpx
    from google import genai

    served = Served(httpx, "text/event-stream")
    settings = genai.types.HttpOptions(
        base_url="http://test", client_args={"transport": served.transport, "trust_env": False}
    )
    return genai.Client(api_key="-", http_options=settings), served


def generate_content(pieces: list[bytes]) -> View:
    from google.genai import errors

    google, served = client()
    served.pieces = pieces
    view = View()
    try:
        for told in google.models.generate_content_stream(model="m", contents="Why?"):
            for candidate in told.candidates or []:
                add(view, candidate)
            if told.usage_metadata:
                view.usage = (told.usage_metadata.prompt_token_count, told.usage_metadata.candidates_token_count)
    except errors.APIError as error:
        view.end, view.why = "refused", repr(error)
    except Exception as error:  # noqa: BLE001 - whatever the client stumbles over is what is looked for
        view.end, view.why = "broken", repr(error)
    return view


def add(view: View, candidate: Any) -> None:
    index = candidate.index or 0
    for part in (candidate.content and candidate.content.parts) or []:
        if part.text is not None:
            texts = view.reasoning if part.thought else view.text
            texts[index] = texts.get(index, "") + part.text
        if part.function_call:
            call = part.function_call
            view.tools.setdefault(index, []).append((call.id, call.name, call.args or {}))
    if candidate.finish_reason:
        view.finish[index] = candidate.finish_reason.value
