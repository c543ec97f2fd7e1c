"""An answer goes back into the conversation so that its provider's own rules accept it, also one that was cut off."""

from __future__ import annotations

import json
from typing import Any

import pytest
from fed import chunk, completed, event, fed

from rxllm.items import Finish
from rxllm.messages import Message, chat_request
from rxllm.providers import PROVIDERS
from rxllm.wire import FORMATS, find_wire

CLAUDE = "claude-opus-4-6"
WHY = Message.user("Why?")


def sent(wire: str, *messages: Message, model: str = "m", **extra: Any) -> Any:
    body = find_wire(wire).encode(chat_request(messages, {"extra": extra}), model=model)
    return body.get("messages") or body.get("contents") or body["input"]


def blocks(*told: dict[str, Any], stop: str | None = "end_turn") -> list[bytes]:
    """Frames of Anthropic Messages with these blocks, each whole; without a reason, all but the last is cut off."""
    frames = [event({"type": "message_start", "message": {"id": "1", "model": CLAUDE}})]
    for index, block in enumerate(told):
        frames.append(event({"type": "content_block_start", "index": index, "content_block": block}))
        if stop is not None or index < len(told) - 1:
            frames.append(event({"type": "content_block_stop", "index": index}))
    if stop is not None:
        frames += [event({"type": "message_delta", "delta": {"stop_reason": stop}}), event({"type": "message_stop"})]
    return frames


SIGNED = {"type": "thinking", "thinking": "Hm.", "signature": "sig"}
REDACTED = {"type": "redacted_thinking", "data": "secret"}
CUT = {"type": "thinking", "thinking": "Hm, per", "signature": ""}
TEXT = {"type": "text", "text": "So."}
BLANK = {"type": "text", "text": "\n"}
CALL = {"type": "tool_use", "id": "t1", "name": "f", "input": {"a": 1}}


def put_back(wire: str, frames: list[bytes], *, cancelled: bool = False) -> Message:
    items, _ = fed(find_wire(wire).Decoder(), frames)
    return completed([*items, Finish("cancelled")] if cancelled else items).to_message()


def test_signed_and_redacted_thinking_goes_back_to_claude_as_it_came():
    answer = put_back("anthropic", blocks(SIGNED, REDACTED, TEXT, CALL, stop="tool_use"))
    result = Message.tool("2", tool_call_id="t1")
    assert sent("anthropic", WHY, answer, result, model=CLAUDE)[1]["content"] == [SIGNED, REDACTED, TEXT, CALL]


def test_thinking_that_the_limit_cut_off_has_no_signature_and_does_not_go_back_to_claude():
    answer = put_back("anthropic", blocks(SIGNED, TEXT, CUT, stop="max_tokens"))
    assert sent("anthropic", WHY, answer, model=CLAUDE)[1]["content"] == [SIGNED, TEXT]


def test_an_answer_that_was_nothing_but_cut_off_thinking_is_left_out():
    answer = put_back("anthropic", blocks(CUT, stop="max_tokens"))
    assert [m["role"] for m in sent("anthropic", WHY, answer, WHY, model=CLAUDE)] == ["user", "user"]


def test_a_server_that_signs_nothing_gets_its_thinking_back():
    answer = put_back("anthropic", blocks(CUT, TEXT))
    assert sent("anthropic", WHY, answer, model="qwen3")[1]["content"] == [CUT, TEXT]


def test_a_text_of_blanks_does_not_go_back_to_claude():
    answer = put_back("anthropic", blocks(BLANK, CALL, stop="tool_use"))
    assert sent("anthropic", WHY, answer, model=CLAUDE)[1]["content"] == [CALL]


@pytest.mark.parametrize("last", [SIGNED, REDACTED])
def test_an_answer_that_ends_in_thinking_goes_back_to_claude_without_it(last):
    answer = put_back("anthropic", blocks(SIGNED, TEXT, SIGNED, last, BLANK, stop="max_tokens"))
    assert sent("anthropic", WHY, answer, WHY, model=CLAUDE)[1]["content"] == [SIGNED, TEXT]


def test_an_answer_that_is_nothing_but_thinking_is_left_out_for_claude():
    answer = put_back("anthropic", blocks(SIGNED, REDACTED, stop="max_tokens"))
    assert sent("anthropic", WHY, answer, WHY, model=CLAUDE) == [{"role": "user", "content": "Why?"}] * 2
    assert sent("anthropic", WHY, answer, WHY, model="qwen3")[1]["content"] == [SIGNED, REDACTED]


def answered(message: Message) -> list[Message]:
    """A message with a result for each call that it says is ours."""
    return [message, *(Message.tool("2", tool_call_id=call.id) for call in message.tool_calls)]


BARE = {"type": "tool_use", "id": "t2", "name": "g", "input": {}}
SERVED = {"type": "server_tool_use", "id": "s1", "name": "web_search", "input": {}}


