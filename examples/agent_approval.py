"""A tool that a person must allow: the run waits, and goes on with the answer to the question."""

import asyncio
from typing import Annotated

from pydantic import Field

from rxllm import Agent, Model, ToolApprovalRequested, ToolCompleted, tool


@tool(needs_approval=True)
async def book_room(city: Annotated[str, Field(max_length=20)], nights: Annotated[int, Field(ge=1, le=9)]) -> str:
    """Book a room in a city, for some nights."""
    return f"Booked {nights} nights in {city}."


async def main() -> None:
    async with Model("local", seed=2, max_tokens=100) as model:
        clerk = Agent(model, "You book rooms.", tools=[book_room], tool_choice="required")
        stream = clerk.stream("A room in Rome for two nights, please.")
        async for item in stream:
            match item:
                case ToolApprovalRequested(name=name, arguments=arguments):
                    print(f"may it call {name}({arguments})?")
                    if arguments["nights"] in range(1, 6):  # here a person would be asked
                        stream.approve(item)
                    else:
                        stream.deny(item, "That is too long.")
                case ToolCompleted(result=result, error=error):
                    print("the model is told:", error or result)


if __name__ == "__main__":
    asyncio.run(main())
