"""Recorded responses of OpenAI Responses, against what each must come to.

Our own recordings of llama.cpp stand in `tests/recordings`. The others are found through `RXLLM_STREAMS`: a folder a
format, with a body (`.bin`) and what is expected of it (`.json`) for each.
"""

from __future__ import annotations

import json
import os
import random
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from fed import completed, fed, merged, of_type, portions

from rxllm.errors import InvalidRequestError, ProviderError, RxllmError, TruncatedStreamError
from rxllm.items import Finish, ServerToolCall, ServerToolResult
from rxllm.messages import Message, chat_request
from rxllm.wire.responses import Decoder, encode

OURS = Path(__file__).parents[1] / "recordings" / "llama_cpp"
STREAMS = Path(os.environ["RXLLM_STREAMS"]) if os.environ.get("RXLLM_STREAMS") else None

DIFFERENT: dict[str, set[str]] = {
    # An `error` event ends this one, so the `response.failed` behind it is not waited for; and what failed has no
    # finish reason, but is an error, here as in every other format.
    "openai--stream-rate-limited-1": {"finish_reason", "terminated"},
}
"""Fields in which we mean to differ from an expectation, by recording, each with its reason."""

if STREAMS is None:
    RECORDINGS: list[Any] = [
        pytest.param(None, marks=pytest.mark.skip(reason="RXLLM_STREAMS names no folder of recordings"))
    ]
else:
    RECORDINGS = [pytest.param(path, id=path.stem) for path in sorted(STREAMS.glob("openai-responses/*.json"))]

SERVER_TOOLS = {
    "azure--azure-code-interpreter-tool-1": ["code_interpreter"],
    "azure--openai-file-search-tool-1": ["file_search"],
    "openai--openai-image-generation-tool-1": ["image_generation"],
    "openai--openai-mcp-tool-1": ["mcp_list_tools", "web_search_exa", "web_search_exa"],
    "openai--openai-mcp-tool-approval-4": ["mcp_list_tools", "create_short_url"],
    "openai--openai-shell-skills-1": ["shell"] * 2,
    "openai--openai-web-search-tool-1": ["web_search"] * 6,
    "xai--xai-x-search-tool": ["web_search"] * 4,
}
ENDS = [b'"response.completed"', b'"response.incomplete"', b'"response.failed"']


def recording(path: Path) -> tuple[bytes, dict[str, Any]]:
    return path.with_suffix(".bin").read_bytes(), json.loads(path.read_text())


def marker_start(body: bytes) -> int:
    """Tell where the terminal event begins; cut before its last brace, nothing may end as completed."""
    return max(body.rfind(b"data:", 0, body.find(end)) for end in ENDS if end in body)


def marker_end(body: bytes) -> int:
    """Tell where the terminal event stands whole; nothing behind it is looked at."""
    start = marker_start(body)
    line = body.find(b"\n", start)
    return len(body.rstrip()) if line < 0 else line


def call(said: dict[str, Any]) -> dict[str, Any]:
    """Spell an expected call as ours are; a custom tool's input may be JSON by chance, and is then parsed."""
    if said.get("type") == "custom":
        return {"id": said["id"], "name": said["name"], "arguments_raw": said["input"], "custom": True}
    return {name: said.get(name) for name in ("id", "name", "arguments", "arguments_raw")}


def found_call(ours: Any) -> dict[str, Any]:
    fields = {"id": ours.id, "name": ours.name, "arguments_raw": ours.arguments_raw}
    is_custom = (ours.extra or {}).get("type") == "custom"
    return fields | ({"custom": True} if is_custom else {"arguments": ours.arguments})


NUMBERS = ("input_tokens", "output_tokens", "total_tokens", "reasoning_tokens", "cached_tokens")


