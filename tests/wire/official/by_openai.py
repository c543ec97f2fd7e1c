"""`openai`, of Chat Completions and of Responses, by its own accumulation."""

from __future__ import annotations

from functools import cache
from typing import Any

from official.view import Served, View


@cache
def client() -> tuple[Any, Served]:
    import httpx2
    import openai

    served = Served(httpx2, "text/event-stream")
    http = httpx2.Client(transport=served.transport, trust_env=False)
    return openai.OpenAI(api_key="-", base_url="http://test/v1", max_retries=0, http_client=http), served


def chat_completions(pieces: list[bytes]) -> View:
    import openai

    openai_, served = client()
    served.pieces = pieces
    view = View()
    with openai_.chat.completions.stream(model="m", messages=[{"role": "user", "content": "Why?"}]) as stream:
        try:
            stream.until_done()
        except openai.APIError as error:
            view.end, view.why = "refused", repr(error)
        except (openai.LengthFinishReasonError, openai.ContentFilterFinishReasonError):
            pass  # a finish reason, which the snapshot has
        except Exception as error:  # noqa: BLE001 - whatever the client stumbles over is what is looked for
            view.end, view.why = "broken", repr(error)
        try:
            told = stream.current_completion_snapshot
        except AssertionError:  # nothing came
            return view
    for choice in told.choices:
        message, index = choice.message, choice.index
        view.text[index] = message.content
        extra = message.model_extra or {}
        view.reasoning[index] = extra.get("reasoning_content") or extra.get("reasoning")
        view.tools[index] = [(c.id, c.function.name, c.function.arguments) for c in message.tool_calls or []]
        view.finish[index] = choice.finish_reason
    view.usage = told.usage and (told.usage.prompt_tokens, told.usage.completion_tokens)
    return view


ENDS = {"response.completed", "response.incomplete", "response.failed"}


def responses(pieces: list[bytes]) -> View:
    import openai

    openai_, served = client()
    served.pieces = pieces
    view = View(end="broken", why="no terminal event")
    told: Any = None
    with openai_.responses.stream(model="m", input="Why?") as stream:
        try:
            for event in stream:
                if event.type in ENDS:
                    told = event.response
                    view.end = "refused" if event.type == "response.failed" else "whole"
                elif event.type == "error":  # flat; the nested one is raised
                    view.end = "refused"
        except openai.APIError as error:
            view.end, view.why = "refused", repr(error)
        except Exception as error:  # noqa: BLE001 - whatever the client stumbles over is what is looked for
            view.end, view.why = "broken", repr(error)
    if told is None:
        return view
    items = told.output or []
    view.text[0] = told.output_text
    view.reasoning[0] = "".join(
        part.text for item in items if item.type == "reasoning" for part in item.content or item.summary
    )
    view.tools[0] = [(c.call_id, c.name, c.arguments) for c in items if c.type == "function_call"]
    view.tools[0] += [(c.call_id, c.name, c.input) for c in items if c.type == "custom_tool_call"]
    view.finish[0] = told.status
    view.usage = told.usage and (told.usage.input_tokens, told.usage.output_tokens)
    return view
