"""The providers' own clients, asked the same of the same server, get the same answer as ours."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from rxllm import Model

if TYPE_CHECKING:
    from conftest import LlamaCpp

QUESTION = "Tell me about the light."
MESSAGES: list[Any] = [{"role": "user", "content": QUESTION}]
SCHEMA = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
NO_THINKING = {"chat_template_kwargs": {"enable_thinking": False}}
THINKING = {"chat_template_kwargs": {"force_thinking": True}}
SAME: dict[str, Any] = {"temperature": 0, "max_tokens": 60}


async def ours(wire: str, extra: dict[str, Any], **settings: Any) -> Any:
    async with Model("local", wire=wire) as model:
        return await model.stream(QUESTION, extra=extra, **SAME, **settings)


async def test_openais_client_reads_the_same_text_from_chat_completions(llama_cpp: LlamaCpp):
    openai = pytest.importorskip("openai", reason="OpenAI's client is not installed: pip install openai")
    text, usage = "", None
    async with openai.AsyncOpenAI(base_url=llama_cpp.url, api_key="none") as client:
        chunks = await client.chat.completions.create(
            model="m",
            messages=MESSAGES,
            stream=True,
            stream_options={"include_usage": True},
            extra_body=NO_THINKING,
            **SAME,
        )
        async for chunk in chunks:
            text += "".join(choice.delta.content or "" for choice in chunk.choices)
            usage = chunk.usage or usage
    completion = await ours("chat_completions", NO_THINKING)
    assert completion.text == text != ""
    assert completion.usage.output_tokens == usage.completion_tokens
    assert completion.usage.input_tokens == usage.prompt_tokens


async def test_openais_client_reads_the_same_tool_call_from_chat_completions(llama_cpp: LlamaCpp):
    openai = pytest.importorskip("openai", reason="OpenAI's client is not installed: pip install openai")
    function = {"name": "weather", "description": "", "parameters": SCHEMA}
    async with (
        openai.AsyncOpenAI(base_url=llama_cpp.url, api_key="none") as client,
        client.chat.completions.stream(
            model="m",
            messages=MESSAGES,
            tools=[{"type": "function", "function": function}],
            tool_choice="required",
            extra_body=NO_THINKING,
            **SAME,
        ) as events,
    ):
        (theirs,) = (await events.get_final_completion()).choices[0].message.tool_calls
    completion = await ours("chat_completions", NO_THINKING, tools=[function], tool_choice="required")
    (call,) = completion.tool_calls
    assert (call.name, call.arguments) == (theirs.function.name, json.loads(theirs.function.arguments))


async def test_openais_client_reads_the_same_text_from_responses(llama_cpp: LlamaCpp):
    openai = pytest.importorskip("openai", reason="OpenAI's client is not installed: pip install openai")
    settings = {"temperature": SAME["temperature"], "max_output_tokens": SAME["max_tokens"]}
    text = ""
    async with openai.AsyncOpenAI(base_url=llama_cpp.url, api_key="none") as client:
        events = await client.responses.create(
            model="m", input=QUESTION, stream=True, extra_body=NO_THINKING, **settings
        )
        async for event in events:
            text += event.delta if event.type == "response.output_text.delta" else ""
    assert (await ours("responses", NO_THINKING)).text == text != ""


async def test_anthropics_client_reads_the_same_text_and_thinking_from_messages(llama_cpp: LlamaCpp):
    anthropic = pytest.importorskip("anthropic", reason="Anthropic's client is not installed: pip install anthropic")
    async with anthropic.AsyncAnthropic(base_url=llama_cpp.root, api_key="none") as client:
        events = await client.messages.create(
            model="m", messages=MESSAGES, stream=True, extra_body={**THINKING, "temperature": 0}, max_tokens=60
        )
        deltas = [event.delta async for event in events if event.type == "content_block_delta"]
    completion = await ours("anthropic", THINKING)
    assert completion.text == "".join(d.text for d in deltas if d.type == "text_delta") != ""
    assert completion.reasoning == "".join(d.thinking for d in deltas if d.type == "thinking_delta") != ""