@pytest.mark.parametrize("path", RECORDINGS)
@pytest.mark.parametrize("size", [0, 1, 7], ids=["whole", "by 1", "by 7"])
def test_a_recording_comes_to_what_it_must(path, size):
    body, said = recording(path)
    items, error = fed(Decoder(), portions(body, size))
    completion = completed(items)
    expected, extra = said["expected"], said["extra"]
    wanted = {name: expected[name] for name in ("text", "reasoning", "finish_reason", "terminated")}
    wanted["refusal"] = expected["refusal"] or ""
    wanted["error"] = expected["error"] is not None
    wanted["usage"] = expected["usage"] and {n: expected["usage"][n] for n in NUMBERS if n in expected["usage"]}
    wanted["tool_calls"] = [call(each) for each in expected["tool_calls"]]
    wanted["server_tools"] = SERVER_TOOLS.get(path.stem, [])
    wanted["id"] = completion.id if "N:response_id_changed" in said["quirks"] else extra["id"]
    wanted["model"] = extra["model"]
    found = {
        "text": completion.text,
        "reasoning": completion.reasoning,
        "finish_reason": completion.raw_finish_reason,
        "terminated": error is None,
        "refusal": completion.refusal,
        "error": isinstance(error, ProviderError),
        "usage": completion.usage and {name: getattr(completion.usage, name) for name in wanted["usage"]},
        "tool_calls": [found_call(each) for each in completion.tool_calls],
        "server_tools": [each.name for each in of_type(items, ServerToolCall)],
        "id": completion.id,
        "model": completion.model,
    }
    different = DIFFERENT.get(path.stem, set())
    assert {k: v for k, v in found.items() if k not in different} == {
        k: v for k, v in wanted.items() if k not in different
    }


@pytest.mark.parametrize("path", RECORDINGS)
def test_nothing_of_a_recording_contradicts_itself(path):
    items, _ = fed(Decoder(), [recording(path)[0]])
    disputed = {"response.output_text.done", "response.content_part.done", "response.function_call_arguments.done"}
    events = completed(items).events
    assert not [event.type for event in events if event.type in disputed]
    done = [event.data["type"] for event in events if event.type == "response.output_item.done"]
    assert done == (["tool_search_call"] if path.stem == "openai--openai-client-tool-search-1" else [])


@pytest.mark.parametrize("path", RECORDINGS)
def test_the_provider_s_own_results_have_their_calls(path):
    items, _ = fed(Decoder(), [recording(path)[0]])
    calls = {each.id: each.name for each in of_type(items, ServerToolCall)}
    assert all(calls[result.id] == result.name for result in of_type(items, ServerToolResult))


@pytest.mark.parametrize("path", RECORDINGS)
def test_an_answer_can_go_back(path):
    body, said = recording(path)
    items, error = fed(Decoder(), [body])
    if error is not None:
        pytest.skip("a response that failed")
    message = completed(items).to_message()
    results = [Message.tool("done", tool_call_id=each.id) for each in message.tool_calls]
    sent = encode(chat_request([Message.user("Why?"), message, *results]), model="m")["input"]
    answer = sent[1 : len(sent) - len(results)]
    assert [item["type"] for item in answer] == said["extra"]["item_types"]
    texts = [p["text"] for item in answer if item["type"] == "message" for p in item["content"] if "text" in p]
    assert "".join(texts) == said["expected"]["text"]
    kinds = {"function_call": "function_call_output", "custom_tool_call": "custom_tool_call_output"}
    assert [(item["type"], item["call_id"]) for item in sent[len(sent) - len(results) :]] == [
        (kinds[item["type"]], item["call_id"]) for item in answer if item["type"] in kinds
    ]


@pytest.mark.parametrize("path", RECORDINGS)
def test_items_are_the_same_however_the_bytes_were_cut(path):
    body, _ = recording(path)
    whole = merged(fed(Decoder(), [body])[0])
    chance = random.Random(path.stem)  # noqa: S311 - places to cut, no secret
    for cuts in (1, 5, 50):
        places = [0, *sorted(chance.choices(range(len(body)), k=cuts)), len(body)]
        pieces = [body[a:b] for a, b in pairwise(places)]
        assert merged(fed(Decoder(), pieces)[0]) == whole


