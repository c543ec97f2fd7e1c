"""An agent on the real llama.cpp server, in each of the formats that it speaks."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Annotated, Any

import pytest
from pydantic import BaseModel, Field

from rxllm import Model, TextDelta, ToolCallDelta
from rxllm import operators as ops
from rxllm.agent import Agent
from rxllm.tools import tool
from rxllm.turn_items import AgentCompleted, ToolCompleted, ToolStarted, TurnCompleted

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from conftest import LlamaCpp

WIRES = ["chat_completions", "responses", "anthropic"]
City = Annotated[str, Field(max_length=12)]  # a small model would go on and on
NO_THINKING = {"chat_template_kwargs": {"enable_thinking": False}}
FORCED: dict[str, Any] = {"tool_choice": "required", "max_tokens": 300, "extra": NO_THINKING}


class Verse(BaseModel):
    """A verse, short enough for a small model."""

    book: str = Field(max_length=12)
    number: int = Field(ge=1, le=99)


@tool
async def weather(city: City) -> str:
    """What it is like there."""
    return f"mild in {city}"


@tool
def slow(city: City):
    """What it is like there, in steps."""
    yield "asking"
    yield f"mild in {city}"


@tool
async def hang(city: City) -> None:
    """Never tell."""
    await asyncio.Event().wait()


@pytest.fixture(params=WIRES)
async def model(request: pytest.FixtureRequest, llama_cpp: LlamaCpp) -> AsyncIterator[Model]:
    async with Model("local", wire=request.param, temperature=0) as model:
        yield model


@pytest.mark.parametrize("chosen", [weather, slow], ids=lambda each: each.name)
async def test_a_forced_call_runs_and_its_result_is_answered(model: Model, chosen: Any):
    seen: list[Any] = []
    stream = Agent(model, tools=[chosen], max_turns=4).stream("What is it like in Oslo?", **FORCED)
    stream.subscribe(seen.append)
    completion = await stream
    done = [item for item in seen if isinstance(item, ToolCompleted)]
    assert done[0].result == f"mild in {next(i for i in seen if isinstance(i, ToolStarted)).arguments['city']}"
    assert done[0].error is None
    assert completion.finish_reason in ("stop", "length")
    assert len(completion.turns) >= 2
    assert completion.turns[0].tool_calls
    assert [message.role for message in stream.messages][:2] == ["assistant", "tool"]


async def test_usage_is_that_of_all_turns_as_the_server_counted(model: Model):
    turns: list[Any] = []
    stream = Agent(model, tools=[weather], max_turns=4).stream("What is it like in Oslo?", **FORCED)
    stream.subscribe(lambda item: turns.append(item) if isinstance(item, (TurnCompleted, AgentCompleted)) else None)
    completion = await stream
    *each, whole = turns
    assert completion.usage == whole.usage
    assert whole.usage.output_tokens == sum(turn.usage.output_tokens for turn in each)


async def test_a_cancel_while_the_model_speaks_stops_the_generation(model: Model, llama_cpp: LlamaCpp):
    stream = Agent(model, tools=[weather]).stream("Tell me about the light.", max_tokens=7000, extra=NO_THINKING)
    stream.subscribe(lambda item: stream.cancel() if isinstance(item, (TextDelta, ToolCallDelta)) else None)
    assert (await stream).finish_reason == "cancelled"
    await llama_cpp.idle()


async def test_a_cancel_while_a_tool_runs_ends_it(model: Model, llama_cpp: LlamaCpp):
    stream = Agent(model, tools=[hang]).stream("What is it like in Oslo?", **FORCED)
    stream.subscribe(lambda item: stream.cancel() if isinstance(item, ToolStarted) else None)
    assert (await stream).finish_reason == "cancelled"
    await asyncio.sleep(0)
    assert not [task for task in asyncio.all_tasks() if task.get_name().startswith("rxllm tool")]
    await llama_cpp.idle()


async def test_structured_output_is_an_instance_and_grows_before_the_eyes(llama_cpp: LlamaCpp):
    partials: list[Any] = []
    async with Model("local", temperature=0, max_tokens=200, extra=NO_THINKING) as model:
        stream = Agent(model, output=Verse).stream("Name a verse.")
        stream.pipe(ops.partial(Verse)).subscribe(partials.append)
        completion = await stream
    assert isinstance(completion.output, Verse)
    assert len(partials) > 2
