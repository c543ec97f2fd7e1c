"""An agent with a tool: a spinner while it searches (on a terminal), the answer live, and how long it took."""

import asyncio

from rxllm import Agent, AgentCompleted, Model, ToolCompleted, ToolStarted, tool
from rxllm import operators as ops
from rxllm.senders import StdoutSender


@tool
async def search(query: str) -> str:
    """Search the library.

    Args:
        query: What to look for.
    """
    await asyncio.sleep(0.5)
    return f"One book tells of {query}."


async def main() -> None:
    async with Model("local", seed=2, max_tokens=60) as model:
        librarian = Agent(model, "Answer from what the search found.", tools=[search], tool_choice="required")
        stream = librarian.stream("Who was Moses?")
        stream.subscribe(StdoutSender())
        found = stream.pipe(ops.of_type(ToolStarted, ToolCompleted, AgentCompleted))
        told: list[str] = []
        found.subscribe(lambda item: told.append(f"-- {type(item).__name__} {getattr(item, 'duration_ms', 0):.0f} ms"))
        await stream
    print("\n".join(told))


if __name__ == "__main__":
    asyncio.run(main())