@pytest.mark.parametrize("path", RECORDINGS)
def test_a_cut_recording_never_ends_as_completed(path):
    body, _ = recording(path)
    end = marker_end(body)
    boundaries = [at for at in range(len(body)) if body[at - 2 : at] == b"\n\n" or body[at - 4 : at] == b"\r\n\r\n"]
    decoder = Decoder()
    for last, at in pairwise([0, *boundaries]):
        if at >= end or decoder.fault is not None:
            break
        items = decoder.feed(body[last:at])
        assert not any(isinstance(item, Finish) for item in items), at
        with pytest.raises(RxllmError):
            decoder.finish()
        if type(decoder.fault) is TruncatedStreamError:
            decoder.fault = None  # between two events nothing else remembers that the end was tried
    chance = random.Random(path.stem)  # noqa: S311 - places to cut, no secret
    places = chance.choices(range(end), k=100) + chance.choices(range(marker_start(body), end), k=100)
    for at in places:
        items, error = fed(Decoder(), [body[:at]])
        assert error is not None, at
        assert not any(isinstance(item, Finish) for item in items), at


@pytest.mark.parametrize("path", RECORDINGS)
def test_the_terminal_event_needs_nothing_behind_it(path):
    body, said = recording(path)
    _, error = fed(Decoder(), [body[: marker_end(body)]])
    assert (error is None) == (said["expected"]["error"] is None)


@pytest.mark.parametrize("path", RECORDINGS)
def test_a_damaged_recording_fails_with_nothing_but_our_errors(path):
    body, _ = recording(path)
    chance = random.Random(path.stem)  # noqa: S311 - bytes to damage, no secret
    for _ in range(20):
        damaged = bytearray(body[:30_000])
        for _ in range(chance.randint(1, 10)):
            damaged[chance.randrange(len(damaged))] = chance.choice(b'\n\r{}[]",:\\\x00\xff0ud8e')
        items, error = fed(Decoder(), portions(bytes(damaged), chance.choice([0, 100, 4096])))
        assert error is None or isinstance(error, RxllmError)
        assert completed(items).text.encode() is not None


# Our own recordings of llama.cpp, which counts nothing and names no model before the end


def ours(name: str) -> Any:
    items, error = fed(Decoder(), [(OURS / f"responses-{name}.body").read_bytes()])
    assert error is None
    return completed(items)


def test_a_text():
    completion = ours("text")
    assert completion.text.startswith("And they said unto him, We am Christ;")
    assert (completion.finish_reason, completion.raw_finish_reason) == ("stop", "completed")
    assert (completion.usage.input_tokens, completion.usage.output_tokens, completion.usage.cached_tokens) == (
        17,
        40,
        6,
    )
    assert completion.response["timings"]["predicted_n"] == 40
    assert completion.response["model"] == "tiny-kjv-chat"


def test_reasoning_stands_apart_from_the_text():
    completion = ours("reasoning")
    assert completion.reasoning.startswith("The question is of judgment.")
    assert completion.text.startswith("Thou makest the souls of the wicked")
    assert [block.text for block in completion.reasoning_blocks] == [completion.reasoning]


def test_parallel_tool_calls():
    completion = ours("tool-parallel")
    assert [(c.call, c.name, c.arguments) for c in completion.tool_calls] == [
        (0, "get_weather", {"city": "Paris"}),
        (1, "add", {"a": 99, "b": 80}),
    ]
    assert completion.finish_reason == "tool_calls"
    assert all(c.id for c in completion.tool_calls)


def test_an_error_body_where_a_stream_was_expected():
    error = fed(Decoder(), [(OURS / "error-too-long.json").read_bytes()])[1]
    assert type(error) is InvalidRequestError
    assert error.status == 400


@pytest.mark.parametrize("path", sorted(OURS.glob("responses-*.body")), ids=lambda path: path.stem)
def test_our_recordings_may_be_cut_at_every_byte(path):
    body = path.read_bytes()[-3500:]
    body = body[body.index(b"\n\n") + 2 :]
    whole = merged(fed(Decoder(), [body])[0])
    for at in range(len(body)):
        assert merged(fed(Decoder(), [body[:at], body[at:]])[0]) == whole, at
