"""Tools in a request: the call arrives piece by piece, then whole; its result goes back into the conversation."""

import asyncio

from pydantic import BaseModel

from rxllm import Message, Model, ToolCall, ToolCallDelta, ToolSpec


class Where(BaseModel):
    """What the tool takes; any JSON Schema will do."""

    city: str


WEATHER = ToolSpec(name="weather", description="How the weather is in a city.", parameters=Where.model_json_schema())


async def main() -> None:
    history = [Message.user("How is the weather in Rome?")]
    async with Model("local", seed=2, max_tokens=100, tools=[WEATHER]) as model:
        stream = model.stream(history, tool_choice="required")
        async for item in stream:
            match item:
                case ToolCallDelta(arguments=piece):
                    print("piece:", piece)
                case ToolCall(name=name, arguments=arguments):
                    print(f"whole: {name}({Where.model_validate(arguments)})")
        asked = await stream
        results = [Message.tool("It is sunny.", tool_call_id=call.id) for call in asked.tool_calls]
        answer = await model.stream([*history, asked.to_message(), *results])
    print(f"answer: {answer.text}")


if __name__ == "__main__":
    asyncio.run(main())