@pytest.mark.parametrize("stop", ["max_tokens", "refusal"])
@pytest.mark.parametrize("cut", [BARE, SERVED])
def test_a_call_that_was_cut_before_its_first_argument_does_not_go_back_to_claude(cut, stop):
    answer = put_back("anthropic", blocks(TEXT, SIGNED, cut, stop=stop))
    assert answer.tool_calls == []
    assert sent("anthropic", WHY, answer, WHY, model=CLAUDE)[1]["content"] == [TEXT]


@pytest.mark.parametrize(("last", "kept"), [(CALL, [BARE, CALL]), ({**BARE, "id": "t3"}, [BARE])])
def test_a_call_without_arguments_that_another_follows_was_whole(last, kept):
    answer = put_back("anthropic", blocks(BARE, last, stop="max_tokens"))
    assert [call.id for call in answer.tool_calls] == [block["id"] for block in kept]
    assert sent("anthropic", WHY, *answered(answer), model=CLAUDE)[1]["content"] == kept


def test_a_call_whose_empty_arguments_were_told_was_whole():
    told = {"type": "content_block_delta", "index": 0, "delta": {"type": "input_json_delta", "partial_json": "{}"}}
    frames = blocks(BARE, stop="max_tokens")
    answer = put_back("anthropic", [*frames[:2], event(told), *frames[2:]])
    assert [call.id for call in answer.tool_calls] == ["t2"]
    assert sent("anthropic", WHY, *answered(answer), model=CLAUDE)[1]["content"] == [BARE]


def test_a_call_without_arguments_goes_back_from_an_answer_that_ended_by_itself():
    answer = put_back("anthropic", blocks(BARE, stop="tool_use"))
    assert [call.id for call in answer.tool_calls] == ["t2"]
    assert sent("anthropic", WHY, *answered(answer), model=CLAUDE)[1]["content"] == [BARE]


def test_a_number_that_no_float_can_hold_does_not_poison_the_conversation():
    head = {"type": "content_block_delta", "index": 1}
    told = {**head, "delta": {"type": "input_json_delta", "partial_json": '{"a": 1e400}'}}
    frames = blocks(TEXT, BARE, stop="tool_use")
    answer = put_back("anthropic", [*frames[:4], event(told), *frames[4:]])
    assert answer.tool_calls == []
    assert sent("anthropic", WHY, answer, WHY, model=CLAUDE)[1]["content"] == [TEXT]


@pytest.mark.parametrize("cancelled", [True, False])
def test_what_came_before_a_cut_within_a_signed_block_goes_back_as_text(cancelled):
    answer = put_back("anthropic", blocks(TEXT, {**CUT, "signature": "half a sig"}, stop=None), cancelled=cancelled)
    assert answer.native == {}
    assert answer.reasoning == "Hm, per"
    assert sent("anthropic", WHY, answer, model=CLAUDE)[1]["content"] in ("So.", [TEXT])


@pytest.mark.parametrize("wire", FORMATS)
def test_half_a_call_goes_back_nowhere(wire):
    half = {"index": 0, "id": "c1", "function": {"name": "f", "arguments": '{"a": '}}
    answer = put_back("chat_completions", [chunk({"content": "So."}), chunk({"tool_calls": [half]})])
    assert answer.tool_calls == []
    assert "c1" not in str(sent(wire, WHY, answer))


@pytest.mark.parametrize("wire", FORMATS)
def test_another_format_gets_text_and_calls_but_no_foreign_signature(wire):
    answer = put_back("anthropic", blocks(SIGNED, REDACTED, TEXT, CALL, stop="tool_use"))
    told = str(sent(wire, WHY, answer, Message.tool("2", tool_call_id="t1")))
    assert "So." in told
    assert "t1" in told
    assert ("sig" in told.replace("signature", "")) == (wire == "anthropic")


def responses(*items: dict[str, Any], status: str = "completed", why: str | None = None) -> list[bytes]:
    done = [event({"type": "response.output_item.done", "output_index": n, "item": i}) for n, i in enumerate(items)]
    end = {"type": f"response.{status}", "response": {"id": "1", "status": status, "output": list(items)}}
    end["response"] |= {"incomplete_details": {"reason": why}} if why else {}
    return [event({"type": "response.created", "response": {"id": "1"}}), *done, event(end)]


ENCRYPTED = {"type": "reasoning", "id": "r1", "summary": [], "encrypted_content": "cipher"}
NAMED = {"type": "reasoning", "id": "r1", "summary": []}
SAID = {"type": "message", "id": "m1", "role": "assistant", "content": [{"type": "output_text", "text": "So."}]}


def test_encrypted_reasoning_goes_back_whether_it_is_stored_or_not():
    answer = put_back("responses", responses(ENCRYPTED, SAID))
    assert sent("responses", WHY, answer)[1:] == sent("responses", WHY, answer, store=False)[1:] == [ENCRYPTED, SAID]


def test_reasoning_that_is_only_a_name_does_not_go_back_where_nothing_is_stored():
    answer = put_back("responses", responses(NAMED, SAID))
    assert sent("responses", WHY, answer)[1:] == [NAMED, SAID]
    assert sent("responses", WHY, answer, store=False)[1:] == [SAID]


