"""Answers made at random, and each format's way of saying them: what a well-behaved server sends."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from hypothesis import strategies as st
from test_random_streams import JSON, TEXT, cut

if TYPE_CHECKING:
    from collections.abc import Callable

Event = dict[str, Any]
UNKNOWN = {"object": "of.the.future", "type": "of_the_future", "x": [1, None]}


@dataclass
class Part:
    """A text, a block of reasoning or a tool call of an answer, in pieces; a call's are its arguments' JSON."""

    kind: str
    pieces: list[str]

    @property
    def whole(self) -> str:
        return "".join(self.pieces)


@st.composite
def parts(draw: st.DrawFn) -> Part:
    kind = draw(st.sampled_from(["text", "reasoning", "tool"]))
    if kind != "tool":
        return Part(kind, draw(st.lists(TEXT.filter(bool), min_size=1, max_size=4)))
    whole = json.dumps(draw(st.dictionaries(TEXT, TEXT | st.integers(-9, 9) | st.none(), max_size=3)))
    places = sorted(draw(st.sets(st.integers(1, len(whole) - 1), max_size=3)))
    return Part(kind, [whole[a:b] for a, b in zip([0, *places], [*places, len(whole)], strict=True)])


ANSWERS = st.lists(parts(), max_size=5)


def chat_completions(answer: list[Part]) -> list[Event]:
    deltas: list[Event] = [{"role": "assistant", "content": ""}]
    fields = {"text": "content", "reasoning": "reasoning_content"}
    calls = 0
    for part in answer:
        if part.kind == "tool":
            first, *rest = part.pieces
            head = {"id": f"call{calls}", "type": "function", "function": {"name": "f", "arguments": first}}
            deltas.append({"tool_calls": [{"index": calls, **head}]})
            deltas += [{"tool_calls": [{"index": calls, "function": {"arguments": piece}}]} for piece in rest]
            calls += 1
        else:
            deltas += [{fields[part.kind]: piece} for piece in part.pieces]
    head = {"id": "c", "object": "chat.completion.chunk", "created": 1, "model": "m"}
    chunks = [{**head, "choices": [{"index": 0, "delta": delta, "finish_reason": None}]} for delta in deltas]
    chunks.append({**head, "choices": [{"index": 0, "delta": {}, "finish_reason": "tool_calls" if calls else "stop"}]})
    usage = {"prompt_tokens": 3, "completion_tokens": len(deltas), "total_tokens": 3 + len(deltas)}
    return [*chunks, {**head, "choices": [], "usage": usage}]


def responses(answer: list[Part]) -> list[Event]:
    response = {"id": "r", "object": "response", "created_at": 1, "model": "m", "status": "in_progress", "output": []}
    response |= {"tools": [], "tool_choice": "auto", "parallel_tool_calls": True}
    events: list[Event] = [{"type": "response.created", "response": response}]
    output: list[Event] = []
    for index, part in enumerate(answer):
        place: Event = {"output_index": index, "item_id": f"i{index}"}
        empty, item, told, about = said_of(part, index)
        place |= about
        events.append({"type": "response.output_item.added", "output_index": index, "item": empty})
        if part.kind == "text":
            events.append({"type": "response.content_part.added", **place, "part": {**item["content"][0], "text": ""}})
        if part.kind == "reasoning":
            new = {"type": "summary_text", "text": ""}
            events.append({"type": "response.reasoning_summary_part.added", **place, "part": new})
        events += [{"type": f"response.{told}.delta", "delta": piece, **place} for piece in part.pieces]
        whole = "arguments" if part.kind == "tool" else "text"
        events.append({"type": f"response.{told}.done", whole: part.whole, **place})
        events.append({"type": "response.output_item.done", "output_index": index, "item": item})
        output.append(item)
    usage = {"input_tokens": 3, "output_tokens": len(answer), "total_tokens": 3 + len(answer)}
    usage |= {"input_tokens_details": {"cached_tokens": 0}, "output_tokens_details": {"reasoning_tokens": 0}}
    end = {**response, "status": "completed", "output": output, "usage": usage}
    return [
        {**event, "sequence_number": n}
        for n, event in enumerate([*events, {"type": "response.completed", "response": end}])
    ]


def said_of(part: Part, index: int) -> tuple[Event, Event, str, Event]:
    """Give an item's beginning, the item, what its events are called, and where its text stands."""
    id_ = {"id": f"i{index}", "status": "completed"}
    if part.kind == "text":
        head: Event = {**id_, "type": "message", "role": "assistant", "content": []}
        text = {"type": "output_text", "text": part.whole, "annotations": []}
        return head, {**head, "content": [text]}, "output_text", {"content_index": 0}
    if part.kind == "reasoning":
        head = {**id_, "type": "reasoning", "summary": []}
        text = {"type": "summary_text", "text": part.whole}
        return head, {**head, "summary": [text]}, "reasoning_summary_text", {"summary_index": 0}
    head = {**id_, "type": "function_call", "call_id": f"call{index}", "name": "f", "arguments": ""}
    return head, {**head, "arguments": part.whole}, "function_call_arguments", {}


