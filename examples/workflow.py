"""Three agents one after the other: their texts live, and a table of the steps at the end."""

import asyncio

from rxllm import Agent, Model, StageStarted, pipeline
from rxllm import operators as ops


async def main() -> None:
    async with Model("local", seed=5, max_tokens=40) as model:
        workflow = (
            pipeline(name="welcome")
            .prompt(Agent(model, "Greet the visitor.", name="greeter"))
            .map(lambda text: f"What does this mean? {text}", name="ask on")
            .prompt(Agent(model, "Say what the text means.", name="analyzer"))
            .prompt(Agent(model, "Say it in one sentence.", name="summarizer"))
        )
        stream = workflow.stream("Hello! Tell me about the house.")
        stream.pipe(ops.of_type(StageStarted)).subscribe(lambda stage: print(f"\n\n{stage.name} >"))
        stream.pipe(ops.text()).subscribe(lambda text: print(text, end="", flush=True))
        await stream

    print(f"\n\n{'step':<12}{'ms':>8}{'tokens':>8}")
    for step in stream.steps:
        print(f"{step.name:<12}{step.duration_ms:>8.0f}{step.usage.output_tokens if step.usage else '-':>8}")
    print(f"{len(stream.steps)} steps: {stream.value}")


if __name__ == "__main__":
    asyncio.run(main())