def test_reasoning_without_what_it_led_to_does_not_go_back():
    half = {"type": "function_call", "id": "f1", "call_id": "c1", "name": "f", "arguments": '{"a":'}
    answer = put_back("responses", responses(SAID, ENCRYPTED, half, status="incomplete"))
    assert sent("responses", WHY, answer)[1:] == [SAID]


FUNCTION = {"type": "function_call", "id": "f1", "call_id": "c1", "name": "f", "arguments": "", "status": "incomplete"}
CUSTOM = {"type": "custom_tool_call", "id": "k1", "call_id": "c1", "name": "sql", "input": "sel"}


@pytest.mark.parametrize("cut", [FUNCTION, {**FUNCTION, "status": "completed"}, CUSTOM])
@pytest.mark.parametrize("why", ["max_output_tokens", "content_filter"])
def test_the_last_call_of_a_stopped_response_does_not_go_back_if_it_may_be_cut(cut, why):
    answer = put_back("responses", responses(SAID, ENCRYPTED, cut, status="incomplete", why=why))
    assert answer.tool_calls == []
    assert sent("responses", WHY, answer)[1:] == [SAID]


@pytest.mark.parametrize("whole", [FUNCTION, CUSTOM])
def test_a_call_that_another_follows_in_a_stopped_response_was_whole(whole):
    told = {**FUNCTION, "call_id": "c2", "arguments": "{}"}
    answer = put_back("responses", responses(whole, told, status="incomplete", why="max_output_tokens"))
    assert [call.id for call in answer.tool_calls] == ["c1", "c2"]
    assert sent("responses", WHY, *answered(answer))[1:3] == [whole, told]


@pytest.mark.parametrize("wire", FORMATS)
def test_a_custom_tool_s_call_goes_back_with_its_result(wire):
    answer = put_back("responses", responses(CUSTOM))
    told = sent(wire, WHY, *answered(answer))
    assert [str(said).count("sel") for said in told] == [0, 1, 0]
    assert (CUSTOM in told) == (wire == "responses")


def test_a_call_that_has_no_id_gets_that_of_its_result():
    nameless = {"type": "function_call", "name": "f", "arguments": "{}"}
    answer = put_back("responses", responses(nameless))
    call, result = sent("responses", WHY, *answered(answer))[1:]
    assert call["call_id"] == result["call_id"]


@pytest.mark.parametrize("wire", FORMATS)
def test_the_calls_of_two_turns_without_ids_are_told_apart(wire):
    def turn(name: str) -> Message:
        call = {"function": {"name": name, "arguments": {}}}
        line = {"model": "m", "message": {"role": "assistant", "content": "", "tool_calls": [call]}, "done": True}
        message = put_back("ollama", [json.dumps(line).encode()])
        return Message.model_validate_json(message.model_dump_json())

    turns = [turn(name) for name in ("rain", "time")]
    ids = [message.tool_calls[0].id for message in turns]
    assert ids[0] != ids[1]
    told = sent(wire, WHY, *(each for message in turns for each in answered(message)))
    if wire == "ollama":
        assert [message.get("tool_name") for message in told[1:]] == [None, "rain", None, "time"]
    else:
        assert [str(told).count(id_) for id_ in ids] == [2, 2]


def gemini(*parts: dict[str, Any], finish: str | None = "STOP") -> list[bytes]:
    return [
        event({"candidates": [{"content": {"parts": list(parts)}, **({"finishReason": finish} if finish else {})}]})
    ]


def test_a_thought_signature_goes_back_in_its_part():
    part = {"functionCall": {"id": "g1", "name": "f", "args": {}}, "thoughtSignature": "sig"}
    answer = put_back("gemini", gemini({"text": "Hm.", "thought": True}, part))
    result = Message.tool("2", tool_call_id="g1")
    parts = sent("gemini", WHY, answer, result, model="gemini-3-pro")[1]["parts"]
    assert parts == [{"text": "Hm.", "thought": True}, part]


def test_a_call_of_a_cut_stream_has_no_signature_of_its_own_and_gets_the_one_for_strangers():
    part = {"functionCall": {"id": "g1", "name": "f", "args": {"a": 1}}, "thoughtSignature": "sig"}
    answer = put_back("gemini", gemini(part, finish=None), cancelled=True)
    (call,) = sent("gemini", WHY, answer, Message.tool("2", tool_call_id="g1"), model="gemini-3-pro")[1]["parts"]
    assert call["thoughtSignature"] == "skip_thought_signature_validator"


def test_reasoning_goes_back_to_deepseek_and_to_nobody_else_of_chat_completions():
    answer = put_back(
        "chat_completions", [chunk({"reasoning_content": "Hm."}), chunk({"content": "So."}, finish="stop")]
    )
    for name in ("deepseek", "openai", "mistral"):
        body = find_wire("chat_completions").encode(chat_request([answer]), model="m", **PROVIDERS[name].encoding)
        assert body["messages"][0].get("reasoning_content") == ("Hm." if name == "deepseek" else None)