def anthropic(answer: list[Part]) -> list[Event]:
    message = {"id": "m", "type": "message", "role": "assistant", "model": "m", "content": [], "stop_reason": None}
    usage = {"input_tokens": 3, "output_tokens": 1}
    events: list[Event] = [{"type": "message_start", "message": {**message, "usage": usage}}, {"type": "ping"}]
    blocks: dict[str, Event] = {
        "text": {"type": "text", "text": ""},
        "reasoning": {"type": "thinking", "thinking": "", "signature": ""},
        "tool": {"type": "tool_use", "name": "f", "input": {}},
    }
    names = {
        "text": ("text_delta", "text"),
        "reasoning": ("thinking_delta", "thinking"),
        "tool": ("input_json_delta", "partial_json"),
    }
    for index, part in enumerate(answer):
        id_ = {"id": f"call{index}"} if part.kind == "tool" else {}
        events.append({"type": "content_block_start", "index": index, "content_block": {**blocks[part.kind], **id_}})
        kind, field = names[part.kind]
        deltas = [{"type": kind, field: piece} for piece in part.pieces]
        deltas += [{"type": "signature_delta", "signature": "s"}] if part.kind == "reasoning" else []
        events += [{"type": "content_block_delta", "index": index, "delta": delta} for delta in deltas]
        events.append({"type": "content_block_stop", "index": index})
    reason = "tool_use" if any(part.kind == "tool" for part in answer) else "end_turn"
    delta = {"stop_reason": reason, "stop_sequence": None}
    events.append({"type": "message_delta", "delta": delta, "usage": {"output_tokens": len(answer)}})
    return [*events, {"type": "message_stop"}]


def ollama(answer: list[Part]) -> list[Event]:
    head = {"model": "m", "created_at": "2025-01-01T00:00:00Z"}
    messages: list[Event] = []
    for part in answer:
        if part.kind == "tool":
            messages.append({"tool_calls": [{"function": {"name": "f", "arguments": json.loads(part.whole)}}]})
        else:
            field = "content" if part.kind == "text" else "thinking"
            messages += [{field: piece} for piece in part.pieces]
    lines = [{**head, "message": {"role": "assistant", "content": "", **each}, "done": False} for each in messages]
    end = {"done": True, "done_reason": "stop", "prompt_eval_count": 3, "eval_count": len(messages)}
    return [*lines, {**head, "message": {"role": "assistant", "content": ""}, **end}]


def gemini(answer: list[Part]) -> list[Event]:
    told: list[Event] = []
    for index, part in enumerate(answer):
        if part.kind == "tool":
            told.append({"functionCall": {"id": f"call{index}", "name": "f", "args": json.loads(part.whole)}})
        else:
            thought = {"thought": True} if part.kind == "reasoning" else {}
            told += [{"text": piece, **thought} for piece in part.pieces]
    events: list[Event] = [
        {"candidates": [{"content": {"parts": [each], "role": "model"}, "index": 0}]} for each in told
    ]
    end = {"content": {"parts": [{"text": ""}], "role": "model"}, "finishReason": "STOP", "index": 0}
    usage = {"promptTokenCount": 3, "candidatesTokenCount": len(told), "totalTokenCount": 3 + len(told)}
    return [*events, {"candidates": [end], "usageMetadata": usage}]


@st.composite
def streams(draw: st.DrawFn, say: Callable[[list[Part]], list[Event]]) -> tuple[list[Part], list[bytes]]:
    """Draw an answer, and a response that says it, cut anywhere.

    Between what everybody knows stand fields, events and comments that nobody knows, as far as the official client
    bears them; what it does not bear, `test_faults` has.
    """
    answer = draw(ANSWERS)
    unknown = draw(st.dictionaries(TEXT.map("x-{}".format), JSON, max_size=2))
    bodies = [json.dumps({**unknown, **event}) for event in say(answer)]
    if say is ollama:
        return answer, draw(cut("".join(f"{body}\n" for body in bodies).encode()))
    end = draw(st.sampled_from(["\n", "\r\n"]))
    new = f"data: {json.dumps(UNKNOWN)}"
    strange = [[], [new] if say is gemini else [f"event: of_the_future{end}{new}"], [] if say is gemini else [": ping"]]
    frames: list[str] = []
    for event, body in zip(say(answer), bodies, strict=True):
        frames += draw(st.sampled_from(strange)) if frames else []
        frames.append((f"event: {event['type']}{end}" if "type" in event else "") + f"data: {body}")
    frames += ["data: [DONE]"] if say is chat_completions else []
    return answer, draw(cut("".join(f"{frame}{end}{end}" for frame in frames).encode()))
