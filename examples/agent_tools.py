"""A tool that runs in a thread, tells how far it is, and knows who asks, which the model does not see."""

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Annotated

from pydantic import Field

from rxllm import Agent, Model, ToolCompleted, ToolProgress, TurnStarted, tool


@dataclass
class Reader:
    """Who asks."""

    read: list[str] = field(default_factory=list)


@tool(timeout=5)
def leaf_through(topic: Annotated[str, Field(max_length=16)], ctx: Reader) -> Iterator[str]:
    """Look for a topic in the book."""
    for page in (1, 2):
        yield f"page {page}"
    ctx.read.append(topic)


async def main() -> None:
    reader = Reader()
    async with Model("local", seed=2, max_tokens=60) as model:
        agent = Agent(model, tools=[leaf_through], tool_choice="required")
        async for item in agent.stream("Tell me of the sea.", ctx=reader):
            if isinstance(item, (TurnStarted, ToolProgress, ToolCompleted)):
                print(item)
    print("looked for:", reader.read)


if __name__ == "__main__":
    asyncio.run(main())
